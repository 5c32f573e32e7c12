//! The contents of a tree: every entry in about forty bytes and its name, and totals for every directory, in an order that does not depend
//! on the scan. Pure; [`crate::scan`] creates it.
//!
//! Directories are stored in pre-order, so that a subtree is a range. Entries that are not directories are in blocks (records, then names)
//! in arenas: the results of a thread, or a mapped cache file. An inventory made from an older one shares its arenas, so that unchanged
//! entries are neither read nor copied.

mod build;
mod classes;
mod diff;
mod format;
mod group;
mod names;
mod record;
#[cfg(test)]
pub(crate) mod testing;
mod totals;

pub use build::{Builder, Found, NodeId};
pub use classes::{AGES, Classes, SIZES, Tally, extension};
pub use diff::{Change, ChangeKind, Changes, diff};
pub use format::{FormatError, Header, decode, encode, header};
pub use group::{Children, DirRef, Entries, Group, Groups, Member};
pub use names::{Fault, Faulty, check_names};
pub use record::encode as encode_record;
pub use record::{Entry, Kind, RECORD, Stat};
pub use totals::{Own, Totals};

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Shared bytes: a vector or a mapped file.
pub type Bytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Converts to nanoseconds since 1970; times beyond the range of `i64` are clamped.
pub fn nanoseconds(seconds: i64, nanoseconds: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

/// The metadata of a directory itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DirStat {
    /// Device number.
    pub dev: u64,
    /// Inode number.
    pub inode: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime: i64,
    /// Change time, nanoseconds since 1970.
    pub ctime: i64,
    /// Disk usage of the directory itself in bytes.
    pub disk: u64,
}

/// Whether the contents of a directory are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// All contents are known.
    #[default]
    Read,
    /// Contents are known in part or not at all: the directory could not be read, or the scan ended before.
    Incomplete,
    /// It was not read on purpose: too deep, on another file system, or reserved by the file system and not readable.
    LeftOut,
}

/// The location of the entries of a directory in an arena: `count` records, then their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Number of the arena.
    pub arena: u32,
    /// Offset of the records.
    pub at: u64,
    /// Number of records.
    pub count: u32,
}

/// The index of a directory in pre-order. The root is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirId(pub u32);

impl DirId {
    /// The root.
    pub const ROOT: DirId = DirId(0);

    fn index(self) -> usize {
        self.0 as usize
    }
}

/// A stored directory.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Dir {
    parent: DirId,
    /// The index past the last directory below it.
    end: u32,
    name_at: u64,
    name_len: u16,
    state: State,
    stat: DirStat,
    own: Own,
    blocks: (u32, u32),
    total: Totals,
}

/// The contents of a tree at the time of a scan.
#[derive(Clone)]
pub struct Inventory {
    root: PathBuf,
    started: i64,
    complete: bool,
    arenas: Vec<Bytes>,
    blocks: Vec<Block>,
    dirs: Vec<Dir>,
    dir_names: Vec<u8>,
}

impl std::fmt::Debug for Inventory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inventory")
            .field("root", &self.root)
            .field("totals", &self.totals())
            .finish_non_exhaustive()
    }
}

impl Inventory {
    /// The absolute path of the root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// When the scan started, nanoseconds since 1970.
    pub fn started(&self) -> i64 {
        self.started
    }

    /// Whether nothing is missing: no unreadable directory, no timeout, no stop.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The totals of the whole tree; `dirs` includes the root.
    pub fn totals(&self) -> Totals {
        self.dirs.first().map(|dir| dir.total).unwrap_or_default()
    }

    /// Number of directories, the root included.
    pub fn dir_count(&self) -> usize {
        self.dirs.len()
    }

