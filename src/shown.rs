//! What people and scripts are shown of a document that a search has found.

use serde::{Deserialize, Serialize};

/// What is shown of a document. Kept with it in the index, as JSON; what is not known is `None` or empty.
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
