//! Removes a directory with all its contents as one, by the same protocol as an entry: **capture, verify, commit**.
//!
//! One rename captures the directory in the quarantine. Only then are its contents compared with the plan; if anything was added, removed or
//! changed, one rename puts it back. To delete it, a second rename marks it as compared, and its entries are removed. So a run that was killed
//! in between goes on where it was.

use super::capture::Captured;
use super::contents::{Differs, dir_contents, survey};
use super::open_below::{open_below, why_not};
use super::parent::Parent;
use super::quarantine::Quarantine;
use super::removal_mode::RemovalMode;
use super::remove_entry::{RemoveOutcome, put_back};
use super::rename::{Target, rename_new};
use super::stamp::{look, look_for};
use super::tree;
use crate::clean::path::split;
use crate::clean::{Contents, ContentsHasher, Entry, EntryOutcome, Kind, Stamp};
use crate::platform::may_change;
use rustix::fs::{AtFlags, Stat, fstat, unlinkat};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

/// The outcome for a directory that a plan takes as one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It was dealt with.
    As(RemoveOutcome),
    /// It cannot be moved by one rename. It is in its place, and its entries have to be removed one by one.
    Apart,
    /// The run is being stopped. A later run continues.
    Stopped,
}

/// What is needed to remove such directories.
#[derive(Clone, Copy)]
pub(super) struct WholeDir<'a> {
    pub(super) quarantine: &'a Quarantine,
    pub(super) removal_mode: &'a RemovalMode,
    /// Whether an earlier attempt of the run may have captured it.
    pub(super) resumed: bool,
    /// Called between entries; true stops the run.
    pub(super) stop: &'a (dyn Fn() -> bool + Sync),
}

fn failed(why: String) -> Taken {
    Taken::As(RemoveOutcome::Failed(why))
}

impl WholeDir<'_> {
    /// Removes the directory `entry` of `parent`, which contained this when it was planned.
    pub(super) fn take(&self, parent: &Parent, entry: &Entry, contents: &Contents) -> Taken {
        let name = split(&entry.path).1;
        match look_for(parent.fd(), name, &entry.stamp) {
            Ok((Kind::Dir, now)) if is_same(&now, &entry.stamp) => {}
            Ok(_) => {
                return Taken::As(RemoveOutcome::Left(
                    "it is not the directory that was planned; left alone".into(),
                ));
            }
            Err(Errno::NOENT) if self.resumed => return self.resume(parent, entry, contents),
            Err(Errno::NOENT) => return Taken::As(RemoveOutcome::Gone),
            Err(error) => return failed(io::Error::from(error).to_string()),
        }
        if self.goes_to_another_file_system() {
            return Taken::Apart;
        }
        if let Err(why) = parent.changes() {
            return failed(why.to_string());
        }
        let dir = match self.quarantine.whole() {
            Ok(dir) => dir,
            Err(error) => {
                return failed(format!("cannot make its place in the quarantine: {}", why_not(error)));
            }
        };
        let hold = Captured::whole(&dir, self.quarantine, &entry.path);
        match hold.capture(parent) {
            Ok(()) => self.settle(parent, &hold, entry, contents),
            Err(Errno::NOENT) => Taken::As(RemoveOutcome::Gone),
            Err(Errno::EXIST) => {
                failed(format!("another entry of that path {} already; left alone", hold.lies()))
            }
            Err(Errno::BUSY) => Taken::As(RemoveOutcome::Left("it is a mount point; left alone".into())),
            // The directory itself must be writable for this, and some file systems cannot move directories.
            Err(_) => Taken::Apart,
        }
    }

    /// Continues what an earlier attempt of the run, which was killed, has begun.
    fn resume(&self, parent: &Parent, entry: &Entry, contents: &Contents) -> Taken {
        if let Ok(dir) = self.quarantine.whole_if_any() {
            let hold = Captured::whole(&dir, self.quarantine, &entry.path);
            match hold.look_for(&entry.stamp) {
                Ok((Kind::Dir, now)) if is_same(&now, &entry.stamp) => {
                    return self.settle(parent, &hold, entry, contents);
                }
                Ok(_) => {
                    let text = format!("another entry of that path {}; left there", hold.lies());
                    return Taken::As(RemoveOutcome::Left(text));
                }
                Err(_) => {}
            }
        }
        let name = self.quarantine.flat_name(&entry.path);
        match self.quarantine.deleting_if_any() {
            Ok(dir) if look(&dir, &name).is_ok() => self.remove(&dir, &name, None),
            _ => Taken::As(RemoveOutcome::Gone),
        }
    }

    /// Compares what was captured, then commits it or puts it back.
    fn settle(&self, parent: &Parent, hold: &Captured<'_>, entry: &Entry, contents: &Contents) -> Taken {
        if let Err(why) = parent.changes() {
            return failed(format!("{why}; it {}", hold.lies()));
        }
        let same = hold.look_for(&entry.stamp).is_ok_and(|(_, now)| is_same(&now, &entry.stamp));
        let (mut dirs, deletes) = (Dirs::new(), matches!(self.removal_mode, RemovalMode::Delete));
        let mut others = false;
        let compared = match same {
            true => survey(hold.dir(), hold.name(), contents, self.stop, |path, dir, hash| {
                others |= !is_ours_to_empty(dir);
                if deletes {
                    dirs.insert(path.into(), hash);
                }
            }),
            false => Err(Differs::As("another directory took its place".into())),
        };
        match compared {
            Ok(()) => {}
            Err(Differs::Stopped) => {
                return match put_back(parent, hold) {
                    Ok(()) => Taken::Stopped,
                    Err(lies) => failed(format!("the run was stopped, and {lies}")),
                };
            }
            Err(Differs::As(why)) => {
                return match put_back(parent, hold) {
                    Ok(()) => Taken::As(RemoveOutcome::Left(format!("{why}; put back"))),
                    Err(lies) => failed(format!("{why}, and {lies}")),
                };
            }
        }
        if others {
            // It could be moved, but neither deleted here nor purged later.
            return match put_back(parent, hold) {
                Ok(()) => Taken::Apart,
                Err(lies) => failed(format!("this user may not empty all of it, and {lies}")),
            };
        }
        match self.removal_mode {
            RemovalMode::Quarantine => Taken::As(RemoveOutcome::Done(EntryOutcome::Quarantined)),
            RemovalMode::Delete => self.delete(parent, hold, &dirs),
            RemovalMode::Backup(_) | RemovalMode::Trash(_) => {
                match self.removal_mode.commit(hold, parent.path(), &entry.stamp) {
                    Ok(did) => Taken::As(RemoveOutcome::Done(did)),
                    Err(why) => match put_back(parent, hold) {
                        // What is there already may be in the way of the directory, but not of each of its entries.
                        Ok(()) => Taken::Apart,
                        Err(lies) => failed(format!("{why}, and {lies}")),
                    },
                }
            }
        }
    }

    /// Marks the directory as compared, and deletes it.
    fn delete(&self, parent: &Parent, hold: &Captured<'_>, dirs: &Dirs) -> Taken {
        let marked = self.quarantine.deleting().and_then(|dir| {
            rename_new(hold.dir(), hold.name(), &dir, hold.name(), Target::Ours).map(|()| dir)
        });
        match marked {
            Ok(dir) => self.remove(&dir, hold.name(), Some(dirs)),
            Err(error) => match put_back(parent, hold) {
                Ok(()) => failed(format!("cannot delete it: {}; it was put back", why_not(error))),
                Err(lies) => failed(format!("cannot delete it: {}, and {lies}", why_not(error))),
            },
        }
    }

    fn remove(&self, dir: &OwnedFd, name: &[u8], dirs: Option<&Dirs>) -> Taken {
        let removed = fstat(self.quarantine.access().root())
            .map_err(io::Error::from)
            .and_then(|above| remove_all(dir, name, dirs, &above, self.stop));
        match removed {
            Ok(true) => Taken::As(RemoveOutcome::Done(EntryOutcome::Deleted)),
            Ok(false) => Taken::Stopped,
            Err(error) => {
                failed(format!("not all of it could be deleted: {error}; the rest lies in the quarantine"))
            }
        }
    }

    fn goes_to_another_file_system(&self) -> bool {
        let device = |meta: io::Result<std::fs::Metadata>| meta.map(|meta| meta.dev()).ok();
        let Some(elsewhere) = self.removal_mode.elsewhere() else { return false };
        device(elsewhere.metadata()) != device(self.quarantine.access().root().metadata())
    }
}

