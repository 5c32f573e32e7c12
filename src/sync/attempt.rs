//! One attempt of a job on one source: list, guard, transfer, delete.
//!
//! **Invariant: rsync never gets `--delete` without `-n`.** A dry run lists what would be deleted, and the guard decides on the whole list.
//! After a complete transfer exactly the listed entries are removed, if they are unchanged.

use super::Plan;
use super::attempt_end::{AttemptEnd, Attempted};
use super::blocking::off_thread;
use super::complete::{Evidence, Transfer};
use super::guard::{self, DeletionVerdict};
use super::job_context::JobContext;
use super::job_events::JobEvents;
use super::job_state::JobState;
use super::keep_deleted::KeepDeleted;
use super::listing::{self, Listing, NamesBefore, Unverified, plan_path};
use super::marker_record::Fetched;
use super::remove::Removed;
use super::scope::Scope;
use super::slots::Slots;
use super::transport::Transport;
use crate::clean::removal::WriteAccess;
use crate::model::event::{Phase, Takeover};
use crate::model::job::{Job, Source};
use crate::model::part::PartResult;
use crate::model::pdb::EntryId;
use crate::model::result::{Attempt, Figures, Reason};
use crate::rsync::exit::Class;
use crate::rsync::output::Count;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An attempt in progress.
pub(super) struct AttemptRunner<'a> {
    pub(super) plan: &'a Plan,
    pub(super) job: &'a Job,
    pub(super) source: &'a Source,
    pub(super) number: u32,
    pub(super) job_events: &'a JobEvents,
    pub(super) transport: &'a dyn Transport,
    pub(super) slots: &'a Slots,
    /// `None` if nothing will be written.
    pub(super) access: Option<&'a Arc<WriteAccess>>,
    /// Why other runs may write to the destination too (the lock is unsure); then nothing may be removed.
    pub(super) unsure: Option<&'a Reason>,
    pub(super) started: Instant,
    pub(super) announced: bool,
    pub(super) phases: Vec<(Phase, Duration)>,
    pub(super) figures: Figures,
    pub(super) code: Option<i32>,
    /// Keeps removed entries as the job asks; created when first needed.
    pub(super) keep: Option<Arc<KeepDeleted>>,
    /// Whether something that was removed or replaced is kept for `clean undo`.
    pub(super) undoable: bool,
    /// Why this run cannot keep removed entries although the job asks for it.
    pub(super) cannot_keep: Option<Reason>,
    /// Whether there was trouble that is not rsync's: damaged files, removals that failed, names that cannot be stored.
    pub(super) own_trouble: bool,
    /// How many files the transfer must bring; `None` if unknown.
    pub(super) awaited: Option<u64>,
    /// Number of transfers so far.
    pub(super) transfers: u32,
    /// State of the job from earlier runs.
    pub(super) memory: JobState,
    /// Whether `memory` may be written. A newer version's state file is only read.
    pub(super) remembers: bool,
    /// The stored names of the source as they were before the transfer.
    pub(super) names_before: NamesBefore,
    /// Whether a directory of the destination folds names although its root does not.
    pub(super) folds_below: bool,
    /// If the destination is the root of a file system: names that the file system keeps there and that this user may not write to.
    pub(super) at_root: Option<Vec<String>>,
    /// What the last transfer counted at the source.
    pub(super) counted: Option<Count>,
    /// Whether listed names were gone when they were transferred.
    pub(super) vanished: bool,
    /// The evidence of completeness so far.
    pub(super) evidence: Evidence,
    /// What has to be checked after the transfer; `None` if nothing has.
    pub(super) unverified: Option<Unverified>,
    /// Why the attempt adopts the destination; `None` if it does not.
    pub(super) adopting: Option<Takeover>,
    /// The hash of the plan of the last listing; `None` if nothing is to be deleted.
    pub(super) plan_hash: Option<String>,
    /// Whether the destination becomes known to the job by this attempt.
    pub(super) dealt_with: bool,
    /// What a job that is limited to entries asks for; `None` for other jobs.
    pub(super) scope: Option<Arc<Scope>>,
    /// The entries of that job without a file at the source; `None` if unknown.
    pub(super) missing: Option<Vec<EntryId>>,
    /// How many connections it had at the same time, at most.
    pub(super) connections: u32,
    /// Whether the source is listed over one connection, since several have failed.
    pub(super) lists_at_once: bool,
    /// The marker of the job as it was before the listing, and the fingerprint of the job; `None` without one.
    pub(super) marker: Option<(Fetched, String)>,
    /// Why the marker could not be fetched.
    pub(super) no_marker: Option<Reason>,
    /// What became of its parts.
    pub(super) parts: Vec<PartResult>,
    /// How often a part was tried again, at most.
    pub(super) part_retries: u32,
}

