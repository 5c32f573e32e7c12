//! Applies a plan: files first, in parallel by directory, then directories, the deepest first.
//!
//! Entries that will not stay in the quarantine are journalled, and the journal is on disk, before they are changed: nothing is ever gone
//! that the journal does not name.

mod page;
mod parts;
mod work;

pub use parts::{Applied, Apply, ApplyProgress};

use crate::clean::path::split;
use crate::clean::{Entry, Kind, PlanError};
use parts::{BATCH, Batch};
use std::sync::{Mutex, PoisonError, mpsc};
use work::Shared;

/// Number of entries given to a thread at once; up to one batch more.
const LOAD: usize = 512;
/// Number of entries journalled together before they are changed. As many may wait for the threads, so that these have work while the next
/// group is read and journalled.
const GROUP: usize = 8192;

impl Apply<'_> {
    /// Applies the entries that `next` yields. The whole plan must have been verified before. `Err` if the plan cannot be read or the
    /// journal cannot be written; what was done before is done, and journalled as far as possible.
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

/// Distributes the entries of a plan to the threads.
struct Feeder<'a, 'b> {
    shared: &'a Shared<'b>,
    send: mpsc::SyncSender<Vec<Batch>>,
    batch: Batch,
    group: Vec<Batch>,
    /// Number of entries in the group.
    waiting: usize,
    /// Maximum number of entries in the next group. The first group is small, since the threads are idle.
    most: usize,
}

impl Feeder<'_, '_> {
    /// Sends all entries but directories to the threads. Returns the directories, which are removed at the end.
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
                // Sending fails only if every thread has panicked.
                let _ = self.send.send(std::mem::take(&mut load));
            }
        }
    }
}
