//! Small inventories for tests.

use super::{Block, Builder, Bytes, Found, Inventory, Kind, NodeId, Own, Stat, State, encode_record};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Makes an inventory of files with these sizes, by path; a path that ends in `/` is an empty directory. Times are 0.
pub(crate) fn tree(files: &[(&str, u64)]) -> Inventory {
    let mut dirs: BTreeMap<Vec<u8>, BTreeMap<Vec<u8>, u64>> = BTreeMap::from([(Vec::new(), BTreeMap::new())]);
    for (path, size) in files {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        for (at, _) in dir.match_indices('/') {
            dirs.entry(dir[..at].into()).or_default();
        }
        let held = dirs.entry(dir.into()).or_default();
        if !name.is_empty() {
            held.insert(name.into(), *size);
        }
    }
    let (mut builder, mut arena) = (Builder::default(), Vec::new());
    let mut ids: BTreeMap<Vec<u8>, NodeId> = BTreeMap::new();
    for (path, held) in dirs {
        let cut = path.iter().rposition(|b| *b == b'/');
        let (parent, name) = cut.map_or((&path[..0], &path[..]), |cut| (&path[..cut], &path[cut + 1..]));
        let id = builder.add(if path.is_empty() { None } else { ids.get(parent).copied() }, name);
        builder.found(id, Found { stat: Default::default(), state: State::Read });
        let (at, mut own, mut names) = (arena.len() as u64, Own::default(), Vec::new());
        for (name, size) in held.iter() {
            names.extend_from_slice(name);
            let stat =
                Stat { kind: Kind::File, size: *size, mtime: 0, ctime: 0, inode: 0, disk: 0, linked: false };
            own.add(name, &stat);
            encode_record(&stat, names.len() as u32, &mut arena);
        }
        arena.extend(names);
        builder.holds(id, 0, Block { arena: 0, at, count: held.len() as u32 }, own);
        ids.insert(path, id);
    }
    let arena: Bytes = Arc::new(arena);
    builder.finish("/root".into(), 0, vec![arena])
}

#[test]
fn what_is_put_in_is_found_again() {
    let tree = tree(&[("b/2", 2), ("b/1", 1), ("a/c/d/", 0), ("z", 7), ("b.x/3", 3)]);
    let paths: Vec<String> = tree.dirs().map(|dir| String::from_utf8(dir.path()).unwrap()).collect();
    assert_eq!(paths, ["", "a", "a/c", "a/c/d", "b", "b.x"]);
    let files: Vec<_> =
        tree.entries().map(|(dir, e)| String::from_utf8(dir.path_of(e.name)).unwrap()).collect();
    assert_eq!(files, ["z", "b/1", "b/2", "b.x/3"]);
    assert_eq!(tree.totals().files, 4);
    assert_eq!(tree.totals().dirs, 6);
    assert_eq!(tree.totals().bytes, 13);
    assert!(matches!(tree.lookup(b"a/c"), Some(super::Member::Dir(dir)) if dir.depth() == 2));
    assert!(matches!(tree.lookup(b"./b//2"), Some(super::Member::Entry(_, e)) if e.stat.size == 2));
    assert!(tree.lookup(b"b/3").is_none() && tree.lookup(b"z/1").is_none());
    let groups: Vec<_> = tree.groups().map(|g| (g.dirs.count(), g.entries.count())).collect();
    assert_eq!(groups, [(3, 1), (1, 0), (1, 0), (0, 0), (0, 2), (0, 1)]);
}
