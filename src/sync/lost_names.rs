//! Names of the source that the destination cannot hold beside another name of the source, since it ignores case or Unicode form.

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::blocking::off_thread;
use super::listing::{self, Listing, LostName};
use crate::model::result::Reason;
use crate::rsync::exit::Verdict;
use std::collections::HashSet;

/// How many names a message shows.
const TOLD: usize = 3;

impl AttemptRunner<'_> {
    /// After a transfer: fetches each file once more that the destination holds in place of a name that no earlier run has reported. That name was
    /// transferred too, so the file may have its content, with the same size and time. Returns the names of files that cannot be held.
    pub(super) async fn fetch_holders(
        &mut self,
        listing: Listing,
    ) -> Result<(Listing, Vec<Vec<u8>>), AttemptEnd> {
        let (listing, lost) = self.lost_by_now(listing).await?;
        let names: Vec<Vec<u8>> = listing::lost_files(&lost).map(<[u8]>::to_vec).collect();
        let known: HashSet<&[u8]> = self.memory.lost.iter().map(String::as_bytes).collect();
        let is_new = |lost: &&LostName| !known.contains(String::from_utf8_lossy(&lost.name).as_bytes());
        let holders =
            lost.iter().filter(|lost| !lost.dir).filter(is_new).filter_map(|lost| lost.holder.as_ref());
        let holders: HashSet<&Vec<u8>> = holders.collect();
        if holders.is_empty() {
            return Ok((listing, names));
        }
        let holders: Vec<Vec<u8>> = holders.into_iter().cloned().collect();
        match self.bring_named(&holders, &holders, &names).await? {
            Verdict::Ok | Verdict::Vanished(_) => Ok((listing, names)),
            Verdict::Partial(reason) => Err(AttemptEnd::Partial(reason)),
            Verdict::Failed(class, reason) => Err(AttemptEnd::Failed(class, reason)),
        }
    }

    /// The names that the destination cannot hold, as far as its names show now and showed before the transfer.
    async fn lost_by_now(&self, listing: Listing) -> Result<(Listing, Vec<LostName>), AttemptEnd> {
        let dest = self.job.dest.clone();
        let look = move || {
            let lost = listing.lost_now(&dest);
            (listing, lost)
        };
        let (listing, lost) = off_thread(&self.job_events.stop, look).await.ok_or(AttemptEnd::Stopped)?;
        let mut lost = lost.unwrap_or_default();
        let before = listing.lost.iter().filter(|before| !lost.iter().any(|lost| lost.name == before.name));
        let before: Vec<_> = before.cloned().collect();
        lost.extend(before);
        Ok((listing, lost))
    }

    /// The names of the source that the destination cannot hold beside another name of the source; `None` if there are none.
    pub(super) async fn tell_lost(
        &mut self,
        listing: Listing,
    ) -> Result<(Listing, Option<LostDest>), AttemptEnd> {
        let (listing, lost) = self.lost_by_now(listing).await?;
        let names: Vec<String> =
            lost.iter().map(|lost| String::from_utf8_lossy(&lost.name).into_owned()).collect();
        let new = names.iter().any(|name| !self.memory.lost.contains(name));
        if names.is_empty() {
            self.memory.lost.clear();
            return Ok((listing, None));
        }
        let mut shown = names.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
        if names.len() > TOLD {
            shown.push_str(&format!(" and {} more", names.len() - TOLD));
        }
        let text = format!(
            "{} of the source cannot be stored, since the destination treats each as another name of the source: {shown}",
            if names.len() == 1 { "1 name".into() } else { format!("{} names", names.len()) },
        );
        let hint = "the destination ignores case or Unicode form: exclude these names, or use a file system that tells them apart";
        self.memory.lost = names;
        let reason = Reason::new(text).hint(hint);
        Ok((listing, Some(if new { LostDest::New(reason) } else { LostDest::Known(reason) })))
    }
}

/// Names that the destination cannot hold.
pub(super) enum LostDest {
    /// This run has found new ones: something was left out.
    New(Reason),
    /// All of them were reported before.
    Known(Reason),
}

impl LostDest {
    /// Adds this reason to the end of the attempt.
    pub(super) fn over(self, ending: AttemptEnd) -> AttemptEnd {
        let (reason, new) = match self {
            LostDest::New(reason) => (reason, true),
            LostDest::Known(reason) => (reason, false),
        };
        match ending {
            AttemptEnd::Done(None) if new => AttemptEnd::Partial(reason),
            AttemptEnd::Done(Some(warned)) if new => AttemptEnd::Partial(reason.and(&warned.text)),
            AttemptEnd::Done(None) => AttemptEnd::Done(Some(reason)),
            AttemptEnd::Done(Some(warned)) => AttemptEnd::Done(Some(warned.and(&reason.text))),
            AttemptEnd::Partial(partial) => AttemptEnd::Partial(partial.and(&reason.text)),
            AttemptEnd::Blocked(blocked) => AttemptEnd::Blocked(blocked.and(&reason.text)),
            other => other,
        }
    }
}