impl<'a> AttemptRunner<'a> {
    /// Creates the attempt. Nothing happens before [`AttemptRunner::run`].
    pub(super) fn new(
        context: &'a JobContext,
        source: &'a Source,
        number: u32,
        access: Option<&'a Arc<WriteAccess>>,
        unsure: Option<&'a Reason>,
    ) -> Self {
        let JobContext { plan, job, job_events, transport, slots, .. } = context;
        AttemptRunner {
            plan,
            job,
            source,
            number,
            job_events,
            transport: &**transport,
            slots,
            access,
            unsure,
            started: Instant::now(),
            announced: false,
            phases: Vec::new(),
            // Known to be zero until rsync runs.
            figures: Figures { files_transferred: Some(0), files_deleted: Some(0), ..Figures::default() },
            code: None,
            keep: None,
            undoable: false,
            cannot_keep: None,
            own_trouble: false,
            awaited: None,
            transfers: 0,
            memory: JobState::default(),
            remembers: true,
            names_before: NamesBefore::default(),
            folds_below: false,
            at_root: None,
            counted: None,
            vanished: false,
            evidence: Evidence::default(),
            unverified: None,
            adopting: None,
            plan_hash: None,
            dealt_with: false,
            scope: None,
            missing: None,
            connections: 1,
            lists_at_once: false,
            marker: None,
            no_marker: None,
            parts: Vec::new(),
            part_retries: 0,
        }
    }

    /// Runs the attempt.
    pub(super) async fn run(mut self) -> Attempted {
        let time = Timestamp::now();
        let ending = match self.go().await {
            Ok(ending) | Err(ending) => ending,
        };
        let ending = self.explain_empty(ending).await;
        let ending = self.explain_sizes(ending).await;
        let ending = self.explain_gone(ending).await;
        let ending = self.with_missing(ending).await;
        let ending = self.with_marker(ending);
        self.judge_source(&ending).await;
        let error = match &ending {
            AttemptEnd::Done(_) => None,
            AttemptEnd::Partial(r)
            | AttemptEnd::Blocked(r)
            | AttemptEnd::Empty(r)
            | AttemptEnd::Older(r)
            | AttemptEnd::Moved(r)
            | AttemptEnd::Failed(_, r) => Some(r.clone()),
            AttemptEnd::Stopped => {
                Some(Reason::new(self.job_events.stop.why().map_or("stopped".into(), |w| w.text())))
            }
        };
        self.dealt_with |= self.adopting.is_some() && self.evidence.listed && ending.is_final();
        let list = plan_path(&self.plan.state_dir, &self.job.name, &self.plan.run);
        let waits = self.adopting.is_some() && list.exists();
        if !(self.job.delete && (waits || matches!(ending, AttemptEnd::Blocked(_) | AttemptEnd::Empty(_)))) {
            // No message refers to the plan. One that cannot be removed does no harm.
            let _ = std::fs::remove_file(list);
        }
        if self.job.delete && self.evidence.is_complete() {
            let (state_dir, job, dest) =
                (self.plan.state_dir.clone(), self.job.name.clone(), self.job.dest.clone());
            let forget = move || listing::forget_plans(&state_dir, &job, &dest);
            off_thread(&self.job_events.stop, forget).await;
        }
        self.remember().await;
        self.settle_marker(&ending).await;
        self.close(matches!(ending, AttemptEnd::Done(_))).await;
        let attempt = Attempt {
            number: self.number,
            source: self.source.text.clone(),
            started: time,
            duration: self.started.elapsed(),
            phases: self.phases,
            exit_code: self.code,
            error,
        };
        Attempted {
            attempt,
            ending,
            own_trouble: self.own_trouble || self.figures.files_damaged.is_some_and(|files| files > 0),
            figures: self.figures,
            undoable: self.undoable,
            missing: self.missing,
            connections: self.connections,
            parts: self.parts,
            part_retries: self.part_retries,
        }
    }

