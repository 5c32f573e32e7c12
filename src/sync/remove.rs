//! Removes exactly the listed entries, below a root that is held open.
//!
//! Names come from a list, so they are checked. [`crate::clean::removal`] removes each entry.

use super::keep_deleted::KeepDeleted;
use super::listing::{Deletions, Mark};
use crate::clean::path::{check, split};
use crate::clean::removal::open_below::{open_below, why_not};
use crate::clean::removal::{ExpectedEntry, Parent, RemoveOutcome, take, take_dir};
use crate::clean::{EntryOutcome, Kind};
use rustix::io::Errno;
use std::io;

/// How many refusals are reported by name.
const TOLD: usize = 3;

/// The result of a removal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Removed {
    /// Files, links and other entries that were removed.
    pub(super) files: u64,
    /// Directories that were removed.
    pub(super) dirs: u64,
    /// Entries that could not be removed.
    pub(super) left: u64,
    /// The first few of them, each with the reason.
    pub(super) why: Vec<String>,
    /// The directory of the first of them, relative to the root.
    pub(super) first: Option<Vec<u8>>,
    /// Whether the removal was stopped before its end.
    pub(super) stopped: bool,
}

impl Removed {
    /// The sum of two results.
    pub(super) fn and(mut self, more: Removed) -> Removed {
        self.files += more.files;
        self.dirs += more.dirs;
        self.left += more.left;
        self.why.extend(more.why);
        self.why.truncate(TOLD);
        self.first = self.first.or(more.first);
        self.stopped |= more.stopped;
        self
    }
}

/// Removes the entries for which `wanted` returns true, in the order of the list. `told` gets the escaped name of each removed entry.
/// `stop` is checked between entries.
pub(super) fn remove(
    keep: &KeepDeleted,
    list: &Deletions,
    stamps: &[Option<Mark>],
    wanted: impl Fn(&[u8]) -> bool,
    mut told: impl FnMut(&[u8]),
    stop: impl Fn() -> bool,
) -> io::Result<Removed> {
    let mut removed = Removed::default();
    let mut remover = Remover { keep, last: None };
    for (entry, stamp) in list.entries()?.zip(stamps) {
        let entry = entry?;
        if !wanted(&entry.name) {
            continue;
        }
        if stop() {
            removed.stopped = true;
            break;
        }
        match remover.remove(&entry.name, entry.dir, stamp.as_ref()) {
            Ok(true) if entry.dir => removed.dirs += 1,
            Ok(true) => removed.files += 1,
            Ok(false) => continue,
            Err(why) => {
                removed.left += 1;
                removed.first.get_or_insert_with(|| split(&entry.name).0.to_vec());
                if removed.why.len() < TOLD {
                    removed.why.push(format!("{}: {why}", String::from_utf8_lossy(&entry.name)));
                }
                continue;
            }
        }
        told(&entry.name);
    }
    // Closing the last parent restores the time of its directory first.
    drop(remover);
    keep.flush()?;
    Ok(removed)
}

/// Removes entries. The parent opened last stays open, since lists are ordered by directory.
struct Remover<'a> {
    keep: &'a KeepDeleted,
    last: Option<Parent>,
}

impl Remover<'_> {
    /// Returns whether the entry was removed; false if there was nothing (left) to remove.
    fn remove(&mut self, name: &[u8], dir: bool, stamp: Option<&Mark>) -> Result<bool, String> {
        check(name).map_err(|_| "not a plain name below the destination; left alone".to_owned())?;
        let (above, file) = split(name);
        if self.last.as_ref().is_none_or(|last| last.path() != above) {
            // Closes the previous parent first.
            self.last = None;
            match Parent::open_to_change(self.keep.access(), above) {
                Ok(parent) => self.last = Some(parent),
                Err(Errno::NOENT) => return Ok(false),
                Err(error) => return Err(why_not(error)),
            }
        }
        let Some(parent) = &self.last else { return Ok(false) };
        let mut meant = false;
        let taken = if dir {
            self.keep.before_dir(parent, file, name).map_err(unwritten)?;
            match take_dir(parent, file, stamp.map(|mark| &mark.stamp)) {
                // Excluded entries keep their directory, as with rsync.
                RemoveOutcome::Left(_) if open_below(self.keep.access().root(), name).is_ok() => {
                    RemoveOutcome::Gone
                }
                other => other,
            }
        } else {
            let Some(mark) = stamp else { return Ok(false) };
            meant = self.keep.before(name).map_err(unwritten)?;
            // Removing or replacing one hard link changes the ctime of the others.
            let wanted = ExpectedEntry { name: file, kind: None, stamp: mark.stamp, touched: mark.linked };
            take(parent, self.keep.quarantine(), wanted, self.keep.removal_mode())
        };
        match taken {
            RemoveOutcome::Done(did) => {
                let kind = if dir { Kind::Dir } else { Kind::File };
                let bytes = stamp.map_or(0, |mark| mark.stamp.size);
                self.keep.note(name, kind, did, bytes).map_err(unwritten)?;
                Ok(true)
            }
            other => {
                if meant {
                    self.keep.note(name, Kind::File, EntryOutcome::Skipped, 0).map_err(unwritten)?;
                }
                match other {
                    RemoveOutcome::Left(why) | RemoveOutcome::Failed(why) => Err(why),
                    RemoveOutcome::Done(_) | RemoveOutcome::Gone => Ok(false),
                }
            }
        }
    }
}

fn unwritten(error: io::Error) -> String {
    format!("cannot write the journal: {error}")
}

#[cfg(test)]
#[path = "remove_tests.rs"]
mod tests;
