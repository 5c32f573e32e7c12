//! Counts entries. Several documents of one entry count as one.

use super::entry_key;
use super::schema::KEY;
use rustc_hash::FxHashMap;
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

/// The number of consecutive keys that share a word of the bit set.
const BITS: u64 = u64::BITS as u64;

/// A set of the entries of documents. A mirror is sorted by ID, and so are the documents of an index, so most documents fall into the same
/// word as the one before.
#[derive(Debug, Clone, Default)]
pub(super) struct Entries {
    /// For each group of 64 keys, the keys that are in the set.
    known: FxHashMap<u64, u64>,
    /// The current group, whose keys are not yet in `known`.
    group: (u64, u64),
    /// The number of documents that are entries of their own.
    alone: u64,
    /// The number of all documents.
    pub(super) documents: u64,
}

impl Entries {
    /// Returns the number of entries.
    pub(super) fn count(mut self) -> u64 {
        self.put_down();
        self.known.values().map(|word| u64::from(word.count_ones())).sum::<u64>() + self.alone
    }

    /// Adds a document.
    pub(super) fn add(&mut self, key: u64) {
        self.documents += 1;
        let Some(entry) = entry_key::entry(key) else {
            self.alone += 1;
            return;
        };
        if self.group.0 != entry / BITS {
            self.put_down();
            self.group = (entry / BITS, 0);
        }
        self.group.1 |= 1 << (entry % BITS);
    }

    fn put_down(&mut self) {
        if self.group.1 != 0 {
            *self.known.entry(self.group.0).or_default() |= self.group.1;
        }
    }

    /// Adds the entries of another index or segment.
    pub(super) fn join(&mut self, mut other: Entries) {
        other.put_down();
        if self.known.len() < other.known.len() {
            std::mem::swap(&mut self.known, &mut other.known);
        }
        for (group, word) in other.known {
            *self.known.entry(group).or_default() |= word;
        }
        self.alone += other.alone;
        self.documents += other.documents;
    }
}

/// A collector of the entries of all matching documents.
pub(super) struct CountEntries;

pub(super) struct OfSegment {
    keys: Column<u64>,
    /// The keys of a block of documents.
    block: Vec<Option<u64>>,
    entries: Entries,
}

impl Collector for CountEntries {
    type Fruit = Entries;
    type Child = OfSegment;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<OfSegment> {
        Ok(OfSegment {
            keys: segment.fast_fields().u64(KEY)?,
            block: Vec::new(),
            entries: Entries::default(),
        })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<Entries>) -> tantivy::Result<Entries> {
        let mut all = Entries::default();
        segments.into_iter().for_each(|entries| all.join(entries));
        Ok(all)
    }
}

impl SegmentCollector for OfSegment {
    type Fruit = Entries;

    fn collect(&mut self, document: DocId, _: Score) {
        self.entries.add(self.keys.first(document).unwrap_or(1));
    }

    fn collect_block(&mut self, documents: &[DocId]) {
        self.block.resize(documents.len(), None);
        self.keys.first_vals(documents, &mut self.block);
        self.block.iter().for_each(|key| self.entries.add(key.unwrap_or(1)));
    }

    fn harvest(self) -> Entries {
        self.entries
    }
}
