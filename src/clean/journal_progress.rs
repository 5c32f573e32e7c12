//! The progress of a run, read from its journal, to resume or undo the run.

use super::escape::LongNames;
use super::journal::{EntryOutcome, Line, Recipe, Record};
use super::rule::Kind;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The command of an undo in the journal of the run that it undoes.
pub const UNDO: &str = "undo";
/// The command of a purge in the journal of the run whose quarantine it removes.
pub const PURGE: &str = "purge";

/// Directories that a run changed. Takes memory for each directory, but for files only if their names are very long.
#[derive(Debug, Default)]
pub struct Dirs {
    /// Their metadata before the run; the empty path is the root. The first line about a directory counts: later ones come from a resumed
    /// run.
    pub was: BTreeMap<Vec<u8>, Recipe>,
    /// Directories that were removed or about to be removed.
    pub gone: BTreeSet<Vec<u8>>,
    /// Directories that an undo has recreated or was about to recreate.
    pub made: BTreeSet<Vec<u8>>,
    /// Whether the run, or an undo of it, was interrupted: some modification times may not have been restored.
    pub half: bool,
    /// Names that are too long to be escaped, by the hashes that replace them in the quarantine.
    pub long: LongNames,
}

impl Dirs {
    /// Applies a line of the journal. Lines must come in the order of the journal.
    pub fn learn(&mut self, line: &Line) {
        if let Line::Was(path, _) | Line::Did(Record { path, .. }) = line {
            self.long.learn(path);
        }
        if let Line::Did(Record { path, kind: Kind::Tree, .. }) = line {
            self.long.learn_flat(path);
        }
        match line {
            Line::Was(path, recipe) => {
                self.was.entry(path.clone()).or_insert(*recipe);
            }
            Line::Begin(_) => self.half = true,
            Line::Did(record) if record.did == EntryOutcome::Restored => {
                if record.kind == Kind::Dir {
                    self.made.insert(record.path.clone());
                }
            }
            Line::Did(record) if record.kind == Kind::Dir => match record.did {
                EntryOutcome::Meant | EntryOutcome::Deleted => {
                    self.gone.insert(record.path.clone());
                }
                _ => {
                    self.gone.remove(&record.path);
                }
            },
            Line::End(_) => {
                // A finished undo does not concern the next one.
                self.half = false;
                for path in std::mem::take(&mut self.made) {
                    self.gone.remove(&path);
                }
            }
            Line::Did(_) => {}
        }
    }
}

/// The progress of an interrupted run. Paths are stored as 128-bit hashes: one million take about 40 MB.
#[derive(Debug, Default)]
pub struct JournalProgress {
    /// The directories.
    pub dirs: Dirs,
    /// Whether the run was undone, even in part, or purged: it must not be resumed.
    pub undone: bool,
    gone: HashSet<u128>,
    left: HashSet<u128>,
    meant: HashSet<u128>,
}

impl JournalProgress {
    /// Applies a line of the journal. Lines must come in the order of the journal.
    pub fn learn(&mut self, line: &Line) {
        self.dirs.learn(line);
        let record = match line {
            Line::Did(record) => record,
            Line::Begin(begin) => {
                self.undone |= [UNDO, PURGE].contains(&begin.command.as_str());
                return;
            }
            Line::Was(..) | Line::End(_) => return,
        };
        let key = key(&record.path);
        if record.did == EntryOutcome::Meant {
            self.meant.insert(key);
            return;
        }
        self.meant.remove(&key);
        match record.did {
            EntryOutcome::Restored => {}
            did if did.is_gone() => {
                self.gone.insert(key);
            }
            _ => {
                self.left.insert(key);
            }
        }
    }

    /// Whether the entry is gone according to the journal.
    pub fn is_gone(&self, path: &[u8]) -> bool {
        !self.gone.is_empty() && self.gone.contains(&key(path))
    }

    /// Whether the journal says that the entry was left in place.
    pub fn is_left(&self, path: &[u8]) -> bool {
        !self.left.is_empty() && self.left.contains(&key(path))
    }

    /// Whether the entry was about to be removed when the run was interrupted.
    pub fn is_meant(&self, path: &[u8]) -> bool {
        !self.meant.is_empty() && self.meant.contains(&key(path))
    }
}

/// Returns a 128-bit hash of a path.
pub(super) fn key(path: &[u8]) -> u128 {
    let mut key = [0; 16];
    blake3::Hasher::new().update(path).finalize_xof().fill(&mut key);
    u128::from_le_bytes(key)
}
