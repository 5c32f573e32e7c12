//! Runs one job from its context to its result: slot, lock, hooks, attempts.

mod exit_codes;
mod hooks;
mod locking;
mod needs;

use super::attempt::AttemptRunner;
use super::attempt_end::{AttemptEnd, Attempted, total};
use super::backoff;
use super::blocking::off_thread;
use super::drop_cache::CacheDropper;
use super::hook::HookOutcome;
use super::job_context::JobContext;
use super::lock::Lock;
use super::slots::Slot;
use super::stop::StopReason;
use super::{Mode, disk, guard, mount_required, named_files, spawn, unfit};
use crate::clean::removal::WriteAccess;
use crate::model::event::{Event, Level, Phase};
use crate::model::hint;
use crate::model::job::CachePolicy;
use crate::model::part::PartResult;
use crate::model::pdb::EntryId;
use crate::model::record::JobRecord;
use crate::model::result::{Attempt, Fallback, Figures, Outcome, Reason, Skip, Status, SyncResult};
use crate::rsync::exit::Class;
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Runs the job. Never fails: errors are in the result. The dispatcher frees the slot, since the next job must not start before this result
/// was sent.
pub(super) async fn run(context: JobContext) -> (SyncResult, Option<Slot>) {
    let mut unit = JobRunner {
        context: &context,
        slot: None,
        attempts: Vec::new(),
        figures: Figures::default(),
        started: None,
        ran: false,
        alerts: Vec::new(),
        warnings: Vec::new(),
        undoable: false,
        own_trouble: false,
        missing: None,
        connections: 0,
        parts: Vec::new(),
    };
    let outcome = match unit.go().await {
        Ok(outcome) | Err(outcome) => outcome,
    };
    let outcome = unit.by_exit_code(outcome).await;
    let outcome = unit.epilogue(outcome).await;
    let slot = unit.slot.take();
    (unit.result(outcome), slot)
}

struct JobRunner<'a> {
    context: &'a JobContext,
    slot: Option<Slot>,
    attempts: Vec<Attempt>,
    figures: Figures,
    /// When the job got its first slot.
    started: Option<(Instant, Timestamp)>,
    /// Alerts of the result.
    alerts: Vec<String>,
    /// Problems of its hooks, for the result.
    warnings: Vec<String>,
    /// Whether something that was removed or replaced is kept for `clean undo`.
    undoable: bool,
    /// Whether the last attempt had trouble that is not rsync's.
    own_trouble: bool,
    /// The entries without a file at the source of the last attempt; `None` if unknown.
    missing: Option<Vec<EntryId>>,
    /// How many connections the job had at the same time, at most.
    connections: u32,
    /// The parts of all transfers.
    parts: Vec<PartResult>,
    /// Whether anything ran that is in the job's log.
    ran: bool,
}

