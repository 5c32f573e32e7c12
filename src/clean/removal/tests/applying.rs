//! Tests of whole plans.

use super::*;
use crate::clean::{Action, Entry, JournalProgress, Kind, Record};

pub(super) fn entry(place: &Place, path: &str) -> Entry {
    let (dir, name) = crate::clean::path::split(path.as_bytes());
    let (kind, stamp) = look(open_below::open_below(&place.dir, dir).unwrap(), name).unwrap();
    let linked = kind != Kind::Dir && fs::symlink_metadata(place.root.join(path)).unwrap().nlink() > 1;
    let (rule, action) = ("mine".into(), Action::Delete);
    Entry { path: path.into(), kind, stamp, contents: None, linked, bytes: stamp.size, rule, action }
}

/// Stops after this many entries.
pub(super) fn apply(
    place: &Place,
    entries: &[Entry],
    removal_mode: &RemovalMode,
    past: Option<&JournalProgress>,
    threads: usize,
) -> Applied {
    let journal = place.journal();
    let meter = ApplyProgress::default();
    let apply = Apply {
        origin: Origin::Clean,
        root: &place.dir,
        quarantine: &place.quarantine,
        removal_mode,
        journal: &journal,
        threads,
        fail_fast: false,
        strict: false,
        past,
        stop: &|| false,
        told: &|_| (),
        meter: &meter,
    };
    let mut entries = entries.iter().cloned();
    let applied = apply.run(|| Ok(entries.next())).unwrap();
    place.quarantine.tidy();
    applied
}

fn journal_of(place: &Place) -> Vec<Line> {
    let text = fs::read(place.journal().path()).unwrap();
    text.split(|b| *b == b'\n').filter_map(Line::read).collect()
}

pub(super) fn past_of(place: &Place) -> JournalProgress {
    let mut past = JournalProgress::default();
    journal_of(place).iter().for_each(|line| past.learn(line));
    past
}

#[test]
fn several_names_of_a_file_do_not_get_into_each_others_way() {
    let place = place();
    let mut entries = Vec::new();
    for dir in ["cd", "ef", "gh"] {
        fs::create_dir(place.root.join(dir)).unwrap();
    }
    for n in 0..1_500 {
        fs::write(place.root.join(format!("ab/{n}")), "x").unwrap();
        for dir in ["cd", "ef", "gh"] {
            fs::hard_link(place.root.join(format!("ab/{n}")), place.root.join(format!("{dir}/{n}"))).unwrap();
        }
    }
    // In order of directories, so that each thread has a name of the same file.
    for dir in ["ab", "cd", "ef", "gh"] {
        entries.extend((0..1_500).map(|n| entry(&place, &format!("{dir}/{n}"))));
    }
    let applied = apply(&place, &entries, &RemovalMode::Delete, None, 4);
    assert_eq!((applied.deleted, applied.skipped, applied.failed), (6_000, 0, 0), "{:?}", applied.why);
}

#[test]
fn one_name_that_was_changed_since_keeps_all() {
    let place = place();
    for name in ["ab/x", "ab/y"] {
        let _ = fs::hard_link(place.root.join("ab/x"), place.root.join(name))
            .or_else(|_| fs::write(place.root.join(name), "x"));
    }
    let entries = [entry(&place, "ab/x"), entry(&place, "ab/y")];
    assert!(entries[0].linked);
    // Other contents, with the original size and time.
    let time = fs::metadata(place.root.join("ab/x")).unwrap().modified().unwrap();
    fs::write(place.root.join("ab/x"), "y").unwrap();
    File::options().write(true).open(place.root.join("ab/x")).unwrap().set_modified(time).unwrap();
    assert_eq!(apply(&place, &entries, &RemovalMode::Delete, None, 2).skipped, 2);
}

