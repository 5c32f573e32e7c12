mod applying;
mod elsewhere;
mod escaping;
mod last;
mod purging;
mod undoing;
mod whole;
mod write_access;

use super::*;
use crate::clean::{Begin, Dirs, EntryOutcome, Line, Origin, Stamp};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// A time that no new file gets.
const OLD: SystemTime = SystemTime::UNIX_EPOCH;

struct Place {
    _home: tempfile::TempDir,
    root: PathBuf,
    dir: File,
    access: Arc<WriteAccess>,
    quarantine: Quarantine,
}

fn place() -> Place {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("mirror");
    fs::create_dir_all(root.join("ab")).unwrap();
    let dir = File::open(&root).unwrap();
    let access = WriteAccess::new(dir.try_clone().unwrap(), &root, &home.path().join("state")).unwrap();
    let quarantine = Quarantine::new(&access, "RUN1", "clean", Duration::from_secs(60)).unwrap();
    Place { _home: home, root, dir, access, quarantine }
}

impl Place {
    fn stamp(&self, path: &str) -> Stamp {
        let (dir, name) = crate::clean::path::split(path.as_bytes());
        look(open_below::open_below(&self.dir, dir).unwrap(), name).unwrap().1
    }

    fn take(&self, path: &str, stamp: Stamp, removal_mode: &RemovalMode) -> RemoveOutcome {
        let (dir, name) = crate::clean::path::split(path.as_bytes());
        match Parent::open_to_change(&self.access, dir) {
            Ok(parent) => take(
                &parent,
                &self.quarantine,
                ExpectedEntry { name, kind: None, stamp, touched: false },
                removal_mode,
            ),
            Err(error) => RemoveOutcome::Left(open_below::why_not(error)),
        }
    }

    fn journal(&self) -> Journal {
        Journal::open(&self.root.with_file_name("state"), "RUN1").unwrap()
    }

    fn begin(&self) -> Begin {
        let meta = self.dir.metadata().unwrap();
        let root = print_of(&self.root, meta.dev(), meta.ino());
        let (run, command) = ("RUN1".into(), "clean".into());
        let (mode, time) = ("quarantine".into(), jiff::Timestamp::now().to_string());
        Begin { v: 1, run, command, job: None, root, mode, plan: None, time }
    }

    /// Undoes the run as the command does.
    fn undo(&self) -> Undone {
        let journal = self.journal();
        let (mut dirs, mut open) = (Dirs::default(), BTreeMap::new());
        for line in fs::read(journal.path()).unwrap().split(|b| *b == b'\n').filter_map(Line::read) {
            dirs.learn(&line);
            if let Line::Did(record) = line {
                open.insert(record.path.clone(), record);
            }
        }
        let open: Vec<_> = open.into_values().filter(|record| !record.did.is_gone()).collect();
        undo(&self.access, &self.begin(), &dirs, &open, &journal, &|| false, &ApplyProgress::default())
            .unwrap()
    }

    /// Where a deleting run keeps the captured entry while it verifies it.
    fn beside(&self, path: &str) -> PathBuf {
        let (dir, name) = crate::clean::path::split(path.as_bytes());
        let parent = Parent::open(&self.dir, dir).unwrap();
        let captured = capture::Captured::beside(&parent, self.quarantine.run(), name);
        self.root.join(path).with_file_name(std::str::from_utf8(captured.name()).unwrap())
    }

    /// The contents of every file, wherever it is.
    fn contents(&self) -> BTreeMap<String, usize> {
        fn walk(dir: &Path, into: &mut BTreeMap<String, usize>) {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                let meta = fs::symlink_metadata(&path).unwrap();
                if meta.is_dir() {
                    walk(&path, into);
                } else if meta.is_file() && !path.ends_with("info%2Ejson") {
                    *into.entry(fs::read_to_string(&path).unwrap()).or_default() += 1;
                }
            }
        }
        let mut all = BTreeMap::new();
        walk(&self.root, &mut all);
        all
    }
}

