//! The walk: a last-in-first-out queue of directories, and threads that take from it.
//!
//! No thread ever waits for a directory below its own: a thread that has finished a directory adds what it found to the queue, and takes
//! the next item. So neither deep nor wide trees can cause a deadlock.

use super::directory::Learned;
use super::listing::Listing;
use super::open::{self, Held};
use super::parallel_lookup::{Ahead, Chunk};
use super::recheck::Before;
use super::worker::Worker;
use super::{Counts, Ended, Options, Scan, ScanError, Trouble, TroubleKind};
use crate::platform;
use crate::scan::inventory::{Builder, Bytes, DirId, DirRef, DirStat, Found, Inventory, NodeId};
use rustix::fs::{CWD, fstat};
use rustix::time::{ClockId, clock_gettime};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Interval for reporting progress and adding threads.
const TICK: Duration = Duration::from_millis(100);
/// The maximum number of threads, however long they wait for the disk.
const MOST_THREADS: usize = 32;
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
    stack: Vec<Item>,
    busy: usize,
    waiting: usize,
    troubles: Vec<Trouble>,
    counts: Counts,
    reused: u64,
    pub(super) read: u64,
    arenas: Vec<(usize, Vec<u8>)>,
}

/// The state that all threads of a scan share.
pub(super) struct Shared<'a> {
    pub(super) options: &'a Options,
    pub(super) root: OwnedFd,
    pub(super) root_stat: DirStat,
    before: Option<Before<'a>>,
    state: Mutex<State>,
    ready: Condvar,
    done: Condvar,
    halt: AtomicBool,
    pub(super) open: Arc<AtomicUsize>,
    pub(super) open_limit: usize,
}

/// Reads the tree below `root`, an absolute path. Unchanged directories of `before` are reused; it must be of the same root and options
/// (see [`Options::fingerprint`]). It is not used with `follow`, since the target of a symlink changes without changing the directory of
/// the symlink.
pub fn scan(root: &Path, options: &Options, before: Option<&Inventory>) -> Result<Scan, ScanError> {
    let fail = |source: rustix::io::Errno| ScanError { root: root.into(), source: source.into() };
    let clock = Instant::now();
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let started = i64::try_from(started).unwrap_or(i64::MAX);
    let deadline = options.timeout.and_then(|timeout| clock.checked_add(timeout));
    let over = || options.stop.is_stopped() || deadline.is_some_and(|deadline| Instant::now() >= deadline);
    let fd = platform::open_child(CWD, root.as_os_str().as_bytes(), true).map_err(fail)?;
    let root_stat = super::directory::dir_stat(&fstat(&fd).map_err(fail)?);
    let cores = thread::available_parallelism().map_or(2, |cores| cores.get());
    let threads = if options.threads == 0 { cores.min(MOST_THREADS) } else { options.threads };
    let before = before.filter(|_| !options.follow).map(|known| Before::check(known, &fd, threads, over));
    let mut arenas: Vec<Bytes> =
        before.iter().flat_map(|before| before.inventory.arenas().iter().cloned()).collect();
    let shared = Shared {
        options,
        root: fd,
        root_stat,
        before,
        state: Mutex::default(),
        ready: Condvar::new(),
        done: Condvar::new(),
        halt: AtomicBool::new(false),
        open: Arc::default(),
        open_limit: open::limit(),
    };
    shared.begin();
    let ended = shared.run(arenas.len(), threads, options.threads == 0, deadline);
    let mut state = shared.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    for item in std::mem::take(&mut state.stack) {
        if let Item::Part(wide, _) = item {
            state.builder.incomplete(wide.task.node);
        }
    }
    state.arenas.sort_unstable_by_key(|(n, _)| *n);
    arenas.extend(state.arenas.into_iter().map(|(_, bytes)| Arc::new(bytes) as Bytes));
    state.troubles.sort_unstable();
    let inventory = state.builder.finish(root.into(), started, arenas);
    Ok(Scan {
        // If a stop was requested after the last directory, everything has been read.
        ended: ended.filter(|_| !inventory.is_complete()),
        inventory,
        troubles: state.troubles,
        counts: state.counts,
        dirs_read: state.read,
        dirs_reused: state.reused,
        elapsed: clock.elapsed(),
    })
}

impl<'a> Shared<'a> {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panicked has left the state as it was before its last step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_halted(&self) -> bool {
        self.halt.load(Ordering::Relaxed) || self.options.stop.is_stopped()
    }

    fn begin(&self) {
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

    /// Starts the threads and waits for them. Their arenas are numbered from `arena`.
    fn run(&self, arena: usize, threads: usize, may_grow: bool, deadline: Option<Instant>) -> Option<Ended> {
        let why = || match self.options.stop.is_stopped() {
            true => Some(Ended::Stopped),
            false => deadline.filter(|at| Instant::now() >= *at).map(|_| Ended::Timeout),
        };
        let mut ended = why();
        self.halt.store(ended.is_some(), Ordering::Relaxed);
        thread::scope(|scope| {
            let mut running = 0;
            let mut start = |count: usize| {
                for n in running..running + count {
                    let number = arena + n;
                    scope.spawn(move || {
                        let bytes = Worker::new(self, number).run();
                        self.lock().arenas.push((number, bytes));
                    });
                }
                running += count;
                running
            };
            // One directory is no work for two threads, but its subdirectories may be.
            let mut count = start(if self.is_done() { 0 } else { threads });
            let (mut tick, mut cpu) = (Instant::now(), cpu_time());
            let mut state = self.lock();
            while !(state.stack.is_empty() || self.is_halted()) || state.busy > 0 {
                let left = deadline.map_or(TICK, |at| at.saturating_duration_since(Instant::now()).min(TICK));
                let pause = if ended.is_some() { TICK } else { left.max(Duration::from_millis(1)) };
                state = self.done.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0;
                ended = ended.or_else(&why);
                if ended.is_some() {
                    self.halt.store(true, Ordering::Relaxed);
                    self.ready.notify_all();
                }
                if tick.elapsed() < TICK {
                    continue;
                }
                let (busy, now) = (cpu_time().saturating_sub(cpu), tick.elapsed());
                let queued = state.stack.len();
                drop(state);
                self.options.meter.call_back();
                // Threads that wait for a disk leave cores idle. More threads keep the queue of the disk full.
                let idle = busy.as_secs_f64() < 0.5 * now.as_secs_f64() * threads as f64;
                if may_grow && idle && queued > count && count < MOST_THREADS && ended.is_none() {
                    count = start(count.min(MOST_THREADS - count));
                }
                (tick, cpu) = (Instant::now(), cpu_time());
                state = self.lock();
            }
            let left = !state.stack.is_empty();
            drop(state);
            // Also if the last directory was abandoned halfway.
            if ended.is_none() && (left || self.is_halted()) {
                ended = Some(Ended::Stopped);
            }
            self.halt.store(true, Ordering::Relaxed);
            self.ready.notify_all();
        });
        ended
    }

    fn is_done(&self) -> bool {
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
        if state.troubles.len() < TOLD {
            state.troubles.push(super::directory::trouble(path, kind, why));
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

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
