//! Reads facts from the name of a file.

use super::id;
use super::model::{Entry, Kind};
use crate::model::compression::without_extension;
use crate::model::pdb::{self, Format};

/// Returns the name in lower case, without directories and without the extension of a compressed file.
pub(super) fn plain(name: &str) -> String {
    let lower = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    without_extension(&lower).into()
}

/// Returns the kind and the entry's ID if the name is one of the archive's names.
fn archived(name: &str) -> Option<(Kind, String)> {
    let (format, entry) = pdb::recognise(plain(name).as_bytes())?;
    let kind = match format {
        Format::Mmcif | Format::BinaryCif | Format::Pdb => Kind::Structure,
        Format::Xml => Kind::Xml,
        Format::Assembly => Kind::Assembly,
        Format::StructureFactors => Kind::StructureFactors,
        Format::Nmr => Kind::Nmr,
        Format::Validation => Kind::Validation,
    };
    Some((kind, id::normal(&entry.to_string())?))
}

/// Returns an ID from the name, for files without one: an entry's ID or the beginning of the name.
pub(super) fn stem(name: &str) -> Option<String> {
    if let Some(id) = id::from_name(name) {
        return Some(id);
    }
    let plain = plain(name);
    let stem = plain.rsplit_once('.').map_or(plain.as_str(), |(stem, _)| stem);
    // AlphaFold DB: the ID of `AF-P69905-F1-model_v4.cif` is AF-P69905-F1.
    let stem = match stem.split_once("-model_v") {
        Some((entry, _)) if entry.starts_with("af-") => entry,
        _ => stem,
    };
    Some(stem.to_owned()).filter(|stem| !stem.is_empty())
}

/// Sets what the name states better than the contents: the kind of files that belong to an entry, and the entry's ID if none was read.
pub(super) fn settle(name: &str, entry: &mut Entry) {
    match archived(name) {
        Some((Kind::Structure, id)) if entry.kind == Kind::Name || entry.error.is_some() => {
            entry.id.get_or_insert(id);
        }
        Some((Kind::Structure, _)) | None => {}
        Some((kind, id)) => {
            if matches!(entry.kind, Kind::Text | Kind::Name) {
                // The first line of a table of numbers is not a title.
                entry.title = None;
            }
            entry.kind = kind;
            entry.id = Some(id);
        }
    }
    entry.id = entry.id.take().or_else(|| match entry.kind {
        Kind::Structure if entry.error.is_some() => id::from_name(name),
        Kind::Structure => stem(name),
        // A year is no ID: `2019.zip`.
        Kind::Name => id::from_name(name).filter(|id| id.bytes().any(|b| b.is_ascii_alphabetic())),
        _ => None,
    });
}
