//! What a journal tells those who go on with a run, or undo it.

use super::escape::LongNames;
use super::journal::{EntryOutcome, Line, Recipe, Record};
use super::rule::Kind;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The command of an undo, as it begins in the journal of the run that it undoes.
pub const UNDO: &str = "undo";
/// The command of a purge, as it begins in the journal of the run whose quarantine it removes.
pub const PURGE: &str = "purge";

/// Directories that a run touched. Takes memory for each of them, and none for files, but for very long names.
#[derive(Debug, Default)]
pub struct Dirs {
    /// As they were before the run; the empty path is the root. The first word counts: later ones come from a run that went on.
    pub was: BTreeMap<Vec<u8>, Recipe>,
    /// Those that went, or were about to.
    pub gone: BTreeSet<Vec<u8>>,
    /// Those that an undo has made again, or was about to.
    pub made: BTreeSet<Vec<u8>>,
    /// Whether the run, or an undo of it, was cut short: times that it moved may not have been set back.
    pub half: bool,
    /// Names that are too long to be escaped: what hashes in the quarantine stand for.
    pub long: LongNames,
}

impl Dirs {
    /// Takes a line of the journal, in its order.
    pub fn learn(&mut self, line: &Line) {
        if let Line::Was(path, _) | Line::Did(Record { path, .. }) = line {
            self.long.learn(path);
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
                // What an undo has ended is no business of the next one.
                self.half = false;
                for path in std::mem::take(&mut self.made) {
                    self.gone.remove(&path);
                }
            }
            Line::Did(_) => {}
        }
    }
}

/// How far a run had come when it was cut short. Paths are kept as 128 bits of their hash: a million take some forty
/// megabytes.
#[derive(Debug, Default)]
pub struct JournalProgress {
    /// Directories.
    pub dirs: Dirs,
    /// Whether it was undone, in part at least, or purged: nothing is to be gone on with.
    pub undone: bool,
    gone: HashSet<u128>,
    left: HashSet<u128>,
    meant: HashSet<u128>,
}

impl JournalProgress {
    /// Takes a line of the journal, in its order.
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

    /// Whether it is gone, as the journal says.
    pub fn is_gone(&self, path: &[u8]) -> bool {
        !self.gone.is_empty() && self.gone.contains(&key(path))
    }

    /// Whether it was left alone then, and the journal says so.
    pub fn is_left(&self, path: &[u8]) -> bool {
        !self.left.is_empty() && self.left.contains(&key(path))
    }

    /// Whether it was about to be taken when the run was cut short.
    pub fn is_meant(&self, path: &[u8]) -> bool {
        !self.meant.is_empty() && self.meant.contains(&key(path))
    }
}

/// 128 bits that stand for a path.
pub(super) fn key(path: &[u8]) -> u128 {
    let mut key = [0; 16];
    blake3::Hasher::new().update(path).finalize_xof().fill(&mut key);
    u128::from_le_bytes(key)
}
