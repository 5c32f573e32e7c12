//! Tests of directories that a plan takes as one.

use super::applying::{apply, past_of};
use super::*;
use crate::clean::{Contents, ContentsHasher, Entry, JournalProgress, Kind, escape_flat};
use std::os::unix::fs::PermissionsExt;

fn contents(dir: &Path) -> Contents {
    let mut hasher = ContentsHasher::default();
    let top = File::open(dir).unwrap();
    let read = |path: &[u8], dir: &std::os::fd::OwnedFd, names: &[(Vec<u8>, Kind)]| {
        super::contents::dir_contents(&mut hasher, path, dir, names).unwrap();
        true
    };
    tree::walk(&top, read, |path, error| panic!("{path:?}: {error}"));
    hasher.finish()
}

fn whole(place: &Place, path: &str) -> Entry {
    let contents = Some(contents(&place.root.join(path)));
    Entry { kind: Kind::Tree, contents, ..super::applying::entry(place, path) }
}

/// `ab/cache`: three files, a link, and two directories of which one is empty.
fn cache(place: &Place) -> PathBuf {
    let cache = place.root.join("ab/cache");
    fs::create_dir_all(cache.join("in/deep")).unwrap();
    for name in ["x", "in/y", "in/z"] {
        fs::write(cache.join(name), name).unwrap();
    }
    symlink("x", cache.join("link")).unwrap();
    for dir in ["in/deep", "in", ""] {
        File::open(cache.join(dir)).unwrap().set_modified(OLD).unwrap();
    }
    File::open(place.root.join("ab")).unwrap().set_modified(OLD).unwrap();
    cache
}

/// Paths below the root, with inode, mode and modification time of each.
fn all(place: &Place) -> BTreeMap<String, (u64, u32, i64)> {
    fn walk(root: &Path, dir: &Path, into: &mut BTreeMap<String, (u64, u32, i64)>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            into.insert(name, (meta.ino(), meta.mode(), meta.mtime()));
            if meta.is_dir() {
                walk(root, &path, into);
            }
        }
    }
    let mut into = BTreeMap::new();
    walk(&place.root, &place.root, &mut into);
    into
}

fn place_of(place: &Place, top: &str, path: &str) -> PathBuf {
    let name = escape_flat(path.as_bytes(), Default::default());
    place.root.join(format!(".pdb-sync/quarantine/RUN1/{top}")).join(std::str::from_utf8(&name).unwrap())
}

#[test]
fn a_directory_goes_as_one_and_comes_back_as_one() {
    let place = place();
    cache(&place);
    let before = all(&place);
    let entry = whole(&place, "ab/cache");
    assert_eq!(entry.count(), 7);
    let applied = apply(&place, &[entry], &RemovalMode::Quarantine, None, 2);
    assert_eq!((applied.quarantined, applied.deleted, applied.skipped), (7, 0, 0), "{:?}", applied.why);
    assert!(!place.root.join("ab/cache").exists());
    let held = place_of(&place, "whole", "ab/cache");
    assert_eq!(fs::metadata(held.join("in/z")).unwrap().ino(), before["ab/cache/in/z"].0);
    assert_eq!(fs::metadata(place.root.join("ab")).unwrap().mtime(), 0);
    assert!(can_undo(&place.dir, "RUN1"));
    let undone = place.undo();
    assert_eq!((undone.restored, undone.conflicts, undone.failed), (7, 0, 0), "{:?}", undone.why);
    assert_eq!(all(&place), before, "nothing else is left either");
    assert!(!can_undo(&place.dir, "RUN1"));
}

/// Changes the directory.
type Change = fn(&Path);

