//! Removes one entry: **capture, verify, commit**.
//!
//! The entry is renamed to a private name. What was captured is compared with what was expected. Only then is it deleted or kept. If it is
//! another entry, it is renamed back. So an entry that is replaced between the check and the rename is not lost.

use super::capture::Captured;
use super::dir_owner::sticky;
use super::open_below::why_not;
use super::parent::Parent;
use super::quarantine::Quarantine;
use super::removal_mode::RemovalMode;
use super::stamp::{look, look_for};
use crate::clean::{EntryOutcome, Kind, Stamp};
use rustix::fs::{AtFlags, unlinkat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The outcome of a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoveOutcome {
    /// The entry was removed.
    Done(EntryOutcome),
    /// The entry did not exist (any more).
    Gone,
    /// The entry was left alone, since it has changed or may not be changed. The text is the reason.
    Left(String),
    /// The entry could not be removed. The text says why and where it is.
    Failed(String),
}

impl RemoveOutcome {
    /// The outcome for an entry whose directory cannot be opened.
    pub(super) fn unopened(error: Errno) -> Self {
        match error {
            Errno::NOENT => RemoveOutcome::Gone,
            Errno::LOOP | Errno::NOTDIR | Errno::XDEV => RemoveOutcome::Left(why_not(error)),
            error => RemoveOutcome::Failed(format!("cannot open its directory: {}", why_not(error))),
        }
    }
}

/// The entry to remove.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedEntry<'a> {
    /// Its name in the directory.
    pub name: &'a [u8],
    /// Its kind; `None` for anything but a directory.
    pub kind: Option<Kind>,
    /// Its identity.
    pub stamp: Stamp,
    /// Whether the change time may have changed, since another name of the file was removed before.
    pub touched: bool,
}

impl ExpectedEntry<'_> {
    fn is(&self, kind: Kind, stamp: &Stamp) -> bool {
        let same = if self.touched { self.stamp.same_but_ctime(stamp) } else { self.stamp == *stamp };
        same && self.kind.map_or(kind != Kind::Dir, |wanted| wanted == kind)
    }
}

/// Removes an entry that is not a directory.
pub fn take(
    parent: &Parent,
    quarantine: &Quarantine,
    wanted: ExpectedEntry<'_>,
    removal_mode: &RemovalMode,
) -> RemoveOutcome {
    match look_for(parent.fd(), wanted.name, &wanted.stamp) {
        Ok((kind, stamp)) if wanted.is(kind, &stamp) => {}
        Ok(_) => return RemoveOutcome::Left("it has changed since it was counted; left alone".into()),
        Err(Errno::NOENT) => return RemoveOutcome::Gone,
        Err(error) => return RemoveOutcome::Failed(words(error)),
    }
    if let Err(why) = parent.changes() {
        return RemoveOutcome::Failed(why.to_string());
    }
    let hold = match Captured::place(parent, quarantine, removal_mode.captures_beside(), wanted.name) {
        Ok(hold) => hold,
        Err(error) => {
            return RemoveOutcome::Failed(format!(
                "cannot make its place in the quarantine: {}",
                why_not(error)
            ));
        }
    };
    match hold.capture(parent) {
        Ok(()) => {}
        Err(Errno::NOENT) => return RemoveOutcome::Gone,
        Err(Errno::EXIST) => {
            return RemoveOutcome::Failed(format!(
                "another entry of that path {} already; left alone",
                hold.lies()
            ));
        }
        Err(Errno::BUSY | Errno::XDEV) => {
            return RemoveOutcome::Left("it is a mount point; left alone".into());
        }
        Err(error) => return RemoveOutcome::Failed(refused(parent, wanted.name, error)),
    }
    settle(parent, &hold, wanted, removal_mode)
}

