//! Builds an inventory from directories found in any order.

use super::{Block, Bytes, Dir, DirId, DirRef, DirStat, Inventory, Own, State, Totals};
use std::path::PathBuf;

/// A directory that is being added. Only a [`Builder`] creates these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeId(u32);

/// What is known about a directory that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Found {
    /// The metadata of the directory itself.
    pub stat: DirStat,
    /// Whether its contents are known.
    pub state: State,
}

#[derive(Debug)]
struct Node {
    parent: u32,
    name_at: u64,
    name_len: u16,
    found: Found,
    gone: bool,
    own: Own,
    block: Option<(u32, Block)>,
    more: Vec<(u32, Block)>,
}

/// Directories in the order in which they were found; each after its parent.
#[derive(Debug, Default)]
pub struct Builder {
    nodes: Vec<Node>,
    names: Vec<u8>,
}

impl Builder {
    /// Adds a directory below `parent` without metadata. `None` is the root, which must come first. Names of more than 65,535 bytes, which
    /// no system supports, are truncated.
    pub fn add(&mut self, parent: Option<NodeId>, name: &[u8]) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        let name = &name[..name.len().min(usize::from(u16::MAX))];
        self.nodes.push(Node {
            parent: parent.map_or(0, |parent| parent.0),
            name_at: self.names.len() as u64,
            name_len: name.len() as u16,
            found: Found { stat: DirStat::default(), state: State::Incomplete },
            gone: false,
            own: Own::default(),
            block: None,
            more: Vec::new(),
        });
        self.names.extend_from_slice(name);
        id
    }

    /// Sets what is known about a directory.
    pub fn found(&mut self, id: NodeId, found: Found) {
        if let Some(node) = self.nodes.get_mut(id.0 as usize) {
            node.found = found;
        }
    }

    /// Marks the contents of a directory as incomplete.
    pub fn incomplete(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(id.0 as usize) {
            node.found.state = State::Incomplete;
        }
    }

    /// Marks a directory and everything below it as removed. The root cannot be removed.
    pub fn gone(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(id.0 as usize) {
            node.gone = true;
        }
    }

    /// Adds a part of the entries of a directory; parts are ordered by `part`.
    pub fn holds(&mut self, id: NodeId, part: u32, block: Block, own: Own) {
        let Some(node) = self.nodes.get_mut(id.0 as usize) else { return };
        node.own += own;
        if block.count == 0 {
            return;
        }
        match node.block {
            None => node.block = Some((part, block)),
            Some(_) => node.more.push((part, block)),
        }
    }

    /// Reuses the entries of `dir` of another inventory, whose arenas must be the first ones of the new inventory.
    pub fn adopt(&mut self, id: NodeId, dir: &DirRef<'_>) {
        for (part, block) in dir.blocks().iter().enumerate() {
            self.holds(id, part as u32, *block, Own::default());
        }
        if let Some(node) = self.nodes.get_mut(id.0 as usize) {
            node.own = dir.own();
        }
    }

    /// The metadata of the directory itself, as far as known.
    pub fn stat(&self, id: NodeId) -> Option<DirStat> {
        self.nodes.get(id.0 as usize).map(|node| node.found.stat)
    }

    /// The parent; `None` for the root.
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        (id.0 != 0).then(|| self.nodes.get(id.0 as usize).map(|node| NodeId(node.parent))).flatten()
    }

    /// The name; empty for the root.
    pub fn name(&self, id: NodeId) -> &[u8] {
        let Some(node) = self.nodes.get(id.0 as usize) else { return b"" };
        let at = node.name_at as usize;
        self.names.get(at..at + usize::from(node.name_len)).unwrap_or_default()
    }

    /// The path relative to the root.
    pub fn path(&self, id: NodeId) -> Vec<u8> {
        let mut names: Vec<&[u8]> =
            std::iter::successors(Some(id), |id| self.parent(*id)).map(|id| self.name(id)).collect();
        names.pop();
        names.reverse();
        names.join(&b'/')
    }

    /// Number of directories.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no directories.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Sorts the directories and computes the totals. `started` is in nanoseconds since 1970.
    pub fn finish(self, root: PathBuf, started: i64, arenas: Vec<Bytes>) -> Inventory {
        let order = self.pre_order();
        let mut place = vec![0u32; self.nodes.len()];
        for (at, n) in order.iter().enumerate() {
            place[*n as usize] = at as u32;
        }
        let mut inventory = Inventory {
            root,
            started,
            complete: order.iter().all(|n| self.nodes[*n as usize].found.state != State::Incomplete),
            arenas,
            blocks: Vec::with_capacity(self.nodes.len()),
            dirs: Vec::with_capacity(self.nodes.len()),
            dir_names: self.names,
        };
        let mut nodes: Vec<Option<Node>> = self.nodes.into_iter().map(Some).collect();
        for (at, n) in order.iter().enumerate() {
            let Some(mut node) = nodes[*n as usize].take() else { continue };
            let first = inventory.blocks.len() as u32;
            node.more.extend(node.block);
            node.more.sort_unstable_by_key(|(part, _)| *part);
            inventory.blocks.extend(node.more.into_iter().map(|(_, block)| block));
            inventory.dirs.push(Dir {
                parent: DirId(place[node.parent as usize]),
                end: at as u32 + 1,
                name_at: node.name_at,
                name_len: node.name_len,
                state: node.found.state,
                stat: node.found.stat,
                own: node.own,
                blocks: (first, inventory.blocks.len() as u32),
                total: Totals::default(),
            });
        }
        inventory.set_ends();
        inventory.sum_up();
        inventory
    }

    /// Returns the node numbers in pre-order: each directory before its subdirectories, siblings by name.
    fn pre_order(&self) -> Vec<u32> {
        let mut children: Vec<u32> = (1..self.nodes.len() as u32).collect();
        let key = |n: &u32| (self.nodes[*n as usize].parent, self.name(NodeId(*n)));
        children.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        let mut from = vec![0u32; self.nodes.len() + 1];
        for node in self.nodes.iter().skip(1) {
            from[node.parent as usize + 1] += 1;
        }
        for n in 1..from.len() {
            from[n] += from[n - 1];
        }
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut open: Vec<u32> = if self.nodes.is_empty() { Vec::new() } else { vec![0] };
        while let Some(n) = open.pop() {
            order.push(n);
            let below = from[n as usize] as usize..from[n as usize + 1] as usize;
            open.extend(children[below].iter().rev().filter(|n| !self.nodes[**n as usize].gone));
        }
        order
    }
}

impl Inventory {
    /// Computes the end of each subtree from the parents.
    pub(super) fn set_ends(&mut self) {
        for n in (1..self.dirs.len()).rev() {
            let (end, parent) = (self.dirs[n].end, self.dirs[n].parent.index());
            self.dirs[parent].end = self.dirs[parent].end.max(end);
        }
    }
}
