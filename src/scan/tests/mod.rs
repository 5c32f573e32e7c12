//! Compares the walk with `find` and `du`.

mod cache_limits;
mod hard;

use super::*;
use crate::scan::inventory::{Inventory, Kind, diff};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// A directory in memory if possible, since creating and removing the files of a test takes long on a disk.
fn in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Waits for the next tick of the clock of the file system: changes within one tick do not change the times, and are only detected by
/// reading a recently changed directory again.
fn until_the_clock_moves() {
    let dir = in_memory();
    let now = || tempfile::tempfile_in(&dir).unwrap().metadata().unwrap().modified().unwrap();
    let before = now();
    while now() <= before {
        std::thread::yield_now();
    }
}

fn options(threads: usize) -> Options {
    Options { threads, ..Options::default() }
}

fn walk(root: &Path, options: &Options) -> Scan {
    scan(root, options, None).unwrap()
}

/// All paths, each with its kind and size.
fn names(inventory: &Inventory) -> BTreeSet<(Vec<u8>, char, u64)> {
    let mut names = BTreeSet::new();
    for group in inventory.groups() {
        names.insert((group.dir.path(), 'd', 0));
        for entry in group.entries {
            let kind = match entry.stat.kind {
                Kind::File => 'f',
                Kind::Symlink => 'l',
                Kind::Other => 'o',
            };
            let size = if kind == 'f' { entry.stat.size } else { 0 };
            names.insert((group.dir.path_of(entry.name), kind, size));
        }
    }
    names
}

/// The same as listed by `find`.
fn found(root: &Path, arguments: &[&str]) -> BTreeSet<(Vec<u8>, char, u64)> {
    let mut find = Command::new("find");
    find.arg(root).args(arguments).args(["-printf", "%y %s %P\\0"]);
    let out = find.output().unwrap();
    out.stdout
        .split(|b| *b == 0)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (kind, rest) = (char::from(line[0]), &line[2..]);
            let space = rest.iter().position(|b| *b == b' ').unwrap();
            let size: u64 = std::str::from_utf8(&rest[..space]).unwrap().parse().unwrap();
            let kind = if "dfl".contains(kind) { kind } else { 'o' };
            (rest[space + 1..].to_vec(), kind, if kind == 'f' { size } else { 0 })
        })
        .collect()
}

fn disk_usage(root: &Path) -> u64 {
    let out = Command::new("du").args(["-s", "--block-size=1"]).arg(root).output().unwrap();
    String::from_utf8(out.stdout).unwrap().split_whitespace().next().unwrap().parse().unwrap()
}

fn same_as_find_and_du(root: &Path, scan: &Scan) {
    let expected = found(root, &[]);
    assert_eq!(names(&scan.inventory), expected);
    let totals = scan.inventory.totals();
    let count = |kind| expected.iter().filter(|(_, k, _)| *k == kind).count() as u64;
    assert_eq!(
        (totals.files, totals.dirs, totals.symlinks, totals.other),
        (count('f'), count('d'), count('l'), count('o'))
    );
    assert_eq!(totals.bytes, expected.iter().map(|(.., size)| size).sum::<u64>());
    assert_eq!(totals.disk, disk_usage(root));
}