impl JobRunner<'_> {
    /// Runs the steps of the job. An `Err` ends it early.
    async fn go(&mut self) -> Result<Outcome, Outcome> {
        let JobContext { plan, job, job_events, transport, .. } = self.context;
        let unfit = unfit(job);
        if unfit.is_none() {
            // Jobs whose needs make a circle are unfit, so none waits for itself.
            self.wait_for_needed().await?;
        }
        self.take_slot(job.sources.first().and_then(|s| s.host())).await?;
        if let Some(reason) = unfit {
            return Err(Outcome::Failed(reason));
        }
        if let Some(reason) = transport.refusal(job_events).await {
            return Err(Outcome::Failed(reason));
        }
        let of_mount = job.clone();
        let unmounted = off_thread(&job_events.stop, move || mount_required::refusal(&of_mount)).await;
        if let Some(reason) = unmounted.ok_or_else(|| self.stopped())? {
            return Err(Outcome::Blocked(reason));
        }
        let lock = match plan.mode {
            Mode::Real => Some(self.lock().await?),
            Mode::DryRun | Mode::Plan { .. } => None,
        };
        let (mut access, unsure) = (None, lock.as_ref().and_then(Lock::unsure));
        if let Some(lock) = &lock {
            access = Some(self.begin(lock).await?);
        }
        if job.min_free.is_some() {
            let dest = job.dest.clone();
            let free = off_thread(&job_events.stop, move || disk::free(&dest).ok()).await;
            let free = free.ok_or_else(|| self.stopped())?;
            if let Some(reason) = free.and_then(|free| guard::space(job, free)) {
                return Err(Outcome::Blocked(reason));
            }
        }
        if lock.is_some() {
            match self.hooks(Phase::Before, &job.before, None).await {
                HookOutcome::Ok => {}
                HookOutcome::Skip(text) => return Err(Outcome::Skipped(Skip::Hook(text))),
                HookOutcome::Failed(reason) => return Err(Outcome::Failed(before_failed(reason))),
                HookOutcome::Stopped => return Err(self.stopped()),
            }
        }
        job_events.progress.send_replace(None);
        if let Some(options) = spawn::refused(job.child_priority()) {
            let text =
                format!("this system does not allow setting {options}; the transfer continues without");
            job_events.notice(Level::Warning, text).await;
        }
        if job.cache == CachePolicy::Keep || plan.mode != Mode::Real {
            return self.attempts(access.as_ref(), unsure).await;
        }
        let cache_dropper = CacheDropper::new(job.dest.clone());
        let outcome = tokio::select! {
            outcome = self.attempts(access.as_ref(), unsure) => outcome,
            never = cache_dropper.meanwhile(&job_events.stop) => match never {},
        };
        if !job_events.stop.is_stopping()
            && let Some((level, text)) = cache_dropper.finish(&job_events.stop).await
        {
            job_events.notice(level, text).await;
        }
        outcome
    }

    /// Tries each source in order, and repeats attempts as the class of each failure allows.
    async fn attempts(
        &mut self,
        access: Option<&Arc<WriteAccess>>,
        unsure: Option<&Reason>,
    ) -> Result<Outcome, Outcome> {
        let JobContext { job, job_events, .. } = self.context;
        // A hook may have created the files.
        let (named, typed) = (job.rsync_args.clone(), job.typed_args.clone());
        let unusable = off_thread(&job_events.stop, move || named_files::unusable(&named, &typed)).await;
        if let Some(reason) = unusable.ok_or_else(|| self.stopped())? {
            return Err(Outcome::Failed(reason));
        }
        let mut sources = job.sources.iter().peekable();
        let mut last = Outcome::Failed(Reason::new("no source"));
        // A guard's refusal for an earlier source. It is added to the failure of a later source, which takes precedence.
        let mut refused: Option<String> = None;
        while let Some(source) = sources.next() {
            let mut tries = 0;
            loop {
                if self.slot.is_none() {
                    self.take_slot(source.host()).await?;
                }
                let number = self.attempts.len() as u32 + 1;
                let context = JobContext { job: self.context.plan.limited(job), ..self.context.clone() };
                let attempted = AttemptRunner::new(&context, source, number, access, unsure).run().await;
                let Attempted { attempt, ending, figures, undoable, missing, .. } = attempted;
                let code = attempt.exit_code;
                self.attempts.push(attempt);
                self.ran = true;
                self.undoable |= undoable;
                self.own_trouble = attempted.own_trouble;
                self.missing = missing;
                self.connections = self.connections.max(attempted.connections);
                self.parts.extend(attempted.parts);
                // A part that failed for good was tried again on its own.
                tries += attempted.part_retries;
                self.figures = total(self.figures, figures, number);
                let (class, outcome) = match ending {
                    AttemptEnd::Done(None) => return Ok(Outcome::Ok),
                    AttemptEnd::Done(Some(reason)) => return Ok(Outcome::Warned(reason)),
                    AttemptEnd::Partial(reason) => return Ok(Outcome::Partial(reason)),
                    AttemptEnd::Blocked(reason) => return Ok(Outcome::Blocked(reason)),
                    AttemptEnd::Stopped => return Err(self.stopped()),
                    // Another source may still have the files.
                    AttemptEnd::Empty(reason) if job.delete => (Class::NextSource, Outcome::Blocked(reason)),
                    AttemptEnd::Empty(reason) => (Class::NextSource, Outcome::Warned(reason)),
                    AttemptEnd::Older(reason) | AttemptEnd::Moved(reason) => {
                        (Class::NextSource, Outcome::Blocked(reason))
                    }
                    AttemptEnd::Failed(class, reason) => (class, Outcome::Failed(reason)),
                };
                let reason = outcome.error().unwrap_or_default().to_owned();
                last = match (outcome, &refused) {
                    (Outcome::Failed(reason), Some(refused)) => Outcome::Failed(reason.and(refused)),
                    (outcome, _) => outcome,
                };
                if let Outcome::Blocked(reason) = &last {
                    refused = Some(reason.text.clone());
                }
                let wait = backoff::wait(job, class, tries)
                    .filter(|_| class != Class::Slow || sources.peek().is_none());
                let next = match (wait, sources.peek()) {
                    (Some(_), _) => source,
                    (None, Some(next)) if !matches!(class, Class::Fatal | Class::Here) => next,
                    (None, _) => return Ok(last),
                };
                // A job does not hold a slot while it waits.
                self.slot = None;
                let (delay, source) = (wait.unwrap_or_default(), next.text.clone());
                let (job, part) = (job_events.job.clone(), job_events.part);
                let retry =
                    Event::Retry { job, part, attempt: number, exit_code: code, reason, delay, source };
                job_events.say(retry).await;
                tokio::select! {
                    () = tokio::time::sleep(delay) => {}
                    () = job_events.stop.gentle() => return Err(self.stopped()),
                }
                if wait.is_none() {
                    break;
                }
                tries += 1;
            }
        }
        Ok(last)
    }

    /// Waits for a slot. A run that stops meanwhile ends the job.
    async fn take_slot(&mut self, host: Option<&str>) -> Result<(), Outcome> {
        let JobContext { job_events, slots, .. } = self.context;
        tokio::select! {
            biased;
            () = job_events.stop.gentle() => return Err(self.stopped()),
            slot = slots.acquire(host) => self.slot = Some(slot),
        }
        self.started.get_or_insert_with(|| (Instant::now(), Timestamp::now()));
        Ok(())
    }

    /// Runs the hooks that follow the outcome. Returns the outcome with their failures.
    async fn epilogue(&mut self, outcome: Outcome) -> Outcome {
        let JobContext { plan, job, .. } = self.context;
        if plan.mode != Mode::Real || self.started.is_none() {
            return outcome;
        }
        if !matches!(outcome.status(), Status::Skipped | Status::Cancelled) {
            self.look_out(&outcome).await;
        }
        match outcome.status() {
            Status::Ok | Status::Warned => {
                let hooked = self.hooks(Phase::After, &job.after, Some(&outcome)).await;
                if hooked == HookOutcome::Stopped {
                    return self.stopped();
                }
                let Some(reason) = hooked.failure() else { return outcome };
                let text = format!("the transfer is done, but {}", reason.text);
                let outcome = Outcome::Failed(Reason { text, ..reason });
                self.on_failure(&outcome).await;
                return outcome;
            }
            Status::Failed | Status::Partial | Status::Blocked => self.on_failure(&outcome).await,
            Status::Skipped | Status::Cancelled => {}
        }
        outcome
    }

    /// Reports alerts before the hooks run, since hooks get them, too.
    async fn look_out(&mut self, outcome: &Outcome) {
        let JobContext { plan, job_events, .. } = self.context;
        let newest = JobRecord::from(&self.result(outcome.clone()));
        self.alerts = plan.watch.check(newest, Timestamp::now());
        for alert in &self.alerts {
            job_events.notice(Level::Warning, format!("alert: {alert}")).await;
        }
    }

    /// Failures of these hooks are reported and change nothing: the job has failed already.
    async fn on_failure(&mut self, outcome: &Outcome) {
        let hooks = &self.context.job.on_failure;
        if let Some(Reason { text, .. }) = self.hooks(Phase::After, hooks, Some(outcome)).await.failure() {
            self.context.job_events.notice(Level::Warning, text.clone()).await;
            self.warnings.push(text);
        }
    }

    /// The outcome of a job that a stopping run ends.
    fn stopped(&self) -> Outcome {
        let why = self.context.job_events.stop.why();
        match why {
            Some(why @ StopReason::FailFast(_)) if self.started.is_none() => {
                Outcome::Skipped(Skip::FailFast(format!("not started: {}", why.text())))
            }
            Some(why) if self.started.is_none() => {
                Outcome::Cancelled(Reason::new(format!("not started: {}", why.text())))
            }
            Some(why) => Outcome::Cancelled(
                Reason::new(why.text())
                    .hint("files that arrived completely are kept; the next run continues from there"),
            ),
            None => Outcome::Cancelled(Reason::new("stopped")),
        }
    }

    /// The fallback; `None` if the last attempt used the first source.
    fn fallback(&self) -> Option<Fallback> {
        let first = self.context.job.sources.first()?;
        Fallback::of(&first.text, self.attempts.iter().map(Attempt::told))
    }

    /// Path of the job's log; `None` if nothing was logged or it could not be written.
    fn log(&self) -> Option<PathBuf> {
        self.context.plan.logs.as_ref().filter(|_| self.ran)?.of(&self.context.job.name)
    }

    fn result(&self, outcome: Outcome) -> SyncResult {
        let (at, started) = self.started.unwrap_or_else(|| (Instant::now(), Timestamp::now()));
        SyncResult {
            run: self.context.plan.run.clone(),
            scope: self.context.plan.scope,
            dry_run: self.context.plan.mode.is_dry(),
            job: self.context.job_events.job.clone(),
            outcome,
            duration: self.started.map_or(Duration::ZERO, |_| at.elapsed()),
            queued: at - self.context.started,
            started,
            figures: self.figures,
            source: self.attempts.last().map(|a| a.source.clone()),
            fallback: self.fallback(),
            attempts: self.attempts.clone(),
            log: self.log(),
            alerts: self.alerts.clone(),
            warnings: self.warnings.clone(),
            connections: self.connections,
            parts: self.parts.clone(),
            missing_ids: self.missing.clone(),
            undo: self.undoable.then(|| hint::undo(&self.context.plan.again, &self.context.plan.run)),
        }
    }
}

/// The reason for a failed `before` hook: nothing was transferred.
fn before_failed(reason: Reason) -> Reason {
    let hint = reason.hint.map(|hint| format!("{hint}; nothing was transferred"));
    Reason { hint, ..reason }
}
