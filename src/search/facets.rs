//! Counts the values of fields over all documents that match.

use super::schema::SPECIES;
use std::collections::{BTreeMap, HashMap};
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column, StrColumn};
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

/// The fields that can be counted; `job` counts documents by index.
pub const FACETS: [&str; 9] =
    ["method", "organism", "year", "kind", "polymer", "ligand", "status", "published", "job"];

/// Values with their counts, by facet.
pub(super) type Counts = BTreeMap<&'static str, HashMap<String, u64>>;

/// Counts these facets.
pub(super) struct Facets(pub(super) Vec<&'static str>);

enum Values {
    Text(StrColumn),
    Number(Column<u64>),
}

pub(super) struct OfSegment {
    columns: Vec<(&'static str, Values, HashMap<u64, u64>)>,
}

impl Collector for Facets {
    type Fruit = Counts;
    type Child = OfSegment;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<OfSegment> {
        let fast = segment.fast_fields();
        let mut columns = Vec::new();
        for name in &self.0 {
            let values = match *name {
                "year" | "published" => Some(Values::Number(fast.u64(name)?)),
                "job" => None,
                "organism" => fast.str(SPECIES)?.map(Values::Text),
                name => fast.str(name)?.map(Values::Text),
            };
            columns.extend(values.map(|values| (*name, values, HashMap::new())));
        }
        Ok(OfSegment { columns })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<tantivy::Result<Counts>>) -> tantivy::Result<Counts> {
        let mut all = Counts::new();
        for counts in segments {
            add(&mut all, counts?);
        }
        Ok(all)
    }
}

impl SegmentCollector for OfSegment {
    type Fruit = tantivy::Result<Counts>;

    fn collect(&mut self, document: DocId, _: Score) {
        for (_, values, counts) in &mut self.columns {
            match values {
                Values::Text(column) => {
                    column.term_ords(document).for_each(|ord| *counts.entry(ord).or_default() += 1);
                }
                Values::Number(column) => {
                    column.values_for_doc(document).for_each(|value| *counts.entry(value).or_default() += 1);
                }
            }
        }
    }

    fn harvest(self) -> tantivy::Result<Counts> {
        let mut all = Counts::new();
        for (name, values, counts) in self.columns {
            let of = all.entry(name).or_default();
            for (value, count) in counts {
                let text = match &values {
                    Values::Number(_) => value.to_string(),
                    Values::Text(column) => {
                        let mut text = String::new();
                        column.ord_to_str(value, &mut text)?;
                        text
                    }
                };
                *of.entry(text).or_default() += count;
            }
        }
        Ok(all)
    }
}

/// Adds counts to others.
pub(super) fn add(all: &mut Counts, more: Counts) {
    for (name, values) in more {
        let of = all.entry(name).or_default();
        for (value, count) in values {
            *of.entry(value).or_default() += count;
        }
    }
}
