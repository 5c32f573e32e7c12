//! The summary of a document that a search prints for people and scripts.

use serde::{Deserialize, Serialize};

/// The data that a search shows for a document. The index stores it with the document, as JSON. Unknown values are `None` or empty.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DocumentSummary {
    /// The name of the kind of document.
    pub kind: String,
    /// The ID; `None` for texts.
    pub id: Option<String>,
    /// The title, on one line.
    pub title: Option<String>,
    /// Keywords; each is a word or a phrase.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// Experimental methods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// `experimental` or `predicted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub methodology: Option<String>,
    /// Mean pLDDT (confidence) of a predicted model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plddt: Option<f64>,
    /// Resolution in Å.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<f64>,
    /// R-free of the refinement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r_free: Option<f64>,
    /// R-work: the R factor of the reflections used in the refinement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r_work: Option<f64>,
    /// Space group as a Hermann-Mauguin symbol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub space_group: Option<String>,
    /// Unit cell: a, b, c in Å; alpha, beta, gamma in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell: Option<[f64; 6]>,
    /// Names of the molecules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub molecules: Vec<String>,
    /// Scientific names of the source organisms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub organisms: Vec<String>,
    /// Common names of the source organisms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub common_names: Vec<String>,
    /// NCBI taxonomy IDs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taxonomy: Vec<u64>,
    /// Gene names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub genes: Vec<String>,
    /// Expression hosts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// EC numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub enzymes: Vec<String>,
    /// Mutations, such as `C97A`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mutations: Vec<String>,
    /// Polymer types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub polymers: Vec<String>,
    /// Number of polymer chains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chains: Option<u64>,
    /// Number of residues; each polymer counts once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub residues: Option<u64>,
    /// Oligomeric states of the biological assemblies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub oligomers: Vec<String>,
    /// Number of polymer chains in the first biological assembly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assembly: Option<u64>,
    /// Weight in kDa.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Number of refined atoms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub atoms: Option<u64>,
    /// Chemical formula of a component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formula: Option<String>,
    /// Component IDs of the ligands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ligands: Vec<String>,
    /// Names of the ligands, in the order of `ligands`; `None` where the file has no name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ligand_names: Vec<Option<String>>,
    /// Component IDs of the modified residues.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modified: Vec<String>,
    /// Names of the modified residues, in the order of `modified`; `None` where the file has no name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modified_names: Vec<Option<String>>,
    /// UniProt accessions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uniprot: Vec<String>,
    /// References to sequences in other databases, such as `GB:AE017221`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// EMDB IDs of the maps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emdb: Vec<String>,
    /// IDs of related entries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<String>,
    /// Databases of the related entries, in the order of `related`; `None` where the file does not name it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related_databases: Vec<Option<String>>,
    /// Whether the entry is obsolete (withdrawn).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obsolete: Option<bool>,
    /// IDs of the entries that supersede this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub superseded_by: Vec<String>,
    /// IDs of the entries that this one supersedes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub supersedes: Vec<String>,
    /// The depositors and the authors of the article.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// Title of the article.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
    /// Journal of the article.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
    /// Year of the article.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<u64>,
    /// DOI of the article.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doi: Option<String>,
    /// PubMed ID of the article.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pubmed: Option<u64>,
    /// Programs that were used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub software: Vec<String>,
    /// Release date, such as `2026-03-05`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released: Option<String>,
    /// Deposition date, such as `2026-03-05`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deposited: Option<String>,
    /// Date of the last revision, such as `2026-03-05`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revised: Option<String>,
    /// Whether reading stopped at the atoms, so that the file may contain more data after them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// Why the document could not be read; `None` if it was read.
    pub error: Option<String>,
    /// Path relative to the mirror. If `path_bytes` is set, this is a lossy conversion.
    pub path: String,
    /// The exact path, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<Vec<u8>>,
}

impl DocumentSummary {
    /// Returns the approximate memory use of the texts, in bytes.
    pub fn bytes(&self) -> usize {
        let lists = [
            &self.keywords,
            &self.methods,
            &self.molecules,
            &self.organisms,
            &self.common_names,
            &self.genes,
            &self.hosts,
            &self.enzymes,
            &self.mutations,
            &self.polymers,
            &self.oligomers,
            &self.ligands,
            &self.modified,
            &self.uniprot,
            &self.references,
            &self.emdb,
            &self.related,
            &self.superseded_by,
            &self.supersedes,
            &self.authors,
            &self.software,
        ];
        let texts = [&self.title, &self.article, &self.journal, &self.error, &self.formula];
        let names = [&self.ligand_names, &self.modified_names, &self.related_databases].into_iter().flatten();
        let names = names.map(|name| name.as_ref().map_or(0, String::len) + size_of::<Option<String>>());
        let lists = lists.into_iter().flatten().map(|text| text.len() + size_of::<String>());
        let texts = texts.into_iter().flatten().map(String::len);
        lists.chain(texts).chain(names).sum::<usize>() + 8 * self.taxonomy.len() + self.path.len()
    }
}
