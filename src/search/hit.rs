//! The request to an engine, and its answer.

use crate::model::document_summary::DocumentSummary;
use crate::search::entry::{Date, Entry, Ligand};
use crate::search::query::Node;
use std::collections::BTreeMap;
use std::time::Duration;

/// Returns the document summary of an entry in the file `path`.
pub(super) fn shown(entry: &Entry, path: &[u8]) -> DocumentSummary {
    let day = |date: Option<Date>| date.map(|date| date.to_string());
    let text = String::from_utf8_lossy(path).into_owned();
    let codes = |list: &[Ligand]| list.iter().map(|ligand| ligand.code.clone()).collect();
    let names = |list: &[Ligand]| list.iter().map(|ligand| ligand.name.clone()).collect();
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
        ligand_names: names(&entry.ligands),
        modified: codes(&entry.modified),
        modified_names: names(&entry.modified),
        uniprot: entry.uniprot.clone(),
        references: entry.references.clone(),
        emdb: entry.emdb.clone(),
        related: entry.related.iter().map(|related| related.code.clone()).collect(),
        related_databases: entry.related.iter().map(|related| related.database.clone()).collect(),
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

/// The place of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The index: a job's name or a path.
    pub index: String,
    /// The file, relative to the mirror.
    pub path: Vec<u8>,
}

/// One hit. The same entry in several files is one hit.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The score. Comparable between indexes; 0 if hits are not ranked.
    pub score: f32,
    /// The summary of the best of its documents.
    pub shown: DocumentSummary,
    /// The places of its documents, best first. Never empty.
    pub places: Vec<Place>,
}

/// The order of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sort {
    /// Best score first. If the query has no words to rank by, newest first.
    #[default]
    Score,
    /// Best resolution first.
    Resolution,
    /// Newest release first.
    Released,
    /// By ID.
    Id,
}

/// A search request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The parsed query.
    pub query: Node,
    /// The order of the hits.
    pub sort: Sort,
    /// The maximum number of hits.
    pub limit: usize,
    /// The number of hits to skip.
    pub offset: usize,
    /// Fields whose values are counted over all hits, see [`super::FACETS`].
    pub facets: Vec<&'static str>,
    /// The time limit. A search that has not ended by then has no hits.
    pub timeout: Option<Duration>,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// The hits, in order.
    pub hits: Vec<Hit>,
    /// The number of all hits in the indexes that answered. An entry in several files counts once.
    pub total: u64,
    /// The number of matching documents. An entry in several files counts once per file.
    pub documents: u64,
    /// For each facet its values with their numbers of entries, most frequent first.
    pub facets: BTreeMap<&'static str, Vec<(String, u64)>>,
    /// Indexes that did not answer in time; all, if the hits could not be read in time. Then everything else is empty.
    pub late: Vec<String>,
    /// Indexes that could not answer, and why.
    pub failed: Vec<(String, String)>,
    /// Whether the answer came from the cache.
    pub cached: bool,
}

impl Outcome {
    /// Returns the approximate size in memory.
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
