//! Sums up a plan by rule, action and directory, for display.

use crate::clean::{Action, Entry};
use std::collections::HashMap;

/// A group of entries. The directory is the first one below the root; empty for entries directly in the root.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) rule: String,
    pub(super) action: Action,
    pub(super) dir: Vec<u8>,
}

/// The sum of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sum {
    pub(super) entries: u64,
    pub(super) bytes: u64,
    /// Modification time of the oldest file, in nanoseconds since 1970.
    pub(super) oldest: Option<i64>,
}

/// Returns the first directory below the root that contains an entry.
pub(super) fn top(entry: &Entry) -> &[u8] {
    match memchr::memchr(b'/', &entry.path) {
        Some(at) => &entry.path[..at],
        None => b"",
    }
}

/// Adds up entries by group.
#[derive(Debug, Default)]
pub(super) struct Fold(HashMap<Key, Sum>);

impl Fold {
    pub(super) fn add(&mut self, entry: &Entry, action: Action) {
        let key = Key { rule: entry.rule.clone(), action, dir: top(entry).to_vec() };
        let sum = self.0.entry(key).or_default();
        sum.entries += entry.count();
        sum.bytes += entry.bytes;
        let time = match &entry.contents {
            Some(contents) => contents.oldest,
            None => Some(entry.stamp.mtime).filter(|time| *time != 0),
        };
        sum.oldest = match (sum.oldest, time) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// Returns the groups, largest first.
    pub(super) fn rows(self) -> Vec<(Key, Sum)> {
        let mut rows: Vec<(Key, Sum)> = self.0.into_iter().collect();
        rows.sort_by(|(a, x), (b, y)| {
            (y.bytes, y.entries)
                .cmp(&(x.bytes, x.entries))
                .then_with(|| (&a.rule, &a.dir).cmp(&(&b.rule, &b.dir)))
        });
        rows
    }
}
