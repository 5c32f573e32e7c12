//! Deletes what the source lacks, after everything of the source has arrived.

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::listing::Listing;
use super::remove::Removed;
use crate::clean::removal;
use crate::model::result::Reason;

impl AttemptRunner<'_> {
    /// Deletes what the source lacks. The caller has checked that everything of the source arrived.
    pub(super) async fn remove(
        &mut self,
        listing: &Listing,
        before: Removed,
        warned: Option<Reason>,
    ) -> Result<AttemptEnd, AttemptEnd> {
        let mut removed = before.and(self.delete(&listing.gone, false).await?);
        if removed.stopped {
            return Err(AttemptEnd::Stopped);
        }
        removed = removed.and(self.respell(listing).await?);
        self.evidence.not_deleted = removed.left;
        if removed.left > 0 {
            let entries = if removed.left == 1 { "entry" } else { "entries" };
            let text = format!("{} {entries} could not be deleted: {}", removed.left, removed.why.join("; "));
            let hint = removed.first.and_then(|dir| self.change_hint(&dir));
            let hint = hint.unwrap_or_else(|| "the next run counts and tries them again".into());
            return Ok(AttemptEnd::Partial(Reason::new(text).hint(hint)));
        }
        Ok(AttemptEnd::Done(warned))
    }

    /// How this user could change a directory of the destination; `None` if permissions are not the problem.
    pub(super) fn change_hint(&self, dir: &[u8]) -> Option<String> {
        removal::change_hint(self.access?.root(), &self.job.dest, dir)
    }
}
