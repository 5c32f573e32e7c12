//! Counts the values of fields over all hits. An entry counts once for a value, however many of its documents have it.

use super::entry_key;
use super::schema::{KEY, SPECIES};
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column, StrColumn};
use tantivy::{DocId, Score, Searcher, SegmentOrdinal, SegmentReader};

/// The fields that can be counted. `job` counts entries by index.
pub const FACETS: [&str; 9] =
    ["method", "organism", "year", "kind", "polymer", "ligand", "status", "published", "job"];

/// A matching document. It is small, since there is one for each match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    key: u64,
    document: DocId,
    segment: u16,
    index: u16,
}

/// A collector of the matching documents of the index with this number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matches(pub(super) u16);

pub(super) struct OfSegment {
    keys: Column<u64>,
    index: u16,
    segment: u16,
    found: Vec<Match>,
}

impl Collector for Matches {
    type Fruit = Vec<Match>;
    type Child = OfSegment;

    fn for_segment(&self, segment: SegmentOrdinal, reader: &SegmentReader) -> tantivy::Result<OfSegment> {
        let segment = u16::try_from(segment)
            .map_err(|_| tantivy::TantivyError::InternalError("too many segments to count in".into()))?;
        Ok(OfSegment { keys: reader.fast_fields().u64(KEY)?, index: self.0, segment, found: Vec::new() })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<Vec<Match>>) -> tantivy::Result<Vec<Match>> {
        Ok(segments.concat())
    }
}

impl SegmentCollector for OfSegment {
    type Fruit = Vec<Match>;

    fn collect(&mut self, document: DocId, _: Score) {
        let key = self.keys.first(document).unwrap_or(1);
        self.found.push(Match { key, document, segment: self.segment, index: self.index });
    }

    fn harvest(self) -> Vec<Match> {
        self.found
    }
}

/// Sorts the documents so that those of each entry are adjacent.
pub(super) fn sort(matches: &mut [Match]) {
    matches.sort_unstable_by_key(|found| {
        (entry_key::entry(found.key), found.index, found.segment, found.document)
    });
}

/// Counts the values of a facet. Returns each value with its number of entries, most frequent first. `matches` are documents of
/// `searchers`, sorted as by [`sort`]. For the facet `job`, the value of a document is its index's name in `labels`.
pub(super) fn count(
    name: &'static str,
    matches: &[Match],
    searchers: &[Searcher],
    labels: &[String],
) -> tantivy::Result<Vec<(String, u64)>> {
    let mut counts = Counts::default();
    let mut columns: FxHashMap<(u16, u16), Values<'_>> = FxHashMap::default();
    let mut values: Vec<usize> = Vec::new();
    let of_one = |a: &Match, b: &Match| {
        let entry = entry_key::entry(a.key);
        entry.is_some() && entry == entry_key::entry(b.key)
    };
    for documents in matches.chunk_by(of_one) {
        values.clear();
        for found in documents {
            let column = match columns.entry((found.index, found.segment)) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(Values::new(name, found, searchers, labels)?),
            };
            column.of(found.document, &mut counts, &mut values)?;
        }
        values.sort_unstable();
        values.dedup();
        values.iter().for_each(|value| counts.numbers[*value] += 1);
    }
    Ok(counts.sorted())
}

/// The values of all segments, each with its own position.
#[derive(Default)]
struct Counts {
    places: FxHashMap<String, usize>,
    numbers: Vec<u64>,
}

impl Counts {
    fn place(&mut self, value: String) -> usize {
        let next = self.numbers.len();
        let place = *self.places.entry(value).or_insert(next);
        if place == next {
            self.numbers.push(0);
        }
        place
    }

    fn sorted(self) -> Vec<(String, u64)> {
        let numbers = self.numbers;
        let mut values: Vec<(String, u64)> =
            self.places.into_iter().map(|(value, place)| (value, numbers[place])).collect();
        values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        values
    }
}

enum Source<'l> {
    Text(StrColumn),
    Number(Column<u64>),
    Label(&'l str),
    Nothing,
}

/// The values of one segment.
struct Values<'l> {
    source: Source<'l>,
    /// The positions in the counts of the values found so far, by their number in the segment.
    places: FxHashMap<u64, usize>,
}

impl<'l> Values<'l> {
    fn new(name: &str, found: &Match, searchers: &[Searcher], labels: &'l [String]) -> tantivy::Result<Self> {
        let index = usize::from(found.index);
        let fast = searchers[index].segment_reader(found.segment.into()).fast_fields();
        let text =
            |name| Ok::<_, tantivy::TantivyError>(fast.str(name)?.map_or(Source::Nothing, Source::Text));
        let source = match name {
            "year" | "published" => Source::Number(fast.u64(name)?),
            "job" => Source::Label(&labels[index]),
            "organism" => text(SPECIES)?,
            name => text(name)?,
        };
        Ok(Values { source, places: FxHashMap::default() })
    }

    /// Adds the positions of the values of a document to `found`.
    fn of(&mut self, document: DocId, counts: &mut Counts, found: &mut Vec<usize>) -> tantivy::Result<()> {
        let mut add = |value: u64, text: &dyn Fn() -> tantivy::Result<String>| {
            let place = match self.places.entry(value) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => *new.insert(counts.place(text()?)),
            };
            found.push(place);
            Ok(())
        };
        match &self.source {
            Source::Text(column) => column.term_ords(document).try_for_each(|ord| {
                add(ord, &|| {
                    let mut text = String::new();
                    column.ord_to_str(ord, &mut text)?;
                    Ok(text)
                })
            }),
            Source::Number(column) => {
                column.values_for_doc(document).try_for_each(|value| add(value, &|| Ok(value.to_string())))
            }
            Source::Label(label) => add(0, &|| Ok((*label).to_owned())),
            Source::Nothing => Ok(()),
        }
    }
}