    /// Runs the steps of the attempt. An `Err` ends it early.
    async fn go(&mut self) -> Result<AttemptEnd, AttemptEnd> {
        if self.plan.named_files {
            self.prepare_keep().await?;
            return Ok(AttemptEnd::Done(
                self.transfer((self.job, self.source), None, None, &[]).await?.warned,
            ));
        }
        self.recall().await?;
        if self.plan.mode.is_dry() {
            return self.rehearse().await;
        }
        if self.marker_is_same().await? {
            return Ok(AttemptEnd::Done(None));
        }
        let folds = self.folds().await?;
        // Several connections need the listing, since parts are cut from it, and so do two stages.
        let plain = self.job.connections.most() == 1 && self.job.last.is_empty();
        if !folds && plain && self.needs_no_listing().await? {
            return self.first_transfer().await;
        }
        let mut listing = self.list(folds).await?;
        if listing.folds_below {
            self.folds_below = true;
            listing = self.list(true).await?;
        }
        if listing.reserved.theirs > 0 {
            return Err(AttemptEnd::Failed(Class::Fatal, guard::reserved(&listing.reserved)));
        }
        if self.source_is_empty() && !self.job.delete {
            return Err(AttemptEnd::Empty(guard::empty_source(self.job, &self.plan.again, false)));
        }
        self.judge_layout(&listing)?;
        self.judge_age(&listing)?;
        self.tell_adopted(&listing).await;
        self.prepare_keep().await?;
        let refused = if self.job.delete {
            match self.judge_deletions(&listing).await? {
                DeletionVerdict::Go => self.not_yet(&listing),
                DeletionVerdict::TransferOnly(reason) => {
                    self.memory.refused(&self.job.dest, listing.present());
                    Some(AttemptEnd::Blocked(reason))
                }
                DeletionVerdict::Empty(reason) => return Err(AttemptEnd::Empty(reason)),
            }
        } else {
            None
        };
        let listing = self.will_come(listing).await?;
        self.mirror(listing, refused).await
    }

    /// Transfers into an empty destination. Everything is new, and nothing can be deleted.
    async fn first_transfer(&mut self) -> Result<AttemptEnd, AttemptEnd> {
        self.forget_names().await;
        self.anything_will_come().await?;
        let transfer = match self.transfer((self.job, self.source), None, None, &[]).await {
            Err(partial @ AttemptEnd::Partial(_)) => return Err(self.checked(partial).await?),
            came => came?,
        };
        if self.source_is_empty() {
            return Ok(AttemptEnd::Empty(guard::empty_source(self.job, &self.plan.again, false)));
        }
        self.evidence = Evidence { listed: true, arrived: transfer.arrived, not_deleted: 0 };
        let ending = self.checked(AttemptEnd::Done(transfer.warned)).await?;
        self.remember_first_names().await;
        Ok(ending)
    }

