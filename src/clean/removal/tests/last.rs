//! Tests of the last run that removed something.

use super::*;
use crate::clean::{End, Kind, PURGE, Record, UNDO};

fn begin(place: &Place, run: &str, command: &str) -> Begin {
    let plan = (command == "clean").then(|| "the same".into());
    Begin { run: run.into(), command: command.into(), plan, ..place.begin() }
}

/// Writes a journal with this start and these lines.
fn journal(place: &Place, run: &str, command: &str, lines: &[Line]) {
    let journal = Journal::open(&state(place), run).unwrap();
    journal.line(&Line::Begin(begin(place, run, command))).unwrap();
    lines.iter().for_each(|line| journal.line(line).unwrap());
}

fn state(place: &Place) -> PathBuf {
    place.root.with_file_name("state")
}

fn did(path: &str, kind: Kind, did: EntryOutcome) -> Line {
    Line::Did(Record { path: path.into(), kind, did, bytes: 1, entries: 1, why: None })
}

fn end() -> Line {
    Line::End(End { time: String::new(), whole: true })
}

fn last(place: &Place) -> String {
    find_to_undo(&state(place), "last").unwrap().remove(0).begin.run
}

/// A tree from which an earlier run has deleted two files and a directory.
fn cleaned() -> Place {
    let place = place();
    let lines = ["ab/x", "ab/y"].map(|path| did(path, Kind::File, EntryOutcome::Deleted));
    let lines = [&lines[..], &[did("cd", Kind::Dir, EntryOutcome::Deleted), end()]].concat();
    journal(&place, "RUN1", "clean", &lines);
    place
}

#[test]
fn a_repeated_plan_that_was_killed_before_it_took_anything_is_passed_by() {
    let meant = [
        did("ab/x", Kind::File, EntryOutcome::Meant),
        did("ab/y", Kind::File, EntryOutcome::Meant),
        did("cd", Kind::Dir, EntryOutcome::Meant),
    ];
    // Killed right after the start, after some entries, and when it was about to remove what is gone.
    let skipped = [did("ab/x", Kind::File, EntryOutcome::Skipped)];
    for lines in [&[][..], &skipped, &meant, &[&meant[..], &skipped].concat()] {
        let place = cleaned();
        journal(&place, "RUN2", "clean", lines);
        assert_eq!(last(&place), "RUN1", "{lines:?}");
    }
    // It had created its directory in the quarantine.
    let place = cleaned();
    journal(&place, "RUN2", "clean", &[]);
    Quarantine::new(&place.access, "RUN2", "clean", Duration::ZERO).unwrap().prepare().unwrap();
    assert_eq!(last(&place), "RUN1");
}

#[test]
fn one_that_was_killed_when_it_had_taken_something_counts() {
    // The entry is in the quarantine, and not yet in the journal.
    let place = cleaned();
    journal(&place, "RUN2", "clean", &[]);
    let quarantine = Quarantine::new(&place.access, "RUN2", "clean", Duration::ZERO).unwrap();
    quarantine.hold(b"ab").unwrap();
    assert_eq!(last(&place), "RUN1");
    fs::write(place.root.join(".pdb-sync/quarantine/RUN2/escaped/tree/ab/z"), "z").unwrap();
    assert_eq!(last(&place), "RUN2");
    // It was about to remove an entry that is missing, and that no earlier run has removed.
    let place = cleaned();
    journal(
        &place,
        "RUN2",
        "clean",
        &[did("ab/x", Kind::File, EntryOutcome::Meant), did("ab/z", Kind::File, EntryOutcome::Meant)],
    );
    assert_eq!(last(&place), "RUN2");
    fs::write(place.root.join("ab/z"), "z").unwrap();
    assert_eq!(last(&place), "RUN1", "it is where it was");
    fs::rename(place.root.join("ab/z"), place.root.join("ab").join(beside(&place, "RUN2", "ab/z"))).unwrap();
    assert_eq!(last(&place), "RUN2", "it was captured");
    // An earlier run that was undone since did not remove it.
    let place = cleaned();
    journal(&place, "RUN1", UNDO, &[did("ab/x", Kind::File, EntryOutcome::Restored), end()]);
    journal(&place, "RUN2", "clean", &[did("ab/x", Kind::File, EntryOutcome::Meant)]);
    assert_eq!(last(&place), "RUN2");
    // A run of another plan.
    let place = cleaned();
    let other = Begin { plan: Some("another".into()), ..begin(&place, "RUN2", "clean") };
    Journal::open(&state(&place), "RUN2").unwrap().line(&Line::Begin(other)).unwrap();
    assert_eq!(last(&place), "RUN2", "whoever killed it means it");
    // The tree cannot be opened.
    let place = cleaned();
    journal(&place, "RUN2", "clean", &[]);
    fs::rename(&place.root, place.root.with_file_name("away")).unwrap();
    assert_eq!(last(&place), "RUN2");
}

fn beside(place: &Place, run: &str, path: &str) -> String {
    let (dir, name) = crate::clean::path::split(path.as_bytes());
    let parent = Parent::open(&place.dir, dir).unwrap();
    String::from_utf8(capture::Captured::beside(&parent, run, name).name().to_vec()).unwrap()
}

/// Entries that `sync` replaced, and entries that an undo restored although the run was killed before it journalled their removal.
#[test]
fn what_the_journal_does_not_name_counts_too() {
    let place = cleaned();
    journal(&place, "RUN2", "sync", &[end()]);
    assert_eq!(last(&place), "RUN2");
    let place = cleaned();
    journal(&place, "RUN2", "clean", &[]);
    journal(&place, "RUN2", UNDO, &[did("ab/z", Kind::File, EntryOutcome::Restored), end()]);
    assert_eq!(last(&place), "RUN2");
    let place = cleaned();
    journal(&place, "RUN2", "clean", &[did("ab/z", Kind::File, EntryOutcome::Quarantined), end()]);
    journal(&place, "RUN2", PURGE, &[end()]);
    assert_eq!(last(&place), "RUN2", "that it was purged is what is to be said");
}

#[test]
fn one_that_came_to_its_end_and_took_nothing_is_passed_by() {
    let place = cleaned();
    journal(&place, "RUN2", "clean", &[did("ab/x", Kind::File, EntryOutcome::Skipped), end()]);
    assert_eq!(last(&place), "RUN1");
    // Undone without an effect, it still does not count.
    journal(&place, "RUN2", UNDO, &[end()]);
    assert_eq!(last(&place), "RUN1");
}
