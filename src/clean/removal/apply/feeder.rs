//! Reads the entries of a plan, journals them in groups, and distributes them to the threads.

use super::parts::{BATCH, Batch};
use super::work::Shared;
use crate::clean::path::split;
use crate::clean::{Entry, Kind, PlanError};
use std::sync::{Condvar, Mutex, PoisonError, mpsc};

/// Number of entries given to a thread at once; up to one batch more.
const LOAD: usize = 512;
/// Number of entries journalled together before they are changed. As many may wait for the threads, so that these have work while the next
/// group is read and journalled.
const GROUP: usize = 8192;
/// Maximum number of directories that wait for their contents to be removed.
const DIRS: usize = 8192;

/// Distributes the entries of a plan to the threads.
pub(super) struct Feeder<'a, 'b> {
    shared: &'a Shared<'b>,
    send: mpsc::SyncSender<Vec<Batch>>,
    pending: &'a Pending,
    batch: Batch,
    group: Vec<Batch>,
    /// Number of entries in the group.
    waiting: usize,
    /// Maximum number of entries in the next group. The first group is small, since the threads are idle.
    most: usize,
    /// Directories whose contents precede them in the plan, and those that are taken as one.
    dirs: Vec<Entry>,
}

impl<'a, 'b> Feeder<'a, 'b> {
    /// Processes all entries with this number of threads.
    pub(super) fn run(
        shared: &'a Shared<'b>,
        threads: usize,
        next: impl FnMut() -> Result<Option<Entry>, PlanError>,
    ) -> Result<(), PlanError> {
        let (send, receive) = mpsc::sync_channel::<Vec<Batch>>((GROUP / LOAD).max(threads * 2));
        let (receive, pending) = (Mutex::new(receive), Pending::default());
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    loop {
                        let load = receive.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        let Ok(load) = load else { return };
                        let _done = Done(&pending);
                        load.into_iter().for_each(|batch| shared.batch(batch));
                    }
                });
            }
            let feeder = Feeder {
                shared,
                send,
                pending: &pending,
                batch: Batch::default(),
                group: Vec::new(),
                waiting: 0,
                most: LOAD,
                dirs: Vec::new(),
            };
            feeder.feed(next)
        })
    }

    /// Sends all entries but directories to the threads. Removes directories here, also those that are taken as one, when the threads have done what precedes them.
    fn feed(mut self, mut next: impl FnMut() -> Result<Option<Entry>, PlanError>) -> Result<(), PlanError> {
        while !self.shared.is_over() {
            let Some(entry) = next()? else { break };
            if self.shared.is_done(&entry) {
                continue;
            }
            if matches!(entry.kind, Kind::Dir | Kind::Tree) {
                self.dirs.push(entry);
            } else {
                if split(&entry.path).0 != self.batch.dir || self.batch.entries.len() >= BATCH {
                    self.turn();
                }
                if self.batch.entries.is_empty() {
                    self.batch.dir = split(&entry.path).0.into();
                }
                self.batch.entries.push(entry);
            }
            if self.dirs.len() >= DIRS || self.shared.knows_many() {
                self.settle();
            }
        }
        self.settle();
        Ok(())
    }

    /// Waits until everything that was read is done, then removes the directories.
    fn settle(&mut self) {
        self.turn();
        self.hand_out();
        self.pending.wait();
        self.shared.dirs(std::mem::take(&mut self.dirs));
        self.shared.forget();
    }

    /// Finishes a batch.
    fn turn(&mut self) {
        let full = std::mem::take(&mut self.batch);
        if full.entries.is_empty() {
            return;
        }
        self.waiting += full.entries.len();
        self.group.push(full);
        // Entries for the quarantine need no record, so they need not wait.
        let most = if self.shared.destroys() { self.most } else { 1 };
        if self.waiting >= most {
            self.hand_out();
        }
    }

    /// Journals the group, then sends it to the threads.
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
                self.pending.add();
                if self.send.send(std::mem::take(&mut load)).is_err() {
                    // Every thread has panicked.
                    self.pending.done();
                }
            }
        }
    }
}

/// The number of loads that the threads have not processed.
#[derive(Default)]
struct Pending {
    loads: Mutex<usize>,
    none: Condvar,
}

impl Pending {
    fn add(&self) {
        *self.loads.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }

    fn done(&self) {
        let mut loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        *loads -= 1;
        if *loads == 0 {
            self.none.notify_all();
        }
    }

    fn wait(&self) {
        let loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.none.wait_while(loads, |loads| *loads > 0).unwrap_or_else(PoisonError::into_inner));
    }
}

/// Counts a load as processed when dropped, also if the thread panics.
struct Done<'a>(&'a Pending);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.done();
    }
}