    /// Transfers what differs, then deletes, unless the deletions are `refused`.
    async fn mirror(
        &mut self,
        mut listing: Listing,
        refused: Option<AttemptEnd>,
    ) -> Result<AttemptEnd, AttemptEnd> {
        self.evidence.listed = listing.warned.is_none();
        let delete = self.job.delete && !(listing.gone.is_empty() && listing.respelled.is_empty());
        let mut bring = !listing.brings_nothing();
        let going = if self.job.delete { listing.gone.tally.files + listing.gone.tally.dirs } else { 0 };
        self.evidence.not_deleted = going;
        let mut removed = Removed::default();
        if delete && refused.is_none() {
            bring |= self.renew(&mut listing).await?;
            if bring && listing.gone.make_room() {
                removed = self.delete(&listing.gone, true).await?;
            }
        }
        let mut warned = listing.warned.take().or_else(|| self.cannot_keep.clone());
        // If the transfer ends the attempt, there is no evidence that anything arrived.
        self.evidence.arrived = !bring;
        let mut lost: Vec<_> = listing::lost_files(&listing.lost).map(<[u8]>::to_vec).collect();
        if bring {
            listing = self.add_new_names(listing).await?;
            self.names_before = self.take_names(&listing).await;
            let expected = self.compare_same_size(&mut listing).await?;
            let came;
            (listing, came) = match self.job.last.is_empty() {
                true => self.in_one_stage(listing, expected, &lost).await?,
                false => self.in_two_stages(listing, expected, &lost).await?,
            };
            let came = match came {
                Err(AttemptEnd::Partial(reason))
                    if matches!(refused, None | Some(AttemptEnd::Done(_))) && going > removed.files =>
                {
                    // Entries that blocked new ones have already been removed.
                    let what = if removed.files == 0 { "nothing" } else { "nothing else" };
                    let text = format!("{what} was deleted, since the transfer was not complete");
                    return Err(self.checked(AttemptEnd::Partial(reason.and(&text))).await?);
                }
                // The guard's refusal takes precedence.
                Err(AttemptEnd::Partial(_)) if matches!(refused, Some(AttemptEnd::Blocked(_))) => {
                    Transfer { warned: None, arrived: false }
                }
                Err(partial @ AttemptEnd::Partial(_)) => return Err(self.checked(partial).await?),
                came => came?,
            };
            self.evidence.arrived = came.arrived;
            warned = came.warned.or(warned);
            if self.source_is_empty() {
                // The source was not empty when it was listed. It is changing, so nothing is deleted.
                return Err(AttemptEnd::Blocked(self.emptied(&listing)));
            }
        }
        if bring {
            (listing, lost) = match self.fetch_holders(listing).await {
                Err(partial @ AttemptEnd::Partial(_)) => return Err(self.checked(partial).await?),
                fetched => fetched?,
            };
        }
        let damage = self.damage(&lost).await?;
        let mut ending = match refused {
            Some(AttemptEnd::Done(Some(reason))) => AttemptEnd::Done(Some(match warned {
                Some(warned) => reason.and(&warned.text),
                None => reason,
            })),
            Some(ending) => ending,
            None if !delete || damage.is_some() => AttemptEnd::Done(warned),
            None if !self.evidence.has_everything() => {
                let reason = warned.unwrap_or_else(|| Reason::new("not everything arrived"));
                AttemptEnd::Done(Some(
                    reason.and("nothing was deleted, since not everything that was listed arrived"),
                ))
            }
            None => {
                let removed = self.remove(&listing, removed, warned).await;
                self.own_trouble |= !matches!(removed, Ok(AttemptEnd::Done(_)));
                removed?
            }
        };
        if let Some(damage) = damage {
            ending = ending.with_damage(damage);
        }
        let (listing, told) = self.tell_lost(listing).await?;
        if let Some(told) = told {
            self.own_trouble = true;
            ending = told.over(ending);
        }
        self.remember_names(listing).await;
        Ok(ending)
    }
}
