//! One part of a transfer: which entries of the list of what differs it has.

use super::cut::{A_FILE, Load};
use crate::model::job::{Job, Source};
use crate::model::part::Part;
use crate::sync::listing::{Changed, ChangedList};
use crate::sync::name_list::NameList;
use crate::sync::transfer_list::{Listed, listed};
use std::collections::HashSet;
use std::io;

/// One part: entries of the list of what differs.
#[derive(Debug, Clone, Default)]
pub(super) struct PartPlan {
    pub(super) part: Part,
    /// The positions of its large entries in the list.
    pub(super) large: Vec<u64>,
    pub(super) small: SmallEntries,
    pub(super) load: Load,
}

/// Small entries that follow each other in the list, without those that another part has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SmallEntries {
    /// The position of the first one in the list.
    pub(super) from: u64,
    /// Their number.
    pub(super) entries: u64,
    /// The positions of small entries that another part has.
    pub(super) others: Vec<u64>,
}

/// The weight of an entry; `None` for one that is in no part. The root is above each name.
pub(super) fn weight(changed: &Changed, lost: &HashSet<Vec<u8>>) -> Option<u64> {
    let part_of = changed.name != b"." && !lost.contains(&changed.name);
    part_of.then(|| if changed.contents { A_FILE.saturating_add(changed.size) } else { A_FILE })
}

impl PartPlan {
    /// Number of its entries.
    pub(super) fn entries(&self) -> u64 {
        self.large.len() as u64 + self.small.entries
    }

    /// The transfer of this part; `None` if its list cannot be written. `small`: the weight up to which an entry is small.
    pub(super) fn listed(
        &self,
        changed: &mut ChangedList,
        lost: &HashSet<Vec<u8>>,
        small: u64,
        job: &Job,
        source: &Source,
    ) -> Option<Listed> {
        let mut list = NameList::new(source);
        self.names(changed, lost, small, |name| list.push_with_root(name)).ok()?;
        listed(list, false, job)
    }

    /// Calls `each` with the name of each entry of the part.
    pub(super) fn names(
        &self,
        changed: &mut ChangedList,
        lost: &HashSet<Vec<u8>>,
        small: u64,
        mut each: impl FnMut(&[u8]),
    ) -> io::Result<()> {
        for position in &self.large {
            let found = changed.iter_from(*position)?.next();
            each(&found.ok_or(io::ErrorKind::UnexpectedEof)??.1.name);
        }
        let mut left = self.small.entries;
        for found in changed.iter_from(self.small.from)? {
            if left == 0 {
                break;
            }
            let (position, entry) = found?;
            let is_small = weight(&entry, lost).is_some_and(|weight| weight <= small);
            if is_small && !self.small.others.contains(&position) {
                each(&entry.name);
                left -= 1;
            }
        }
        if left == 0 { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}
