//! What a mirror's files say about themselves: mmCIF and legacy PDB headers, chemical components, sequences, other text.
//!
//! Pure: a file is handed in as its name and a reader of its bytes as they lie on disk. What is understood comes out as
//! [`Entry`]s, one a document of the search index; what cannot be understood as one that says why.

mod cif;
#[cfg(test)]
mod corpus_tests;
mod date;
mod fasta;
mod file;
mod id;
mod legacy;
mod model;
#[cfg(test)]
mod slow_tests;
mod stop;
mod structure;
mod table;
#[cfg(test)]
mod tests;
mod text;

pub use cif::{Token, Tokens};
pub use date::Date;
pub use file::{Options, Read, failed, read};
pub use id::{from_name, normal};
pub use model::{Citation, Entry, Kind, Ligand};
pub use stop::{CAP, Page, Stop};
pub use table::{Block, Table, Wanted};
