//! What a run would do, without doing it.

use super::Mode;
use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::guard::{self, DeletionVerdict};
use super::listing::Listing;
use crate::model::event::{Event, Level, Tally};
use crate::rsync::args;
use crate::rsync::exit::Class;

impl AttemptRunner<'_> {
    /// Reports that a source directory given without a slash at its end is transferred itself, not only its contents. A single file has no
    /// directory in its listing.
    async fn tell_own_directory(&self, listing: &Listing) {
        let Some(name) = args::own_directory(&self.job.rsync_args, self.source) else { return };
        if listing.stats.files.is_some_and(|files| files.dirs > 0) {
            let (text, hint) = args::own_directory_text(self.source, name, &self.job.dest);
            self.job_events.notice(Level::Info, format!("{text}; {hint}")).await;
        }
    }

    /// `--dry-run` and `--plan`: makes the same checks and changes nothing. The figures are those that a run would have.
    pub(super) async fn rehearse(&mut self) -> Result<AttemptEnd, AttemptEnd> {
        let folds = self.memory.folds.is_some_and(|(_, _, folds)| folds);
        let mut listing = self.rehearsal(folds).await?;
        if listing.folds_below {
            self.folds_below = true;
            listing = self.rehearsal(true).await?;
        }
        if matches!(self.plan.mode, Mode::Plan { .. }) {
            self.tell_own_directory(&listing).await;
        }
        if self.source_is_empty() {
            // None of the listed changes would be made.
            (self.figures.files_transferred, self.figures.files_deleted) = (Some(0), Some(0));
            return Ok(AttemptEnd::Empty(self.emptied(&listing)));
        }
        let delete = self.job.delete;
        // The guards also judge entries that the transfer would leave alone, and so need all that the destination holds.
        let judged = match args::hides_differences(&self.job.rsync_args) {
            true => Some(self.list(folds).await?),
            false => None,
        };
        self.tell_adopted(judged.as_ref().unwrap_or(&listing)).await;
        if matches!(self.plan.mode, Mode::Plan { .. }) {
            let all = judged.as_ref().unwrap_or(&listing);
            let limit = all.present().filter(|_| delete);
            let refused = self.memory.refused_at(&self.job.dest);
            let limit = limit.map(|present| guard::limit(self.job, all, guard::basis(present, refused)));
            let left_out = self.left_out(&listing).await?;
            let (mut deleted, mut waiting) = (listing.gone.tally, Tally::default());
            let mut respelt = if delete { listing.respelled.len() as u64 } else { 0 };
            if self.adopting.is_some() {
                std::mem::swap(&mut deleted, &mut waiting);
                respelt = 0;
            }
            let (job, created, updated) = (self.job_events.job.clone(), listing.created, listing.updated);
            // A run that adopts the destination deletes nothing, whatever is approved.
            let approvable = delete && self.adopting.is_none();
            let plan_hash = all.gone.hash().filter(|_| approvable).map(str::to_owned);
            self.job_events
                .say(Event::Planned {
                    job,
                    created,
                    updated,
                    deleted,
                    limit,
                    waiting,
                    respelt,
                    left_out,
                    plan_hash,
                })
                .await;
        }
        // As rsync does with `-n`: the figures of a real run.
        self.figures.files_transferred = self.would_come(&mut listing).await?;
        self.figures.files_deleted =
            Some(if delete && self.adopting.is_none() { listing.gone.tally.files } else { 0 });
        if listing.reserved.theirs > 0 {
            return Err(AttemptEnd::Failed(Class::Fatal, guard::reserved(&listing.reserved)));
        }
        let all = judged.as_ref().unwrap_or(&listing);
        self.judge_layout(all)?;
        self.judge_age(all)?;
        if delete {
            match self.judge_deletions(all).await? {
                DeletionVerdict::Go => {}
                DeletionVerdict::TransferOnly(reason) => return Ok(AttemptEnd::Blocked(reason)),
                DeletionVerdict::Empty(reason) => return Ok(AttemptEnd::Empty(reason)),
            }
        }
        if let Some(reason) = self.first_run_waits(all) {
            return Ok(AttemptEnd::Done(Some(reason)));
        }
        Ok(AttemptEnd::Done(listing.warned))
    }
}
