//! What lists say about entries of a mirror: that upstream does not have them any more, or that an entry is obsolete.

use super::path::split;
use crate::model::pdb::{EntryId, recognise};
use std::collections::HashSet;

/// Lists, read.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    absent: HashSet<Vec<u8>>,
    obsolete: HashSet<[u8; 8]>,
}

impl Lists {
    /// A path, relative to the root, that upstream did not have when it was asked last.
    pub fn add_absent(&mut self, path: Vec<u8>) {
        self.absent.insert(path);
    }

    /// Takes a list of obsolete entries: `obsolete.dat` (`OBSLTE    01-JUN-26 4ABC     5ABC`), or one ID a line. The answer
    /// is how many it names; lines of another kind are passed by.
    pub fn add_obsolete(&mut self, text: &[u8]) -> usize {
        let ids = text.split(|b| *b == b'\n').filter_map(|line| {
            let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let first = words.next()?;
            let id = if first == b"OBSLTE" { words.nth(1)? } else { first };
            EntryId::parse(id).filter(|_| first == b"OBSLTE" || words.next().is_none())
        });
        let before = self.obsolete.len();
        self.obsolete.extend(ids.map(|id| *id.key()));
        self.obsolete.len() - before
    }

    /// Whether upstream did not have it.
    pub(super) fn is_absent(&self, path: &[u8]) -> bool {
        !self.absent.is_empty() && self.absent.contains(path)
    }

    /// Whether it is a file of an obsolete entry, and not where archives keep those.
    pub(super) fn is_obsolete(&self, path: &[u8]) -> bool {
        if self.obsolete.is_empty() {
            return false;
        }
        let (dir, name) = split(path);
        recognise(name).is_some_and(|(_, id)| self.obsolete.contains(id.key()))
            && !dir.split(|b| *b == b'/').any(|part| part == b"obsolete")
    }
}
