//! Parts of a transfer: what a listing has found, for several connections at the same time.
//!
//! Files larger than a part are parts of their own and come first. Then come parts of larger files, then those of smaller files, so that the
//! last parts have nearly the weight that they should have.
//!
//! Several rsyncs write to one directory. Each sets the times and modes of all directories above its entries when it ends, so those of a directory
//! are right when the last of them has ended.

mod cut;
mod pool;
mod progress;
mod result;

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::blocking::off_thread;
use super::listing::{Changed, ChangedList, Listing};
use super::name_list::NameList;
use super::source_speed;
use super::transfer_list::{Listed, listed};
use crate::model::event::Level;
use crate::model::job::{Connections, Job, Source};
use crate::model::part::Part;
use crate::rsync::args;
use crate::rsync::fetch_files::FetchFiles;
use cut::{A_FILE, Load};
use std::collections::{HashSet, VecDeque};
use std::io;

/// What is to be transferred in parts.
pub(super) struct Parts {
    /// What differs, and the names that are not transferred.
    changed: ChangedList,
    lost: HashSet<Vec<u8>>,
    queue: VecDeque<PartPlan>,
    limits: Limits,
    /// How many connections pay.
    connections: usize,
    load: Load,
}

/// One part: entries of the list of what differs.
#[derive(Debug, Clone)]
pub(super) struct PartPlan {
    part: Part,
    /// The position of its first entry in the list.
    from: u64,
    class: SizeClass,
    /// Number of its entries.
    entries: u64,
    load: Load,
}

/// The size of an entry, compared with that of parts. Each part has entries of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SizeClass {
    /// Larger than any part.
    Huge,
    /// Larger than the smallest part.
    Large,
    Small,
}

/// The weights that separate the classes.
#[derive(Debug, Clone, Copy)]
struct Limits {
    large: u64,
    huge: u64,
}

impl Limits {
    fn class(self, weight: u64) -> SizeClass {
        match weight {
            weight if weight > self.huge => SizeClass::Huge,
            weight if weight > self.large => SizeClass::Large,
            _ => SizeClass::Small,
        }
    }
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
        let (state_dir, asked) = (self.plan.state_dir.clone(), source.clone());
        let work = move || {
            let rate = source_speed::rate(&state_dir, &asked);
            let parts = Parts::cut(&mut listing, limit, most, rate);
            (listing, parts)
        };
        let (listing, parts) = off_thread(&self.job_events.stop, work).await.ok_or(AttemptEnd::Stopped)?;
        match parts {
            Ok(parts) => Ok((listing, parts)),
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
            Ok(Some(Cut { queue, limits, connections, load })) => {
                Ok(Some(Parts { changed, lost, queue: queue.into(), limits, connections, load }))
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

/// The weight of an entry; `None` for one that is in no part. The root is above each name.
fn weight(changed: &Changed, lost: &HashSet<Vec<u8>>) -> Option<u64> {
    let part_of = changed.name != b"." && !lost.contains(&changed.name);
    part_of.then(|| if changed.contents { A_FILE + changed.size } else { A_FILE })
}

/// The parts in the order in which they are taken.
struct Cut {
    queue: Vec<PartPlan>,
    limits: Limits,
    connections: usize,
    load: Load,
}

/// Cuts a list into parts; `None` if one connection is enough.
fn cut_list(
    changed: &mut ChangedList,
    lost: &HashSet<Vec<u8>>,
    limit: Connections,
    most: usize,
    rate: Option<f64>,
) -> io::Result<Option<Cut>> {
    let mut load = Load::default();
    for found in changed.iter_from(0)? {
        let (_, entry) = found?;
        // A name that leads out of the destination is rsync's to refuse.
        if entry.name.split(|byte| *byte == b'/').any(|name| matches!(name, b"" | b".." | b"."))
            && entry.name != b"."
        {
            return Ok(None);
        }
        load.add(&entry, weight(&entry, lost));
    }
    let connections = cut::useful(limit, load, rate).min(most);
    if connections < 2 {
        return Ok(None);
    }
    let sizes = cut::sizes(load.weight, connections, rate);
    let limits = Limits {
        large: sizes.last().copied().unwrap_or(u64::MAX) / 4,
        huge: sizes.first().copied().unwrap_or(u64::MAX),
    };
    let mut huge: Vec<PartPlan> = Vec::new();
    let mut sizes_left = VecDeque::from(sizes);
    let mut rest: Vec<PartPlan> = Vec::new();
    for class in [SizeClass::Huge, SizeClass::Large, SizeClass::Small] {
        let mut open: Option<PartPlan> = None;
        // By how much the parts so far are too large, in sum.
        let mut excess = 0i64;
        for found in changed.iter_from(0)? {
            let (from, entry) = found?;
            let Some(weight) = weight(&entry, lost).filter(|weight| limits.class(*weight) == class) else {
                continue;
            };
            let part = open.get_or_insert_with(|| PartPlan::new(from, class));
            part.entries += 1;
            part.load.add(&entry, Some(weight));
            let wanted = sizes_left.front().copied().unwrap_or_default() as i64 - excess;
            // Nearest to its size, with this entry as a guess at the next one.
            let full = part.load.weight as i64 + weight as i64 / 2 >= wanted && sizes_left.len() > 1;
            if class == SizeClass::Huge {
                huge.extend(open.take());
            } else if full {
                excess = part.load.weight as i64 - wanted;
                sizes_left.pop_front();
                rest.extend(open.take());
            }
        }
        if class == SizeClass::Huge {
            // What is left is shared by all connections.
            let left = load.weight - huge.iter().map(|part| part.load.weight).sum::<u64>();
            sizes_left = cut::sizes(left, connections, rate).into();
        }
        rest.extend(open);
    }
    huge.sort_by_key(|part| std::cmp::Reverse(part.load.weight));
    huge.extend(rest);
    let of = huge.len() as u32;
    for (index, plan) in (1..).zip(&mut huge) {
        plan.part = Part { index, of };
    }
    Ok((of > 1).then_some(Cut { queue: huge, limits, connections, load }))
}

impl PartPlan {
    /// The transfer of this part; `None` if its list cannot be written.
    fn listed(
        &self,
        changed: &mut ChangedList,
        lost: &HashSet<Vec<u8>>,
        limits: Limits,
        job: &Job,
        source: &Source,
    ) -> Option<Listed> {
        let mut list = NameList::new(source);
        let mut left = self.entries;
        for found in changed.iter_from(self.from).ok()? {
            if left == 0 {
                break;
            }
            let (_, entry) = found.ok()?;
            if weight(&entry, lost).is_some_and(|weight| limits.class(weight) == self.class) {
                list.push_with_root(&entry.name);
                left -= 1;
            }
        }
        listed(list, false, job)
    }

    fn new(from: u64, class: SizeClass) -> Self {
        let part = Part { index: 0, of: 0 };
        PartPlan { part, from, class, entries: 0, load: Load::default() }
    }
}

impl Load {
    fn add(&mut self, entry: &Changed, weight: Option<u64>) {
        let Some(weight) = weight else { return };
        self.weight = self.weight.saturating_add(weight);
        if entry.contents {
            self.files += 1;
            self.bytes = self.bytes.saturating_add(entry.size);
        }
    }
}
