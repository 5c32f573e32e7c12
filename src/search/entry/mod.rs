//! Reads the metadata in a mirror's files: mmCIF and legacy PDB headers, chemical components, sequences, other text.
//!
//! Pure: the caller passes the file's name and a reader of its bytes as stored on disk. The results are [`Entry`]s, one per document of the
//! search index. A file that cannot be parsed gives an entry that says why.

mod binary;
mod cif;
mod components;
#[cfg(test)]
mod corpus_tests;
mod date;
mod details;
mod failed;
mod fasta;
mod file;
mod header_reader;
mod id;
mod legacy;
#[cfg(test)]
mod legacy_tests;
mod method;
#[cfg(test)]
mod mmcif_tests;
mod model;
mod naming;
mod normal_forms;
#[cfg(test)]
mod odd_tests;
mod residue;
#[cfg(test)]
mod slow_tests;
mod structure;
mod table;
#[cfg(test)]
mod tests;
mod wanted_items;

pub use cif::{Token, Tokens};
pub use date::Date;
pub use failed::failed;
pub use file::{Options, Read, read};
pub use header_reader::{CAP, HeaderReader, Stop};
pub use id::{from_name, normal};
pub use model::{Citation, Entry, Kind, Ligand, Related};
pub use normal_forms::{
    chains_of_state, compact_group, enzyme_classes, group_forms, map_code, state_of_chains,
};
pub use table::{Block, Table, Wanted};
