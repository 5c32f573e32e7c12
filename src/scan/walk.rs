//! The walk: threads that take directories from a queue.

use super::device::storage;
use super::look::dir_stat;
use super::open;
use super::queue::{Item, Shared};
use super::recheck::Before;
use super::worker::Worker;
use super::{Ended, Options, Scan, ScanError};
use crate::platform;
use crate::scan::inventory::{Bytes, Inventory};
use rustix::fs::{CWD, fstat};
use rustix::time::{ClockId, clock_gettime};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Interval for reporting progress and adding threads.
const TICK: Duration = Duration::from_millis(100);
/// The maximum number of threads for a drive of which nothing is known.
const MOST_THREADS: usize = 32;

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
    let root_stat = dir_stat(&fstat(&fd).map_err(fail)?);
    let cores = thread::available_parallelism().map_or(2, |cores| cores.get());
    // More threads than cores are started while they wait for the drive.
    let most = match options.threads {
        0 => storage(root).map_or(MOST_THREADS, |storage| storage.most_scan_threads(cores)),
        threads => threads,
    };
    let threads = if options.threads == 0 { cores.min(most) } else { options.threads };
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
    let ended = shared.run(arenas.len(), threads, most, deadline);
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

impl Shared<'_> {
    /// Starts the threads and waits for them; while they wait for the drive, more are started, up to `most`. Their arenas are numbered from
    /// `arena`.
    fn run(&self, arena: usize, threads: usize, most: usize, deadline: Option<Instant>) -> Option<Ended> {
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
                if idle && queued > count && count < most && ended.is_none() {
                    count = start(count.min(most - count));
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
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
