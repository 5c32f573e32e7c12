//! Lists about entries of a mirror: entries that upstream no longer has, and obsolete entries.

use super::path::split;
use crate::model::pdb::{EntryId, recognise};
use std::collections::HashSet;

/// The lists, as read.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    absent: HashSet<Vec<u8>>,
    obsolete: HashSet<[u8; 8]>,
}

impl Lists {
    /// Adds a path, relative to the root, that upstream did not have at the last query.
    pub fn add_absent(&mut self, path: Vec<u8>) {
        self.absent.insert(path);
    }

    /// Adds a list of obsolete entries: `obsolete.dat` (`OBSLTE    01-JUN-26 4ABC     5ABC`), or one ID per line. Returns the number of
    /// entries in it; other lines are skipped.
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

    /// Whether upstream did not have the path.
    pub(super) fn is_absent(&self, path: &[u8]) -> bool {
        !self.absent.is_empty() && self.absent.contains(path)
    }

    /// Whether the path is a file of an obsolete entry, outside the directories where archives keep such files.
    pub(super) fn is_obsolete(&self, path: &[u8]) -> bool {
        if self.obsolete.is_empty() {
            return false;
        }
        let (dir, name) = split(path);
        recognise(name).is_some_and(|(_, id)| self.obsolete.contains(id.key()))
            && !dir.split(|b| *b == b'/').any(|part| part == b"obsolete")
    }
}
