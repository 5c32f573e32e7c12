//! What people and scripts are shown of a document that a search has found.

use serde::{Deserialize, Serialize};

/// What is shown of a document. Kept with it in the index, as JSON; what is not known is `None` or empty.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DocumentSummary {
    /// The word of its kind.
    pub kind: String,
    /// `None` for texts.
    pub id: Option<String>,
    /// A line.
    pub title: Option<String>,
    /// Each a word or a phrase.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// Experimental methods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// `experimental` or `predicted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub methodology: Option<String>,
    /// Mean confidence of a prediction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plddt: Option<f64>,
    /// In Å.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<f64>,
    /// R factors of the refinement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r_free: Option<f64>,
    /// Of the reflections that were refined against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r_work: Option<f64>,
    /// Hermann-Mauguin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub space_group: Option<String>,
    /// a, b, c in Å, alpha, beta, gamma in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell: Option<[f64; 6]>,
    /// Names of molecules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub molecules: Vec<String>,
    /// Scientific names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub organisms: Vec<String>,
    /// What people call them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub common_names: Vec<String>,
    /// NCBI taxonomy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taxonomy: Vec<u64>,
    /// Names of genes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub genes: Vec<String>,
    /// Organisms that expressed the molecules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Enzyme classes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub enzymes: Vec<String>,
    /// Such as `C97A`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mutations: Vec<String>,
    /// Types of polymers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub polymers: Vec<String>,
    /// Chains of polymers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chains: Option<u64>,
    /// Residues, each polymer counted once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub residues: Option<u64>,
    /// States of the biological assemblies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub oligomers: Vec<String>,
    /// Polymer chains of the first biological assembly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assembly: Option<u64>,
    /// In kDa.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Atoms that were refined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub atoms: Option<u64>,
    /// Formula of a component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formula: Option<String>,
    /// Codes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ligands: Vec<String>,
    /// Codes of modified residues.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modified: Vec<String>,
    /// Accessions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uniprot: Vec<String>,
    /// Sequences of other databases, as `GB:AE017221`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// Maps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emdb: Vec<String>,
    /// Related entries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<String>,
    /// Whether it was withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obsolete: Option<bool>,
    /// IDs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub superseded_by: Vec<String>,
    /// IDs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub supersedes: Vec<String>,
    /// Depositors, and authors of the article.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// Title of the article.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
    /// Of the article.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
    /// Year of the article.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<u64>,
    /// Of the article.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doi: Option<String>,
    /// Of the article.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pubmed: Option<u64>,
    /// Programs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub software: Vec<String>,
    /// `2026-03-05`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released: Option<String>,
    /// `2026-03-05`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deposited: Option<String>,
    /// `2026-03-05`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revised: Option<String>,
    /// Whether the file may say more behind its atoms.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// Why it could not be read.
    pub error: Option<String>,
    /// Relative to the mirror; as well as can be if `path_bytes` is there.
    pub path: String,
    /// The path where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<Vec<u8>>,
}

impl DocumentSummary {
    /// Roughly how much memory its texts take, in bytes.
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
        let lists = lists.into_iter().flatten().map(|text| text.len() + size_of::<String>());
        let texts = texts.into_iter().flatten().map(String::len);
        lists.chain(texts).sum::<usize>() + 8 * self.taxonomy.len() + self.path.len()
    }
}
