//! Applies a plan, for `clean` and `sync`: files in parallel by directory, and directories when everything before them in the plan is done.
//! Memory does not depend on the number of entries.
//!
//! Entries that will not stay in the quarantine are journalled, and the journal is on disk, before they are changed: nothing is ever gone
//! that the journal does not name.

mod directories;
mod feeder;
mod links;
mod page;
mod work;

use super::journals::Journal;
use super::quarantine::Quarantine;
use super::removal_mode::RemovalMode;
use crate::clean::{Entry, EntryOutcome, JournalProgress, Kind, Origin, PlanError};
use feeder::Feeder;
use page::Page;
use std::fs::File;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use work::Shared;

/// Maximum number of entries of one directory in a batch, and of directories journalled together.
const BATCH: usize = 1024;
/// Maximum number of failures reported by name.
const TOLD: usize = 20;

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

/// The result, including earlier attempts of the same run.
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
    /// The first entries that were skipped or failed, with the reason.
    pub why: Vec<(Vec<u8>, String)>,
    /// Whether it was stopped before the end.
    pub stopped: bool,
}

impl Applied {
    fn count(&mut self, did: EntryOutcome, kind: Kind, bytes: u64) {
        self.dirs += u64::from(kind == Kind::Dir);
        match did {
            EntryOutcome::Quarantined => self.quarantined += 1,
            EntryOutcome::Backup => self.backup += 1,
            EntryOutcome::Trashed => self.trashed += 1,
            _ => self.deleted += 1,
        }
        self.bytes += bytes;
    }

    fn add(&mut self, one: Applied) {
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
struct Batch {
    dir: Vec<u8>,
    entries: Vec<Entry>,
}

impl Apply<'_> {
    /// Applies the entries that `next` yields. The whole plan must have been verified before. `Err` if the plan cannot be read or the
    /// journal cannot be written; what was done before is done, and journalled as far as possible.
    pub fn run(&self, next: impl FnMut() -> Result<Option<Entry>, PlanError>) -> Result<Applied, PlanError> {
        let shared = Shared::new(self);
        shared.root();
        let read = Feeder::run(&shared, self.threads.max(1), next);
        shared.root();
        let (applied, broken) = shared.end();
        read?;
        match broken {
            Some(error) => Err(error.into()),
            None => Ok(applied),
        }
    }
}

/// The error of a journal that cannot be written. It ends the run.
type Broken = Mutex<Option<io::Error>>;
