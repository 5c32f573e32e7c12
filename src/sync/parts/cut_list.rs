//! Cuts the list of what differs into parts: first shares out the large entries, the largest first, then cuts the list of the small ones.

use super::cut::{self, Load};
use super::part_plan::{PartPlan, weight};
use crate::model::job::Connections;
use crate::model::part::Part;
use crate::sync::listing::ChangedList;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet, VecDeque};
use std::io;

/// An entry is large if its weight is more than this share of the smallest part.
const OF_A_PART: u64 = 16;
/// How many entries are large at most. They are in memory.
const MOST_LARGE: u64 = 1 << 16;
/// Among how many of its last small entries a part that is full chooses those that it leaves to the next one.
const RECENT: usize = 8;

/// The parts in the order in which they are taken.
pub(super) struct Cut {
    pub(super) queue: Vec<PartPlan>,
    /// The weight up to which an entry is small.
    pub(super) small: u64,
    pub(super) connections: usize,
    pub(super) load: Load,
}

/// An entry of the list.
#[derive(Debug, Clone, Copy)]
struct Entry {
    position: u64,
    load: Load,
}

/// Cuts a list into parts; `None` if one connection is enough.
pub(super) fn cut_list(
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
        if let Some(weight) = weight(&entry, lost) {
            load.add(Load::of(&entry, weight));
        }
    }
    let connections = cut::useful(limit, load, rate).min(most);
    if connections < 2 {
        return Ok(None);
    }
    let sizes = cut::sizes(load.weight, connections, rate);
    let (largest, smallest) = (sizes.first().copied().unwrap_or(0), sizes.last().copied().unwrap_or(0));
    let small = (smallest / OF_A_PART).max(load.weight / MOST_LARGE);
    let mut large = larger_than(small, changed, lost)?;
    large.sort_by_key(|entry| Reverse(entry.load.weight));
    // What is larger than any part is one by itself. What is left is shared by all connections.
    let shared = large.split_off(large.partition_point(|entry| entry.load.weight > largest));
    let left = large.iter().fold(load.weight, |left, entry| left.saturating_sub(entry.load.weight));
    let sizes = cut::sizes(left, connections, rate);
    let mut parts = share_out(&shared, &sizes);
    let left = shared.iter().fold(left, |left, entry| left.saturating_sub(entry.load.weight));
    let loads: Vec<u64> = parts.iter().map(|part| part.load.weight).collect();
    cut_small(changed, lost, small, &cut::filled(&loads, &sizes, left), &mut parts)?;
    let alone = large.iter().map(|entry| {
        let mut plan = PartPlan::default();
        plan.add_large(*entry);
        plan
    });
    let mut queue: Vec<_> = alone.chain(parts).filter(|plan| plan.entries() > 0).collect();
    let of = queue.len() as u32;
    for (index, plan) in (1..).zip(&mut queue) {
        plan.part = Part { index, of };
    }
    Ok((of > 1).then_some(Cut { queue, small, connections, load }))
}

/// The entries of a larger weight.
fn larger_than(small: u64, changed: &mut ChangedList, lost: &HashSet<Vec<u8>>) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for found in changed.iter_from(0)? {
        let (position, entry) = found?;
        if let Some(weight) = weight(&entry, lost).filter(|weight| *weight > small) {
            entries.push(Entry { position, load: Load::of(&entry, weight) });
        }
    }
    Ok(entries)
}

/// Gives each of these entries, the largest first, to the part that lacks most of its size. Returns the parts.
fn share_out(entries: &[Entry], sizes: &[u64]) -> Vec<PartPlan> {
    let mut parts = vec![PartPlan::default(); sizes.len()];
    // Of parts that lack the same, the first.
    let mut lacking: BinaryHeap<(i64, Reverse<usize>)> =
        sizes.iter().enumerate().map(|(part, size)| (*size as i64, Reverse(part))).collect();
    for entry in entries {
        let Some((lacks, Reverse(part))) = lacking.pop() else { break };
        parts[part].add_large(*entry);
        lacking.push((lacks.saturating_sub_unsigned(entry.load.weight), Reverse(part)));
    }
    for part in &mut parts {
        part.large.sort_unstable();
    }
    parts
}

/// Fills the parts up to these sizes with the small entries, in the order of the list.
fn cut_small(
    changed: &mut ChangedList,
    lost: &HashSet<Vec<u8>>,
    small: u64,
    sizes: &[u64],
    parts: &mut [PartPlan],
) -> io::Result<()> {
    let (mut at, mut recent) = (0, VecDeque::new());
    // By how much the parts so far are too large, in sum.
    let mut excess = 0i64;
    for found in changed.iter_from(0)? {
        let (position, entry) = found?;
        let Some(weight) = weight(&entry, lost).filter(|weight| *weight <= small) else { continue };
        let entry = Entry { position, load: Load::of(&entry, weight) };
        parts[at].add_small(entry);
        recent.push_back(entry);
        if recent.len() > RECENT {
            recent.pop_front();
        }
        let wanted = |at: usize, excess: i64| (sizes[at] as i64).saturating_sub(excess);
        while at + 1 < parts.len() && parts[at].load.weight as i64 >= wanted(at, excess) {
            let over = (parts[at].load.weight as i64).saturating_sub(wanted(at, excess));
            leave(&mut parts[at..=at + 1], &mut recent, over as u64);
            excess = (parts[at].load.weight as i64).saturating_sub(wanted(at, excess));
            at += 1;
        }
    }
    Ok(())
}