/// Verifies the captured entry, then commits it or puts it back.
fn settle(
    parent: &Parent,
    hold: &Captured<'_>,
    wanted: ExpectedEntry<'_>,
    removal_mode: &RemovalMode,
) -> RemoveOutcome {
    if let Err(why) = parent.changes() {
        return RemoveOutcome::Failed(format!("{why}; it {}", hold.lies()));
    }
    // The rename itself changes the change time.
    if !hold
        .look_for(&wanted.stamp)
        .is_ok_and(|(kind, stamp)| ExpectedEntry { touched: true, ..wanted }.is(kind, &stamp))
    {
        return match put_back(parent, hold) {
            Ok(()) => RemoveOutcome::Left("another entry took its place during the removal; put back".into()),
            Err(why) => {
                RemoveOutcome::Failed(format!("another entry took its place during the removal, and {why}"))
            }
        };
    }
    match removal_mode.commit(hold, parent.path(), &wanted.stamp) {
        Ok(did) => RemoveOutcome::Done(did),
        Err(why) => match put_back(parent, hold) {
            Ok(()) => RemoveOutcome::Failed(format!("{why}; it was put back")),
            Err(lies) => RemoveOutcome::Failed(format!("{why}, and {lies}")),
        },
    }
}

/// Completes the removal of an entry that an earlier, killed attempt of the same run captured and did not commit.
pub(super) fn resume(
    parent: &Parent,
    quarantine: &Quarantine,
    wanted: ExpectedEntry<'_>,
    removal_mode: &RemovalMode,
) -> RemoveOutcome {
    let Ok(hold) = Captured::left(parent, quarantine, removal_mode.captures_beside(), wanted.name) else {
        return RemoveOutcome::Gone;
    };
    match hold.look_for(&wanted.stamp) {
        Ok((kind, stamp)) if (ExpectedEntry { touched: true, ..wanted }).is(kind, &stamp) => {
            settle(parent, &hold, wanted, removal_mode)
        }
        Ok(_) => RemoveOutcome::Left(format!("another entry of that path {}; left there", hold.lies())),
        Err(_) => RemoveOutcome::Gone,
    }
}

/// Removes a directory if it is empty and still the one in the plan. `stamp` is `None` for any directory.
pub fn take_dir(parent: &Parent, name: &[u8], stamp: Option<&Stamp>) -> RemoveOutcome {
    let looked = match stamp {
        Some(stamp) => look_for(parent.fd(), name, stamp),
        None => look(parent.fd(), name),
    };
    match looked {
        Ok((Kind::Dir, now)) if stamp.is_none_or(|stamp| (stamp.dev, stamp.ino) == (now.dev, now.ino)) => {}
        Ok(_) => return RemoveOutcome::Left("it has changed since it was counted; left alone".into()),
        Err(Errno::NOENT) => return RemoveOutcome::Gone,
        Err(error) => return RemoveOutcome::Failed(words(error)),
    }
    if let Err(why) = parent.changes() {
        return RemoveOutcome::Failed(why.to_string());
    }
    match unlinkat(parent.fd(), OsStr::from_bytes(name), AtFlags::REMOVEDIR) {
        Ok(()) => RemoveOutcome::Done(EntryOutcome::Deleted),
        Err(Errno::NOENT) => RemoveOutcome::Gone,
        Err(Errno::NOTEMPTY | Errno::EXIST) => RemoveOutcome::Left("it is not empty; left alone".into()),
        Err(Errno::BUSY) => RemoveOutcome::Left("it is a mount point; left alone".into()),
        Err(error) => RemoveOutcome::Failed(refused(parent, name, error)),
    }
}

/// Renames the entry back. Never replaces anything; the error says where the entry is.
pub(super) fn put_back(parent: &Parent, hold: &Captured<'_>) -> Result<(), String> {
    match hold.give_back(parent.fd()) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => Err(format!("its place was taken again: it {}", hold.lies())),
        Err(error) => Err(format!("it could not be put back ({}): it {}", words(error), hold.lies())),
    }
}

fn refused(parent: &Parent, name: &[u8], error: Errno) -> String {
    let sticky = matches!(error, Errno::PERM | Errno::ACCESS).then(|| sticky(parent.fd(), name)).flatten();
    sticky.unwrap_or_else(|| words(error))
}

fn words(error: Errno) -> String {
    std::io::Error::from(error).to_string()
}