#[test]
fn what_was_not_planned_puts_it_back() {
    let changes: [(&str, Change); 9] = [
        ("it has 8 entries, not 7", |cache| fs::write(cache.join("in/new"), "").unwrap()),
        ("it has 8 entries, not 7", |cache| fs::create_dir(cache.join("in/new")).unwrap()),
        ("it has 6 entries, not 7", |cache| fs::remove_file(cache.join("in/y")).unwrap()),
        ("something in it has changed", |cache| {
            // The same size and time.
            let time = fs::metadata(cache.join("x")).unwrap().modified().unwrap();
            fs::write(cache.join("x"), "y").unwrap();
            File::options().append(true).open(cache.join("x")).unwrap().set_modified(time).unwrap();
        }),
        ("something in it has changed", |cache| fs::rename(cache.join("x"), cache.join("other")).unwrap()),
        ("something in it has changed", |cache| {
            fs::rename(cache.join("in/deep"), cache.join("deep")).unwrap();
        }),
        ("something in it has changed", |cache| {
            fs::remove_dir(cache.join("in/deep")).unwrap();
            fs::write(cache.join("in/deep"), "").unwrap();
        }),
        ("it contains in/.git, which is protected", |cache| {
            fs::rename(cache.join("in/deep"), cache.join("in/.git")).unwrap();
        }),
        ("it is not the directory that was planned", |cache| {
            fs::rename(cache, cache.with_file_name("other")).unwrap();
            fs::create_dir(cache).unwrap();
        }),
    ];
    for (why, change) in changes {
        for removal_mode in [RemovalMode::Quarantine, RemovalMode::Delete] {
            let place = place();
            let cache = cache(&place);
            let entry = whole(&place, "ab/cache");
            change(&cache);
            let changed = all(&place);
            let applied = apply(&place, &[entry], &removal_mode, None, 1);
            assert_eq!((applied.skipped, applied.quarantined + applied.deleted), (7, 0), "{why}");
            assert!(applied.why[0].why.starts_with(why), "{:?}", applied.why);
            assert_eq!(all(&place), changed, "{why}");
        }
    }
}

#[test]
fn deleted_is_deleted_whatever_the_modes_of_its_directories() {
    let place = place();
    let cache = cache(&place);
    fs::set_permissions(cache.join("in"), fs::Permissions::from_mode(0o555)).unwrap();
    let applied = apply(&place, &[whole(&place, "ab/cache")], &RemovalMode::Delete, None, 1);
    assert_eq!((applied.deleted, applied.failed), (7, 0), "{:?}", applied.why);
    assert_eq!(all(&place).into_keys().collect::<Vec<_>>(), ["ab"]);
}

#[test]
fn what_a_process_adds_while_it_is_deleted_is_not_deleted() {
    let adds: [(&str, Change); 3] = [
        ("in/new", |cache| fs::write(cache.join("in/new"), "new").unwrap()),
        ("in/deep/new", |cache| fs::write(cache.join("in/deep/new"), "new").unwrap()),
        ("in/more/new", |cache| {
            fs::create_dir(cache.join("in/more")).unwrap();
            fs::write(cache.join("in/more/new"), "new").unwrap();
        }),
    ];
    for (name, add) in adds {
        let place = place();
        let cache = cache(&place);
        let (above, dir) =
            (rustix::fs::fstat(&place.dir).unwrap(), open_below::open_below(&place.dir, b"ab").unwrap());
        let mut dirs = remove_whole_dir::Dirs::new();
        let all = contents(&cache);
        super::contents::survey(&dir, b"cache", &all, &|| false, |path, _, hash| {
            _ = dirs.insert(path.into(), hash)
        })
        .unwrap();
        add(&cache);
        let removed = remove_whole_dir::remove_all(&dir, b"cache", Some(&dirs), &above, &|| false);
        assert_eq!(removed.unwrap_err().to_string(), "something in it changed meanwhile");
        assert_eq!(fs::read_to_string(cache.join(name)).unwrap(), "new");
        // An attempt that was killed has compared it: the next one deletes what is left.
        assert!(!remove_whole_dir::remove_all(&dir, b"cache", None, &above, &|| true).unwrap(), "stopped");
        assert!(remove_whole_dir::remove_all(&dir, b"cache", None, &above, &|| false).unwrap());
        assert!(!cache.exists());
    }
}

#[test]
fn a_run_that_was_killed_after_the_capture_goes_on() {
    for removal_mode in [RemovalMode::Quarantine, RemovalMode::Delete] {
        let place = place();
        let cache = cache(&place);
        let entry = whole(&place, "ab/cache");
        apply(&place, &[], &removal_mode, None, 1);
        let held = place_of(&place, "whole", "ab/cache");
        fs::create_dir_all(held.parent().unwrap()).unwrap();
        fs::rename(&cache, &held).unwrap();
        let past = JournalProgress::default();
        let applied = apply(&place, &[entry], &removal_mode, Some(&past), 1);
        assert_eq!(applied.quarantined + applied.deleted, 7, "{:?}", applied.why);
        assert_eq!(held.exists(), matches!(removal_mode, RemovalMode::Quarantine));
        assert!(!cache.exists());
    }
}

