//! What the threads applying a plan are given, and what they return.

use crate::clean::removal::journals::Journal;
use crate::clean::removal::quarantine::Quarantine;
use crate::clean::removal::removal_mode::RemovalMode;
use crate::clean::{Entry, EntryOutcome, JournalProgress, Kind, Origin};
use std::fs::File;
use std::sync::atomic::AtomicU64;

/// Maximum number of entries of one directory in a batch, and of directories journalled together.
pub(super) const BATCH: usize = 1024;
/// Maximum number of failures reported by name.
pub const TOLD: usize = 20;

/// The number of threads that a machine has work for.
pub fn all_threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// Progress.
#[derive(Debug, Default)]
pub struct ApplyProgress {
    /// Entries processed.
    pub entries: AtomicU64,
    /// Bytes removed.
    pub bytes: AtomicU64,
}

/// What is needed to apply a plan.
pub struct Apply<'a> {
    /// Who made the plan, which decides what it may remove.
    pub origin: Origin,
    /// The tree, open and locked.
    pub root: &'a File,
    /// The quarantine in which entries are captured.
    pub quarantine: &'a Quarantine,
    /// What is done with captured entries.
    pub removal_mode: &'a RemovalMode,
    /// The journal of the run.
    pub journal: &'a Journal,
    /// Number of threads; at least one.
    pub threads: usize,
    /// Whether to stop at the first failure.
    pub fail_fast: bool,
    /// Whether to stop at the first entry that has changed.
    pub strict: bool,
    /// The progress of an earlier, interrupted attempt of the same run.
    pub past: Option<&'a JournalProgress>,
    /// Called between entries; true stops the run.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// Called with each removed entry, by any thread. May wait.
    pub told: &'a (dyn Fn(&Entry) + Sync),
    /// Progress for display.
    pub meter: &'a ApplyProgress,
}

/// The result, including earlier attempts of the same run. A directory that is taken as one counts as its contents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Deleted for good, directories included.
    pub deleted: u64,
    /// Directories among them.
    pub dirs: u64,
    /// Moved to the quarantine.
    pub quarantined: u64,
    /// Moved to the backup directory.
    pub backup: u64,
    /// Moved to the trash.
    pub trashed: u64,
    /// Left alone: gone, changed or protected.
    pub skipped: u64,
    /// Could not be removed.
    pub failed: u64,
    /// Bytes removed.
    pub bytes: u64,
    /// The first entries that were skipped or failed.
    pub why: Vec<NotRemoved>,
    /// Whether it was stopped before the end.
    pub stopped: bool,
}

/// An entry that was not removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRemoved {
    /// Path relative to the root.
    pub path: Vec<u8>,
    /// Whether it is a directory, which is deleted in every removal mode.
    pub is_dir: bool,
    /// Skipped, or failed.
    pub did: EntryOutcome,
    /// The reason.
    pub why: String,
}

impl Applied {
    pub(super) fn count(&mut self, did: EntryOutcome, entry: &Entry) {
        self.dirs += u64::from(entry.kind == Kind::Dir);
        *match did {
            EntryOutcome::Quarantined => &mut self.quarantined,
            EntryOutcome::Backup => &mut self.backup,
            EntryOutcome::Trashed => &mut self.trashed,
            _ => &mut self.deleted,
        } += entry.count();
        self.bytes += entry.bytes;
    }

    pub(super) fn add(&mut self, one: Applied) {
        self.deleted += one.deleted;
        self.dirs += one.dirs;
        self.quarantined += one.quarantined;
        self.backup += one.backup;
        self.trashed += one.trashed;
        self.skipped += one.skipped;
        self.failed += one.failed;
        self.bytes += one.bytes;
        self.why.extend(one.why);
        self.why.truncate(TOLD);
    }
}

/// Entries of one directory.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) dir: Vec<u8>,
    pub(super) entries: Vec<Entry>,
}
