//! How many entries met which fate, as a journal tells it.

use super::journal::{Did, Record};
use super::past::key;
use std::collections::{BTreeMap, HashMap};

/// Counts entries. What was left alone is met again by whoever goes on with the run or undoes it: it counts once, as what became of it last.
/// Takes memory for those entries alone.
#[derive(Debug, Default)]
pub struct Tally {
    counts: BTreeMap<Did, u64>,
    left: HashMap<u128, Did>,
}

impl Tally {
    /// Takes what became of an entry. The answer is whether that is news.
    pub fn add(&mut self, record: &Record) -> bool {
        let (key, did) = (key(&record.path), record.did);
        let before = match did {
            Did::Skipped | Did::Failed => self.left.insert(key, did),
            _ if self.left.is_empty() => None,
            _ => self.left.remove(&key),
        };
        if let Some(count) = before.and_then(|before| self.counts.get_mut(&before)) {
            *count -= 1;
        }
        *self.counts.entry(did).or_default() += 1;
        before != Some(did)
    }

    /// How many met each fate, those without any left out.
    pub fn counts(&self) -> impl Iterator<Item = (Did, u64)> {
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
            tally.add(&Record { path: path.into(), kind: Kind::File, did, bytes: 0, why: None })
        };
        assert!(add("a", Did::Skipped) && !add("a", Did::Skipped));
        assert!(add("b", Did::Failed) && add("b", Did::Skipped) && add("b", Did::Deleted));
        assert!(add("c", Did::Replaced) && add("c", Did::Replaced) && add("c", Did::Restored));
        let counts: Vec<_> = tally.counts().collect();
        assert_eq!(counts, [(Did::Replaced, 2), (Did::Deleted, 1), (Did::Skipped, 1), (Did::Restored, 1)]);
    }
}