#[test]
fn a_run_that_was_killed_after_the_capture_can_be_undone() {
    let place = place();
    let cache = cache(&place);
    let before = all(&place);
    apply(&place, &[], &RemovalMode::Delete, None, 1);
    let held = place_of(&place, "whole", "ab/cache");
    fs::create_dir_all(held.parent().unwrap()).unwrap();
    fs::rename(&cache, &held).unwrap();
    let undone = place.undo();
    assert_eq!((undone.restored, undone.failed), (7, 0), "{:?}", undone.why);
    let now: Vec<_> = all(&place).into_keys().collect();
    assert_eq!(now, before.into_keys().collect::<Vec<_>>());
}

#[test]
fn what_was_being_deleted_is_deleted_to_the_end_and_never_put_back() {
    let interrupted = || {
        let place = place();
        let cache = cache(&place);
        let entry = whole(&place, "ab/cache");
        let mut lines = Vec::new();
        let (path, did) = (entry.path.clone(), EntryOutcome::Meant);
        let record = crate::clean::Record { path, kind: Kind::Tree, did, bytes: 0, entries: 7, why: None };
        Line::Did(record).write(&mut lines);
        place.journal().append(&lines).unwrap();
        let held = place_of(&place, "deleting", "ab/cache");
        fs::create_dir_all(held.parent().unwrap()).unwrap();
        fs::rename(&cache, &held).unwrap();
        fs::remove_file(held.join("in/y")).unwrap();
        (place, entry, held)
    };
    let (place, entry, held) = interrupted();
    let past = past_of(&place);
    let applied = apply(&place, &[entry], &RemovalMode::Delete, Some(&past), 1);
    assert_eq!((applied.deleted, applied.failed), (7, 0), "{:?}", applied.why);
    assert!(!held.exists());

    let (place, _, held) = interrupted();
    assert!(!can_undo(&place.dir, "RUN1"));
    let undone = place.undo();
    assert_eq!((undone.restored, undone.failed), (0, 1), "{:?}", undone.why);
    assert!(undone.why[0].1.contains("being deleted"), "{:?}", undone.why);
    assert!(held.join("in/z").exists() && !place.root.join("ab/cache").exists());
}

#[test]
fn to_another_file_system_it_goes_entry_by_entry() {
    let place = place();
    cache(&place);
    let other = super::elsewhere::elsewhere();
    let backup = other.path().join("backup");
    let removal_mode = RemovalMode::Backup(Backup::open(&backup, &place.root).unwrap());
    let applied = apply(&place, &[whole(&place, "ab/cache")], &removal_mode, None, 2);
    assert_eq!(applied.backup + applied.deleted, 7, "{:?}", applied.why);
    assert_eq!(fs::read_to_string(backup.join("ab/cache/in/z")).unwrap(), "in/z");
    assert!(!place.root.join("ab/cache").exists());
}

#[test]
fn a_directory_that_cannot_be_moved_goes_entry_by_entry_and_only_as_planned() {
    for changed in [false, true] {
        let place = place();
        let cache = cache(&place);
        let entry = whole(&place, "ab/cache");
        let backup = place.root.with_file_name("backup");
        // What is in the way of the directory is not in the way of its entries.
        fs::create_dir_all(backup.join("ab/cache")).unwrap();
        let removal_mode = RemovalMode::Backup(Backup::open(&backup, &place.root).unwrap());
        if changed {
            fs::write(cache.join("new"), "").unwrap();
            let before = all(&place);
            assert_eq!(apply(&place, &[entry], &removal_mode, None, 1).skipped, 7);
            assert_eq!(all(&place), before);
            continue;
        }
        let applied = apply(&place, &[entry], &removal_mode, None, 1);
        assert_eq!((applied.backup, applied.deleted, applied.skipped), (4, 3, 0), "{:?}", applied.why);
        assert_eq!(fs::read_to_string(backup.join("ab/cache/in/z")).unwrap(), "in/z");
        assert_eq!(all(&place).into_keys().collect::<Vec<_>>(), ["ab"]);
    }
}

#[test]
fn a_long_path_is_in_the_journal_before_it_goes() {
    let place = place();
    let path = format!("ab/{}/{}", "d".repeat(200), "e".repeat(200));
    fs::create_dir_all(place.root.join(&path)).unwrap();
    fs::write(place.root.join(&path).join("x"), "x").unwrap();
    let before = all(&place);
    let applied = apply(&place, &[whole(&place, &path)], &RemovalMode::Quarantine, None, 1);
    assert_eq!(applied.quarantined, 2, "{:?}", applied.why);
    assert!(!place.root.join(&path).exists() && place_of(&place, "whole", &path).exists());
    let undone = place.undo();
    assert_eq!((undone.restored, undone.failed), (2, 0), "{:?}", undone.why);
    assert_eq!(all(&place).into_keys().collect::<Vec<_>>(), before.into_keys().collect::<Vec<_>>());
}

