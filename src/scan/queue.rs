//! The queue of a walk, last in, first out, and the state that its threads share.
//!
//! No thread ever waits for a directory below its own: a thread that has finished a directory adds what it found to the queue, and takes
//! the next item. So neither deep nor wide trees can cause a deadlock.

use super::directory::{Learned, trouble};
use super::listing::Listing;
use super::open::Held;
use super::parallel_lookup::{Ahead, Chunk};
use super::recheck::Before;
use super::{Counts, Options, Trouble, TroubleKind};
use crate::scan::inventory::{Builder, DirId, DirRef, DirStat, Found, NodeId};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Maximum number of problems kept by name.
const TOLD: usize = 1_000;

/// An item of work.
pub(super) enum Item {
    /// Read a directory.
    Dir(Task),
    /// Process some names of a large directory.
    Part(Arc<Wide>, Range<usize>),
    /// Process names of a directory that is still being listed.
    Ahead(Arc<Chunk>),
}

/// A directory to read.
pub(super) struct Task {
    pub(super) node: NodeId,
    pub(super) depth: u32,
    /// The parent directory, if it is still open.
    pub(super) at: Option<Arc<Held>>,
    /// Whether it is reached through a symlink.
    pub(super) through: bool,
    /// The directory in the previous inventory.
    pub(super) before: Option<DirId>,
}

/// A large directory whose names are processed by several threads.
pub(super) struct Wide {
    pub(super) task: Task,
    pub(super) dir: Arc<Held>,
    pub(super) listing: Listing,
    pub(super) ahead: Ahead,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) builder: Builder,
    pub(super) stack: Vec<Item>,
    pub(super) busy: usize,
    pub(super) waiting: usize,
    pub(super) troubles: Vec<Trouble>,
    pub(super) counts: Counts,
    pub(super) reused: u64,
    pub(super) read: u64,
    pub(super) arenas: Vec<(usize, Vec<u8>)>,
}

/// The state that all threads of a scan share.
pub(super) struct Shared<'a> {
    pub(super) options: &'a Options,
    pub(super) root: OwnedFd,
    pub(super) root_stat: DirStat,
    pub(super) before: Option<Before<'a>>,
    pub(super) state: Mutex<State>,
    pub(super) ready: Condvar,
    pub(super) done: Condvar,
    pub(super) halt: AtomicBool,
    pub(super) open: Arc<AtomicUsize>,
    pub(super) open_limit: usize,
}

impl<'a> Shared<'a> {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panicked has left the state as it was before its last step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_halted(&self) -> bool {
        self.halt.load(Ordering::Relaxed) || self.options.stop.is_stopped()
    }

    /// Queues the root.
    pub(super) fn begin(&self) {
        let mut state = self.lock();
        match &self.before {
            Some(before) if before.holds(DirId::ROOT) => {
                if let Some(root) = before.inventory.dir(DirId::ROOT) {
                    self.adopt(&mut state, before, root, None);
                }
            }
            before => {
                let node = state.builder.add(None, b"");
                let before = before.as_ref().map(|_| DirId::ROOT);
                state.stack.push(Item::Dir(Task { node, depth: 0, at: None, through: false, before }));
            }
        }
    }

    pub(super) fn is_done(&self) -> bool {
        let state = self.lock();
        state.stack.is_empty() && state.busy == 0
    }

