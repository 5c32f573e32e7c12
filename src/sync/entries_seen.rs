//! Which entries of a list a listing has shown.

use super::listing;
use crate::model::job::OnlyEntries;
use crate::model::pdb::{EntryId, entry_of};
use crate::rsync::output::{Change, ChangeKind, unescape};
use std::collections::HashSet;

/// Hint for a source without entries.
pub(super) const NOT_SHAPED: &str =
    "is it the right path? the source must have files of PDB entries, such as ab/1abc.cif.gz or 1abc.cif.gz";

/// The entries that a listing has shown.
pub(super) struct Seen {
    only: OnlyEntries,
    /// The directory at the destination that gets the source, with a slash; may be empty.
    own: Vec<u8>,
    pub(super) found: Vec<bool>,
    /// Hashes of all names, for deletions.
    pub(super) names: HashSet<u64>,
}

impl Seen {
    pub(super) fn new(only: &OnlyEntries, own: Vec<u8>) -> Self {
        Seen { only: only.clone(), own, found: vec![false; only.ids.ids().len()], names: HashSet::new() }
    }

    /// Adds a name of the source.
    pub(super) fn note(&mut self, change: &Change<'_>) {
        if change.kind == ChangeKind::Deleted {
            return;
        }
        let name = unescape(change.name);
        self.names.insert(listing::hash_of(&name));
        if change.dir {
            return;
        }
        let inner = name.strip_prefix(&self.own[..]).unwrap_or(&name);
        if let Some(at) = entry_in(inner).and_then(|id| self.only.ids.position(&id)) {
            self.found[at] = true;
        }
    }

    pub(super) fn missing(&self) -> Vec<EntryId> {
        let ids = self.only.ids.ids().iter().zip(&self.found);
        ids.filter(|(_, found)| !**found).map(|(id, _)| *id).collect()
    }
}

/// The entry that a path belongs to. The directory of an entry has priority over the name of a file in it.
pub(super) fn entry_in(path: &[u8]) -> Option<EntryId> {
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let inside = parts.split_last().and_then(|(_, above)| above.iter().find_map(|part| EntryId::parse(part)));
    inside.or_else(|| entry_of(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_of_an_entry_decides() {
        let of = |path: &str| entry_in(path.as_bytes()).map(|id| id.to_string()).unwrap_or_default();
        for (path, id) in [
            ("ab/1abc/2xyz.cif.gz", "1abc"),
            ("ab/1abc/sub/readme", "1abc"),
            ("1abc/readme", "1abc"),
            ("ab/1abc.cif.gz", "1abc"),
            ("1abc-assembly2.cif.gz", "1abc"),
            ("ab/readme", ""),
        ] {
            assert_eq!(of(path), id, "{path}");
        }
    }
}