#[test]
fn a_run_that_goes_on_takes_the_other_names_too_and_says_nothing_twice() {
    let place = place();
    place.dir.set_modified(OLD).unwrap();
    fs::create_dir(place.root.join("ab/empty")).unwrap();
    fs::write(place.root.join("ab/x"), "x").unwrap();
    fs::hard_link(place.root.join("ab/x"), place.root.join("ab/y")).unwrap();
    fs::write(place.root.join("ab/z"), "z").unwrap();
    fs::write(place.root.join("ab/odd"), "1").unwrap();
    File::open(place.root.join("ab")).unwrap().set_modified(OLD).unwrap();
    let entries: Vec<Entry> =
        ["ab/x", "ab/y", "ab/z", "ab/odd", "ab/empty"].map(|path| entry(&place, path)).into();
    fs::write(place.root.join("ab/odd"), "23").unwrap();
    // The first attempt processed one of two names, and the odd one; `z` was captured when it was killed.
    let first = apply(&place, &[entries[0].clone(), entries[3].clone()], &RemovalMode::Quarantine, None, 1);
    assert_eq!((first.quarantined, first.skipped), (1, 1));
    fs::rename(place.root.join("ab/z"), place.root.join(".pdb-sync/quarantine/RUN1/escaped/tree/ab/z"))
        .unwrap();
    place.dir.set_modified(SystemTime::now()).unwrap();
    let applied = apply(&place, &entries, &RemovalMode::Quarantine, Some(&past_of(&place)), 1);
    assert_eq!((applied.quarantined, applied.deleted, applied.skipped), (3, 1, 1), "{:?}", applied.why);
    let lines = journal_of(&place);
    for path in ["ab/x", "ab/y", "ab/z", "ab/odd", "ab/empty"] {
        let about = |line: &&Line| matches!(line, Line::Did(Record { path: at, did, .. }) if at == path.as_bytes() && *did != EntryOutcome::Meant);
        assert_eq!(lines.iter().filter(about).count(), 1, "{path}: {lines:?}");
    }
    assert_eq!(lines.iter().filter(|line| matches!(line, Line::Was(path, _) if path == b"ab")).count(), 1);
    let time = || fs::metadata(place.root.join("ab")).unwrap().modified().unwrap();
    assert_eq!(time(), OLD, "also after it was killed");
    assert_eq!(place.dir.metadata().unwrap().modified().unwrap(), OLD, "the root, too");
    assert_eq!(place.undo().restored, 4);
    assert!(place.root.join("ab/empty").is_dir());
    assert_eq!((time(), place.dir.metadata().unwrap().modified().unwrap()), (OLD, OLD));
}

#[test]
fn a_deleting_run_that_goes_on_ends_what_it_had_captured() {
    let place = place();
    let names = ["mine", "swapped", "both", "plain"];
    for name in names {
        fs::write(place.root.join("ab").join(name), name).unwrap();
    }
    let entries: Vec<Entry> = names.map(|name| entry(&place, &format!("ab/{name}"))).into();
    let journal = place.journal();
    for name in names {
        let (path, did) = (format!("ab/{name}").into(), EntryOutcome::Meant);
        journal
            .line(&Line::Did(Record { path, kind: Kind::File, did, bytes: 4, entries: 1, why: None }))
            .unwrap();
    }
    // The run was killed between capture and deletion. Meanwhile another file was put in the captured place of one entry, and at the
    // original path of the next.
    let (mine, swapped, both) =
        (place.beside("ab/mine"), place.beside("ab/swapped"), place.beside("ab/both"));
    fs::rename(place.root.join("ab/mine"), &mine).unwrap();
    fs::remove_file(place.root.join("ab/swapped")).unwrap();
    fs::write(&swapped, "precious").unwrap();
    fs::rename(place.root.join("ab/both"), &both).unwrap();
    fs::write(place.root.join("ab/both"), "new").unwrap();
    let applied = apply(&place, &entries, &RemovalMode::Delete, Some(&past_of(&place)), 1);
    assert_eq!((applied.deleted, applied.skipped, applied.failed), (2, 2, 0), "{:?}", applied.why);
    assert!(!mine.exists() && !place.root.join("ab/plain").exists());
    let there = |name: &str, text| fs::read_to_string(name).is_ok_and(|it| it == text);
    assert!(there(swapped.to_str().unwrap(), "precious"), "{:?}", applied.why);
    assert!(
        there(place.root.join("ab/both").to_str().unwrap(), "new") && there(both.to_str().unwrap(), "both")
    );
    assert!(!place.root.join(".pdb-sync").exists(), "no quarantine is made for what does not stay");
}

