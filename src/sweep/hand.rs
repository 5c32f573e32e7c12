//! Taking one entry away: **capture, verify, commit**.
//!
//! The entry is renamed into a private directory on the same file system; what was captured is compared with what was
//! meant; only then is it removed for good, or kept. If it is another, it goes back to its place. So whoever swaps the entry between
//! the look and the deed loses nothing.

use super::below::why_not;
use super::fate::Fate;
use super::parent::Parent;
use super::quarantine::Quarantine;
use super::tree::kind_of;
use crate::clean::{Did, Kind, Stamp};
use crate::inventory::nanoseconds;
use rustix::fs::{AtFlags, FileType, RenameFlags, Stat, renameat, renameat_with, statat, unlinkat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It was taken away.
    Done(Did),
    /// There was nothing (left) to take.
    Gone,
    /// It is not who it was, or may not be touched: left alone.
    Left(String),
    /// It could not be taken; it is where the words say.
    Failed(String),
}

impl Taken {
    /// Of an entry whose directory cannot be opened.
    pub(super) fn unopened(error: Errno) -> Self {
        match error {
            Errno::NOENT => Taken::Gone,
            Errno::LOOP | Errno::NOTDIR | Errno::XDEV => Taken::Left(why_not(error)),
            error => Taken::Failed(format!("cannot open its directory: {}", why_not(error))),
        }
    }
}

/// Who an entry is.
#[expect(clippy::unnecessary_cast, reason = "the widths differ between systems")]
pub fn stamp_of(stat: &Stat) -> Stamp {
    let (dev, ino) = (stat.st_dev as u64, stat.st_ino as u64);
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        return Stamp { dev, ino, size: 0, mtime: 0, ctime: 0 };
    }
    Stamp {
        dev,
        ino,
        size: stat.st_size as u64,
        mtime: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        ctime: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
    }
}

/// Looks at an entry without following it.
pub fn look(dir: impl AsFd, name: &[u8]) -> Result<(Kind, Stamp), Errno> {
    let stat = statat(dir, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW)?;
    Ok((kind_of(FileType::from_raw_mode(stat.st_mode)), stamp_of(&stat)))
}

/// What is meant to be taken.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Its name in the directory.
    pub name: &'a [u8],
    /// What it was; `None`: anything but a directory.
    pub kind: Option<Kind>,
    /// Who it was.
    pub stamp: Stamp,
    /// Whether the change time may have moved: another name of the same file has been taken already.
    pub touched: bool,
}

impl Wanted<'_> {
    fn is(&self, kind: Kind, stamp: &Stamp) -> bool {
        let same = if self.touched { self.stamp.same_but_ctime(stamp) } else { self.stamp == *stamp };
        same && self.kind.map_or(kind != Kind::Dir, |wanted| wanted == kind)
    }
}

/// Takes an entry that is no directory.
pub fn take(parent: &Parent, quarantine: &Quarantine, wanted: Wanted<'_>, fate: &Fate) -> Taken {
    match look(parent.fd(), wanted.name) {
        Ok((kind, stamp)) if wanted.is(kind, &stamp) => {}
        Ok(_) => return Taken::Left("it has changed since it was counted; left alone".into()),
        Err(Errno::NOENT) => return Taken::Gone,
        Err(error) => return Taken::Failed(words(error)),
    }
    let hold = match parent.hold(quarantine) {
        Ok(hold) => hold,
        Err(error) => {
            return Taken::Failed(format!("cannot make its place in the quarantine: {}", why_not(error)));
        }
    };
    parent.moves();
    match capture(parent, hold, wanted.name) {
        Ok(()) => {}
        Err(Errno::NOENT) => return Taken::Gone,
        Err(Errno::EXIST) => {
            return Taken::Failed("the quarantine has one of that path already; left alone".into());
        }
        Err(Errno::BUSY | Errno::XDEV) => return Taken::Left("it is a mount point; left alone".into()),
        Err(error) => return Taken::Failed(words(error)),
    }
    settle(parent, hold, wanted, fate)
}

