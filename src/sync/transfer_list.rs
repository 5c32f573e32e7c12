//! The transfer list: exactly the names that the listing found to differ. A transfer of these names does not walk the source again.

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::blocking::off_thread;
use super::complete::Transfer;
use super::listing::Listing;
use super::name_list::NameList;
use crate::model::event::Level;
use crate::model::job::Job;
use crate::rsync::args;
use std::io;

/// The job that transfers what a listing named, and the list, which must outlive it. Without a list the job is the whole one.
pub(super) struct Listed {
    pub(super) job: Job,
    pub(super) list: NameList,
}

impl AttemptRunner<'_> {
    /// Transfers what differs, over one connection or several. `expected`: how many files have other contents; `u64::MAX`: unknown. The error of the
    /// transfer is in the inner result.
    pub(super) async fn in_one_stage(
        &mut self,
        mut listing: Listing,
        expected: u64,
        lost: &[Vec<u8>],
    ) -> Result<(Listing, Result<Transfer, AttemptEnd>), AttemptEnd> {
        let (mut parts, mut listed) = (None, None);
        if expected != u64::MAX {
            (listing, parts) = self.parts(listing).await?;
        }
        if parts.is_none() {
            (listing, listed) = self.transfer_list(listing).await?;
        }
        let scope = self.scope.clone();
        let of = listed.as_ref().map_or(self.of(&scope), |l| (&l.job, &l.job.sources[0]));
        let came = self.transfer(of, parts.as_mut(), Some(expected), lost).await;
        if let Some(parts) = parts {
            parts.end(&mut listing);
        }
        Ok((listing, came))
    }

    /// Writes the transfer list of a listing. `None` if the whole source has to be walked again; `-v` shows why.
    pub(super) async fn transfer_list(
        &mut self,
        listing: Listing,
    ) -> Result<(Listing, Option<Listed>), AttemptEnd> {
        let why = match args::not_listed(&self.job.rsync_args) {
            Some(why) => why,
            None if listing.warned.is_some() => "the listing is not complete",
            None => {
                let (job, list) = (self.job.clone(), NameList::new(self.source));
                let write = move || write(listing, list, &job);
                let (listing, listed) =
                    off_thread(&self.job_events.stop, write).await.ok_or(AttemptEnd::Stopped)?;
                if listed.is_none() {
                    self.tell_walk("the list of names cannot be written or does not fit this source").await;
                }
                return Ok((listing, listed));
            }
        };
        self.tell_walk(why).await;
        Ok((listing, None))
    }

    async fn tell_walk(&self, why: &str) {
        let text = format!("the whole source is compared again for the transfer: {why}");
        self.job_events.notice(Level::Debug, text).await;
    }
}

fn write(mut listing: Listing, mut list: NameList, job: &Job) -> (Listing, Option<Listed>) {
    let only_root = names_of(&mut listing, &mut list);
    let listed = only_root.ok().and_then(|only_root| listed(list, only_root, job));
    (listing, listed)
}

/// The job that transfers what is in the list; `None` if the list could not be written. `only_root`: it is the root alone.
pub(super) fn listed(mut list: NameList, only_root: bool, job: &Job) -> Option<Listed> {
    let job = list.job(job)?;
    // A directory named "." is transferred with its entries, but not with theirs.
    let job = if only_root { Job { exclude: vec!["/*".into()], ..job } } else { job };
    Some(Listed { job, list })
}

/// Adds the names to the list. Returns whether only the root differs.
fn names_of(listing: &mut Listing, list: &mut NameList) -> io::Result<bool> {
    listing.each_to_bring(|name| match name {
        b"." => Ok(()),
        _ if below_root(name) => {
            list.push_with_root(name);
            Ok(())
        }
        _ => Err(io::ErrorKind::InvalidData.into()),
    })?;
    let only_root = list.len() == 0;
    if only_root {
        list.push(b".");
    }
    Ok(only_root)
}

/// Whether a name stays below the destination. One that leads out of it is rsync's to refuse; a list must not ask for it.
pub(super) fn below_root(name: &[u8]) -> bool {
    name.split(|byte| *byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."))
}