/// Makes a tree of at most a few hundred entries from numbers.
fn grow(root: &Path, seeds: &[u32]) {
    let mut dirs = vec![root.to_path_buf()];
    let mut files = Vec::new();
    for (n, seed) in seeds.iter().enumerate() {
        let parent = dirs[*seed as usize / 16 % dirs.len()].clone();
        let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(
            &[
                format!("{:x}", seed % 97).as_bytes(),
                &[b'a' + (n % 26) as u8, 0x80 | (seed % 3) as u8][..1 + n % 2],
            ]
            .concat(),
        )
        .to_owned();
        let path = parent.join(name);
        // If a name exists already, nothing is created.
        match seed % 8 {
            0 | 1 if fs::create_dir(&path).is_ok() => dirs.push(path),
            2 => drop(symlink("nowhere", &path)),
            3 if !files.is_empty() => drop(fs::hard_link(&files[n % files.len()], &path)),
            _ if !path.exists() => {
                fs::write(&path, vec![b'x'; (seed % 9_000) as usize]).unwrap();
                files.push(path);
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_tree_is_what_find_and_du_say(seeds in proptest::collection::vec(any::<u32>(), 0..150), threads in 1usize..5) {
        let dir = tempfile::tempdir().unwrap();
        grow(dir.path(), &seeds);
        let scan = walk(dir.path(), &options(threads));
        same_as_find_and_du(dir.path(), &scan);
        prop_assert!(scan.inventory.is_complete() && scan.counts == Counts::default());
    }

    #[test]
    fn what_is_taken_over_is_what_a_full_scan_finds(
        seeds in proptest::collection::vec(any::<u32>(), 1..120),
        more in proptest::collection::vec(any::<u32>(), 0..30),
        gone in any::<prop::sample::Index>(),
    ) {
        let dir = in_memory();
        grow(dir.path(), &seeds);
        let first = walk(dir.path(), &options(2)).inventory.distrusting_nothing();
        until_the_clock_moves();
        let paths: Vec<Vec<u8>> = first.dirs().skip(1).map(|d| d.path()).collect();
        if !paths.is_empty() {
            let path = String::from_utf8_lossy(&paths[gone.index(paths.len())]).into_owned();
            let _ = fs::remove_dir_all(dir.path().join(path));
        }
        grow(dir.path(), &more);
        let again = scan(dir.path(), &options(2), Some(&first)).unwrap();
        let full = walk(dir.path(), &options(2));
        prop_assert!(diff(&full.inventory, &again.inventory, |_| Ok::<(), ()>(())).unwrap().is_nothing());
        prop_assert_eq!(again.inventory.totals(), full.inventory.totals());
        prop_assert_eq!(again.dirs_read + again.dirs_reused, again.inventory.totals().dirs);
        same_as_find_and_du(dir.path(), &again);
    }
}

#[test]
fn empty_and_single() {
    let dir = tempfile::tempdir().unwrap();
    same_as_find_and_du(dir.path(), &walk(dir.path(), &options(0)));
    fs::write(dir.path().join("one"), "1").unwrap();
    same_as_find_and_du(dir.path(), &walk(dir.path(), &options(0)));
    assert!(scan(&dir.path().join("missing"), &options(0), None).is_err());
    assert!(scan(&dir.path().join("one"), &options(0), None).is_err());
}

#[test]
fn loops_are_seen_and_followed_links_count_once_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    fs::create_dir_all(root.join("a/b")).unwrap();
    fs::write(root.join("a/file"), "12345").unwrap();
    symlink("../..", root.join("a/b/up")).unwrap();
    symlink("../file", root.join("a/b/link")).unwrap();
    symlink("nowhere", root.join("a/dangling")).unwrap();
    symlink("self", root.join("a/self")).unwrap();
    symlink("a", root.join("z")).unwrap();
    let plain = walk(root, &options(2));
    same_as_find_and_du(root, &plain);
    let followed = walk(root, &Options { follow: true, ..options(2) });
    assert_eq!(followed.counts.loops, 2, "{:?}", followed.troubles);
    assert!(followed.troubles.iter().any(|t| t.path == b"a/b/up" && t.kind == TroubleKind::Loop));
    let totals = followed.inventory.totals();
    assert_eq!((totals.files, totals.bytes, totals.symlinks), (4, 20, 4));
    assert_eq!((totals.dirs, followed.inventory.is_complete()), (5, true));
}

#[test]
fn what_is_left_out_is_pruned() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    for path in ["a/b/c/d", "a/.hid", ".pdb-sync/quarantine", "a/.pdb-sync", "tmp/x", "k/tmp"] {
        fs::create_dir_all(root.join(path)).unwrap();
    }
    for path in
        ["a/b/c/d/f", "a/.hid/f", ".pdb-sync/quarantine/f", "a/.pdb-sync/f", "tmp/x/f", "k/x.tmp", ".f"]
    {
        fs::write(root.join(path), "x").unwrap();
    }
    let paths = |options: &Options| -> Vec<String> {
        let inventory = walk(root, options).inventory;
        names(&inventory).into_iter().map(|(path, ..)| String::from_utf8(path).unwrap()).collect()
    };
    let all = paths(&options(1));
    assert!(all.contains(&"a/.pdb-sync/f".into()) && !all.iter().any(|p| p.starts_with(".pdb-sync")));
    let hidden = paths(&Options { skip_hidden: true, ..options(1) });
    assert!(!hidden.iter().any(|p| p.split('/').any(|name| name.starts_with('.'))));
    let shallow = walk(root, &Options { max_depth: Some(2), ..options(2) });
    let mut expected = found(root, &["-maxdepth", "2"]);
    expected.retain(|(path, ..)| !path.starts_with(b".pdb-sync"));
    assert_eq!(names(&shallow.inventory), expected);
    assert!(shallow.inventory.is_complete());
    let exclude = Excludes::new(&["tmp".into(), "a/b/*".into()]).unwrap();
    let pruned = paths(&Options { exclude, ..options(2) });
    assert!(pruned.contains(&"a/b".into()) && pruned.contains(&"k/x.tmp".into()));
    assert!(!pruned.iter().any(|p| p.starts_with("tmp") || p == "k/tmp" || p.starts_with("a/b/")));
}

#[test]
fn a_scan_ends_when_it_is_told_to_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..50 {
        fs::create_dir_all(dir.path().join(format!("{n}/a/b"))).unwrap();
    }
    let out = walk(dir.path(), &Options { timeout: Some(Duration::ZERO), ..options(2) });
    assert_eq!(out.ended, Some(Ended::Timeout));
    assert!(!out.inventory.is_complete());
    assert_eq!((out.dirs_read, out.inventory.totals().dirs), (0, 1), "nothing is read when the time is over");
    let stopped = options(2);
    stopped.stop.stop();
    let out = walk(dir.path(), &stopped);
    assert_eq!((out.ended, out.inventory.is_complete()), (Some(Ended::Stopped), false));
    // Both at the same time: the request takes precedence.
    let out = walk(dir.path(), &Options { timeout: Some(Duration::ZERO), ..stopped });
    assert_eq!(out.ended, Some(Ended::Stopped));
    // A timeout that has not expired has no effect, however long it is.
    let patient = Options { timeout: Some(Duration::from_secs(1 << 40)), ..options(2) };
    assert_eq!(walk(dir.path(), &patient).ended, None);
    let all = options(2);
    assert_eq!(walk(dir.path(), &all).ended, None);
    let seen = all.meter.snapshot();
    assert_eq!((seen.entries, seen.dirs), (151, 151));
}

