//! Parts of a transfer: what a listing has found, for several connections at the same time.
//!
//! Files larger than a part are parts of their own and come first. The other large files are shared out, the largest first, and the small ones
//! fill the parts up, so that the connections end at nearly the same time.
//!
//! Several rsyncs write to one directory. Each sets the times and modes of all directories above its entries when it ends, so those of a directory
//! are right when the last of them has ended. Only root may write into a directory that another of them has given a mode such as 0555.

mod cut;
mod cut_list;
mod part_plan;
mod pool;
mod progress;
mod result;

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::blocking::off_thread;
use super::listing::{ChangedList, Listing};
use super::source_speed;
use crate::model::event::Level;
use crate::model::job::Connections;
use crate::rsync::args;
use crate::rsync::fetch_files::FetchFiles;
use cut::Load;
use cut_list::{Cut, cut_list};
use part_plan::PartPlan;
use rustix::process::geteuid;
use std::collections::{HashSet, VecDeque};
use std::io;

/// What is to be transferred in parts.
pub(super) struct Parts {
    /// What differs, and the names that are not transferred.
    changed: ChangedList,
    lost: HashSet<Vec<u8>>,
    queue: VecDeque<PartPlan>,
    /// The weight up to which an entry is small.
    small: u64,
    /// How many connections pay.
    connections: usize,
    load: Load,
}

impl AttemptRunner<'_> {
    /// Cuts a transfer into parts; `None` if one connection does as well.
    pub(super) async fn parts(
        &mut self,
        mut listing: Listing,
    ) -> Result<(Listing, Option<Parts>), AttemptEnd> {
        let (limit, source) = (self.job.connections, self.source);
        let most = limit.most().min(self.slots.cap(source.host()));
        let local = limit == Connections::Auto && !source.is_remote();
        let walked = args::not_listed(&self.job.rsync_args).is_some() || listing.warned.is_some();
        if most < 2 || local || walked || FetchFiles::from(source).is_none() {
            return Ok((listing, None));
        }
        if args::delays_updates(&self.job.rsync_args) {
            let text = "the transfer uses one connection: --delay-updates puts all files in their places at the end of one rsync";
            self.job_events.notice(Level::Debug, text).await;
            return Ok((listing, None));
        }
        let (state_dir, asked) = (self.plan.state_dir.clone(), source.clone());
        let dest = self.job.dest.clone();
        let work = move || {
            let rate = source_speed::rate(&state_dir, &asked);
            let mut cut = || -> io::Result<_> {
                if !geteuid().is_root() && listing.has_closed_dirs(&dest)? {
                    return Ok((None, true));
                }
                Ok((Parts::cut(&mut listing, limit, most, rate)?, false))
            };
            let parts = cut();
            (listing, parts)
        };
        let (listing, parts) = off_thread(&self.job_events.stop, work).await.ok_or(AttemptEnd::Stopped)?;
        match parts {
            Ok((parts, closed)) => {
                if closed {
                    let text = "the transfer uses one connection: it writes into directories without all rights for their owner, and each of several rsyncs would take them away from the others";
                    self.job_events.notice(Level::Debug, text).await;
                }
                Ok((listing, parts))
            }
            Err(error) => {
                let text = format!("the transfer uses one connection: cannot read what was listed: {error}");
                self.job_events.notice(Level::Debug, text).await;
                Ok((listing, None))
            }
        }
    }
}

impl Parts {
    fn cut(
        listing: &mut Listing,
        limit: Connections,
        most: usize,
        rate: Option<f64>,
    ) -> io::Result<Option<Parts>> {
        let Some((mut changed, lost)) = listing.take_changed() else { return Ok(None) };
        let cut = cut_list(&mut changed, &lost, limit, most, rate);
        match cut {
            Ok(Some(Cut { queue, small, connections, load })) => {
                Ok(Some(Parts { changed, lost, queue: queue.into(), small, connections, load }))
            }
            other => {
                listing.put_back(changed);
                other.map(|_| None)
            }
        }
    }

    /// Puts the list of what differs back.
    pub(super) fn end(self, listing: &mut Listing) {
        listing.put_back(self.changed);
    }
}
