//! Tests of names in the quarantine: escaped, recovered, and moved from unescaped directories.

use super::*;
use crate::clean::{End, Kind, Record};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

const RUN: &str = ".pdb-sync/quarantine/RUN1";

/// Every name below the directory of the quarantine, directories included.
fn names(place: &Place) -> BTreeSet<Vec<u8>> {
    let dir = File::open(place.root.join(".pdb-sync")).unwrap();
    let mut all = BTreeSet::new();
    let mut each = |names: &[(Vec<u8>, Kind)]| {
        all.extend(names.iter().map(|(name, _)| name.clone()));
        true
    };
    tree::walk(&dir, |_, _, names| each(names), |path, error| panic!("{path:?}: {error}"));
    all
}

fn dotted(place: &Place) -> Vec<String> {
    let dotted = names(place).into_iter().filter(|name| name.contains(&b'.'));
    dotted.map(|name| name.escape_ascii().to_string()).collect()
}

fn long() -> String {
    format!("{}.cif.gz", "x.".repeat(124)).split_at(255).0.to_owned()
}

/// Entries with all kinds of names. The contents are the path.
fn odd_names() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        "1abc.cif.gz",
        "1abc.cif/2abc.cif",
        "%2E",
        "1abc%2Ecif%2Egz",
        "%~0123456789abcdef0123456789abcdef",
        "...",
        "plain",
        "escaped/tree/replaced-100",
    ]
    .iter()
    .map(|name| [b"ab/", name.as_bytes()].concat())
    .collect();
    all.push(b"ab/\xff.cif".to_vec());
    all.push([b"ab/", long().as_bytes()].concat());
    all.push([long().as_bytes(), b"/", long().as_bytes()].concat());
    all
}

fn put(root: &Path, path: &[u8]) {
    let full = root.join(OsStr::from_bytes(path));
    fs::create_dir_all(full.parent().unwrap()).unwrap();
    fs::write(full, path.escape_ascii().to_string()).unwrap();
}

fn is_back(place: &Place, path: &[u8]) -> bool {
    let full = place.root.join(OsStr::from_bytes(path));
    fs::read_to_string(full).is_ok_and(|text| text == path.escape_ascii().to_string())
}

fn did(journal: &Journal, path: &[u8], did: EntryOutcome) {
    journal
        .line(&Line::Did(Record {
            path: path.into(),
            kind: Kind::File,
            did,
            bytes: 1,
            entries: 1,
            why: None,
        }))
        .unwrap();
}

fn take_all(place: &Place, paths: &[Vec<u8>], removal_mode: &RemovalMode) {
    for path in paths {
        put(&place.root, path);
        let (dir, name) = crate::clean::path::split(path);
        let parent = Parent::open(&place.dir, dir).unwrap();
        let (_, stamp) = look(parent.fd(), name).unwrap();
        let wanted = ExpectedEntry { name, kind: None, stamp, touched: false };
        let taken = take(&parent, &place.quarantine, wanted, removal_mode);
        assert_eq!(taken, RemoveOutcome::Done(removal_mode.did()), "{}", path.escape_ascii());
    }
}

#[test]
fn no_name_in_the_quarantine_has_a_dot_and_all_come_back() {
    let place = place();
    let paths = odd_names();
    let journal = place.journal();
    journal.line(&Line::Begin(place.begin())).unwrap();
    take_all(&place, &paths, &RemovalMode::Quarantine);
    assert_eq!(dotted(&place), Vec::<String>::new());
    assert!(names(&place).contains(&b"1abc%2Ecif%2Egz"[..]), "it still tells what it holds");
    for path in &paths {
        assert_eq!(place.quarantine.needs_key(path), path.len() > 200, "{}", path.escape_ascii());
        did(&journal, path, EntryOutcome::Quarantined);
    }
    let undone = place.undo();
    assert_eq!((undone.restored, undone.failed, undone.conflicts), (paths.len() as u64, 0, 0), "{undone:?}");
    paths.iter().for_each(|path| assert!(is_back(&place, path), "{}", path.escape_ascii()));
    assert!(!place.root.join(".pdb-sync").exists());
}