#[test]
fn what_has_its_place_by_now_keeps_it() {
    let place = place();
    let cache = cache(&place);
    apply(&place, &[whole(&place, "ab/cache")], &RemovalMode::Quarantine, None, 1);
    fs::create_dir(&cache).unwrap();
    let undone = place.undo();
    assert_eq!((undone.restored, undone.conflicts), (0, 7), "{:?}", undone.why);
    assert!(place_of(&place, "whole", "ab/cache").join("in/z").exists());
    fs::remove_dir(&cache).unwrap();
    assert_eq!(place.undo().restored, 7);
    assert!(cache.join("in/z").exists());
}

#[test]
fn names_in_it_stay_as_they_are_whoever_looks_after_the_quarantine() {
    let place = place();
    let cache = cache(&place);
    fs::create_dir(cache.join("in/replaced-1")).unwrap();
    fs::write(cache.join("in/replaced-1/a.b"), "").unwrap();
    let before = all(&place);
    apply(&place, &[whole(&place, "ab/cache")], &RemovalMode::Quarantine, None, 1);
    let left = escape_quarantines(&place.access, &place.root.with_file_name("state"), &|| false);
    assert_eq!(left, Unescaped::default());
    tidy(&place.access, "RUN1");
    place.undo();
    let now = all(&place);
    assert_eq!(now.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert!(now.iter().all(|(path, (ino, mode, _))| (before[path].0, before[path].1) == (*ino, *mode)));
}

/// Whether a file of this content is below a directory.
fn holds(dir: &Path, content: &str) -> bool {
    fs::read_dir(dir).into_iter().flatten().flatten().any(|entry| {
        let path = entry.path();
        let is_dir = fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir());
        if is_dir {
            holds(&path, content)
        } else {
            fs::read_to_string(&path).is_ok_and(|text| text == content)
        }
    })
}

#[test]
fn whenever_a_process_adds_a_file_it_stays_and_what_is_left_is_told() {
    use rustix::fs::{Mode, OFlags, openat};
    use std::io::Write;
    let (mut added_in_all, mut left_in_all) = (0, 0);
    // At the nth question whether to stop, which comes before each step.
    for (n, mode) in (0..30).flat_map(|n| ["quarantine", "delete", "backup"].map(|mode| (n, mode))) {
        let place = place();
        let cache = cache(&place);
        let entry = whole(&place, "ab/cache");
        let backup = place.root.with_file_name("backup");
        // In the way of the directory, so that its entries go one by one.
        fs::create_dir_all(backup.join("ab/cache")).unwrap();
        let removal_mode = match mode {
            "quarantine" => RemovalMode::Quarantine,
            "delete" => RemovalMode::Delete,
            _ => RemovalMode::Backup(Backup::open(&backup, &place.root).unwrap()),
        };
        let inside = File::open(cache.join("in")).unwrap();
        let (asked, added) = (std::sync::atomic::AtomicUsize::new(0), AtomicBool::new(false));
        let stop = || {
            if asked.fetch_add(1, Ordering::Relaxed) == n {
                let flags = OFlags::CREATE | OFlags::WRONLY;
                let new = openat(&inside, "new", flags, Mode::RUSR | Mode::WUSR);
                added.store(
                    new.is_ok_and(|new| File::from(new).write_all(b"new!").is_ok()),
                    Ordering::Relaxed,
                );
            }
            false
        };
        let (journal, meter) = (place.journal(), ApplyProgress::default());
        let apply = Apply {
            origin: Origin::Clean,
            root: &place.dir,
            quarantine: &place.quarantine,
            removal_mode: &removal_mode,
            journal: &journal,
            threads: 1,
            fail_fast: false,
            strict: false,
            past: None,
            stop: &stop,
            told: &|_| (),
            meter: &meter,
        };
        let mut entries = [entry].into_iter();
        let applied = apply.run(|| Ok(entries.next())).unwrap();
        let case = format!("{mode} {n}: {applied:?}");
        let added = added.into_inner();
        assert_eq!(holds(&place.root, "new!") || holds(&backup, "new!"), added, "{case}");
        if cache.exists() {
            assert!(applied.skipped + applied.failed > 0, "{case}");
        } else if added && mode == "delete" {
            assert!(applied.failed > 0, "{case}");
        }
        added_in_all += u32::from(added);
        left_in_all += u32::from(cache.exists());
    }
    assert!(added_in_all > 10 && left_in_all > 5, "{added_in_all} {left_in_all}");
}
