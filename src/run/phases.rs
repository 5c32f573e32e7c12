//! The phases of an attempt, each told and timed.

use super::Mode;
use super::attempt::{Ending, Try};
use super::blocking::off_thread;
use super::child::{self, Ended, Order, Ran, Show};
use super::guard;
use super::listing::{Collector, Gone, Listing, Mark, list_path, needs_names};
use super::remove::{self, Removed};
use super::watchdog::Watchdog;
use crate::event::{Event, Level, Lines, Phase, Stream};
use crate::result::Reason;
use crate::rsync::args::{self, Purpose};
use crate::rsync::exit::{Class, Verdict};
use crate::rsync::output::{Change, Stats};
use std::io;
use std::time::Instant;
use tokio::sync::mpsc;

/// How many bytes of lines of our own are told at once.
const BLOCK: usize = 16 * 1024;

/// What a transfer has brought.
pub(super) struct Transfer {
    /// Something worth knowing about it.
    pub(super) warned: Option<Reason>,
    /// Whether every content that was listed is here.
    pub(super) arrived: bool,
}

impl Try<'_> {
    /// Lists what differs, for the guards. A source that can only be read in part is transferred, but counts for nothing.
    pub(super) async fn list(&mut self, folds: bool) -> Result<Listing, Ending> {
        let dry = self.plan.mode.is_dry();
        let all = folds || !dry && needs_names(&self.plan.state_dir, &self.job.name);
        let (mut listing, mut verdict) = self.list_once(Purpose::List { all }, folds).await?;
        if matches!(verdict, Verdict::Vanished(_)) {
            self.voice.notice(Level::Info, "files vanished while they were listed; listing once more").await;
            (listing, verdict) = self.list_once(Purpose::List { all }, folds).await?;
        }
        match verdict {
            Verdict::Ok => self.examined(listing).await,
            Verdict::Vanished(reason) => {
                listing.warned = Some(reason);
                self.examined(listing).await
            }
            Verdict::Failed(class, reason) => Err(Ending::Failed(class, reason)),
            Verdict::Partial(reason) => {
                if self.plan.mode == Mode::Real && listing.reserved.theirs == 0 {
                    self.judge_age(&self.examined(listing).await?)?;
                    self.prepare_keep().await?;
                    // What could not be listed cannot be transferred either.
                    match self.transfer(None, &[]).await {
                        Ok(_) | Err(Ending::Partial(_)) => {}
                        Err(ending) => return Err(ending),
                    }
                }
                let text = "nothing was deleted, since not everything could be listed";
                Err(Ending::Partial(if self.job.delete { reason.and(text) } else { reason }))
            }
        }
    }

    /// The same for people: what would happen, and what it would mean.
    pub(super) async fn rehearsal(&mut self, folds: bool) -> Result<Listing, Ending> {
        let (mut listing, verdict) = self.list_once(Purpose::Plan { all: folds }, folds).await?;
        match verdict {
            Verdict::Ok => {}
            Verdict::Vanished(reason) => listing.warned = Some(reason),
            Verdict::Failed(class, reason) => return Err(Ending::Failed(class, reason)),
            Verdict::Partial(reason) if self.job.delete => {
                let text = "nothing would be deleted, since not everything could be listed";
                return Err(Ending::Partial(reason.and(text)));
            }
            Verdict::Partial(reason) => return Err(Ending::Partial(reason)),
        }
        self.examined(listing).await
    }

    /// Compares a listing with the destination.
    async fn examined(&self, mut listing: Listing) -> Result<Listing, Ending> {
        let dest = self.job.dest.clone();
        let times = args::keeps_times(&self.job.rsync_args);
        let window = times.then(|| args::modify_window(self.job));
        let lost = self.memory.lost.clone();
        let look = move || listing.examine(&dest, window, &lost).map(|()| listing);
        let looked = off_thread(&self.voice.stop, look).await.ok_or(Ending::Stopped)?;
        looked.map_err(|error| {
            let text = format!("cannot compare the listing with {}: {error}", self.job.dest.display());
            Ending::Failed(Class::Fatal, Reason::new(text))
        })
    }

    async fn list_once(&mut self, purpose: Purpose, folds: bool) -> Result<(Listing, Verdict), Ending> {
        // What goes wrong here is a failure of the attempt already.
        self.announce(purpose, &[]).await;
        let path = list_path(&self.plan.state_dir, &self.job.name, &self.plan.run);
        let all = matches!(purpose, Purpose::List { all: true } | Purpose::Plan { all: true });
        let names = all.then_some((&*self.plan.state_dir, &*self.job.name));
        let mut collector = Collector::new(&path, names, folds, self.at_root.is_some());
        let show = match (purpose, self.plan.mode) {
            (Purpose::Plan { .. }, Mode::DryRun) => Show::Lines,
            (Purpose::Plan { .. }, Mode::Plan { paths: true }) => Show::Changes,
            _ => Show::Nothing,
        };
        let mut note = |change: &Change<'_>| collector.note(change);
        let ran = self.rsync(Phase::List, purpose, show, &[], &mut note).await;
        let stats = ran.stats;
        self.figures.total_files = stats.files.map(|f| f.files());
        self.figures.total_bytes = stats.total_size;
        self.figures.bytes_received = came(&stats, self.source.is_remote());
        let verdict = self.verdict(ran)?;
        let listing = collector.finish(stats).map_err(|error| {
            let text = format!("cannot write what rsync listed to a temporary file: {error}");
            let hint = "is there room in the state directory, and where TMPDIR points?";
            Ending::Failed(Class::Fatal, Reason::new(text).hint(hint))
        })?;
        Ok((listing, verdict))
    }

    /// Transfers what is new and changed; removes nothing. `expected`: how many files were listed; `lost`: names that the destination cannot
    /// hold, which do not come.
    pub(super) async fn transfer(
        &mut self,
        expected: Option<u64>,
        lost: &[Vec<u8>],
    ) -> Result<Transfer, Ending> {
        let before = self.figures;
        let mut ran = self.rsync(Phase::Transfer, Purpose::Transfer, Show::Lines, lost, &mut |_| true).await;
        let mut moved = Moved::default();
        let remote = self.source.is_remote();
        moved.add(&ran, remote);
        if matches!(ran.verdict, Ended::Judged(Verdict::Vanished(_))) {
            self.voice
                .notice(Level::Info, "files vanished while they were transferred; transferring once more")
                .await;
            ran = self.rsync(Phase::Transfer, Purpose::Transfer, Show::Lines, lost, &mut |_| true).await;
            moved.add(&ran, remote);
        }
        self.figures.files_transferred = moved.files;
        self.figures.bytes_received = match (before.bytes_received, moved.bytes) {
            (Some(a), Some(b)) => Some(a + b),
            (None, bytes) if before.total_files.is_none() => bytes,
            _ => None,
        };
        self.counted = ran.stats.files;
        self.figures.total_files = self.counted.map(|f| f.files()).or(before.total_files);
        self.figures.total_bytes = ran.stats.total_size.or(before.total_bytes);
        let all_came = expected.is_none_or(|expected| moved.files.is_some_and(|files| files >= expected));
        let warned = match self.verdict(ran)? {
            Verdict::Ok if all_came => return Ok(Transfer { warned: None, arrived: true }),
            Verdict::Ok => None,
            Verdict::Vanished(reason) => Some(reason),
            Verdict::Partial(reason) => return Err(Ending::Partial(reason)),
            Verdict::Failed(class, reason) => return Err(Ending::Failed(class, reason)),
        };
        match self.still_differ(lost).await? {
            Some(0) => Ok(Transfer { warned, arrived: true }),
            differ => {
                let text = match differ {
                    Some(n) => format!("{n} files changed at the source while it was read"),
                    None => "the source could not be listed once more to see whether everything came".into(),
                };
                let warned = warned.unwrap_or_else(|| Reason::new(text).hint("the next run brings them"));
                Ok(Transfer { warned: Some(warned), arrived: false })
            }
        }
    }

    /// A second listing: how many contents still differ; `None` if it cannot be told.
    async fn still_differ(&mut self, lost: &[Vec<u8>]) -> Result<Option<u64>, Ending> {
        let (figures, code) = (self.figures, self.code);
        let mut differ = 0;
        let mut note = |change: &Change<'_>| {
            differ += u64::from(change.contents);
            false
        };
        let purpose = Purpose::Plan { all: false };
        let ran = self.rsync(Phase::List, purpose, Show::Nothing, lost, &mut note).await;
        let more = came(&ran.stats, self.source.is_remote());
        // The transfer's own stay.
        (self.figures, self.code) = (figures, code);
        self.figures.bytes_received = figures.bytes_received.zip(more).map(|(a, b)| a + b);
        Ok(matches!(self.verdict(ran)?, Verdict::Ok).then_some(differ))
    }

    /// Removes what was counted: what stands in the way of the transfer, or (afterwards) all that is left.
    pub(super) async fn delete(
        &mut self,
        gone: &Gone,
        stamps: &[Option<Mark>],
        in_the_way: bool,
    ) -> Result<Removed, Ending> {
        if self.access.is_none() {
            return Ok(Removed::default());
        }
        let keep = self.keep().await?;
        self.voice.phase(self.number, Phase::Delete, &[]).await;
        let started = Instant::now();
        let (list, stamps) = (gone.clone(), stamps.to_vec());
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
            let removed = remove::remove(&keep, &list, &stamps, wanted, tell, || stop.is_stopping());
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
            Ok(removed) => removed.map_err(|e| unreadable(gone, e)),
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

    /// The command for that purpose; tells that the attempt starts, if it is the first.
    async fn announce(&mut self, purpose: Purpose, lost: &[Vec<u8>]) -> Vec<String> {
        let mut argv = args::argv(&self.plan.rsync, self.job, self.source, purpose);
        args::leave_out(&mut argv, lost);
        if self.memory.folds.is_some_and(|(_, _, folds)| folds) || self.folds_below {
            args::protect_every_case(&mut argv);
        }
        if let Some(closed) = &self.at_root {
            args::protect_file_system(&mut argv, closed);
        }
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
        lost: &[Vec<u8>],
        changes: &mut (dyn FnMut(&Change<'_>) -> bool + Send),
    ) -> Ran {
        let (plan, job) = (self.plan, self.job);
        self.transfers += u32::from(purpose == Purpose::Transfer);
        let argv = self.announce(purpose, lost).await;
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
pub(super) fn unreadable(gone: &Gone, error: io::Error) -> Ending {
    let text = format!("cannot work through the list of deletions {}: {error}", gone.path.display());
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
        let nothing = (failed && ran.code != Some(0) && ran.progress.is_none()).then_some(0);
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
