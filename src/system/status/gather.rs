//! Gathers each part in its own thread, at its own interval. A snapshot returns what is known, at once.

use super::{Disk, Freshness, Snapshot, System, Top};
use super::{disks, freshness, processes, system};
use crate::model::job::Job;
use crate::system::running::{self, Seen};
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Intervals of the parts.
const SYSTEM: Duration = Duration::from_millis(500);
const COMMANDS: Duration = Duration::from_millis(500);
const PROCESSES: Duration = Duration::from_secs(1);
const DISKS: Duration = Duration::from_secs(5);
const JOBS: Duration = Duration::from_secs(5);
/// Time to the second reading. Shares need two readings, and a command that reads once waits for the second. The kernel counts in
/// hundredths of a second.
const SECOND: Duration = Duration::from_millis(60);

/// What to gather.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The jobs of the configuration.
    pub jobs: Vec<Job>,
    /// The state directory.
    pub state_dir: PathBuf,
    /// How many processes are listed in each order.
    pub top: usize,
}

/// Gathers until it is dropped. A thread that a dead disk holds is abandoned, and ends with the process.
#[derive(Debug)]
pub struct Gatherer {
    board: Arc<SharedStatus>,
}

#[derive(Debug, Default)]
struct SharedStatus {
    known: Mutex<Known>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Known {
    system: Option<Arc<System>>,
    top: Option<Arc<Top>>,
    disks: Option<Arc<Vec<Disk>>>,
    commands: Option<Arc<Vec<Seen>>>,
    jobs: Option<Arc<Vec<Freshness>>>,
    trouble: Option<String>,
    /// Number of parts that have been read as often as a single snapshot needs.
    done: u8,
    over: bool,
}

const PARTS: u8 = 5;

impl Gatherer {
    /// Starts the threads. Returns an error if a thread could not be started.
    pub fn start(subject: Subject) -> std::io::Result<Self> {
        let board = Arc::new(SharedStatus::default());
        let mut sampler = system::Sampler::default();
        board.part("system", SYSTEM, move || sampler.look(), |known, part| known.system = Some(part))?;
        let mut sampler = processes::Sampler::new(subject.top);
        board.part("processes", PROCESSES, move || sampler.look(), |known, part| known.top = Some(part))?;
        let jobs = subject.jobs.clone();
        board.part("disks", DISKS, move || disks::disks(&jobs), |known, part| known.disks = Some(part))?;
        let state_dir = subject.state_dir.clone();
        let look = move || running::commands(&state_dir);
        board.part("commands", COMMANDS, look, |known, part| known.commands = Some(part))?;
        let Subject { jobs, state_dir, .. } = subject;
        let look = move || freshness::freshness(&jobs, &state_dir).map_err(|error| error.to_string());
        board.part("jobs", JOBS, look, |known, part| match Arc::unwrap_or_clone(part) {
            Ok(jobs) => (known.jobs, known.trouble) = (Some(Arc::new(jobs)), None),
            Err(why) => known.trouble = Some(why),
        })?;
        Ok(Gatherer { board })
    }

    /// Returns what is known now. Never waits.
    pub fn snapshot(&self) -> Snapshot {
        let known = self.board.lock();
        Snapshot {
            time: Timestamp::now(),
            system: known.system.clone(),
            top: known.top.clone(),
            disks: known.disks.clone(),
            commands: known.commands.clone(),
            jobs: known.jobs.clone(),
            trouble: known.trouble.clone(),
        }
    }

    /// Waits until everything has been read, including shares, but no longer than `limit`.
    pub fn wait(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let mut known = self.board.lock();
        while known.done < PARTS {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            known = self.board.changed.wait_timeout(known, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Gatherer {
    fn drop(&mut self) {
        self.board.lock().over = true;
        self.board.changed.notify_all();
    }
}

impl SharedStatus {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a part repeatedly, and stores each result.
    fn part<T: Send + Sync + 'static>(
        self: &Arc<Self>,
        name: &str,
        period: Duration,
        mut look: impl FnMut() -> T + Send + 'static,
        pin: impl Fn(&mut Known, Arc<T>) + Send + 'static,
    ) -> std::io::Result<()> {
        let board = self.clone();
        let shares = matches!(name, "system" | "processes");
        thread::Builder::new().name(name.into()).spawn(move || {
            let mut looks = 0_u32;
            loop {
                let part = Arc::new(look());
                looks = looks.saturating_add(1);
                let mut known = board.lock();
                pin(&mut known, part);
                known.done += u8::from(looks == if shares { 2 } else { 1 });
                board.changed.notify_all();
                let pause = if shares && looks == 1 { SECOND } else { period };
                let until = Instant::now() + pause;
                loop {
                    if known.over {
                        return;
                    }
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    known = board.changed.wait_timeout(known, left).unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_known_soon() {
        let dir = tempfile::tempdir().unwrap();
        let jobs = vec![Job::example("a", "/s/", dir.path().join("a"))];
        let gatherer = Gatherer::start(Subject { jobs, state_dir: dir.path().into(), top: 5 }).unwrap();
        gatherer.wait(Duration::from_secs(60));
        let seen = gatherer.snapshot();
        assert_eq!(seen.jobs.unwrap()[0].job, "a");
        assert_eq!((seen.disks.unwrap().len(), seen.commands.unwrap().len(), seen.trouble), (1, 0, None));
        if cfg!(target_os = "linux") {
            assert!(seen.system.unwrap().cpu.is_some() && !seen.top.unwrap().memory.is_empty());
        }
    }
}
