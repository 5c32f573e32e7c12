//! Differences between two inventories of a tree.

use super::{DirRef, Entry, Inventory, Stat, State};
use std::cmp::Ordering;
use std::iter::Peekable;

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// Added.
    Added,
    /// Removed.
    Removed,
    /// Size, modification time, inode or kind differ. Other attributes (owner, mode) do not count.
    Changed,
}

impl ChangeKind {
    /// The word used in JSON: `added`, `removed`, `changed`.
    pub fn word(self) -> &'static str {
        match self {
            ChangeKind::Added => "added",
            ChangeKind::Removed => "removed",
            ChangeKind::Changed => "changed",
        }
    }
}

/// A difference.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The kind of the change.
    pub kind: ChangeKind,
    /// The directory of the name, in the newer inventory if both have it.
    pub dir: DirRef<'a>,
    /// The name.
    pub name: &'a [u8],
    /// The old metadata; `None` for added names and for directories.
    pub old: Option<Stat>,
    /// The new metadata; `None` for removed names and for directories.
    pub new: Option<Stat>,
}

impl Change<'_> {
    /// The kind of the entry: `file`, `dir`, `symlink` or `other`.
    pub fn word(&self) -> &'static str {
        self.new.or(self.old).map_or("dir", |stat| stat.kind.word())
    }
}

/// Number of differences. Directories count as entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Changes {
    /// Entries added.
    pub added: u64,
    /// Entries removed.
    pub removed: u64,
    /// Entries changed.
    pub changed: u64,
    /// Directories that could not be compared, since one of the scans did not read them.
    pub unknown: u64,
}

impl Changes {
    /// Whether no differences are known.
    pub fn is_nothing(&self) -> bool {
        (self.added, self.removed, self.changed) == (0, 0, 0)
    }
}

/// Reports every change. Directories are in pre-order, names within a directory sorted by bytes.
pub fn diff<'a, E>(
    old: &'a Inventory,
    new: &'a Inventory,
    mut tell: impl FnMut(Change<'a>) -> Result<(), E>,
) -> Result<Changes, E> {
    let mut changes = Changes::default();
    let mut note = |change: Change<'a>| {
        match change.kind {
            ChangeKind::Added => changes.added += 1,
            ChangeKind::Removed => changes.removed += 1,
            ChangeKind::Changed => changes.changed += 1,
        }
        tell(change)
    };
    let mut unknown = 0;
    let mut open = vec![(old.dir(super::DirId::ROOT), new.dir(super::DirId::ROOT))];
    while let Some(pair) = open.pop() {
        if let (Some(was), Some(is)) = pair
            && (was.state() != State::Read || is.state() != State::Read)
        {
            unknown += 1;
            continue;
        }
        entries(pair, &mut note)?;
        let from = open.len();
        let children = |dir: Option<DirRef<'a>>| dir.into_iter().flat_map(|dir| dir.dirs()).peekable();
        let (mut was, mut is) = (children(pair.0), children(pair.1));
        while let Some(order) = order(&mut was, &mut is, |dir| dir.name()) {
            let old = if order.is_le() { was.next() } else { None };
            let new = if order.is_ge() { is.next() } else { None };
            open.push((old, new));
            let (kind, dir) = match (old, new) {
                (None, Some(dir)) => (ChangeKind::Added, dir),
                (Some(dir), None) => (ChangeKind::Removed, dir),
                _ => continue,
            };
            if let Some(parent) = dir.parent() {
                note(Change { kind, dir: parent, name: dir.name(), old: None, new: None })?;
            }
        }
        open[from..].reverse();
    }
    changes.unknown = unknown;
    Ok(changes)
}

fn entries<'a, E>(
    (was, is): (Option<DirRef<'a>>, Option<DirRef<'a>>),
    note: &mut impl FnMut(Change<'a>) -> Result<(), E>,
) -> Result<(), E> {
    if let (Some(was), Some(is)) = (was, is)
        && is.shares_entries_with(&was)
    {
        return Ok(());
    }
    let all = |dir: Option<DirRef<'a>>| dir.into_iter().flat_map(|dir| dir.entries()).peekable();
    let (mut old, mut new) = (all(was), all(is));
    while let Some(order) = order(&mut old, &mut new, |entry| entry.name) {
        let before = if order.is_le() { old.next() } else { None };
        let after = if order.is_ge() { new.next() } else { None };
        let (kind, dir, name) = match (&before, &after, was, is) {
            (None, Some(entry), _, Some(is)) => (ChangeKind::Added, is, entry.name),
            (Some(entry), None, Some(was), _) => (ChangeKind::Removed, was, entry.name),
            (Some(a), Some(b), _, Some(is)) if is_another(a, b) => (ChangeKind::Changed, is, b.name),
            _ => continue,
        };
        note(Change { kind, dir, name, old: before.map(|e| e.stat), new: after.map(|e| e.stat) })?;
    }
    Ok(())
}

/// Which of two sorted sequences comes next; `Equal` for both, `None` for neither.
fn order<T, I: Iterator<Item = T>>(
    a: &mut Peekable<I>,
    b: &mut Peekable<I>,
    name: impl Fn(&T) -> &[u8],
) -> Option<Ordering> {
    match (a.peek(), b.peek()) {
        (None, None) => None,
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (Some(a), Some(b)) => Some(name(a).cmp(name(b))),
    }
}

fn is_another(a: &Entry<'_>, b: &Entry<'_>) -> bool {
    let key = |s: &Stat| (s.kind, s.size, s.mtime, s.inode);
    key(&a.stat) != key(&b.stat)
}

#[cfg(test)]
mod tests {
    use super::super::testing::tree;
    use super::*;

    fn told(old: &Inventory, new: &Inventory) -> (Vec<String>, Changes) {
        let mut told = Vec::new();
        let changes = diff(old, new, |change| {
            let path = String::from_utf8(change.dir.path_of(change.name)).unwrap();
            told.push(format!("{} {} {path}", change.kind.word(), change.word()));
            Ok::<(), ()>(())
        });
        (told, changes.unwrap())
    }

    #[test]
    fn every_name_is_told_once_and_in_order() {
        let old = tree(&[("a/1", 5), ("a/2", 5), ("b/c/1", 1), ("x", 1), ("y", 1)]);
        let new = tree(&[("a/1", 5), ("a/2", 6), ("a/d/1", 1), ("w", 1), ("x", 1)]);
        let (lines, changes) = told(&old, &new);
        assert_eq!(
            lines,
            [
                "added file w",
                "removed file y",
                "removed dir b",
                "changed file a/2",
                "added dir a/d",
                "added file a/d/1",
                "removed dir b/c",
                "removed file b/c/1",
            ]
        );
        assert_eq!(changes, Changes { added: 3, removed: 4, changed: 1, unknown: 0 });
        assert!(told(&new, &new).1.is_nothing());
    }
}
