//! Tests of undo after earlier, interrupted undos.

use super::*;
use crate::clean::{End, Kind, Recipe, Record, UNDO};
use std::os::unix::fs::PermissionsExt;

#[test]
fn undo_is_exact_and_never_writes_over_anything() {
    let place = place();
    for name in ["a", "b", "c"] {
        fs::write(place.root.join("ab").join(name), name).unwrap();
        let stamp = place.stamp(&format!("ab/{name}"));
        assert_eq!(
            place.take(&format!("ab/{name}"), stamp, &RemovalMode::Quarantine),
            RemoveOutcome::Done(EntryOutcome::Quarantined)
        );
    }
    fs::write(place.root.join("ab/b"), "new").unwrap();
    let undone = place.undo();
    assert_eq!((undone.restored, undone.conflicts, undone.failed), (2, 1, 0), "{undone:?}");
    assert_eq!(fs::read_to_string(place.root.join("ab/b")).unwrap(), "new");
    assert_eq!(place.contents().get("b"), Some(&1), "it stays in the quarantine");
    fs::remove_file(place.root.join("ab/b")).unwrap();
    assert_eq!(place.undo().restored, 1);
    assert_eq!(fs::read_to_string(place.root.join("ab/b")).unwrap(), "b");
    assert!(!place.root.join(".pdb-sync").exists());
    assert_eq!(place.undo(), Undone::default());
}

#[test]
fn what_was_about_to_be_deleted_when_the_run_was_killed_comes_back() {
    let place = place();
    for name in ["x", "taken", "gone", "odd"] {
        fs::write(place.root.join("ab").join(name), name).unwrap();
    }
    let journal = place.journal();
    let was = recipe_of(&rustix::fs::stat(place.root.join("ab")).unwrap());
    journal.line(&Line::Was(b"ab".into(), Recipe { mtime: 0, nanos: 0, ..was })).unwrap();
    for (name, did) in [
        ("x", EntryOutcome::Meant),
        ("taken", EntryOutcome::Meant),
        ("gone", EntryOutcome::Meant),
        ("odd", EntryOutcome::Failed),
    ] {
        let path = format!("ab/{name}").into();
        journal
            .line(&Line::Did(Record { path, kind: Kind::File, did, bytes: 1, entries: 1, why: None }))
            .unwrap();
        fs::rename(place.root.join("ab").join(name), place.beside(&format!("ab/{name}"))).unwrap();
    }
    fs::write(place.root.join("ab/taken"), "new").unwrap();
    fs::remove_file(place.beside("ab/gone")).unwrap();
    let undone = place.undo();
    assert_eq!((undone.restored, undone.conflicts, undone.failed), (2, 1, 0), "{undone:?}");
    assert!(undone.why[0].1.contains("lies in its directory as .%pdb-sync-RUN1-"), "{undone:?}");
    let texts = ["x", "new", "taken", "odd"].map(|text| (text.to_owned(), 1));
    assert_eq!(place.contents(), BTreeMap::from(texts));
    assert_eq!(fs::read_to_string(place.root.join("ab/x")).unwrap(), "x");
    assert_eq!(fs::metadata(place.root.join("ab")).unwrap().modified().unwrap(), OLD);
    fs::remove_file(place.root.join("ab/taken")).unwrap();
    assert_eq!(place.undo().restored, 1, "once its place is free");
    assert_eq!(fs::read_to_string(place.root.join("ab/taken")).unwrap(), "taken");
    assert_eq!(place.undo(), Undone::default());
}

fn replaced(place: &Place, layer: &str, old: &str) {
    place.quarantine.prepare().unwrap();
    let dir = place.root.join(".pdb-sync/quarantine/RUN1").join(layer).join("ab");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("x"), old).unwrap();
}

#[test]
fn what_was_replaced_comes_back_layer_by_layer() {
    let place = place();
    replaced(&place, "replaced-101", "second");
    replaced(&place, "replaced-100", "first");
    fs::write(place.root.join("ab/x"), "third").unwrap();
    assert_eq!(place.undo().restored, 2);
    assert_eq!(fs::read_to_string(place.root.join("ab/x")).unwrap(), "first");
    assert_eq!(place.contents().len(), 3, "the newer ones are kept");
    assert_eq!(place.undo(), Undone::default());
    assert_eq!(fs::read_to_string(place.root.join("ab/x")).unwrap(), "first");
}

#[test]
fn an_exchange_that_was_cut_short_is_gone_on_with() {
    let place = place();
    replaced(&place, "replaced-100", "old");
    // The place is free: the new version was put aside, then the undo was killed.
    let newer = place.root.join(".pdb-sync/quarantine/RUN1/escaped/newer-replaced-100/ab");
    fs::create_dir_all(&newer).unwrap();
    fs::write(newer.join("x"), "new").unwrap();
    assert_eq!(place.undo().restored, 1);
    assert_eq!(fs::read_to_string(place.root.join("ab/x")).unwrap(), "old");
    // Another entry took the place: nothing is moved, however often undo is called.
    replaced(&place, "replaced-100", "older");
    for _ in 0..2 {
        let undone = place.undo();
        assert_eq!((undone.restored, undone.conflicts), (0, 1), "{undone:?}");
        assert_eq!(fs::read_to_string(place.root.join("ab/x")).unwrap(), "old");
    }
    fs::remove_dir_all(newer).unwrap();
    for _ in 0..2 {
        place.undo();
        assert_eq!(fs::read_to_string(place.root.join("ab/x")).unwrap(), "older");
    }
}

