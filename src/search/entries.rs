//! Counts entries: the documents of one entry are one.

use super::key;
use super::schema::KEY;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

/// Keys are hashes already.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, number: u64) {
        // The lowest bits are flags, which are not set in what is counted.
        self.0 = number.rotate_right(3);
    }
}

/// The entries among documents.
#[derive(Debug, Clone, Default)]
pub(super) struct Entries {
    known: HashSet<u64, BuildHasherDefault<AsItIs>>,
    /// Documents that stand alone.
    alone: u64,
    /// All documents.
    pub(super) documents: u64,
}

impl Entries {
    /// How many they are.
    pub(super) fn count(&self) -> u64 {
        self.known.len() as u64 + self.alone
    }

    /// Takes a document in.
    pub(super) fn add(&mut self, key: u64) {
        self.documents += 1;
        match key::entry(key) {
            Some(entry) => drop(self.known.insert(entry)),
            None => self.alone += 1,
        }
    }

    /// Takes in those of another index or segment.
    pub(super) fn join(&mut self, mut other: Entries) {
        if self.known.len() < other.known.len() {
            std::mem::swap(&mut self.known, &mut other.known);
        }
        self.known.extend(other.known);
        self.alone += other.alone;
        self.documents += other.documents;
    }
}

/// Collects the entries of all documents that match.
pub(super) struct CountEntries;

pub(super) struct OfSegment {
    keys: Column<u64>,
    entries: Entries,
}

impl Collector for CountEntries {
    type Fruit = Entries;
    type Child = OfSegment;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<OfSegment> {
        Ok(OfSegment { keys: segment.fast_fields().u64(KEY)?, entries: Entries::default() })
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

    fn harvest(self) -> Entries {
        self.entries
    }
}
