//! What is asked of an engine, and what it answers.

use crate::entry::{Date, Entry};
use crate::query::Node;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// What is shown of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The word of its kind.
    pub kind: String,
    /// `None` for texts.
    pub id: Option<String>,
    /// A line.
    pub title: Option<String>,
    /// Experimental methods.
    pub methods: Vec<String>,
    /// In Å.
    pub resolution: Option<f64>,
    /// Scientific names.
    pub organisms: Vec<String>,
    /// `2026-03-05`
    pub released: Option<String>,
    /// `2026-03-05`
    pub deposited: Option<String>,
    /// Codes.
    pub ligands: Vec<String>,
    /// Accessions.
    pub uniprot: Vec<String>,
    /// In kDa.
    pub weight: Option<f64>,
    /// Of the article.
    pub doi: Option<String>,
    /// Why it could not be read.
    pub error: Option<String>,
    /// Relative to the mirror; as well as can be if `path_bytes` is there.
    pub path: String,
    /// The path where it is not UTF-8.
    pub path_bytes: Option<Vec<u8>>,
}

impl Shown {
    pub(super) fn new(entry: &Entry, path: &[u8]) -> Self {
        let day = |date: Option<Date>| date.map(|date| date.to_string());
        let text = String::from_utf8_lossy(path).into_owned();
        Shown {
            kind: entry.kind.word().into(),
            id: entry.id.clone(),
            title: entry.title.clone(),
            methods: entry.methods.clone(),
            resolution: entry.resolution,
            organisms: entry.organisms.clone(),
            released: day(entry.released),
            deposited: day(entry.deposited),
            ligands: entry.ligands.iter().map(|ligand| ligand.code.clone()).collect(),
            uniprot: entry.uniprot.clone(),
            weight: entry.weight,
            doi: entry.citation.doi.clone(),
            error: entry.error.clone(),
            path_bytes: (text.as_bytes() != path).then(|| path.to_vec()),
            path: text,
        }
    }
}

/// Where a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The index: a job's name, or a path.
    pub index: String,
    /// The file, relative to the mirror.
    pub path: Vec<u8>,
}

/// One hit; the same entry in several files is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Comparable between indexes; 0 where nothing is ranked.
    pub score: f32,
    /// What the best of its documents says.
    pub shown: Shown,
    /// Where it is, the best first; never empty.
    pub places: Vec<Place>,
}

/// The order of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sort {
    /// The best first; where a query has no words to rank by, the newest.
    #[default]
    Score,
    /// The finest first.
    Resolution,
    /// The newest first.
    Released,
    /// By ID.
    Id,
}

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What is looked for.
    pub query: Node,
    /// How it is sorted.
    pub sort: Sort,
    /// At most so many hits.
    pub limit: usize,
    /// After so many.
    pub offset: usize,
    /// Fields whose values are counted over all hits; see [`super::FACETS`].
    pub facets: Vec<&'static str>,
    /// Who has not answered by then is left out.
    pub timeout: Option<Duration>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// In order.
    pub hits: Vec<Hit>,
    /// Documents that match, in all indexes that answered; an entry in several files counts as often.
    pub total: u64,
    /// For each facet its values with the number of documents, the most frequent first.
    pub facets: BTreeMap<&'static str, Vec<(String, u64)>>,
    /// Indexes that did not answer in time.
    pub late: Vec<String>,
    /// Indexes that could not answer, and why.
    pub failed: Vec<(String, String)>,
    /// Whether it came from the cache.
    pub cached: bool,
}

impl Outcome {
    /// Roughly how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let hit = |hit: &Hit| {
            let shown = &hit.shown;
            let lists = [&shown.methods, &shown.organisms, &shown.ligands, &shown.uniprot];
            size_of::<Hit>()
                + shown.title.as_ref().map_or(0, String::len)
                + shown.path.len()
                + lists.into_iter().flatten().map(|text| text.len() + size_of::<String>()).sum::<usize>()
                + hit
                    .places
                    .iter()
                    .map(|place| place.path.len() + place.index.len() + size_of::<Place>())
                    .sum::<usize>()
        };
        let facets = self.facets.values().flatten().map(|(value, _)| value.len() + 32).sum::<usize>();
        self.hits.iter().map(hit).sum::<usize>() + facets + size_of::<Outcome>()
    }
}
