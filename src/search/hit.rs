//! What is asked of an engine, and what it answers.

use crate::model::document_summary::DocumentSummary;
use crate::search::entry::{Date, Entry, Ligand};
use crate::search::query::Node;
use std::collections::BTreeMap;
use std::time::Duration;

/// What is shown of an entry that lies in this file.
pub(super) fn shown(entry: &Entry, path: &[u8]) -> DocumentSummary {
    let day = |date: Option<Date>| date.map(|date| date.to_string());
    let text = String::from_utf8_lossy(path).into_owned();
    let codes = |list: &[Ligand]| list.iter().map(|ligand| ligand.code.clone()).collect();
    DocumentSummary {
        kind: entry.kind.word().into(),
        id: entry.id.clone(),
        title: entry.title.clone(),
        keywords: entry.keywords.clone(),
        methods: entry.methods.clone(),
        methodology: entry.methodology.map(Into::into),
        plddt: entry.plddt,
        resolution: entry.resolution,
        r_free: entry.r_free,
        r_work: entry.r_work,
        space_group: entry.space_group.clone(),
        cell: entry.cell,
        molecules: entry.molecules.clone(),
        organisms: entry.organisms.clone(),
        common_names: entry.common_names.clone(),
        taxonomy: entry.taxonomy.clone(),
        genes: entry.genes.clone(),
        hosts: entry.hosts.clone(),
        enzymes: entry.enzymes.clone(),
        mutations: entry.mutations.clone(),
        polymers: entry.polymers.clone(),
        chains: entry.chains,
        residues: entry.residues,
        oligomers: entry.oligomers.clone(),
        assembly: entry.assembly,
        weight: entry.weight,
        atoms: entry.atoms,
        formula: entry.formula.clone(),
        ligands: codes(&entry.ligands),
        modified: codes(&entry.modified),
        uniprot: entry.uniprot.clone(),
        references: entry.references.clone(),
        emdb: entry.emdb.clone(),
        related: entry.related.clone(),
        obsolete: entry.obsolete,
        superseded_by: entry.superseded_by.clone(),
        supersedes: entry.supersedes.clone(),
        authors: entry.authors.clone(),
        article: entry.citation.title.clone(),
        journal: entry.citation.journal.clone(),
        published: entry.citation.year,
        doi: entry.citation.doi.clone(),
        pubmed: entry.citation.pubmed,
        software: entry.software.clone(),
        released: day(entry.released),
        deposited: day(entry.deposited),
        revised: day(entry.revised),
        cut: entry.cut,
        error: entry.error.clone(),
        path_bytes: (text.as_bytes() != path).then(|| path.to_vec()),
        path: text,
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
    pub shown: DocumentSummary,
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
    /// Hits that there are, in all indexes that answered; an entry in several files counts once.
    pub total: u64,
    /// Documents that match; an entry in several files counts as often.
    pub documents: u64,
    /// For each facet its values with the number of entries, the most frequent first.
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
            size_of::<Hit>()
                + hit.shown.bytes()
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