#[test]
fn without_its_line_in_the_journal_a_hash_stays_and_is_told_of() {
    let place = place();
    let paths = [b"ab/1abc.cif.gz".to_vec(), [b"ab/", long().as_bytes()].concat()];
    take_all(&place, &paths, &RemovalMode::Quarantine);
    let undone = place.undo();
    assert_eq!((undone.restored, undone.failed), (1, 1), "{undone:?}");
    let (at, why) = &undone.why[0];
    assert!(why.contains("the journal does not hold it") && why.ends_with("it stays there"), "{why}");
    assert!(place.root.join(OsStr::from_bytes(at)).is_file(), "the words say where it is: {undone:?}");
    did(&place.journal(), &paths[1], EntryOutcome::Quarantined);
    assert_eq!(place.undo().restored, 1);
    assert!(is_back(&place, &paths[1]));
}

#[test]
fn what_was_put_into_the_quarantine_by_others_leads_nowhere() {
    let place = place();
    place.quarantine.prepare().unwrap();
    let tree = format!("{RUN}/escaped/tree/");
    for path in ["%2E%2E/x", "ab/%2E%2E/%2E%2E/x", "%2Epdb-sync/x", "ab/1abc.cif"] {
        put(&place.root, format!("{tree}{path}").as_bytes());
    }
    let undone = place.undo();
    assert_eq!((undone.restored, undone.failed), (0, 4), "{undone:?}");
    assert_eq!(place.contents().len(), 4);
    assert!(!place.root.join("x").exists() && !place.root.with_file_name("x").exists());
}

/// Entries moved out of the quarantine have their original names.
#[test]
fn backups_and_the_trash_have_the_names_of_the_mirror() {
    let place = place();
    let (backup, trash) = (place.root.with_file_name("backup"), place.root.with_file_name("Trash"));
    let paths = odd_names();
    take_all(&place, &paths, &RemovalMode::Backup(Backup::open(&backup, &place.root).unwrap()));
    for path in &paths {
        assert!(backup.join(OsStr::from_bytes(path)).is_file(), "{}", path.escape_ascii());
    }
    let one = [b"ab/1abc.cif.gz".to_vec()];
    take_all(&place, &one, &RemovalMode::Trash(Trash::open(&trash, &place.root).unwrap()));
    assert!(trash.join("files/1abc.cif.gz").is_file());
}

/// Fills a quarantine as rsync and earlier versions do; the directories still exist in the mirror.
fn raw(place: &Place, tree: &str, paths: &[Vec<u8>]) {
    for path in paths {
        put(&place.root, &[RUN.as_bytes(), b"/", tree.as_bytes(), b"/", path].concat());
    }
    // The contents give the original path.
    for path in paths {
        fs::create_dir_all(place.root.join(OsStr::from_bytes(path)).parent().unwrap()).unwrap();
        let full = place.root.join(RUN).join(tree).join(OsStr::from_bytes(path));
        fs::write(full, path.escape_ascii().to_string()).unwrap();
    }
}

fn old_info(place: &Place) {
    let info = Info {
        v: 1,
        run: "RUN1".into(),
        command: "clean".into(),
        time: jiff::Timestamp::now().to_string(),
        keep_s: 60,
        boot: None,
    };
    fs::create_dir_all(place.root.join(RUN)).unwrap();
    fs::write(place.root.join(RUN).join("info.json"), serde_json::to_vec(&info).unwrap()).unwrap();
}

fn escape_all(place: &Place) -> Unescaped {
    escape_quarantines(&place.access, &place.root.with_file_name("state"), &|| false)
}

#[test]
fn a_quarantine_of_an_earlier_version_is_undone_as_it_is() {
    let place = place();
    old_info(&place);
    let paths = odd_names();
    raw(&place, "tree", &paths);
    let undone = place.undo();
    assert_eq!((undone.restored, undone.failed, undone.conflicts), (paths.len() as u64, 0, 0), "{undone:?}");
    paths.iter().for_each(|path| assert!(is_back(&place, path), "{}", path.escape_ascii()));
    assert!(!place.root.join(".pdb-sync").exists());
}

