//! Tests of difficult trees: wide, deep, unreadable, changing.

use super::*;
use crate::platform;
use crate::scan::inventory::State;
use crate::scan::scan;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn a_wide_directory_is_split_and_stays_in_order() {
    let dir = in_memory();
    for n in 0..9_000 {
        fs::write(dir.path().join(format!("{n}")), "").unwrap();
        if n % 1_000 == 0 {
            fs::create_dir_all(dir.path().join(format!("{n}-dir/sub"))).unwrap();
        }
    }
    let seen = walk(dir.path(), &options(4));
    same_as_find_and_du(dir.path(), &seen);
    let all: Vec<&[u8]> = seen.inventory.dirs().next().unwrap().entries().map(|e| e.name).collect();
    assert!(all.is_sorted() && all.len() == 9_000);
    assert!(matches!(seen.inventory.lookup(b"8999"), Some(crate::scan::inventory::Member::Entry(..))));
    let again = scan(dir.path(), &options(4), Some(&seen.inventory.distrusting_nothing())).unwrap();
    assert_eq!((again.dirs_read, again.dirs_reused), (0, 19));
    same_as_find_and_du(dir.path(), &again);
}

/// Around the sizes at which a directory is divided and a part is full.
#[test]
fn no_name_is_lost_between_the_parts_of_a_wide_directory() {
    let dir = in_memory();
    let first = dir.path().join("0");
    fs::write(&first, "x").unwrap();
    let mut names = 1;
    for wanted in [4_095, 4_096, 4_097, 6_143, 6_144, 6_145, 8_192, 8_193] {
        for n in names..wanted {
            fs::hard_link(&first, dir.path().join(n.to_string())).unwrap();
        }
        names = wanted;
        let seen = walk(dir.path(), &options(3)).inventory;
        let mut expected: Vec<Vec<u8>> = (0..names).map(|n| n.to_string().into_bytes()).collect();
        expected.sort();
        assert!(
            seen.entries().map(|(_, entry)| entry.name).eq(expected.iter().map(Vec::as_slice)),
            "{names}"
        );
        assert_eq!((seen.totals().files, seen.totals().bytes), (names, names));
    }
}

#[test]
fn what_is_learned_ahead_is_what_is_there_and_the_rest_is_left() {
    use crate::scan::listing::Listing;
    use crate::scan::parallel_lookup::Ahead;
    let dir = in_memory();
    for n in 0..9_000usize {
        fs::write(dir.path().join(format!("{n}")), vec![b'x'; n % 7]).unwrap();
    }
    for n in 0..10 {
        fs::create_dir(dir.path().join(format!("dir{n}"))).unwrap();
    }
    let fd = platform::open_child(rustix::fs::CWD, dir.path().as_os_str().as_encoded_bytes(), false).unwrap();
    let (mut ahead, mut chunks, mut listing) = (Ahead::default(), Vec::new(), Listing::default());
    let read = listing.read(&fd, |_, _| false, |fresh| chunks.extend(ahead.offer(&fd, fresh, false)));
    read.unwrap();
    let late = chunks.pop().unwrap();
    chunks.iter().for_each(|chunk| chunk.look(|| false));
    ahead.end();
    late.look(|| false);
    let mut known = 0;
    for n in 0..listing.len() {
        let name = String::from_utf8(listing.get(n).0.into()).unwrap();
        if let Some(stat) = ahead.get(listing.place(n)) {
            known += 1;
            assert_eq!(stat.size, name.parse::<u64>().unwrap() % 7);
        }
    }
    // The first 4,096 names are not offered; chunks of 1,024 follow, of which the last was looked at too late.
    let whole = (9_010 - 4_096) / 1_024 - 1;
    assert!((whole * 1_024 - 10..=whole * 1_024).contains(&known), "{known}");
}

