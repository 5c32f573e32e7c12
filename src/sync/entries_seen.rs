//! Which entries of a list a listing has shown.

use super::listing;
use crate::model::job::OnlyEntries;
use crate::model::pdb::{EntryId, entry_in};
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
