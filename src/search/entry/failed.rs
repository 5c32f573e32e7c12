//! The entry of a file that could not be read.

use super::header_reader::CAP;
use super::model::{Entry, Kind};
use super::{id, naming};
use std::io;

/// Returns the entry of a file that could not be read.
pub fn failed(name: &str, why: String) -> Entry {
    let lower = name.to_ascii_lowercase();
    let structure =
        [".cif", ".bcif", ".mmcif", ".mcif", ".ent", ".pdb"].iter().any(|ending| lower.contains(ending));
    let kind = if structure { Kind::Structure } else { Kind::Name };
    let id = id::from_name(name).filter(|_| structure);
    let mut entry = Entry { kind, id, error: Some(why), ..Entry::default() };
    naming::settle(name, &mut entry);
    entry
}

/// Returns the reason for an error, as text of an entry.
pub(super) fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "truncated: the compressed data end too early".into(),
        io::ErrorKind::FileTooLarge => format!("the header inflates to more than {} MiB", CAP >> 20),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => format!("damaged: {error}"),
        _ => format!("cannot be read: {error}"),
    }
}
