//! Counts the entries of a journal by outcome.

use super::journal::{EntryOutcome, Record};
use super::journal_progress::key;
use std::collections::{BTreeMap, HashMap};

/// Counts entries by outcome. An entry that was skipped or failed is processed again when the run is resumed or undone; it counts once,
/// with its last outcome. Takes memory for such entries only.
#[derive(Debug, Default)]
pub struct Tally {
    counts: BTreeMap<EntryOutcome, u64>,
    left: HashMap<u128, (EntryOutcome, u64)>,
}

impl Tally {
    /// Adds the outcome of an entry. Returns whether it differs from the outcome known before.
    pub fn add(&mut self, record: &Record) -> bool {
        let (key, did) = (key(&record.path), record.did);
        let before = match did {
            EntryOutcome::Skipped | EntryOutcome::Failed => self.left.insert(key, (did, record.entries)),
            _ if self.left.is_empty() => None,
            _ => self.left.remove(&key),
        };
        if let Some((did, entries)) = before
            && let Some(count) = self.counts.get_mut(&did)
        {
            *count -= entries;
        }
        *self.counts.entry(did).or_default() += record.entries;
        before.is_none_or(|(before, _)| before != did)
    }

    /// Returns the number of entries for each outcome, without zeros.
    pub fn counts(&self) -> impl Iterator<Item = (EntryOutcome, u64)> {
        self.counts.iter().map(|(did, n)| (*did, *n)).filter(|(_, n)| *n > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clean::Kind;

    #[test]
    fn what_was_left_alone_counts_once_and_as_what_became_of_it() {
        let mut tally = Tally::default();
        let mut add = |path: &str, did| {
            tally.add(&Record { path: path.into(), kind: Kind::File, did, bytes: 0, entries: 1, why: None })
        };
        assert!(add("a", EntryOutcome::Skipped) && !add("a", EntryOutcome::Skipped));
        assert!(
            add("b", EntryOutcome::Failed)
                && add("b", EntryOutcome::Skipped)
                && add("b", EntryOutcome::Deleted)
        );
        assert!(
            add("c", EntryOutcome::Replaced)
                && add("c", EntryOutcome::Replaced)
                && add("c", EntryOutcome::Restored)
        );
        let counts: Vec<_> = tally.counts().collect();
        assert_eq!(
            counts,
            [
                (EntryOutcome::Replaced, 2),
                (EntryOutcome::Deleted, 1),
                (EntryOutcome::Skipped, 1),
                (EntryOutcome::Restored, 1)
            ]
        );
    }
}
