//! Access to an inventory: directories and their contents.

use super::record::{self, RECORD};
use super::{Block, Dir, DirId, DirStat, Entry, Inventory, Own, State, Totals};

/// A directory of an inventory.
#[derive(Debug, Clone, Copy)]
pub struct DirRef<'a> {
    pub(super) inventory: &'a Inventory,
    pub(super) id: DirId,
}

/// What exists at a path.
#[derive(Debug, Clone, Copy)]
pub enum Member<'a> {
    /// A directory.
    Dir(DirRef<'a>),
    /// An entry other than a directory, and its directory.
    Entry(DirRef<'a>, Entry<'a>),
}

/// A directory with its contents.
#[derive(Debug, Clone)]
pub struct Group<'a> {
    /// The directory.
    pub dir: DirRef<'a>,
    /// The subdirectories, sorted by the bytes of their names.
    pub dirs: Children<'a>,
    /// All other entries, sorted likewise.
    pub entries: Entries<'a>,
}

impl<'a> DirRef<'a> {
    fn raw(&self) -> &'a Dir {
        // A reference is only created for an existing directory.
        &self.inventory.dirs[self.id.index()]
    }

    /// The index in pre-order.
    pub fn id(&self) -> DirId {
        self.id
    }

    /// The name; empty for the root.
    pub fn name(&self) -> &'a [u8] {
        self.inventory.name_of(self.id)
    }

    /// The parent; `None` for the root.
    pub fn parent(&self) -> Option<DirRef<'a>> {
        (self.id != DirId::ROOT).then(|| DirRef { inventory: self.inventory, id: self.raw().parent })
    }

    /// This directory and its ancestors up to the root.
    pub fn ancestors(&self) -> impl Iterator<Item = DirRef<'a>> + use<'a> {
        std::iter::successors(Some(*self), DirRef::parent)
    }

    /// The depth; 0 for the root.
    pub fn depth(&self) -> usize {
        self.ancestors().count() - 1
    }

    /// The path relative to the root, without a slash at either end; empty for the root.
    pub fn path(&self) -> Vec<u8> {
        let mut names: Vec<&[u8]> = self.ancestors().map(|dir| dir.name()).collect();
        names.pop();
        names.reverse();
        names.join(&b'/')
    }

    /// Returns the path of an entry of the directory, relative to the root.
    pub fn path_of(&self, name: &[u8]) -> Vec<u8> {
        let mut path = self.path();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        path
    }

    /// The metadata of the directory itself.
    pub fn stat(&self) -> &'a DirStat {
        &self.raw().stat
    }

    /// Whether its contents are known.
    pub fn state(&self) -> State {
        self.raw().state
    }

    /// Sums over the entries directly in it.
    pub fn own(&self) -> Own {
        self.raw().own
    }

    /// Sums over everything at any depth, the directory itself included.
    pub fn totals(&self) -> Totals {
        self.raw().total
    }

    /// The index in pre-order past the last directory below it.
    pub fn end(&self) -> DirId {
        DirId(self.raw().end)
    }

    /// The subdirectories.
    pub fn dirs(&self) -> Children<'a> {
        Children { inventory: self.inventory, next: self.id.0 + 1, end: self.raw().end }
    }

    /// All entries other than directories.
    pub fn entries(&self) -> Entries<'a> {
        Entries {
            inventory: self.inventory,
            blocks: self.inventory.blocks_of(self.raw()).iter(),
            records: &[],
            names: &[],
            from: 0,
        }
    }

    /// Returns the subdirectory of this name.
    pub fn child(&self, name: &[u8]) -> Option<DirRef<'a>> {
        self.dirs().find(|dir| dir.name() == name)
    }

    /// Returns the entry of this name, by binary search.
    pub fn entry(&self, name: &[u8]) -> Option<Entry<'a>> {
        self.inventory.blocks_of(self.raw()).iter().find_map(|block| {
            let (records, names) = self.inventory.block(block);
            let (mut low, mut high) = (0, records.len() / RECORD);
            while low < high {
                let middle = low.midpoint(high);
                let entry = nth(records, names, middle)?;
                match entry.name.cmp(name) {
                    std::cmp::Ordering::Equal => return Some(entry),
                    std::cmp::Ordering::Less => low = middle + 1,
                    std::cmp::Ordering::Greater => high = middle,
                }
            }
            None
        })
    }

    pub(super) fn blocks(&self) -> &'a [Block] {
        self.inventory.blocks_of(self.raw())
    }

    /// Whether both certainly have the same entries, since they share the blocks.
    pub(super) fn shares_entries_with(&self, other: &DirRef<'_>) -> bool {
        let (own, others) = (self.inventory, other.inventory);
        let (a, b) = (own.blocks_of(self.raw()), others.blocks_of(other.raw()));
        a.len() == b.len()
            && a.iter().zip(b).all(|(a, b)| {
                let start = |i: &Inventory, block: &Block| i.block(block).0.as_ptr();
                a.count == b.count && start(own, a) == start(others, b)
            })
    }
}

fn nth<'a>(records: &'a [u8], names: &'a [u8], n: usize) -> Option<Entry<'a>> {
    let (stat, end) = record::decode(records.get(n * RECORD..)?)?;
    let from = if n == 0 { 0 } else { record::name_end(records, n - 1) };
    Some(Entry { name: names.get(from..end as usize).unwrap_or_default(), stat })
}

/// The subdirectories of a directory.
#[derive(Debug, Clone)]
pub struct Children<'a> {
    inventory: &'a Inventory,
    next: u32,
    end: u32,
}

impl<'a> Iterator for Children<'a> {
    type Item = DirRef<'a>;

    fn next(&mut self) -> Option<DirRef<'a>> {
        if self.next >= self.end {
            return None;
        }
        let dir = self.inventory.dir(DirId(self.next))?;
        self.next = dir.raw().end.max(self.next + 1);
        Some(dir)
    }
}

/// The entries of a directory that are not directories.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    inventory: &'a Inventory,
    blocks: std::slice::Iter<'a, Block>,
    records: &'a [u8],
    names: &'a [u8],
    from: usize,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        while self.records.is_empty() {
            (self.records, self.names) = self.inventory.block(self.blocks.next()?);
            self.from = 0;
        }
        let (stat, end) = record::decode(self.records)?;
        let name = self.names.get(self.from..end as usize).unwrap_or_default();
        self.records = &self.records[RECORD..];
        self.from = end as usize;
        Some(Entry { name, stat })
    }
}

/// See [`Inventory::groups`].
#[derive(Debug, Clone)]
pub struct Groups<'a> {
    inventory: &'a Inventory,
    next: u32,
}

impl<'a> Groups<'a> {
    pub(super) fn new(inventory: &'a Inventory) -> Self {
        Groups { inventory, next: 0 }
    }
}

impl<'a> Iterator for Groups<'a> {
    type Item = Group<'a>;

    fn next(&mut self) -> Option<Group<'a>> {
        let dir = self.inventory.dir(DirId(self.next))?;
        self.next += 1;
        Some(Group { dir, dirs: dir.dirs(), entries: dir.entries() })
    }
}