#[test]
fn ten_thousand_levels() {
    let dir = in_memory();
    let name = "d".repeat(20);
    let mut at =
        platform::open_child(rustix::fs::CWD, dir.path().as_os_str().as_encoded_bytes(), false).unwrap();
    let levels = 10_000;
    for _ in 0..levels {
        for side in [name.as_str(), "side"] {
            rustix::fs::mkdirat(&at, side, rustix::fs::Mode::RWXU).unwrap();
        }
        at = platform::open_child(&at, name.as_bytes(), false).unwrap();
    }
    let seen = walk(dir.path(), &options(2));
    assert_eq!(seen.inventory.totals().dirs, 2 * levels + 1);
    assert!(seen.inventory.is_complete(), "{:?}", seen.troubles.first());
    let deepest = seen.inventory.dirs().filter(|dir| dir.name() != b"side").last().unwrap();
    assert_eq!((deepest.depth() as u64, deepest.path().len() as u64), (levels, levels * 21 - 1));
    let again = scan(dir.path(), &options(2), Some(&seen.inventory.distrusting_nothing())).unwrap();
    assert_eq!(again.inventory.totals(), seen.inventory.totals());
    assert!(again.dirs_reused > 0);
    // From the bottom: removing from the top, as `rm` and the standard library do, takes quadratic time.
    for _ in 0..levels {
        at = platform::open_child(&at, b"..", false).unwrap();
        for side in [name.as_str(), "side"] {
            rustix::fs::unlinkat(&at, side, rustix::fs::AtFlags::REMOVEDIR).unwrap();
        }
    }
}

/// Root can read everything, so a child process without privileges runs the test.
#[test]
fn unreadable_directories_are_told_and_read_again() {
    if rustix::process::geteuid().is_root() {
        return unreadable_as_nobody();
    }
    let dir = tempfile::tempdir().unwrap();
    unreadable_in(dir.path());
}

fn unreadable_in(root: &Path) {
    fs::create_dir_all(root.join("closed/in")).unwrap();
    fs::write(root.join("open"), "x").unwrap();
    fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let seen = walk(root, &options(2));
    assert_eq!((seen.counts.unreadable, seen.inventory.is_complete()), (1, false));
    assert_eq!(seen.troubles[0].path, b"closed");
    assert_eq!(seen.inventory.totals().dirs, 2);
    assert_eq!(seen.inventory.totals().disk, disk_usage(root));
    let closed = seen.inventory.dirs().nth(1).unwrap();
    assert_eq!(closed.state(), State::Incomplete);
    fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    let again = scan(root, &options(2), Some(&seen.inventory.distrusting_nothing())).unwrap();
    assert_eq!((again.inventory.totals().dirs, again.inventory.is_complete()), (3, true));
}

/// Runs this test in a child process without privileges, by `setpriv`; skipped if that is not installed.
fn unreadable_as_nobody() {
    let me = std::env::current_exe().unwrap();
    let name = "scan::tests::hard::unreadable_directories_are_told_and_read_again";
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let copy = home.path().join("tests");
    fs::copy(me, &copy).unwrap();
    let run = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&copy)
        .args(["--exact", name])
        .env("TMPDIR", home.path())
        .current_dir(home.path())
        .output();
    match run {
        Ok(out) => {
            let text = String::from_utf8_lossy(&out.stdout).into_owned();
            assert!(
                out.status.success() && text.contains("1 passed"),
                "{text}{}",
                String::from_utf8_lossy(&out.stderr)
            );
        }
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::NotFound),
    }
}

#[test]
fn a_tree_that_changes_while_it_is_read_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    for n in 0..40 {
        fs::create_dir(root.join(format!("keep{n}"))).unwrap();
        fs::write(root.join(format!("keep{n}/f")), "x").unwrap();
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                let path = root.join(format!("keep{}/come{n}", n % 40));
                fs::create_dir_all(path.join("deep")).unwrap();
                fs::write(path.join("deep/f"), "y").unwrap();
                fs::remove_dir_all(&path).unwrap();
                n += 1;
            }
        });
        let mut before = None;
        for _ in 0..60 {
            let seen = scan(root, &options(2), before.as_ref()).unwrap();
            assert_eq!(seen.counts.unreadable, 0, "{:?}", seen.troubles);
            assert!((0..40).all(|n| seen.inventory.lookup(format!("keep{n}/f").as_bytes()).is_some()));
            before = Some(seen.inventory);
        }
        stop.store(true, Ordering::Relaxed);
    });
}
