//! The phases of an attempt. Each is reported and timed.

use super::Mode;
use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::blocking::{last_moment, off_thread};
use super::entries_seen::Seen;
use super::guard;
use super::job_events::JobEvents;
use super::listing::{self, Collector, Deletions, Listing, needs_names, plan_path};
use super::remove::{self, Removed};
use super::transport::{Ended, OnChange, Ran, Request, Show, came};
use crate::clean::PlanError;
use crate::model::event::{Event, Level, Phase, Stream};
use crate::model::job::{Job, Source};
use crate::model::result::Reason;
use crate::model::sanitize;
use crate::rsync::args::{self, Purpose};
use crate::rsync::exit::{Class, Verdict};
use crate::rsync::output::Change;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::mpsc;

/// Bytes of our own output lines that are sent at once.
const BLOCK: usize = 16 * 1024;

impl AttemptRunner<'_> {
    /// Lists what differs, for the guards. If the source can only be read in part, it is transferred, but the attempt ends as partial.
    pub(super) async fn list(&mut self, folds: bool) -> Result<Listing, AttemptEnd> {
        let dry = self.plan.mode.is_dry();
        let all = folds || !dry && needs_names(&self.plan.state_dir, &self.job.name);
        let (mut listing, mut verdict) = self.list_once(Purpose::List { all }, folds).await?;
        if matches!(verdict, Verdict::Vanished(_)) {
            self.job_events
                .notice(Level::Info, "files vanished while they were listed; listing once more")
                .await;
            (listing, verdict) = self.list_once(Purpose::List { all }, folds).await?;
        }
        match verdict {
            Verdict::Ok => self.examined(listing).await,
            Verdict::Vanished(reason) => {
                listing.warned = Some(reason);
                self.examined(listing).await
            }
            Verdict::Failed(class, reason) => Err(AttemptEnd::Failed(class, reason)),
            Verdict::Partial(reason) => {
                if self.plan.mode == Mode::Real && listing.reserved.theirs == 0 {
                    let listing = self.examined(listing).await?;
                    self.judge_layout(&listing)?;
                    self.judge_age(&listing)?;
                    self.prepare_keep().await?;
                    let mut listing = self.will_come(listing).await?;
                    self.compare_same_size(&mut listing).await?;
                    // What could not be listed cannot be transferred either.
                    let scope = self.scope.clone();
                    drop(self.add_new_names(listing).await?);
                    if let (_, Verdict::Failed(class, reason)) =
                        self.bring(self.of(&scope), &self.held_back()).await?
                    {
                        return Err(AttemptEnd::Failed(class, reason));
                    }
                }
                let text = "nothing was deleted, since not everything could be listed";
                let partial = AttemptEnd::Partial(if self.job.delete { reason.and(text) } else { reason });
                Err(self.checked(partial).await?)
            }
        }
    }

    /// Like [`Self::list`], for users: prints what would happen.
    pub(super) async fn rehearsal(&mut self, folds: bool) -> Result<Listing, AttemptEnd> {
        let (mut listing, verdict) = self.list_once(Purpose::Plan { all: folds }, folds).await?;
        match verdict {
            Verdict::Ok => {}
            Verdict::Vanished(reason) => listing.warned = Some(reason),
            Verdict::Failed(class, reason) => return Err(AttemptEnd::Failed(class, reason)),
            Verdict::Partial(reason) if self.job.delete => {
                let text = "nothing would be deleted, since not everything could be listed";
                return Err(AttemptEnd::Partial(reason.and(text)));
            }
            Verdict::Partial(reason) => return Err(AttemptEnd::Partial(reason)),
        }
        self.examined(listing).await
    }

    /// Compares a listing with the destination.
    async fn examined(&mut self, mut listing: Listing) -> Result<Listing, AttemptEnd> {
        let dest = self.job.dest.clone();
        let times = args::keeps_times(&self.job.rsync_args);
        let window = times.then(|| args::modify_window(self.job));
        let lost = self.memory.lost.clone();
        let header = listing::header(&self.job.name, &self.source.text, self.job.only.is_some());
        listing.gone.only = self.job.only.clone();
        let look = move || listing.examine(&dest, window, &lost, header).map(|()| listing);
        let looked = off_thread(&self.job_events.stop, look).await.ok_or(AttemptEnd::Stopped)?;
        let listing = looked.map_err(|error| {
            let text = format!("cannot compare the listing with {}: {error}", sanitize::path(&self.job.dest));
            AttemptEnd::Failed(Class::Fatal, Reason::new(text))
        })?;
        self.look_who_filled(&listing);
        self.plan_hash = listing.gone.hash().map(str::to_owned);
        Ok(listing)
    }

    /// Lists once. `seen`: for a job that is limited to entries.
    pub(super) async fn list_names(
        &mut self,
        purpose: Purpose,
        folds: bool,
        mut seen: Option<&mut Seen>,
    ) -> Result<(Listing, Verdict), AttemptEnd> {
        let scope = self.scope.clone();
        let of = self.of(&scope);
        // An error here is already a failure of the attempt.
        let request = self.request(of, purpose, Show::Nothing, &[]);
        let command = self.transport.command(&request);
        self.announce(&command).await;
        let path = plan_path(&self.plan.state_dir, &self.job.name, &self.plan.run);
        let all = matches!(purpose, Purpose::List { all: true } | Purpose::Plan { all: true });
        let name = self.listing_name();
        let names = all.then_some((&*self.plan.state_dir, &*name));
        let collector = Collector::new(&path, names, folds, self.at_root.is_some());
        let show = match (purpose, self.plan.mode) {
            (Purpose::Plan { .. }, Mode::DryRun) => Show::Lines,
            (Purpose::Plan { .. }, Mode::Plan { paths: true }) => Show::Changes { later: self.takes_over() },
            _ => Show::Nothing,
        };
        let collector = Mutex::new(collector);
        let in_parts = self.list_in_parts(of, purpose, &collector).await?;
        let mut collector = collector.into_inner().unwrap_or_else(PoisonError::into_inner);
        let ran = match in_parts {
            Some(ran) => ran,
            None => {
                if self.lists_at_once {
                    collector = Collector::new(&path, names, folds, self.at_root.is_some());
                }
                let mut note = |change: &Change<'_>| {
                    seen.iter_mut().for_each(|seen| seen.note(change));
                    collector.note(change)
                };
                self.run_phase(of, Phase::List, purpose, show, &[], &mut note).await
            }
        };
        let stats = ran.stats;
        self.figures.total_files = stats.files.map(|f| f.files());
        self.figures.total_bytes = stats.total_size;
        self.figures.bytes_received = came(&stats, self.source.is_remote());
        let verdict = self.verdict(ran)?;
        if let Some(seen) = seen.filter(|_| matches!(verdict, Verdict::Ok)) {
            self.add_left_over(&mut collector, seen, show).await?;
        }
        let listing = collector.finish(stats).map_err(|error| {
            let text = format!("cannot write what rsync listed to a temporary file: {error}");
            let hint = "is there room in the state directory, and where TMPDIR points?";
            AttemptEnd::Failed(Class::Fatal, Reason::new(text).hint(hint))
        })?;
        Ok((listing, verdict))
    }

    /// Applies the plan: with `in_the_way` those that block the transfer, otherwise all that are left.
    pub(super) async fn delete(&mut self, gone: &Deletions, in_the_way: bool) -> Result<Removed, AttemptEnd> {
        if self.access.is_none() {
            return Ok(Removed::default());
        }
        let keep = self.keep().await?;
        self.job_events.phase(self.number, Phase::Delete, &[]).await;
        let started = Instant::now();
        let list = gone.clone();
        let (job_events, stop) = (self.job_events.clone(), self.job_events.stop.clone());
        // Names go through their own channel, so that a slow reader slows the removal and does not block the runtime.
        let (names, mut told) = mpsc::channel::<Vec<u8>>(4);
        let work = tokio::task::spawn_blocking(move || {
            let block = Mutex::new(Vec::new());
            let wanted = |name: &[u8]| list.is_in_the_way(name) == in_the_way;
            let tell = |name: &[u8]| {
                let mut block = block.lock().unwrap_or_else(PoisonError::into_inner);
                block.extend_from_slice(b"deleting ");
                escape_into(name, &mut block);
                block.push(b'\n');
                if block.len() >= BLOCK {
                    // There is no listener only if the run ends now.
                    let _ = names.blocking_send(std::mem::take(&mut *block));
                }
            };
            let removed = remove::remove(&keep, &list, &wanted, &tell, &|| stop.is_stopping());
            let block = block.into_inner().unwrap_or_else(PoisonError::into_inner);
            if !block.is_empty() {
                let _ = names.blocking_send(block);
            }
            removed
        });
        let overdue = last_moment(&self.job_events.stop);
        tokio::pin!(overdue);
        loop {
            let block = tokio::select! {
                block = told.recv() => match block {
                    Some(block) => block,
                    None => break,
                },
                // The removal checks for a stop itself. One that does not end hangs.
                () = &mut overdue => return Err(AttemptEnd::Stopped),
            };
            job_events.send(job_events.output(Stream::Stdout, block)).await;
        }
        let removed = match work.await {
            Ok(removed) => removed.map_err(|error| unfinished(gone, &error)),
            Err(panic) => Err(AttemptEnd::Failed(
                Class::Fatal,
                Reason::new(format!("the deletion ended with an internal error: {panic}")),
            )),
        };
        self.phases.push((Phase::Delete, started.elapsed()));
        // After an error the number of removed files is unknown.
        let files = removed.as_ref().ok().map(|removed| removed.files);
        self.figures.files_deleted = self.figures.files_deleted.zip(files).map(|(before, now)| before + now);
        removed
    }

    /// A request for the job of the attempt or one derived from it.
    pub(super) fn request<'r>(
        &'r self,
        (job, source): (&'r Job, &'r Source),
        purpose: Purpose,
        show: Show,
        left_out: &'r [Vec<u8>],
    ) -> Request<'r> {
        let keeps = purpose == Purpose::Transfer && self.keep.is_some() && self.job.keep_deleted.is_some();
        Request {
            run: &self.plan.run,
            job,
            source,
            purpose,
            left_out,
            filters: &[],
            folds: self.memory.folds.is_some_and(|(_, _, folds)| folds) || self.folds_below,
            at_root: self.at_root.as_deref(),
            keep: keeps.then(|| self.layer(self.transfers)),
            expected: self.awaited,
            time_left: job.timeout.map(|t| t.saturating_sub(self.started.elapsed())),
            min_free: job.min_free.filter(|_| self.plan.mode == Mode::Real),
            listed: self.is_listed(job),
            optional: self.is_optional(job),
            several: false,
            show,
        }
    }

    /// The number of the directory in the quarantine for a transfer of this attempt. Each has its own; otherwise a second transfer would
    /// replace what the first has kept.
    pub(super) fn layer(&self, transfer: u32) -> u64 {
        u64::from(self.number) * 1_000_000 + u64::from(transfer)
    }

    /// Whether this job is for entries that this attempt has listed, not for the whole source.
    pub(super) fn is_listed(&self, job: &Job) -> bool {
        args::files_from(&job.rsync_args) != args::files_from(&self.job.rsync_args)
    }

    /// Reports the start of the attempt if this is its first command.
    pub(super) async fn announce(&mut self, argv: &[String]) {
        if !std::mem::replace(&mut self.announced, true) {
            let (source, argv, attempt) = (self.source.text.clone(), argv.to_vec(), self.number);
            let JobEvents { job, part, .. } = self.job_events;
            let started = Event::JobStarted { job: job.clone(), part: *part, attempt, source, argv };
            self.job_events.say(started).await;
        }
    }

    /// Runs and times one listing or transfer, for the job of the attempt or one derived from it.
    pub(super) async fn run_phase(
        &mut self,
        of: (&Job, &Source),
        phase: Phase,
        purpose: Purpose,
        show: Show,
        left_out: &[Vec<u8>],
        changes: &mut OnChange<'_>,
    ) -> Ran {
        self.transfers += u32::from(purpose == Purpose::Transfer);
        let transport = self.transport;
        let command = transport.command(&self.request(of, purpose, show, left_out));
        self.announce(&command).await;
        self.job_events.phase(self.number, phase, &command).await;
        // The last progress of the previous command is not this one's.
        self.job_events.progress.send_replace(None);
        let started = Instant::now();
        let ran = transport.run(self.request(of, purpose, show, left_out), self.job_events, changes).await;
        self.phases.push((phase, started.elapsed()));
        // Names that were only tried, and are not there, are no error of the job.
        let tried = ran.code == Some(23) && ran.verdict == Ended::Judged(Verdict::Ok);
        self.code = if tried { Some(0) } else { ran.code };
        ran
    }

    /// The verdict on a request that ended by itself; otherwise the end of the attempt.
    pub(super) fn verdict(&self, ran: Ran) -> Result<Verdict, AttemptEnd> {
        match ran.verdict {
            Ended::Judged(verdict) => Ok(verdict),
            Ended::Stopped => Err(AttemptEnd::Stopped),
            Ended::DiskLow(free) => Err(self.disk_low(free)),
        }
    }

    /// The end of an attempt that left too little free space; `free` in bytes.
    pub(super) fn disk_low(&self, free: u64) -> AttemptEnd {
        let least = self.job.min_free.unwrap_or(0);
        AttemptEnd::Blocked(guard::disk_low(self.job, free, least))
    }
}

/// The end of the attempt if the plan cannot be read back or the journal cannot be written.
fn unfinished(gone: &Deletions, error: &PlanError) -> AttemptEnd {
    let text = format!("cannot continue the deletions of {}: {error}", sanitize::path(&gone.path));
    AttemptEnd::Failed(Class::Fatal, Reason::new(text))
}

/// Escapes a name as rsync prints it, so that it stays one line.
pub(super) fn escape_into(name: &[u8], out: &mut Vec<u8>) {
    for byte in name {
        if byte.is_ascii_control() {
            out.extend_from_slice(format!("\\#{byte:03o}").as_bytes());
        } else {
            out.push(*byte);
        }
    }
}