#[test]
fn a_quarantine_of_an_earlier_version_is_escaped_undone_and_purged() {
    for purged in [false, true] {
        let place = place();
        old_info(&place);
        let paths = odd_names();
        raw(&place, "tree", &paths);
        raw(&place, "newer-replaced-100", &[b"1abc.cif".to_vec()]);
        place.dir.set_modified(OLD).unwrap();
        let journal = place.journal();
        journal.line(&Line::Begin(place.begin())).unwrap();
        journal.line(&Line::End(End { time: "then".into(), whole: true })).unwrap();
        assert_eq!(escape_all(&place), Unescaped::default());
        assert_eq!(dotted(&place), Vec::<String>::new());
        assert_eq!(place.dir.metadata().unwrap().modified().unwrap(), OLD, "the root's time is the source's");
        assert_eq!(info(&place.dir, "RUN1").unwrap().keep_s, 60, "what it said of itself holds");
        let found = find(&place.root.with_file_name("state"), "RUN1").unwrap();
        assert!(found[0].end.as_ref().is_some_and(|end| end.whole && end.time == "then"), "{found:?}");
        // A second call has nothing to do, and writes nothing.
        let text = fs::read(journal.path()).unwrap();
        assert_eq!(escape_all(&place), Unescaped::default());
        assert_eq!(fs::read(journal.path()).unwrap(), text);
        if purged {
            let (order, now) = (Order::OlderThan(std::time::Duration::ZERO), crate::retention::now());
            let (tree, begun, stop) = (&place.access, |_: &str| Ok(()), || false);
            let purged = purge(&Purge {
                tree,
                order,
                now: &now,
                dry: false,
                begun: &begun,
                stop: &stop,
                meter: &ApplyProgress::default(),
            })
            .unwrap();
            assert_eq!((purged.entries, purged.why.len()), (paths.len() as u64 + 1, 0), "{purged:?}");
            assert!(!place.root.join(".pdb-sync").exists());
            continue;
        }
        let undone = place.undo();
        assert_eq!((undone.restored, undone.failed), (paths.len() as u64, 0), "{undone:?}");
        paths.iter().for_each(|path| assert!(is_back(&place, path), "{}", path.escape_ascii()));
    }
}

#[test]
fn a_layer_that_was_escaped_in_part_is_undone_and_gone_on_with() {
    for go_on in [false, true] {
        let place = place();
        place.quarantine.prepare().unwrap();
        let journal = place.journal();
        journal.line(&Line::Begin(place.begin())).unwrap();
        let paths = odd_names();
        raw(&place, "replaced-100", &paths);
        // Killed after some entries, in any order.
        let asked = std::cell::Cell::new(0);
        let stop = || {
            asked.set(asked.get() + 1);
            asked.get() > paths.len() / 2
        };
        escape_quarantines(&place.access, &place.root.with_file_name("state"), &stop);
        assert!(!dotted(&place).is_empty() && place.root.join(RUN).join("escaped/replaced-100").is_dir());
        if go_on {
            assert_eq!(escape_all(&place), Unescaped::default());
            assert_eq!(dotted(&place), Vec::<String>::new());
            assert!(!place.root.join(RUN).join("replaced-100").exists());
        }
        // The newer versions exist at the original paths.
        for path in &paths {
            put(&place.root, path);
            fs::write(place.root.join(OsStr::from_bytes(path)), "newer").unwrap();
        }
        let undone = place.undo();
        assert_eq!(
            (undone.restored, undone.failed, undone.conflicts),
            (paths.len() as u64, 0, 0),
            "{undone:?}"
        );
        paths.iter().for_each(|path| assert!(is_back(&place, path), "{}", path.escape_ascii()));
        assert_eq!(dotted(&place), Vec::<String>::new(), "nor have those that were put aside");
        assert_eq!(place.contents()["newer"], paths.len());
        assert_eq!(place.undo(), Undone::default());
    }
}

#[test]
fn a_long_name_without_a_journal_keeps_its_name_and_is_told_of() {
    let place = place();
    old_info(&place);
    let paths = odd_names();
    raw(&place, "tree", &paths);
    let left = escape_all(&place);
    assert_eq!(left.entries, 2, "{left:?}");
    let text = left.text(&place.root).unwrap();
    assert!(text.contains("no journal of run RUN1 is in ") && text.contains("2 entries"), "{text}");
    assert!(names(&place).contains(long().as_bytes()));
    // A journal of the same run for another tree is not used.
    let mut begin = place.begin();
    begin.root.ino += 1;
    place.journal().line(&Line::Begin(begin)).unwrap();
    assert_eq!(escape_all(&place).entries, 2);
    assert_eq!(place.contents().values().sum::<usize>(), paths.len());
}

