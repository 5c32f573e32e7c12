//! What is done with an entry that was captured and is the right one.

mod attributes;
mod backup;
mod moving;
mod trash;

pub use backup::Backup;
pub use trash::Trash;

use super::capture::Captured;
use crate::clean::{EntryOutcome, Stamp};
use rustix::fs::{AtFlags, unlinkat};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What is done with entries.
#[derive(Debug)]
pub enum RemovalMode {
    /// They stay in the quarantine.
    Quarantine,
    /// They are removed for good.
    Delete,
    /// They go into a directory, which may lie on another file system.
    Backup(Backup),
    /// They go into the desktop's trash.
    Trash(Trash),
}

impl RemovalMode {
    /// As in the configuration.
    pub fn word(&self) -> &'static str {
        match self {
            RemovalMode::Quarantine => "quarantine",
            RemovalMode::Delete => "delete",
            RemovalMode::Backup(_) => "backup",
            RemovalMode::Trash(_) => "trash",
        }
    }

    /// What a journal says of an entry that met it.
    pub fn did(&self) -> EntryOutcome {
        match self {
            RemovalMode::Quarantine => EntryOutcome::Quarantined,
            RemovalMode::Delete => EntryOutcome::Deleted,
            RemovalMode::Backup(_) => EntryOutcome::Backup,
            RemovalMode::Trash(_) => EntryOutcome::Trashed,
        }
    }

    /// Where we have to write apart from the tree.
    pub fn elsewhere(&self) -> Option<&Path> {
        match self {
            RemovalMode::Quarantine | RemovalMode::Delete => None,
            RemovalMode::Backup(backup) => Some(backup.path()),
            RemovalMode::Trash(trash) => Some(trash.path()),
        }
    }

    /// Does it with what was captured from the directory `from` and is the one that was meant. After an error it is still there.
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

    /// Whether it met an entry that was about to be taken when a run was cut short, and is gone.
    pub(super) fn has(&self, from: &[u8], name: &[u8], stamp: &Stamp) -> bool {
        match self {
            RemovalMode::Quarantine => false,
            // Nothing is left that could tell; nobody else was about to.
            RemovalMode::Delete | RemovalMode::Trash(_) => true,
            RemovalMode::Backup(backup) => backup.has(from, name, stamp),
        }
    }
}