#[test]
fn an_ordinary_rsync_update_is_seen_in_full() {
    let dir = tempfile::tempdir().unwrap();
    let (source, dest) = (dir.path().join("s/"), dir.path().join("d/"));
    for sub in ["ab", "cd", "ef"] {
        fs::create_dir_all(source.join(sub)).unwrap();
        for n in 0..5 {
            fs::write(source.join(format!("{sub}/1{sub}{n}.cif.gz")), "one").unwrap();
        }
    }
    let rsync = || {
        assert!(
            Command::new("rsync").args(["-a", "--delete"]).args([&source, &dest]).status().unwrap().success()
        )
    };
    rsync();
    let first = walk(&dest, &options(2)).inventory.distrusting_nothing();
    // Equal sizes, and rsync resets the times of the directories to those of the source.
    fs::remove_file(source.join("ab/1ab0.cif.gz")).unwrap();
    fs::write(source.join("ab/1ab9.cif.gz"), "two").unwrap();
    fs::rename(source.join("cd/1cd1.cif.gz"), source.join("cd/1cd8.cif.gz")).unwrap();
    fs::write(source.join("cd/1cd2.cif.gz"), "changed").unwrap();
    rsync();
    let again = scan(&dest, &options(2), Some(&first)).unwrap();
    assert!(again.dirs_reused >= 1, "ef has not changed");
    let full = walk(&dest, &options(2));
    assert!(diff(&full.inventory, &again.inventory, |_| Ok::<(), ()>(())).unwrap().is_nothing());
    let changes = diff(&first, &again.inventory, |_| Ok::<(), ()>(())).unwrap();
    assert_eq!((changes.added, changes.removed, changes.changed), (2, 2, 1));
}

impl Inventory {
    /// The same inventory as if made long after the tree, so that tests need not wait for two seconds.
    fn distrusting_nothing(&self) -> Inventory {
        self.started_at(self.started() + 10_000_000_000)
    }
}