/// Runs both at the same time. The swap starts a little later in each round, to meet every step of the protocol. In one round of ten it
/// ends before the removal starts, and in one it starts after the removal, so that both cases occur on any machine.
fn race(round: usize, swap: impl FnOnce() + Send, take: impl FnOnce() -> RemoveOutcome) -> RemoveOutcome {
    let (ready, swapped, taken) = (AtomicBool::new(false), AtomicBool::new(false), AtomicBool::new(false));
    let until = |flag: &AtomicBool| {
        while !flag.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            ready.store(true, Ordering::Release);
            if round % 10 == 5 {
                until(&taken);
            }
            for _ in 0..(round % 40) * 50 {
                std::hint::spin_loop();
            }
            swap();
            swapped.store(true, Ordering::Release);
        });
        until(&ready);
        if round.is_multiple_of(10) {
            until(&swapped);
        }
        let outcome = take();
        taken.store(true, Ordering::Release);
        outcome
    })
}

#[test]
fn a_racing_swapper_loses_nothing() {
    let place = place();
    let (doomed, precious) = (place.root.join("ab/x"), place.root.join("ab/precious"));
    let (mut taken, mut left, mut stray) = (0, 0, 0);
    for round in 0..2_000 {
        fs::write(&doomed, "doomed").unwrap();
        fs::write(&precious, "precious").unwrap();
        let stamp = place.stamp("ab/x");
        let swap = || fs::rename(&precious, &doomed).unwrap();
        let outcome = race(round, swap, || place.take("ab/x", stamp, &RemovalMode::Delete));
        match outcome {
            RemoveOutcome::Done(EntryOutcome::Deleted) => taken += 1,
            RemoveOutcome::Left(_) => left += 1,
            RemoveOutcome::Failed(_) => stray += 1,
            other => panic!("{other:?}"),
        }
        assert_eq!(place.contents().get("precious"), Some(&1), "round {round}: {outcome:?}");
        // Each round starts clean: a leftover would be in the way.
        let _ = fs::remove_file(place.beside("ab/x"));
    }
    assert!(taken > 0 && left + stray > 0, "no race: {taken} taken, {left} left, {stray} stray");
}

#[test]
fn a_racing_swapper_of_parents_leads_nowhere() {
    let place = place();
    let (dir, away, trap) =
        (place.root.join("ab"), place.root.join("away"), place.root.with_file_name("trap"));
    fs::create_dir(&trap).unwrap();
    let (mut taken, mut left) = (0, 0);
    for round in 0..2_000 {
        fs::write(dir.join("x"), "doomed").unwrap();
        fs::write(trap.join("x"), "precious").unwrap();
        let stamp = place.stamp("ab/x");
        let swap = || {
            fs::rename(&dir, &away).unwrap();
            symlink(&trap, &dir).unwrap();
        };
        let outcome = race(round, swap, || place.take("ab/x", stamp, &RemovalMode::Delete));
        match outcome {
            RemoveOutcome::Done(EntryOutcome::Deleted) => taken += 1,
            RemoveOutcome::Left(_) | RemoveOutcome::Failed(_) => left += 1,
            other => panic!("round {round}: {other:?}"),
        }
        assert_eq!(fs::read_to_string(trap.join("x")).unwrap(), "precious", "round {round}");
        assert_eq!(
            away.join("x").exists(),
            !matches!(outcome, RemoveOutcome::Done(_)),
            "round {round}: {outcome:?}"
        );
        fs::remove_file(&dir).unwrap();
        fs::rename(&away, &dir).unwrap();
    }
    assert!(taken > 0 && left > 0, "no race: {taken} taken, {left} left");
}

