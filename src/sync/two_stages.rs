//! A transfer in two stages (`last`): the paths of the job that come last are transferred only if everything else has arrived.

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::blocking::off_thread;
use super::complete::Transfer;
use super::listing::Listing;
use super::name_list::NameList;
use super::transfer_list::{Listed, below_root, listed};
use crate::model::job::Job;
use crate::model::result::Reason;
use crate::rsync::args;
use std::io;

const HELD: &str = "the paths of `last` were not transferred, since not everything else arrived";

/// What differs, divided.
struct Stages {
    /// The first and the last stage, if they are transferred by lists; `None` for a stage without a name.
    lists: Option<[Option<Listed>; 2]>,
    /// How many files of the last stage have other contents.
    last_files: u64,
}

/// Whether a name is one of the paths, or below one.
pub(super) fn is_below(name: &[u8], paths: &[Vec<u8>]) -> bool {
    let name = name.strip_suffix(b"/").unwrap_or(name);
    paths.iter().any(|path| {
        name.strip_prefix(&path[..]).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}

impl AttemptRunner<'_> {
    /// The paths that come last, without a slash at the end.
    pub(super) fn held_back(&self) -> Vec<Vec<u8>> {
        self.job.last.iter().map(|path| path.trim_end_matches('/').as_bytes().to_vec()).collect()
    }

    /// Transfers everything but the paths of `last`, then these. `expected`: how many files have other contents; `u64::MAX`: unknown. The error of
    /// a stage is in the inner result.
    pub(super) async fn in_two_stages(
        &mut self,
        listing: Listing,
        expected: u64,
        lost: &[Vec<u8>],
    ) -> Result<(Listing, Result<Transfer, AttemptEnd>), AttemptEnd> {
        let held = self.held_back();
        let by_list = args::not_listed(&self.job.rsync_args).is_none() && listing.warned.is_none();
        let (job, new) = (self.job.clone(), [NameList::new(self.source), NameList::new(self.source)]);
        let (paths, mut listing) = (held.clone(), listing);
        let divide = move || {
            let stages = divide(&mut listing, &paths, new, &job, by_list);
            (listing, stages)
        };
        let (listing, stages) = off_thread(&self.job_events.stop, divide).await.ok_or(AttemptEnd::Stopped)?;
        let Stages { lists, last_files } = stages.map_err(|error| {
            let text = format!("cannot read what was listed: {error}");
            AttemptEnd::Failed(crate::rsync::exit::Class::Fatal, Reason::new(text))
        })?;
        let (first, last) = match &lists {
            Some([first, last]) => (first.as_ref(), last.as_ref()),
            None => (None, None),
        };
        let known = |files: u64| if expected == u64::MAX { u64::MAX } else { files };
        let mut warned = None;
        if lists.is_none() || first.is_some() {
            let without = [lost, &held].concat();
            let came = self.stage(first, known(expected.saturating_sub(last_files)), &without).await;
            match came {
                Ok(Transfer { arrived: true, warned: reason }) => warned = reason,
                Ok(Transfer { arrived: false, warned }) => {
                    let warned = Some(warned.map_or_else(|| Reason::new(HELD), |reason| reason.and(HELD)));
                    return Ok((listing, Ok(Transfer { warned, arrived: false })));
                }
                Err(AttemptEnd::Partial(reason)) => {
                    return Ok((listing, Err(AttemptEnd::Partial(reason.and(HELD)))));
                }
                Err(ending) => return Ok((listing, Err(ending))),
            }
        }
        if lists.is_some() && last.is_none() {
            return Ok((listing, Ok(Transfer { warned, arrived: true })));
        }
        let came = self.stage(last, known(last_files), lost).await;
        let came = came.map(|came| Transfer { warned: came.warned.or(warned), ..came });
        Ok((listing, came))
    }

    async fn stage(
        &mut self,
        list: Option<&Listed>,
        expected: u64,
        without: &[Vec<u8>],
    ) -> Result<Transfer, AttemptEnd> {
        let scope = self.scope.clone();
        let of = list.map_or(self.of(&scope), |list| (&list.job, &list.job.sources[0]));
        self.transfer(of, None, Some(expected), without).await
    }
}

/// Divides what differs. Without `by_list`, or if a list cannot be written, the stages are told apart by filters only.
fn divide(
    listing: &mut Listing,
    paths: &[Vec<u8>],
    mut lists: [NameList; 2],
    job: &Job,
    by_list: bool,
) -> io::Result<Stages> {
    let mut last_files = 0;
    listing.each_changed(|changed| {
        last_files += u64::from(changed.contents && is_below(&changed.name, paths));
    })?;
    if !by_list {
        return Ok(Stages { lists: None, last_files });
    }
    let mut fits = true;
    listing.each_to_bring(|name| {
        let stage = usize::from(is_below(name, paths));
        match name {
            b"." => {}
            name if below_root(name) => lists[stage].push_with_root(name),
            _ => fits = false,
        }
        Ok(())
    })?;
    // The root alone is a matter of the whole walk.
    if !fits || lists.iter().all(|list| list.len() == 0) {
        return Ok(Stages { lists: None, last_files });
    }
    let mut stages = [None, None];
    for (stage, list) in stages.iter_mut().zip(lists) {
        if list.len() > 0 {
            let Some(list) = listed(list, false, job) else {
                return Ok(Stages { lists: None, last_files });
            };
            *stage = Some(list);
        }
    }
    Ok(Stages { lists: Some(stages), last_files })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_itself_and_what_is_below_it() {
        let paths = [b"index".to_vec(), b"a/b".to_vec()];
        for name in ["index", "index/", "index/x/y", "a/b", "a/b/c"] {
            assert!(is_below(name.as_bytes(), &paths), "{name}");
        }
        for name in ["index.html", "a", "a/", "a/bc", "x/index", "."] {
            assert!(!is_below(name.as_bytes(), &paths), "{name}");
        }
    }
}
