//! The three phases of an attempt, each told and timed.

use super::attempt::{Ending, Listed, Try};
use super::blocking::off_thread;
use super::child::{self, Ended, Order, Ran, Show};
use super::deletions::{Counted, Deletions, Mark};
use super::guard;
use super::keep::{Keep, NoKeep};
use super::remove::{self, Removed};
use super::watchdog::Watchdog;
use super::{Mode, list_path};
use crate::event::{Event, Level, Lines, Phase, Stream};
use crate::result::Reason;
use crate::rsync::args::{self, Purpose};
use crate::rsync::exit::{Class, Verdict};
use crate::rsync::output::{Change, ChangeKind, Stats};
use std::io;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;

/// How many bytes of lines of our own are told at once.
const BLOCK: usize = 16 * 1024;

impl Try<'_> {
    /// Counts what would change. A source that can only be read in part is transferred, but counts for nothing.
    pub(super) async fn list(&mut self, purpose: Purpose) -> Result<Listed, Ending> {
        let mut listed = self.list_once(purpose).await?;
        if matches!(listed.2, Verdict::Vanished(_)) {
            self.voice.notice(Level::Info, "files vanished while they were listed; listing once more").await;
            listed = self.list_once(purpose).await?;
        }
        let (counted, stats, verdict) = listed;
        match verdict {
            Verdict::Ok => Ok(Listed { counted, stats, warned: None }),
            Verdict::Vanished(reason) => Ok(Listed { counted, stats, warned: Some(reason) }),
            Verdict::Failed(class, reason) => Err(Ending::Failed(class, reason)),
            Verdict::Partial(reason) => {
                if self.plan.mode == Mode::Real {
                    // What could not be listed cannot be transferred either.
                    match self.transfer().await {
                        Ok(_) | Err(Ending::Partial(_)) => {}
                        Err(ending) => return Err(ending),
                    }
                }
                Err(Ending::Partial(reason.and("nothing was deleted, since not everything could be listed")))
            }
        }
    }

    async fn list_once(&mut self, purpose: Purpose) -> Result<(Counted, Stats, Verdict), Ending> {
        let path = list_path(&self.plan.state_dir, &self.job.name, &self.plan.run);
        let cannot = |error: io::Error| {
            let text = format!("cannot write the list of deletions {}: {error}", path.display());
            Ending::Failed(
                Class::Fatal,
                Reason::new(text).hint("is the state directory writable, and its disk not full?"),
            )
        };
        // What goes wrong here is a try's failure already.
        self.announce(purpose).await;
        let mut list = Deletions::create(&path).map_err(cannot)?;
        let show = match self.plan.mode {
            Mode::DryRun => Show::Lines,
            Mode::Plan { paths: true } => Show::Changes,
            Mode::Plan { paths: false } | Mode::Real => Show::Nothing,
        };
        let delete = self.job.delete;
        let mut note = |change: &Change<'_>| {
            let counts = delete || change.kind != ChangeKind::Deleted;
            if counts {
                list.note(change);
            }
            counts
        };
        let ran = self.rsync(Phase::List, purpose, show, &mut note).await;
        let counted = list.finish().map_err(cannot)?;
        let stats = ran.stats;
        self.figures.total_files = stats.files.map(|f| f.files());
        self.figures.total_bytes = stats.total_size;
        self.figures.bytes_received = came(&stats, self.source.is_remote());
        Ok((counted, stats, self.verdict(ran)?))
    }

    /// Transfers what is new and changed; removes nothing. The answer is a warning, if there is one.
    pub(super) async fn transfer(&mut self) -> Result<Option<Reason>, Ending> {
        let before = self.figures;
        if self.job.keep_deleted.is_some() && self.lock.is_some() {
            self.keep().await?;
        }
        let mut ran = self.rsync(Phase::Transfer, Purpose::Transfer, Show::Lines, &mut |_| true).await;
        let mut moved = Moved::default();
        let remote = self.source.is_remote();
        moved.add(&ran, remote);
        if matches!(ran.verdict, Ended::Judged(Verdict::Vanished(_))) {
            self.voice
                .notice(Level::Info, "files vanished while they were transferred; transferring once more")
                .await;
            ran = self.rsync(Phase::Transfer, Purpose::Transfer, Show::Lines, &mut |_| true).await;
            moved.add(&ran, remote);
        }
        self.figures.files_transferred = moved.files;
        self.figures.bytes_received = match (before.bytes_received, moved.bytes) {
            (Some(a), Some(b)) => Some(a + b),
            (None, bytes) if before.total_files.is_none() => bytes,
            _ => None,
        };
        self.figures.total_files = ran.stats.files.map(|f| f.files()).or(before.total_files);
        self.figures.total_bytes = ran.stats.total_size.or(before.total_bytes);
        match self.verdict(ran)? {
            Verdict::Ok => Ok(None),
            Verdict::Vanished(reason) => Ok(Some(reason)),
            Verdict::Partial(reason) => Err(Ending::Partial(reason)),
            Verdict::Failed(class, reason) => Err(Ending::Failed(class, reason)),
        }
    }

    /// Removes what was counted: what stands in the way of the transfer, or (afterwards) all that is left.
    pub(super) async fn delete(
        &mut self,
        counted: &Counted,
        stamps: &[Option<Mark>],
        in_the_way: bool,
    ) -> Result<Removed, Ending> {
        let Some(lock) = self.lock else { return Ok(Removed::default()) };
        let keep = self.keep().await?;
        self.voice.phase(self.number, Phase::Delete, &[]).await;
        let started = Instant::now();
        let root = lock.directory().try_clone().map_err(|e| unreadable(counted, e))?;
        let (list, stamps) = (counted.clone(), stamps.to_vec());
        let (voice, stop) = (self.voice.clone(), self.voice.stop.clone());
        // The names go through a channel of their own, so that a slow reader slows us down and does not block the run.
        let (names, mut told) = mpsc::channel::<Vec<u8>>(4);
        let work = tokio::task::spawn_blocking(move || {
            let mut block = Vec::new();
            let wanted = |name: &[u8]| list.is_in_the_way(name) == in_the_way;
            let tell = |name: &[u8]| {
                block.extend_from_slice(b"deleting ");
                escape_into(name, &mut block);
                block.push(b'\n');
                if block.len() >= BLOCK {
                    // Nobody listens only when the run ends now.
                    let _ = names.blocking_send(std::mem::take(&mut block));
                }
            };
            let removed = remove::remove(&root, &keep, &list, &stamps, wanted, tell, || stop.is_stopping());
            if !block.is_empty() {
                let _ = names.blocking_send(block);
            }
            removed
        });
        while let Some(block) = told.recv().await {
            voice
                .say(Event::Output {
                    job: voice.job.clone(),
                    stream: Stream::Stdout,
                    lines: Lines::new(block),
                })
                .await;
        }
        let removed = match work.await {
            Ok(removed) => removed.map_err(|e| unreadable(counted, e)),
            Err(panic) => {
                Err(Ending::Failed(Class::Fatal, Reason::new(format!("deleting broke off: {panic}"))))
            }
        };
        self.phases.push((Phase::Delete, started.elapsed()));
        // After an error nobody knows how far it came.
        let files = removed.as_ref().ok().map(|removed| removed.files);
        self.figures.files_deleted = self.figures.files_deleted.zip(files).map(|(before, now)| before + now);
        removed
    }

    /// What becomes of what is removed or replaced.
    async fn keep(&mut self) -> Result<Arc<Keep>, Ending> {
        if let Some(keep) = &self.keep {
            return Ok(keep.clone());
        }
        let refused = |error: NoKeep| Ending::Failed(Class::Fatal, error.into());
        let cannot = |source: io::Error| refused(NoKeep::Quarantine { dest: self.job.dest.clone(), source });
        let Some(lock) = self.lock else {
            return Err(cannot(io::Error::other("the destination is not locked")));
        };
        let root = lock.directory().try_clone().map_err(cannot)?;
        let (job, state, run) = (self.job.clone(), self.plan.state_dir.clone(), self.plan.run.clone());
        let new = off_thread(&self.voice.stop, move || Keep::new(root, &job, &state, &run)).await;
        let keep = Arc::new(new.ok_or(Ending::Stopped)?.map_err(refused)?);
        self.keep = Some(keep.clone());
        Ok(keep)
    }

    /// The command for that purpose; tells that the attempt starts, if it is the first.
    async fn announce(&mut self, purpose: Purpose) -> Vec<String> {
        let mut argv = args::argv(&self.plan.rsync, self.job, self.source, purpose);
        if purpose == Purpose::Transfer && self.keep.is_some() && self.job.keep_deleted.is_some() {
            // Each transfer has its own, or else a second one would replace what the first has kept.
            let layer = u64::from(self.number) * 100 + u64::from(self.transfers);
            args::keep_replaced(&mut argv, &self.plan.run, layer);
        }
        if !std::mem::replace(&mut self.announced, true) {
            let (source, argv, job) = (self.source.text.clone(), argv.clone(), self.voice.job.clone());
            self.voice.say(Event::JobStarted { job, attempt: self.number, source, argv }).await;
        }
        argv
    }

    async fn rsync(
        &mut self,
        phase: Phase,
        purpose: Purpose,
        show: Show,
        changes: &mut (dyn FnMut(&Change<'_>) -> bool + Send),
    ) -> Ran {
        let (plan, job) = (self.plan, self.job);
        self.transfers += u32::from(purpose == Purpose::Transfer);
        let argv = self.announce(purpose).await;
        self.voice.phase(self.number, phase, &argv).await;
        let timeout = job.timeout.map(|t| t.saturating_sub(self.started.elapsed()));
        let mut watchdog = Watchdog::new(timeout, job.stall);
        if plan.mode == Mode::Real {
            watchdog = watchdog.min_free(job.dest.clone(), job.min_free);
        }
        // The last words of the run before are not this one's progress.
        self.voice.progress.send_replace(None);
        let started = Instant::now();
        let (source, timeout, grace) = (self.source, job.timeout, plan.grace);
        let priority = self.job.child_priority;
        let order = Order { argv: &argv, purpose, source, watchdog, priority, grace, timeout, show };
        let ran = child::run(order, self.voice, changes).await;
        self.phases.push((phase, started.elapsed()));
        self.code = ran.code;
        ran
    }

    /// The verdict on an rsync that ended by itself; otherwise the end of the attempt.
    fn verdict(&self, ran: Ran) -> Result<Verdict, Ending> {
        match ran.verdict {
            Ended::Judged(verdict) => Ok(verdict),
            Ended::Stopped => Err(Ending::Stopped),
            Ended::DiskLow(free) => {
                let least = self.job.min_free.unwrap_or(0);
                Err(Ending::Blocked(guard::disk_low(self.job, free, least)))
            }
        }
    }
}

/// The list of deletions cannot be read back.
pub(super) fn unreadable(counted: &Counted, error: io::Error) -> Ending {
    let text = format!("cannot work through the list of deletions {}: {error}", counted.path.display());
    Ending::Failed(Class::Fatal, Reason::new(text))
}

/// Bytes that came to us. In a local copy it is our own rsync that sends.
fn came(stats: &Stats, remote: bool) -> Option<u64> {
    if remote { stats.received } else { stats.sent }
}

/// What one or two runs of rsync moved. Without its own figures, the last progress tells the files, and nothing tells
/// the bytes. Only an rsync that failed without any progress has moved nothing; one that did its work in silence may
/// have moved anything.
#[derive(Default)]
struct Moved {
    files: Option<u64>,
    bytes: Option<u64>,
    runs: u32,
}

impl Moved {
    fn add(&mut self, ran: &Ran, remote: bool) {
        let failed =
            !matches!(ran.verdict, Ended::Judged(Verdict::Ok | Verdict::Vanished(_) | Verdict::Partial(_)));
        let nothing = (failed && ran.progress.is_none()).then_some(0);
        let files = ran.stats.transferred.or(ran.progress.and_then(|p| p.files)).or(nothing);
        let bytes = came(&ran.stats, remote).or(nothing);
        let sum = |a: Option<u64>, b: Option<u64>, first| if first { b } else { Some(a? + b?) };
        self.files = sum(self.files, files, self.runs == 0);
        self.bytes = sum(self.bytes, bytes, self.runs == 0);
        self.runs += 1;
    }
}

/// A name as rsync would print it: a line of output stays one line.
fn escape_into(name: &[u8], out: &mut Vec<u8>) {
    for byte in name {
        if byte.is_ascii_control() {
            out.extend_from_slice(format!("\\#{byte:03o}").as_bytes());
        } else {
            out.push(*byte);
        }
    }
}