#[test]
fn links_and_strangers_in_the_quarantine_are_not_followed() {
    let place = place();
    let outside = place.root.with_file_name("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("1abc.cif"), "precious").unwrap();
    raw(&place, "replaced-100", &[b"ab/1abc.cif".to_vec()]);
    let layer = place.root.join(RUN).join("replaced-100");
    symlink(&outside, layer.join("ab/link.d")).unwrap();
    symlink(&outside, place.root.join(RUN).join("replaced-101")).unwrap();
    symlink(&outside, place.root.join(".pdb-sync/quarantine/RUN2")).unwrap();
    assert_eq!(escape_all(&place), Unescaped::default());
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(outside.join("1abc.cif")).unwrap(), "precious");
    let escaped = place.root.join(RUN).join("escaped/replaced-100/ab");
    assert_eq!(fs::read_link(escaped.join("link%2Ed")).unwrap(), outside, "a link is an entry");
    assert!(escaped.join("1abc%2Ecif").is_file());
    // Nothing is replaced.
    raw(&place, "replaced-100", &[b"ab/1abc.cif".to_vec()]);
    fs::write(layer.join("ab/1abc.cif"), "another").unwrap();
    assert_eq!(escape_all(&place).entries, 1);
    assert_eq!(fs::read_to_string(layer.join("ab/1abc.cif")).unwrap(), "another");
}

#[test]
fn what_an_earlier_version_captured_in_its_own_directory_is_found() {
    let place = place();
    let hash = blake3::hash(b"1abc.cif").to_hex();
    let before = place.root.join(format!("ab/.pdb-sync-RUN1-{}", &hash.as_str()[..16]));
    fs::write(&before, "ab/1abc.cif").unwrap();
    let now = place.beside("ab/1abc.cif");
    assert!(!now.to_str().unwrap().rsplit('/').next().unwrap().contains(".pdb"), "{now:?}");
    assert!(is_beside(&place.dir, "RUN1", b"ab/1abc.cif"));
    did(&place.journal(), b"ab/1abc.cif", EntryOutcome::Meant);
    assert_eq!(place.undo().restored, 1);
    assert!(is_back(&place, b"ab/1abc.cif") && !before.exists());
}

#[test]
fn a_name_that_becomes_a_hash_is_in_the_journal_before_and_found_after_a_kill() {
    let place = place();
    let paths: Vec<String> = (0..9).map(|n| format!("ab/{n}{}", &long()[1..])).collect();
    paths.iter().for_each(|path| put(&place.root, path.as_bytes()));
    let entries: Vec<_> = paths.iter().map(|path| applying::entry(&place, path)).collect();
    let (journal, meter) = (place.journal(), ApplyProgress::default());
    let gone = || paths.iter().filter(|path| !place.root.join(path).exists());
    let look = || {
        let named = fs::read_to_string(journal.path()).unwrap();
        gone().for_each(|path| assert!(named.contains(path), "{path}"));
        gone().count() > 3
    };
    let apply = Apply {
        origin: Origin::Clean,
        root: &place.dir,
        quarantine: &place.quarantine,
        removal_mode: &RemovalMode::Quarantine,
        journal: &journal,
        threads: 1,
        fail_fast: false,
        strict: false,
        past: None,
        stop: &look,
        told: &|_| (),
        meter: &meter,
    };
    let mut all = entries.iter().cloned();
    assert!(apply.run(|| Ok(all.next())).unwrap().stopped);
    // Killed before the outcomes were journalled.
    let text = fs::read_to_string(journal.path()).unwrap();
    let before: Vec<&str> = text.lines().filter(|line| !line.contains("quarantined")).collect();
    fs::write(journal.path(), before.join("\n") + "\n").unwrap();
    let past = applying::past_of(&place);
    let mut all = entries.iter().cloned();
    let applied = Apply { past: Some(&past), stop: &|| false, ..apply }.run(|| Ok(all.next())).unwrap();
    assert_eq!((applied.quarantined, applied.skipped), (9, 0), "{:?}", applied.why);
    assert_eq!(dotted(&place), Vec::<String>::new());
    assert_eq!(place.undo().restored, 9);
}

#[test]
fn several_threads_make_one_place() {
    for _ in 0..200 {
        let place = place();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| place.quarantine.hold(b"a.b").unwrap());
            }
        });
        assert!(info(&place.dir, "RUN1").is_some());
        assert_eq!(
            fs::read_dir(place.root.join(RUN)).unwrap().count(),
            2,
            "the description and what is escaped"
        );
    }
}
