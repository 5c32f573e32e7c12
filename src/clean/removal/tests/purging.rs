//! Tests of purging by different clocks.

use super::*;
use crate::clean::{End, UNDO};
use crate::retention::{Boot, FILE, Moment};

const DAY: i64 = 86_400;

/// A tree with one file in the quarantine of a run, with a retention time of one minute.
fn kept() -> Place {
    let place = place();
    fs::write(place.root.join("ab/x"), "doomed").unwrap();
    assert_eq!(
        place.take("ab/x", place.stamp("ab/x"), &RemovalMode::Quarantine),
        RemoveOutcome::Done(EntryOutcome::Quarantined)
    );
    place
}

/// This many seconds after the run, on another machine that was booted long ago.
fn after(s: i64) -> Moment {
    let now = jiff::Timestamp::now().as_second();
    Moment { wall: now + s, boot: Some(Boot { id: "another".into(), s: (1000 * DAY + s) as u64 }) }
}

fn go(place: &Place, order: Order, now: &Moment, dry: bool) -> Purged {
    let state = place.root.with_file_name("state");
    let begun = |run: &str| note_purge(&state, &place.root.canonicalize()?, run);
    purge(&Purge {
        tree: &place.access,
        order,
        now,
        dry,
        begun: &begun,
        stop: &|| false,
        meter: &ApplyProgress::default(),
    })
    .unwrap()
}

fn counts(purged: &Purged) -> [u64; 5] {
    let Purged { runs, kept, marked, entries, bytes, .. } = purged;
    [runs.len() as u64, kept.len() as u64, marked.len() as u64, *entries, *bytes]
}

#[test]
fn purge_marks_first_and_removes_a_day_later() {
    let place = kept();
    place.dir.set_modified(OLD).unwrap();
    let marks = place.root.join(".pdb-sync").join(FILE);
    for (s, dry, expected) in [
        (0, false, [0, 1, 0, 0, 0]),
        (61, true, [0, 1, 1, 0, 0]),
        (61, false, [0, 1, 1, 0, 0]),
        (DAY + 60, false, [0, 1, 1, 0, 0]),
        (DAY + 61, true, [1, 0, 0, 1, 6]),
    ] {
        assert_eq!(counts(&go(&place, Order::Marked, &after(s), dry)), expected, "{s} {dry}");
        assert_eq!(place.contents().get("doomed"), Some(&1));
        assert_eq!(marks.exists(), s > 61 || s == 61 && !dry);
    }
    assert_eq!(expired(&place.dir, &after(0)).unwrap().len(), 0);
    assert_eq!(expired(&place.dir, &after(61)).unwrap(), ["RUN1"]);
    assert_eq!(counts(&go(&place, Order::Marked, &after(DAY + 61), false)), [1, 0, 0, 1, 6]);
    assert_eq!(place.dir.metadata().unwrap().modified().unwrap(), OLD, "the root's time is the source's");
    assert!(!place.root.join(".pdb-sync").exists(), "the marks go with the last quarantine");
}

#[test]
fn a_human_need_not_wait() {
    for (keep, s, gone) in [(0, 0, 1), (600, 599, 0), (600, 660, 1)] {
        let place = kept();
        let order = Order::OlderThan(Duration::from_secs(keep));
        let purged = go(&place, order, &after(s), false);
        assert_eq!(counts(&purged)[..3], [gone, 1 - gone, 0], "{keep} {s}");
        assert!(!place.root.join(".pdb-sync").join(FILE).exists());
    }
}

#[test]
fn undo_leaves_no_mark_behind() {
    let place = kept();
    assert_eq!(go(&place, Order::Marked, &after(61), false).marked.len(), 1);
    assert_eq!(place.undo().restored, 1);
    assert!(!place.root.join(".pdb-sync").exists());
}

#[test]
fn a_purge_that_was_cut_short_is_gone_on_with() {
    let place = kept();
    let quarantine = place.root.join(".pdb-sync/quarantine");
    fs::rename(quarantine.join("RUN1"), quarantine.join("purging-RUN1")).unwrap();
    assert_eq!(place_of(&place.dir, "RUN1"), crate::clean::removal::Place::Going);
    assert_eq!(expired(&place.dir, &after(0)).unwrap(), ["purging-RUN1"]);
    let purged = go(&place, Order::Marked, &after(0), false);
    assert_eq!((purged.runs.as_slice(), purged.entries), (&["RUN1".to_owned()][..], 1));
    assert_eq!(place_of(&place.dir, "RUN1"), crate::clean::removal::Place::Gone);
}

#[test]
fn marks_that_cannot_be_written_purge_nothing_and_fail_nothing() {
    let place = kept();
    fs::create_dir(place.root.join(".pdb-sync/marks.json.new")).unwrap();
    for s in [61, 2 * DAY, 4 * DAY] {
        let purged = go(&place, Order::Marked, &after(s), false);
        assert_eq!(counts(&purged), [0, 1, 0, 0, 0]);
        assert!(purged.warnings[0].starts_with("cannot write marks.json"), "{purged:?}");
    }
    assert_eq!(place.contents().get("doomed"), Some(&1));
}

#[test]
fn the_journal_of_a_run_says_when_it_was_purged() {
    let place = kept();
    let journal = place.journal();
    journal.line(&Line::Begin(place.begin())).unwrap();
    let state = place.root.with_file_name("state");
    let mut other = place.begin();
    other.root.path = place.root.with_file_name("elsewhere").to_string_lossy().into_owned();
    Journal::open(&state, "RUN1.other").unwrap().line(&Line::Begin(other)).unwrap();
    let purged = |name: &str| {
        let found = list(&state).unwrap().into_iter().find(|found| found.name == name).unwrap();
        (found.purged.is_some(), found.end)
    };
    assert_eq!(purged("RUN1"), (false, None));
    go(&place, Order::OlderThan(Duration::ZERO), &after(0), false);
    let (noted, end) = purged("RUN1");
    assert!(noted);
    assert!(!end.unwrap().whole, "what was cut short stays so");
    assert_eq!(purged("RUN1.other"), (false, None), "of another tree");
    let mut past = crate::clean::JournalProgress::default();
    list(&state).unwrap()[0].read(|line| past.learn(&line)).unwrap();
    assert!(past.undone, "nobody goes on with it");
    // The end of the purge is written once.
    let before = fs::read(journal.path()).unwrap();
    note_purge(&state, &place.root.canonicalize().unwrap(), "RUN1").unwrap();
    assert_eq!(fs::read(journal.path()).unwrap(), before);
}

#[test]
fn what_was_undone_is_not_purged() {
    let place = kept();
    let journal = place.journal();
    journal.line(&Line::Begin(place.begin())).unwrap();
    assert_eq!(place.undo().restored, 1);
    go(&place, Order::OlderThan(Duration::ZERO), &after(0), false);
    let found = find(&place.root.with_file_name("state"), "RUN1").unwrap().remove(0);
    assert_eq!(found.purged, None);
    let mut commands = Vec::new();
    found
        .read(|line| {
            if let Line::Begin(begin) = line {
                commands.push(begin.command)
            }
        })
        .unwrap();
    assert_eq!(commands, ["clean", UNDO]);
    assert!(matches!(found.end, Some(End { whole: true, .. })));
}