    /// Returns the directory at an index in pre-order.
    pub fn dir(&self, id: DirId) -> Option<DirRef<'_>> {
        self.dirs.get(id.index()).map(|_| DirRef { inventory: self, id })
    }

    /// Returns all directories in pre-order, siblings sorted by the bytes of their names.
    pub fn dirs(&self) -> impl Iterator<Item = DirRef<'_>> {
        (0..self.dirs.len()).map(|n| DirRef { inventory: self, id: DirId(n as u32) })
    }

    /// Returns `(directory, sub-directories, entries)` in pre-order.
    pub fn groups(&self) -> Groups<'_> {
        Groups::new(self)
    }

    /// Returns every entry that is not a directory, with its directory: directories in pre-order, names sorted by bytes.
    pub fn entries(&self) -> impl Iterator<Item = (DirRef<'_>, Entry<'_>)> {
        self.dirs().flat_map(|dir| dir.entries().map(move |entry| (dir, entry)))
    }

    /// Returns what exists at a path relative to the root; the empty path is the root.
    pub fn lookup(&self, path: &[u8]) -> Option<Member<'_>> {
        let mut at = self.dir(DirId::ROOT)?;
        let mut names =
            path.split(|b| *b == b'/').filter(|name| !name.is_empty() && *name != b".").peekable();
        while let Some(name) = names.next() {
            match at.child(name) {
                Some(dir) => at = dir,
                None if names.peek().is_none() => {
                    return at.entry(name).map(|entry| Member::Entry(at, entry));
                }
                None => return None,
            }
        }
        Some(Member::Dir(at))
    }

    /// The same inventory with another start time.
    #[cfg(test)]
    pub(crate) fn started_at(&self, started: i64) -> Inventory {
        Inventory { started, ..self.clone() }
    }

    /// The arenas. An inventory that is made from this one shares them.
    pub fn arenas(&self) -> &[Bytes] {
        &self.arenas
    }

    fn name_of(&self, id: DirId) -> &[u8] {
        let Some(dir) = self.dirs.get(id.index()) else { return b"" };
        let at = dir.name_at as usize;
        self.dir_names.get(at..at + usize::from(dir.name_len)).unwrap_or_default()
    }

    /// Returns the records and the names of a block; empty if the block is not within its arena.
    fn block(&self, block: &Block) -> (&[u8], &[u8]) {
        let bytes = self.arenas.get(block.arena as usize).map(|arena| (**arena).as_ref()).unwrap_or_default();
        let bytes = usize::try_from(block.at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
        match bytes.split_at_checked(block.count as usize * RECORD) {
            Some((records, names)) => {
                let len =
                    if block.count == 0 { 0 } else { record::name_end(records, block.count as usize - 1) };
                (records, names.get(..len).unwrap_or_default())
            }
            None => (&[], &[]),
        }
    }

    fn blocks_of(&self, dir: &Dir) -> &[Block] {
        self.blocks.get(dir.blocks.0 as usize..dir.blocks.1 as usize).unwrap_or_default()
    }

    /// Computes all totals: those of each directory from its entries, then adds them to the parent, children first.
    fn sum_up(&mut self) {
        let mut seen = HashSet::new();
        for n in 0..self.dirs.len() {
            let shared = if self.dirs[n].own.linked > 0 { self.first_names(n, &mut seen) } else { 0 };
            let dir = &mut self.dirs[n];
            dir.total = Totals {
                files: dir.own.files.into(),
                dirs: 1,
                symlinks: dir.own.symlinks.into(),
                other: dir.own.other.into(),
                odd: dir.own.odd.into(),
                bytes: dir.own.bytes,
                disk: dir.own.disk.saturating_add(shared).saturating_add(dir.stat.disk),
            };
        }
        for n in (1..self.dirs.len()).rev() {
            let (total, parent) = (self.dirs[n].total, self.dirs[n].parent.index());
            self.dirs[parent].total += total;
        }
    }

    /// Disk usage of the hard-linked entries of a directory whose inode has not occurred before.
    fn first_names(&self, n: usize, seen: &mut HashSet<(u64, u64)>) -> u64 {
        let Some(dir) = self.dir(DirId(n as u32)) else { return 0 };
        let dev = dir.stat().dev;
        let linked = dir.entries().filter(|entry| entry.stat.linked);
        linked
            .filter(|entry| seen.insert((dev, entry.stat.inode)))
            .fold(0, |sum: u64, entry| sum.saturating_add(entry.stat.disk))
    }
}