/// Whether this user may remove the entries of a directory, perhaps after a change of its mode.
fn is_ours_to_empty(dir: &OwnedFd) -> bool {
    let owner = |stat: Stat| stat.st_uid == rustix::process::geteuid().as_raw();
    may_change(dir).is_ok() || fstat(dir).is_ok_and(owner)
}

fn is_same(now: &Stamp, planned: &Stamp) -> bool {
    (now.dev, now.ino) == (planned.dev, planned.ino)
}

/// The directories in such a directory, by path relative to it, with their hashes.
pub(super) type Dirs = HashMap<Vec<u8>, blake3::Hash>;

/// Deletes a directory of our quarantine with all its contents. Each of `dirs` is compared once more before it is emptied: a process that is at
/// work in it may have added a file. Without them, an earlier attempt has begun. Returns false if it was stopped before the end. `above` is the
/// root of the mirror.
pub(super) fn remove_all(
    dir: &OwnedFd,
    name: &[u8],
    dirs: Option<&Dirs>,
    above: &Stat,
    stop: &(dyn Fn() -> bool + Sync),
) -> io::Result<bool> {
    let top = open_below(dir, name)?;
    let (mut error, mut stopped, mut changed) = (None, false, false);
    let empty = |path: &[u8], dir: &OwnedFd, names: &[(Vec<u8>, Kind)]| {
        changed = dirs.is_some_and(|dirs| {
            let now = dir_contents(&mut ContentsHasher::default(), path, dir, names);
            now.ok().map(|now| now.hash) != dirs.get(path).copied()
        });
        if changed {
            return false;
        }
        tree::open_up(dir, above);
        for (name, _) in names.iter().filter(|(_, kind)| *kind != Kind::Dir) {
            stopped |= stop();
            if stopped {
                return false;
            }
            if let Err(why) = unlinkat(dir, OsStr::from_bytes(name), AtFlags::empty()) {
                error.get_or_insert(why);
            }
        }
        true
    };
    let mut closed = None;
    let mut seen = tree::walk(&top, empty, |_, why| _ = closed.get_or_insert(why));
    if stopped {
        return Ok(false);
    }
    if changed {
        return Err(io::Error::other("something in it changed meanwhile"));
    }
    if let Some(error) = error.or(closed) {
        return Err(error.into());
    }
    // Children first.
    seen.reverse();
    for path in seen.iter().filter(|path| !path.is_empty()) {
        let (parent, name) = split(path);
        open_below(&top, parent)
            .and_then(|dir| unlinkat(dir, OsStr::from_bytes(name), AtFlags::REMOVEDIR))?;
    }
    unlinkat(dir, OsStr::from_bytes(name), AtFlags::REMOVEDIR)?;
    Ok(true)
}
