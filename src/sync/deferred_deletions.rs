//! Why the deletions of a run are deferred although no limit forbids them.

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::guard::{self, DeletionVerdict};
use super::listing::{Deletions, Listing};
use crate::model::result::Reason;

impl AttemptRunner<'_> {
    /// Whether the limits or the user allow the deletions of a listing.
    pub(super) async fn judge_deletions(&self, listing: &Listing) -> Result<DeletionVerdict, AttemptEnd> {
        let approval = self.approval(listing).await?;
        let refused = self.memory.refused_at(&self.job.dest);
        Ok(guard::deletions(self.job, &self.plan.again, listing, refused, &approval))
    }

    /// Why the deletions of this run are deferred although no limit forbids them; `None` if they are not.
    pub(super) fn not_yet(&self, listing: &Listing) -> Option<AttemptEnd> {
        let Deletions { tally, unwritten, .. } = &listing.gone;
        if listing.gone.is_empty() && (self.unsure.is_none() || listing.respelled.is_empty()) {
            return None;
        }
        let what = guard::waiting(*tally);
        if let Some(reason) = self.unsure {
            let text = format!("{what}, since others may be writing there: {}", reason.text);
            return Some(AttemptEnd::Partial(Reason { text, hint: reason.hint.clone() }));
        }
        if let Some(why) = unwritten {
            let text = format!("{what}, since the list of deletions cannot be written: {why}");
            return Some(AttemptEnd::Partial(
                Reason::new(text).hint("is the state directory writable, and its disk not full?"),
            ));
        }
        if let Some(reason) = &self.cannot_keep {
            let text = format!("{what}, since what is removed has to be kept: {}", reason.text);
            return Some(AttemptEnd::Partial(Reason { text, hint: reason.hint.clone() }));
        }
        if let Some(reason) = self.first_run_waits(listing) {
            return Some(AttemptEnd::Done(Some(reason)));
        }
        let first = &self.job.sources[0].text;
        if self.memory.may_delete_from(&self.source.text, first, &self.plan.run) {
            return None;
        }
        let usual = self.memory.usual.as_ref().unwrap_or(first);
        let text = format!("{what}, since {} served this run and not the usual source {usual}", self.source);
        Some(AttemptEnd::Done(Some(
            Reason::new(text).hint("a source that serves two runs in a row is trusted with deletions"),
        )))
    }
}