/// Verifies what was captured, and commits or puts it back.
fn settle(parent: &Parent, hold: &OwnedFd, wanted: Wanted<'_>, fate: &Fate) -> Taken {
    parent.moves();
    let captured = look(hold, wanted.name);
    // The rename itself has moved the change time.
    if !captured.as_ref().is_ok_and(|(kind, stamp)| Wanted { touched: true, ..wanted }.is(*kind, stamp)) {
        return match put_back(parent, hold, wanted.name) {
            Ok(()) => Taken::Left("another took its place while it was being taken; put back".into()),
            Err(why) => Taken::Failed(format!("another took its place while it was being taken, and {why}")),
        };
    }
    match fate.commit(hold, wanted.name, parent.path(), &wanted.stamp) {
        Ok(did) => Taken::Done(did),
        Err(why) => match put_back(parent, hold, wanted.name) {
            Ok(()) => Taken::Failed(format!("{why}; it is where it was")),
            Err(lies) => Taken::Failed(format!("{why}, and {lies}")),
        },
    }
}

/// What an earlier try of the same run captured and did not commit, because it was killed.
pub(super) fn resume(parent: &Parent, quarantine: &Quarantine, wanted: Wanted<'_>, fate: &Fate) -> Taken {
    let Ok(hold) = quarantine.held(parent.path()) else { return Taken::Gone };
    match look(&hold, wanted.name) {
        Ok((kind, stamp)) if (Wanted { touched: true, ..wanted }).is(kind, &stamp) => {
            settle(parent, &hold, wanted, fate)
        }
        Ok(_) => Taken::Left("the quarantine holds another of that path; left there".into()),
        Err(_) => Taken::Gone,
    }
}

/// Removes a directory if it is empty and still the one that was counted; `stamp` `None`: any.
pub fn take_dir(parent: &Parent, name: &[u8], stamp: Option<&Stamp>) -> Taken {
    match look(parent.fd(), name) {
        Ok((Kind::Dir, now)) if stamp.is_none_or(|stamp| (stamp.dev, stamp.ino) == (now.dev, now.ino)) => {}
        Ok(_) => return Taken::Left("it has changed since it was counted; left alone".into()),
        Err(Errno::NOENT) => return Taken::Gone,
        Err(error) => return Taken::Failed(words(error)),
    }
    parent.moves();
    match unlinkat(parent.fd(), OsStr::from_bytes(name), AtFlags::REMOVEDIR) {
        Ok(()) => Taken::Done(Did::Deleted),
        Err(Errno::NOENT) => Taken::Gone,
        Err(Errno::NOTEMPTY | Errno::EXIST) => Taken::Left("it is not empty; left alone".into()),
        Err(Errno::BUSY) => Taken::Left("it is a mount point; left alone".into()),
        Err(error) => Taken::Failed(words(error)),
    }
}

/// Renames, and never over anything.
pub(super) fn rename_new(from: impl AsFd, to: impl AsFd, name: &[u8], new: &[u8]) -> Result<(), Errno> {
    let (name, new) = (OsStr::from_bytes(name), OsStr::from_bytes(new));
    renameat_with(from, name, to, new, RenameFlags::NOREPLACE)
}

fn capture(parent: &Parent, hold: &OwnedFd, name: &[u8]) -> Result<(), Errno> {
    match rename_new(parent.fd(), hold, name, name) {
        // File systems that do not know the flag. Nobody else writes in our private directory.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => match look(hold, name) {
            Ok(_) => Err(Errno::EXIST),
            Err(_) => renameat(parent.fd(), OsStr::from_bytes(name), hold, OsStr::from_bytes(name)),
        },
        other => other,
    }
}

/// Renames out of a quarantine, never over anything, also where the file system does not know how.
pub(super) fn give_back(hold: impl AsFd, to: impl AsFd, name: &[u8]) -> Result<(), Errno> {
    match rename_new(&hold, &to, name, name) {
        // A link is refused where something is.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            let name = OsStr::from_bytes(name);
            rustix::fs::linkat(&hold, name, &to, name, AtFlags::empty())
                .and_then(|()| unlinkat(&hold, name, AtFlags::empty()))
        }
        other => other,
    }
}

/// Never over anything: the error says where it lies.
fn put_back(parent: &Parent, hold: &OwnedFd, name: &[u8]) -> Result<(), String> {
    match give_back(hold, parent.fd(), name) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => Err("its place was taken again: it lies in the quarantine".into()),
        Err(error) => Err(format!("it could not be put back ({}): it lies in the quarantine", words(error))),
    }
}

fn words(error: Errno) -> String {
    std::io::Error::from(error).to_string()
}
