//! Whether the source has changed its layout: nearly every path is new, while the entries are those of the mirror.

use super::names::{NameKind, kept};
use super::{ChangedKind, Listing};
use crate::model::pdb::{EntryId, Form, entry_of};
use crate::scan::{self, Options};
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;

/// A share of nine tenths is "nearly all".
const NEARLY: (u64, u64) = (9, 10);
/// Fewer entries prove nothing.
const FEWEST: u64 = 2;

/// Entries of the mirror that the source has under other paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sync) struct Moved {
    /// Number of files of the source that are new.
    pub(in crate::sync) new_files: u64,
    /// Number of files of the source.
    pub(in crate::sync) source_files: u64,
    /// Number of entries of the mirror.
    pub(in crate::sync) entries: u64,
    /// How many of them the source has under new paths.
    pub(in crate::sync) same: u64,
    /// A path of the mirror, and the new path of the same entry.
    pub(in crate::sync) example: (Vec<u8>, Vec<u8>),
    /// Whether the new names have extended IDs, and those of the mirror do not.
    pub(in crate::sync) extended: bool,
}

fn nearly(part: u64, all: u64) -> bool {
    all > 0 && part.saturating_mul(NEARLY.1) >= all.saturating_mul(NEARLY.0)
}

impl Listing {
    /// The moved entries; `None` if the layout is the same. The destination is only read if nearly every file of the source is new.
    pub(super) fn moved_entries(&mut self, dest: &Path) -> io::Result<Option<Moved>> {
        let Some(source_files) = self.stats.files.map(|files| files.files()) else { return Ok(None) };
        let new_files = self.created.files;
        if !nearly(new_files, source_files) {
            return Ok(None);
        }
        let mut new: HashMap<[u8; 8], (Form, Vec<u8>)> = HashMap::new();
        for changed in self.changed.iter()? {
            let changed = changed?;
            let is_new = changed.created && changed.kind != ChangedKind::Dir;
            if let Some(id) = entry_of(&changed.name).filter(|_| is_new) {
                new.entry(*id.key()).or_insert((id.form(), changed.name));
            }
        }
        if (new.len() as u64) < FEWEST {
            return Ok(None);
        }
        let scan = scan::scan(dest, &Options::default(), None).map_err(|error| error.source)?;
        let (mut files, mut extended, mut same) = (0u64, 0u64, 0u64);
        let mut example = None;
        let mut here: HashSet<[u8; 8]> = HashSet::new();
        for (dir, entry) in scan.inventory.entries() {
            files += 1;
            let path = dir.path_of(entry.name);
            let Some(id) = entry_of(&path).filter(|id| here.insert(*id.key())) else { continue };
            extended += u64::from(id.form() == Form::Extended);
            if let Some((form, now)) = new.get(id.key()) {
                same += 1;
                example.get_or_insert_with(|| (path.clone(), now.clone(), *form));
            }
        }
        let entries = here.len() as u64;
        // The files of a mirror that is only not complete yet are those of the source.
        let unmoved = source_files.saturating_sub(new_files);
        let Some((old, now, form)) = example.filter(|_| entries >= FEWEST && nearly(same, entries)) else {
            return Ok(None);
        };
        if !nearly(files.saturating_sub(unmoved), files) {
            return Ok(None);
        }
        let extended = form == Form::Extended && extended * 2 < entries;
        Ok(Some(Moved { new_files, source_files, entries, same, example: (old, now), extended }))
    }
}

/// Whether the names that a job has stored after its last complete run are those of entries with IDs of four characters. The first names
/// suffice.
pub(in crate::sync) fn has_entries(state_dir: &Path, job: &str) -> bool {
    const MOST: usize = 10_000;
    let Some(mut names) = kept(state_dir, job) else { return false };
    let classic = |id: EntryId| id.form() == Form::Classic;
    for _ in 0..MOST {
        match names.next() {
            Ok(Some((NameKind::File, name))) if entry_of(name).is_some_and(classic) => return true,
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return false,
        }
    }
    false
}