/// Takes some of its last small entries from the first of two parts, so that the weight of the others is nearest to what it should be, and
/// gives them to the second. `over`: by how much the first is too large.
fn leave(parts: &mut [PartPlan], recent: &mut VecDeque<Entry>, over: u64) {
    let [part, next] = parts else { return };
    let weights: Vec<u64> = recent.iter().map(|entry| entry.load.weight).collect();
    let left = cut::left_to_the_next(&weights, over);
    let others = part.small.others.clone();
    let mut given = VecDeque::new();
    for (entry, left) in recent.drain(..).zip(left) {
        if left {
            part.remove_small(entry);
            next.add_small(entry);
            given.push_back(entry);
        } else if next.small.entries > 0 {
            next.small.others.push(entry.position);
        }
    }
    let from = next.small.from;
    next.small.others.extend(others.into_iter().filter(|position| *position > from));
    *recent = given;
}

impl PartPlan {
    fn add_large(&mut self, entry: Entry) {
        self.large.push(entry.position);
        self.load.add(entry.load);
    }

    fn add_small(&mut self, entry: Entry) {
        if self.small.entries == 0 {
            self.small.from = entry.position;
        }
        self.small.entries += 1;
        self.load.add(entry.load);
    }

    fn remove_small(&mut self, entry: Entry) {
        self.small.others.push(entry.position);
        self.small.entries -= 1;
        self.load.remove(entry.load);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::listing::{Changed, ChangedKind};
    use proptest::prelude::*;

    fn list(sizes: &[Option<u64>]) -> ChangedList {
        let mut list = ChangedList::new();
        for (n, size) in sizes.iter().enumerate() {
            let kind = if size.is_some() { ChangedKind::File } else { ChangedKind::Dir };
            list.push(&Changed {
                name: format!("{n:05}").into_bytes(),
                kind,
                created: true,
                contents: size.is_some(),
                resized: false,
                size: size.unwrap_or(4096),
                mtime: Some(0),
            });
        }
        list.finish().unwrap();
        list
    }

    fn cut(sizes: &[Option<u64>], lost: &HashSet<Vec<u8>>, n: u8, rate: Option<f64>) -> Option<Cut> {
        cut_list(&mut list(sizes), lost, Connections::Fixed(n), n.into(), rate).unwrap()
    }

    #[test]
    fn four_connections_get_the_same_number_of_bytes() {
        // 40 to 460 kB, as a sequence that repeats after 421 files.
        let sizes: Vec<_> = (0..240u64).map(|n| Some(40_000 + n * n % 421 * 1000)).collect();
        let Cut { queue, load, .. } = cut(&sizes, &HashSet::new(), 4, None).unwrap();
        let share = load.weight / 4;
        let weights: Vec<_> = queue.iter().map(|part| part.load.weight).collect();
        assert_eq!(weights.len(), 4);
        assert!(weights.iter().all(|weight| weight.abs_diff(share) < share / 200), "{weights:?}");
    }

    #[test]
    fn a_part_may_have_larger_and_smaller_files() {
        const KB: u64 = 1000;
        let sizes: Vec<_> = (0..200).map(|n| Some(if n % 20 == 0 { 900 * KB } else { 10 * KB })).collect();
        let Cut { queue, load, .. } = cut(&sizes, &HashSet::new(), 4, None).unwrap();
        assert_eq!(queue.len(), 4);
        assert!(queue.iter().all(|part| part.large.len() >= 2 && part.small.entries > 0), "{queue:?}");
        let share = load.weight / 4;
        assert!(queue.iter().all(|part| part.load.weight.abs_diff(share) < share / 100), "{queue:?}");
    }

    proptest! {
        #[test]
        fn parts_of_many_files_are_nearly_equal(
            // So few bytes that each connection gets one part.
            sizes in prop::collection::vec(1u64..1 << 17, 100..400),
            n in 2u8..7,
        ) {
            let sizes: Vec<_> = sizes.into_iter().map(Some).collect();
            let Cut { queue, load, connections, .. } = cut(&sizes, &HashSet::new(), n, None).unwrap();
            prop_assert_eq!(queue.len(), connections);
            let share = load.weight / queue.len() as u64;
            for part in &queue {
                prop_assert!(part.load.weight.abs_diff(share) <= share / 20, "{} {share}", part.load.weight);
            }
        }

        #[test]
        fn each_entry_is_in_one_part(
            // From nothing to more than all others together.
            sizes in prop::collection::vec(prop::option::weighted(0.9, (0u32..28).prop_flat_map(|bits| 0..1u64 << bits)), 1..400),
            lost in prop::collection::hash_set(0usize..400, 0..5),
            n in 2u8..17,
            rate in prop::option::of(1e4..1e7),
        ) {
            let names = |numbers: &mut dyn Iterator<Item = usize>| numbers.map(|n| format!("{n:05}").into_bytes()).collect();
            let lost: HashSet<Vec<u8>> = names(&mut lost.into_iter());
            let Some(cut) = cut(&sizes, &lost, n, rate) else { return Ok(()) };
            let all: HashSet<Vec<u8>> = names(&mut (0..sizes.len()));
            let (mut list, mut seen, mut load) = (list(&sizes), HashSet::new(), Load::default());
            for part in &cut.queue {
                let mut entries = 0;
                part.names(&mut list, &lost, cut.small, |name| {
                    entries += 1;
                    assert!(seen.insert(name.to_vec()), "{name:?} is in two parts");
                }).unwrap();
                prop_assert!(entries > 0);
                prop_assert_eq!(entries, part.entries());
                load.add(part.load);
            }
            prop_assert_eq!(load, cut.load);
            prop_assert_eq!(seen, all.difference(&lost).cloned().collect::<HashSet<_>>());
        }
    }
}
