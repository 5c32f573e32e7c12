//! What is done with an entry after it was captured and verified.

mod attributes;
mod backup;
mod moving;
mod trash;

pub use backup::Backup;
pub use trash::Trash;

use super::capture::Captured;
use crate::clean::path::split;
use crate::clean::{Entry, EntryOutcome, Stamp};
use rustix::fs::{AtFlags, unlinkat};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What is done with removed entries.
#[derive(Debug)]
pub enum RemovalMode {
    /// They stay in the quarantine.
    Quarantine,
    /// They are deleted for good.
    Delete,
    /// They are moved to a directory, which may be on another file system.
    Backup(Backup),
    /// They are moved to the trash of the desktop.
    Trash(Trash),
}

impl RemovalMode {
    /// The word used in the configuration.
    pub fn word(&self) -> &'static str {
        match self {
            RemovalMode::Quarantine => "quarantine",
            RemovalMode::Delete => "delete",
            RemovalMode::Backup(_) => "backup",
            RemovalMode::Trash(_) => "trash",
        }
    }

    /// The outcome recorded in the journal.
    pub fn did(&self) -> EntryOutcome {
        match self {
            RemovalMode::Quarantine => EntryOutcome::Quarantined,
            RemovalMode::Delete => EntryOutcome::Deleted,
            RemovalMode::Backup(_) => EntryOutcome::Backup,
            RemovalMode::Trash(_) => EntryOutcome::Trashed,
        }
    }

    /// Whether entries are captured in their own directory; otherwise in the quarantine.
    pub(super) fn captures_beside(&self) -> bool {
        matches!(self, RemovalMode::Delete)
    }

    /// The directory outside the tree that must be writable.
    pub fn elsewhere(&self) -> Option<&Path> {
        match self {
            RemovalMode::Quarantine | RemovalMode::Delete => None,
            RemovalMode::Backup(backup) => Some(backup.path()),
            RemovalMode::Trash(trash) => Some(trash.path()),
        }
    }

    /// Commits an entry that was captured from the directory `from` and verified. After an error, the captured entry is still there.
    pub(super) fn commit(
        &self,
        hold: &Captured<'_>,
        from: &[u8],
        stamp: &Stamp,
    ) -> Result<EntryOutcome, String> {
        match self {
            RemovalMode::Quarantine => {}
            RemovalMode::Delete => {
                unlinkat(hold.dir(), OsStr::from_bytes(hold.name()), AtFlags::empty())
                    .map_err(|error| format!("cannot delete it: {}", std::io::Error::from(error)))?;
            }
            RemovalMode::Backup(backup) => {
                backup
                    .put(hold, from, stamp)
                    .map_err(|error| format!("cannot move it to the backup: {error}"))?;
            }
            RemovalMode::Trash(trash) => {
                trash
                    .put(hold, from, stamp)
                    .map_err(|error| format!("cannot move it to the trash: {error}"))?;
            }
        }
        Ok(self.did())
    }

    /// Whether the removal of an entry that was about to be removed when a run was interrupted, and is gone, has completed.
    pub(super) fn has(&self, entry: &Entry) -> bool {
        let (from, name) = split(&entry.path);
        match self {
            RemovalMode::Quarantine => false,
            // Nothing is left to check, but nothing else was about to remove the entry.
            RemovalMode::Delete | RemovalMode::Trash(_) => true,
            RemovalMode::Backup(backup) => match &entry.contents {
                Some(contents) => backup.has_whole(from, name, contents),
                None => backup.has(from, name, &entry.stamp),
            },
        }
    }
}