#[test]
fn what_is_destroyed_is_written_down_before() {
    let place = place();
    let other = place.root.with_file_name("backup");
    for removal_mode in [
        RemovalMode::Delete,
        RemovalMode::Backup(Backup::open(&other, &place.root).unwrap()),
        RemovalMode::Trash(Trash::open(&place.root.with_file_name("Trash"), &place.root).unwrap()),
    ] {
        let paths: Vec<String> = (0..50).map(|n| format!("ab/{}-{n}", removal_mode.word())).collect();
        paths.iter().for_each(|path| fs::write(place.root.join(path), path).unwrap());
        let entries: Vec<Entry> = paths.iter().map(|path| entry(&place, path)).collect();
        let journal = place.journal();
        let meter = ApplyProgress::default();
        // At every moment, each removed entry is in the journal.
        let look = || {
            let named = fs::read_to_string(journal.path()).unwrap();
            let gone = paths.iter().filter(|path| !place.root.join(path).exists());
            gone.clone().for_each(|path| assert!(named.contains(&format!("{path:?}")), "{path}"));
            gone.count() > 20
        };
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
            stop: &look,
            told: &|_| (),
            meter: &meter,
        };
        let mut all = entries.iter().cloned();
        let applied = apply.run(|| Ok(all.next())).unwrap();
        assert!(applied.stopped, "{}", removal_mode.word());
        // The next attempt finds that the entry was about to be destroyed, and is gone; no more can be known.
        let past = past_of(&place);
        let next = paths.iter().find(|path| past.is_meant(path.as_bytes()) && place.root.join(path).exists());
        let next = next.expect("stopped in mid-run");
        let there = place.root.join(next);
        if let RemovalMode::Backup(_) = removal_mode {
            fs::rename(&there, other.join(next)).unwrap();
        } else {
            fs::remove_file(&there).unwrap();
        }
        let mut all = entries.iter().cloned();
        let apply = Apply { past: Some(&past), stop: &|| false, ..apply };
        let applied = apply.run(|| Ok(all.next())).unwrap();
        let done = applied.deleted + applied.backup + applied.trashed;
        assert_eq!((done, applied.skipped, applied.bytes > 0), (50, 0, true), "{applied:?}");
    }
}

#[test]
fn nothing_is_done_that_cannot_be_written_down() {
    for removal_mode in [RemovalMode::Delete, RemovalMode::Quarantine] {
        let place = place();
        let journals = place.root.with_file_name("state").join("journal");
        fs::create_dir_all(&journals).unwrap();
        symlink("/dev/full", journals.join("RUN1.journal.ndjson")).unwrap();
        fs::create_dir(place.root.join("ab/empty")).unwrap();
        let paths: Vec<String> = (0..20).map(|n| format!("ab/{n}")).collect();
        paths.iter().for_each(|path| fs::write(place.root.join(path), "x").unwrap());
        let mut entries: Vec<Entry> = paths.iter().map(|path| entry(&place, path)).collect();
        entries.push(entry(&place, "ab/empty"));
        let journal = place.journal();
        let meter = ApplyProgress::default();
        let apply = Apply {
            origin: Origin::Clean,
            root: &place.dir,
            quarantine: &place.quarantine,
            removal_mode: &removal_mode,
            journal: &journal,
            threads: 2,
            fail_fast: false,
            strict: false,
            past: None,
            stop: &|| false,
            told: &|_| (),
            meter: &meter,
        };
        let mut all = entries.into_iter();
        let error = apply.run(|| Ok(all.next())).unwrap_err();
        assert!(error.to_string().contains("No space left"), "{error}");
        assert_eq!(fs::read_dir(place.root.join("ab")).unwrap().count(), 21, "{}", removal_mode.word());
    }
}

/// More than are held at a time: each goes after its contents, and the times of the others stay.
#[test]
fn many_directories_go_in_groups() {
    const DIRS: usize = 9_000;
    let place = place();
    let mut entries = Vec::new();
    for n in 0..DIRS {
        let dir = format!("ab/{}/{n}", n % 3);
        fs::create_dir_all(place.root.join(&dir)).unwrap();
        fs::write(place.root.join(&dir).join("x"), "x").unwrap();
        entries.extend([entry(&place, &format!("{dir}/x")), entry(&place, &dir)]);
    }
    for dir in ["ab/0", "ab/1", "ab/2", "ab"] {
        File::open(place.root.join(dir)).unwrap().set_modified(OLD).unwrap();
    }
    let applied = apply(&place, &entries, &RemovalMode::Delete, None, 4);
    assert_eq!((applied.deleted, applied.dirs, applied.skipped), (2 * DIRS as u64, DIRS as u64, 0));
    for dir in ["ab/0", "ab/1", "ab/2", "ab"] {
        assert_eq!(fs::metadata(place.root.join(dir)).unwrap().modified().unwrap(), OLD, "{dir}");
    }
}
