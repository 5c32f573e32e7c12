//! Doing what a plan says: files first, in parallel by directory, then directories, the deepest first.
//!
//! What will not lie in the quarantine is written down before it is touched, and that is on the disk by then: nothing is
//! ever gone that the journal does not name.

mod links;
mod page;
mod work;

use super::journals::Journal;
use super::quarantine::Quarantine;
use super::removal_mode::RemovalMode;
use crate::clean::path::split;
use crate::clean::{Entry, EntryOutcome, JournalProgress, Kind, PlanError};
use page::Page;
use std::fs::File;
use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError, mpsc};
use work::Shared;

/// Entries of one directory, at most, that are one batch, and directories that are journalled together.
const BATCH: usize = 1024;
/// Entries that a thread takes on at once, or a batch more.
const LOAD: usize = 512;
/// Entries that are written down together before they are touched. As many may be waiting for the threads, so that they have
/// something to do while the next are read and written down.
const GROUP: usize = 8192;
/// How many failures are told by name.
const TOLD: usize = 20;

/// How far it is.
#[derive(Debug, Default)]
pub struct ApplyProgress {
    /// Entries that were come to.
    pub entries: AtomicU64,
    /// Bytes that were taken away.
    pub bytes: AtomicU64,
}

/// What is needed to apply a plan.
pub struct Apply<'a> {
    /// The tree, open and locked.
    pub root: &'a File,
    /// Where entries are captured.
    pub quarantine: &'a Quarantine,
    /// What is done with them.
    pub removal_mode: &'a RemovalMode,
    /// Where it is written down.
    pub journal: &'a Journal,
    /// Threads; at least one.
    pub threads: usize,
    /// Whether to stop at the first failure.
    pub fail_fast: bool,
    /// Whether to stop at the first entry that is not who it was.
    pub strict: bool,
    /// How far an earlier try of the same run came before it was cut short.
    pub past: Option<&'a JournalProgress>,
    /// Asked between entries.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// How far it is.
    pub meter: &'a ApplyProgress,
}

/// What came of it, earlier tries of the same run included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Removed for good, directories included.
    pub deleted: u64,
    /// In the quarantine.
    pub quarantined: u64,
    /// In the backup directory.
    pub backup: u64,
    /// In the trash.
    pub trashed: u64,
    /// Left alone: gone, changed, or protected.
    pub skipped: u64,
    /// Could not be taken away.
    pub failed: u64,
    /// Bytes that were taken away.
    pub bytes: u64,
    /// The first of those that were skipped or failed, and why.
    pub why: Vec<(Vec<u8>, String)>,
    /// Whether it was stopped before the end.
    pub stopped: bool,
}

impl Applied {
    fn count(&mut self, did: EntryOutcome, bytes: u64) {
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
    /// Takes what `next` yields, whose plan has been found whole before. An `Err` is one of reading the plan or writing the
    /// journal; what was done until then is done, and journalled as far as that was possible.
    pub fn run(&self, next: impl FnMut() -> Result<Option<Entry>, PlanError>) -> Result<Applied, PlanError> {
        let shared = Shared::new(self);
        shared.root();
        let (send, receive) = mpsc::sync_channel::<Vec<Batch>>((GROUP / LOAD).max(self.threads * 2));
        let receive = Mutex::new(receive);
        let read = std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    loop {
                        let load = receive.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        let Ok(load) = load else { return };
                        load.into_iter().for_each(|batch| shared.batch(batch));
                    }
                });
            }
            Feeder {
                shared: &shared,
                send,
                batch: Batch::default(),
                group: Vec::new(),
                waiting: 0,
                most: LOAD,
            }
            .feed(next)
        });
        let (dirs, read) = match read {
            Ok(dirs) => (dirs, Ok(())),
            Err(error) => (Vec::new(), Err(error)),
        };
        shared.dirs(dirs);
        shared.root();
        let (applied, broken) = shared.end();
        read?;
        match broken {
            Some(error) => Err(error.into()),
            None => Ok(applied),
        }
    }
}

/// Deals out the entries of a plan.
struct Feeder<'a, 'b> {
    shared: &'a Shared<'b>,
    send: mpsc::SyncSender<Vec<Batch>>,
    batch: Batch,
    group: Vec<Batch>,
    /// Entries in the group.
    waiting: usize,
    /// Entries of the next group. The first one is small, since the threads are waiting.
    most: usize,
}

impl Feeder<'_, '_> {
    /// Gives the directories back, for which the time comes when all else is done.
    fn feed(
        mut self,
        mut next: impl FnMut() -> Result<Option<Entry>, PlanError>,
    ) -> Result<Vec<Entry>, PlanError> {
        let mut dirs: Vec<Entry> = Vec::new();
        while !self.shared.is_over() {
            let Some(entry) = next()? else { break };
            if self.shared.is_done(&entry) {
                continue;
            }
            if entry.kind == Kind::Dir {
                dirs.push(entry);
                continue;
            }
            if split(&entry.path).0 != self.batch.dir || self.batch.entries.len() >= BATCH {
                self.turn();
            }
            if self.batch.entries.is_empty() {
                self.batch.dir = split(&entry.path).0.into();
            }
            self.batch.entries.push(entry);
        }
        self.turn();
        self.hand_out();
        Ok(dirs)
    }

    /// The next batch.
    fn turn(&mut self) {
        let full = std::mem::take(&mut self.batch);
        if full.entries.is_empty() {
            return;
        }
        self.waiting += full.entries.len();
        self.group.push(full);
        // What goes into the quarantine names itself, and need not wait.
        let most = if self.shared.destroys() { self.most } else { 1 };
        if self.waiting >= most {
            self.hand_out();
        }
    }

    /// Only what is written down leaves our hands.
    fn hand_out(&mut self) {
        self.most = (self.most * 2).min(GROUP);
        self.waiting = 0;
        let group = std::mem::take(&mut self.group);
        if !self.shared.mean(group.iter().flat_map(|batch| &batch.entries)) {
            return;
        }
        let (mut load, mut entries) = (Vec::new(), 0);
        let mut batches = group.into_iter().peekable();
        while let Some(batch) = batches.next() {
            entries += batch.entries.len();
            load.push(batch);
            if entries >= LOAD || batches.peek().is_none() {
                entries = 0;
                // Every thread that listens has ended only if it panicked.
                let _ = self.send.send(std::mem::take(&mut load));
            }
        }
    }
}

/// A journal that cannot be written ends everything.
type Broken = Mutex<Option<io::Error>>;