    /// Waits for the next item. `None` if everything is done or the scan ends. For a directory, sets `name` to its name, and `path` to its
    /// path if the parent is not open, the directory is not deep, or there are exclude patterns.
    pub(super) fn next(&self, name: &mut Vec<u8>, path: &mut Vec<u8>) -> Option<Item> {
        let mut state = self.lock();
        loop {
            if self.is_halted() {
                return None;
            }
            if let Some(item) = state.stack.pop() {
                state.busy += 1;
                let Item::Dir(task) = &item else { return Some(item) };
                name.clear();
                name.extend_from_slice(state.builder.name(task.node));
                // Building the path for every directory of a very deep tree would take quadratic time.
                let shallow = task.depth < 64;
                if shallow || task.at.is_none() || !self.options.exclude.is_empty() {
                    *path = state.builder.path(task.node);
                    self.options.meter.enter(path);
                }
                return Some(item);
            }
            if state.busy == 0 {
                self.ready.notify_all();
                self.done.notify_all();
                return None;
            }
            state.waiting += 1;
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }

    /// Marks an item as done.
    pub(super) fn finish(&self, mut state: MutexGuard<'_, State>) {
        state.busy -= 1;
        if state.busy == 0 && (state.stack.is_empty() || self.is_halted()) {
            self.ready.notify_all();
            self.done.notify_all();
        } else if state.waiting > 0 {
            match state.stack.len() {
                0 => {}
                1 => self.ready.notify_one(),
                _ => self.ready.notify_all(),
            }
        }
    }

    /// Ends the scan with what is known after a thread has panicked.
    pub(super) fn give_up(&self) {
        self.halt.store(true, Ordering::Relaxed);
        self.finish(self.lock());
    }

    /// Records a problem.
    pub(super) fn trouble(&self, state: &mut State, path: Vec<u8>, kind: TroubleKind, why: String) {
        state.counts.note(kind);
        if kind == TroubleKind::Unreadable {
            self.options.meter.error();
        }
        if state.troubles.len() < TOLD {
            state.troubles.push(trouble(path, kind, why));
        }
    }

    /// Whether this directory is one of its own ancestors.
    pub(super) fn is_loop(&self, state: &State, node: NodeId, stat: &DirStat) -> bool {
        std::iter::successors(state.builder.parent(node), |node| state.builder.parent(*node))
            .filter_map(|node| state.builder.stat(node))
            .any(|above| (above.dev, above.inode) == (stat.dev, stat.inode))
    }

    /// Adds the subdirectories of a directory to the queue, or reuses them from the previous inventory.
    pub(super) fn push_dirs(
        &self,
        state: &mut State,
        task: &Task,
        listing: &Listing,
        learned: &Learned,
        at: Option<&Arc<Held>>,
    ) {
        let known = self.before.as_ref().zip(task.before);
        let known = known.and_then(|(before, id)| before.inventory.dir(id).map(|dir| (before, dir)));
        let mut known = known.map(|(before, dir)| (before, dir.dirs().peekable()));
        for (n, through) in &learned.dirs {
            let (name, _) = listing.get(*n as usize);
            let mut old = None;
            if let Some((before, siblings)) = &mut known {
                while siblings.next_if(|dir| dir.name() < name).is_some() {}
                old = siblings.next_if(|dir| dir.name() == name);
                if let Some(dir) = old.filter(|dir| before.holds(dir.id())) {
                    self.adopt(state, before, dir, Some(task.node));
                    continue;
                }
            }
            let node = state.builder.add(Some(task.node), name);
            let (at, before) = (at.cloned(), old.map(|dir| dir.id()));
            state.stack.push(Item::Dir(Task { node, depth: task.depth + 1, at, through: *through, before }));
        }
    }

    /// Offers names of a directory that is being listed, if a thread may be idle.
    pub(super) fn push_ahead(&self, chunk: impl FnOnce() -> Option<Arc<Chunk>>) {
        let mut state = self.lock();
        if state.stack.is_empty()
            && let Some(chunk) = chunk()
        {
            state.stack.push(Item::Ahead(chunk));
            if state.waiting > 0 {
                self.ready.notify_one();
            }
        }
    }

    /// Adds the parts of a large directory to the queue.
    pub(super) fn push_parts(&self, state: &mut State, wide: Arc<Wide>, size: usize) {
        let names = wide.listing.len();
        let starts = (0..names).step_by(size).rev();
        state.stack.extend(starts.map(|at| Item::Part(wide.clone(), at..(at + size).min(names))));
    }

    /// Reuses an unchanged directory, and everything unchanged below it.
    fn adopt(&self, state: &mut State, before: &Before<'_>, top: DirRef<'_>, parent: Option<NodeId>) {
        let first = top.id().0;
        let mut nodes: Vec<Option<NodeId>> = vec![None; (top.end().0 - first) as usize];
        let (mut n, mut entries, mut bytes, mut reused) = (first, 0, 0, 0);
        while n < top.end().0 {
            let Some(dir) = before.inventory.dir(DirId(n)) else { break };
            let above = dir.parent().filter(|_| n != first);
            let above =
                above.and_then(|dir| nodes.get(dir.id().0.checked_sub(first)? as usize).copied().flatten());
            let node = state.builder.add(above.or(parent), dir.name());
            if !before.holds(dir.id()) {
                let (depth, before) = (dir.depth() as u32, Some(dir.id()));
                state.stack.push(Item::Dir(Task { node, depth, at: None, through: false, before }));
                n = dir.end().0;
                continue;
            }
            nodes[(n - first) as usize] = Some(node);
            state.builder.found(node, Found { stat: *dir.stat(), state: dir.state() });
            state.builder.adopt(node, &dir);
            entries += 1 + dir.own().entries();
            bytes += dir.own().bytes;
            reused += 1;
            n += 1;
        }
        state.reused += reused;
        self.options.meter.add(entries, bytes, reused);
    }
}