#[test]
fn what_is_not_who_it_was_is_left_alone() {
    let place = place();
    let file = place.root.join("ab/x");
    let outside = place.root.with_file_name("outside");
    fs::write(&outside, "precious").unwrap();
    // Another file of equal size and time.
    fs::write(&file, "doomed").unwrap();
    let stamp = place.stamp("ab/x");
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(place.root.join("new"), "precio").unwrap();
    File::options().write(true).open(place.root.join("new")).unwrap().set_modified(time).unwrap();
    fs::rename(place.root.join("new"), &file).unwrap();
    assert!(matches!(place.take("ab/x", stamp, &RemovalMode::Delete), RemoveOutcome::Left(_)));
    // Rewritten in place, with size and time restored.
    let stamp = place.stamp("ab/x");
    fs::write(&file, "change").unwrap();
    File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    assert!(matches!(place.take("ab/x", stamp, &RemovalMode::Delete), RemoveOutcome::Left(_)));
    // A symlink in its place, and one above it.
    let stamp = place.stamp("ab/x");
    fs::remove_file(&file).unwrap();
    symlink(&outside, &file).unwrap();
    assert!(matches!(place.take("ab/x", stamp, &RemovalMode::Delete), RemoveOutcome::Left(_)));
    symlink(place.root.join("ab"), place.root.join("link")).unwrap();
    let stamp = place.stamp("ab/x");
    assert!(matches!(place.take("link/x", stamp, &RemovalMode::Delete), RemoveOutcome::Left(_)));
    assert!(matches!(place.take("ab/gone", stamp, &RemovalMode::Delete), RemoveOutcome::Gone));
    // A directory is not removed as a file, and one that is not empty stays.
    let parent = Parent::open(&place.dir, b"").unwrap();
    let dir = place.stamp("ab");
    assert!(matches!(place.take("ab", dir, &RemovalMode::Delete), RemoveOutcome::Left(_)));
    assert!(matches!(take_dir(&parent, b"ab", Some(&dir)), RemoveOutcome::Left(_)));
    assert_eq!(fs::read_to_string(&outside).unwrap(), "precious");
    // The link itself is removed; its target stays.
    assert_eq!(place.take("ab/x", stamp, &RemovalMode::Delete), RemoveOutcome::Done(EntryOutcome::Deleted));
    assert_eq!(fs::read_to_string(&outside).unwrap(), "precious");
    drop(parent);
    place.quarantine.tidy();
    assert!(!place.root.join(".pdb-sync").exists());
}

#[test]
fn a_rule_knows_the_names_of_what_was_captured() {
    let place = place();
    let parent = Parent::open(&place.dir, b"ab").unwrap();
    let run = ulid::Ulid::generate().to_string();
    let name = capture::Captured::beside(&parent, &run, b"1abc.cif.gz").name().to_vec();
    let rule = crate::clean::built_in().into_iter().find(|rule| rule.name == "captured").unwrap();
    let matches =
        |name: &str| globset::Glob::new(&rule.patterns[0]).unwrap().compile_matcher().is_match(name);
    assert!(matches(std::str::from_utf8(&name).unwrap()) && !matches(".pdb-sync"));
    assert_eq!(rule.action, crate::clean::Action::Review);
}

#[test]
fn a_quarantine_that_is_a_symlink_is_refused() {
    let place = place();
    fs::write(place.root.join("ab/x"), "doomed").unwrap();
    let elsewhere = place.root.with_file_name("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, place.root.join(".pdb-sync")).unwrap();
    assert!(matches!(
        place.take("ab/x", place.stamp("ab/x"), &RemovalMode::Quarantine),
        RemoveOutcome::Failed(_)
    ));
    assert_eq!(fs::read_to_string(place.root.join("ab/x")).unwrap(), "doomed");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn paths_are_only_opened_below_the_root() {
    let place = place();
    for bad in [&b".."[..], b"ab/../..", b"/etc", b"ab//..//..", b"./.."] {
        assert!(open_below::open_below(&place.dir, bad).is_err(), "{}", String::from_utf8_lossy(bad));
    }
    symlink("ab", place.root.join("link")).unwrap();
    assert!(open_below::open_below(&place.dir, b"link").is_err());
    assert!(open_below::open_below(&place.dir, b"ab").is_ok());
}

#[test]
fn the_fence_holds_us_to_the_tree() {
    let place = place();
    let outside = place.root.with_file_name("outside");
    fs::write(&outside, "precious").unwrap();
    fs::write(place.root.join("ab/x"), "doomed").unwrap();
    let stamp = place.stamp("ab/x");
    // In a thread of its own, since the restriction cannot be reverted.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let up = fence(&[&place.root]);
            let taken = place.take("ab/x", stamp, &RemovalMode::Delete);
            assert_eq!(taken, RemoveOutcome::Done(EntryOutcome::Deleted), "inside, all is as before");
            assert_eq!(fs::remove_file(&outside).is_err(), up == Landlock::Up);
        });
    });
    assert!(!place.root.join("ab/x").exists());
}