#[test]
fn directories_of_an_undo_that_was_killed_get_their_modes_and_times() {
    let place = place();
    let recipe = |mode| Recipe { mode, uid: own().0, gid: own().1, mtime: 1_000_000_000, nanos: 5 };
    let journal = place.journal();
    let did = |path: &str, did| {
        let record = Record { path: path.into(), kind: Kind::Dir, did, bytes: 0, entries: 1, why: None };
        journal.line(&Line::Did(record)).unwrap();
    };
    journal.line(&Line::Begin(place.begin())).unwrap();
    journal.line(&Line::Was(b"ab".to_vec(), recipe(0o755))).unwrap();
    for (path, mode) in [("ab/in", 0o2750), ("ab/in/deep", 0o555)] {
        journal.line(&Line::Was(path.into(), recipe(mode))).unwrap();
        did(path, EntryOutcome::Meant);
        did(path, EntryOutcome::Deleted);
    }
    journal.line(&Line::End(End { time: String::new(), whole: true })).unwrap();
    // The undo got to create one of them, closed to other users.
    journal.line(&Line::Begin(Begin { command: UNDO.into(), ..place.begin() })).unwrap();
    did("ab/in", EntryOutcome::Restored);
    fs::create_dir(place.root.join("ab/in")).unwrap();
    fs::set_permissions(place.root.join("ab/in"), fs::Permissions::from_mode(0o700)).unwrap();
    let undone = place.undo();
    assert_eq!((undone.restored, undone.failed), (1, 0), "{undone:?}");
    for (path, mode) in [("ab", 0o755), ("ab/in", 0o2750), ("ab/in/deep", 0o555)] {
        let meta = fs::metadata(place.root.join(path)).unwrap();
        assert_eq!((meta.mtime(), meta.mtime_nsec()), (1_000_000_000, 5), "{path}");
        assert_eq!(meta.mode() & 0o7777, mode, "{path}");
    }
    // The undo has ended: a later one ignores what happened to the directories since.
    fs::remove_dir(place.root.join("ab/in/deep")).unwrap();
    fs::set_permissions(place.root.join("ab/in"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(place.undo(), Undone::default());
    assert_eq!(fs::metadata(place.root.join("ab/in")).unwrap().mode() & 0o7777, 0o700);
}

fn own() -> (u32, u32) {
    (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
}

#[test]
fn undo_writes_down_what_it_does_while_it_does_it() {
    let place = place();
    for n in 0..600 {
        let path = format!("ab/{n}");
        fs::write(place.root.join(&path), "x").unwrap();
        let stamp = place.stamp(&path);
        assert_eq!(
            place.take(&path, stamp, &RemovalMode::Quarantine),
            RemoveOutcome::Done(EntryOutcome::Quarantined)
        );
    }
    let journal = place.journal();
    let restored = || {
        let text = fs::read_to_string(journal.path()).unwrap();
        text.lines().filter(|line| line.contains("restored")).count()
    };
    let asked = std::cell::Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        if asked.get() == 400 {
            assert!(restored() >= 256, "{} after 398", restored());
        }
        asked.get() > 400
    };
    let meter = ApplyProgress::default();
    undo(&place.access, &place.begin(), &Dirs::default(), &[], &journal, &stop, &meter).unwrap();
    assert_eq!(meter.entries.load(std::sync::atomic::Ordering::Relaxed), restored() as u64);
    let back = fs::read_dir(place.root.join("ab")).unwrap().count();
    assert_eq!(restored(), back, "and to the end when it is stopped");
    assert_eq!(place.undo().restored, 600 - back as u64);
}

#[test]
fn a_run_that_was_killed_before_it_took_anything_leaves_no_trace() {
    let place = place();
    let journal = place.journal();
    journal.line(&Line::Begin(place.begin())).unwrap();
    let recipe = Recipe { mode: 0o755, uid: own().0, gid: own().1, mtime: 1_000_000_000, nanos: 5 };
    journal.line(&Line::Was(Vec::new(), recipe)).unwrap();
    // The run had created its directory, and not yet restored the time of the root.
    place.quarantine.prepare().unwrap();
    place.dir.set_modified(SystemTime::now()).unwrap();
    assert_eq!(place.undo(), Undone::default());
    let meta = place.dir.metadata().unwrap();
    assert_eq!((meta.mtime(), meta.mtime_nsec()), (1_000_000_000, 5));
    assert!(!place.root.join(".pdb-sync").exists());
}
