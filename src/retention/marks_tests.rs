//! Tests of the file of marks.

use super::super::expiry::Boot;
use super::*;
use std::fs;
use std::path::Path;
use std::time::Duration;

const DAY: i64 = 86_400;
const NOW: i64 = 1_800_000_000;

fn at(s: i64) -> Moment {
    Moment { wall: NOW + s, boot: Some(Boot { id: "a".into(), s: (1000 * DAY + s) as u64 }) }
}

fn item(name: &str, days: i64) -> Item {
    let keep = Duration::from_secs(30 * 86_400);
    Item { name: name.into(), since: Some(Moment::dated(NOW - days * DAY)), keep }
}

fn look_at(dir: &Path, items: &[Item], now: &Moment) -> Looked {
    look(File::open(dir).unwrap(), items, now, false)
}

#[test]
fn marks_are_kept_between_runs_and_the_file_goes_with_the_last() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(FILE);
    let mut items = vec![item("old", 40), item("new", 1)];
    assert_eq!(look(File::open(dir.path()).unwrap(), &items, &at(0), true).marked.len(), 1);
    assert!(!file.exists(), "a dry run writes nothing");
    let first = look_at(dir.path(), &items, &at(0));
    assert_eq!((first.marked, first.saved), (BTreeMap::from([("old".into(), NOW + DAY)]), true));
    items.push(item("later", 31));
    let second = look_at(dir.path(), &items, &at(60));
    let due = [("later".to_owned(), NOW + DAY + 60), ("old".into(), NOW + DAY)];
    assert_eq!((second.marked, second.purge.len()), (BTreeMap::from(due), 0));
    let third = look_at(dir.path(), &items, &at(DAY));
    assert_eq!((third.purge, third.marked.len()), (vec!["old".to_owned()], 1));
    assert!(fs::read_to_string(&file).unwrap().contains("old"), "it may not have been possible");
    look_at(dir.path(), &items[1..2], &at(DAY + 1));
    assert!(fs::read_dir(dir.path()).unwrap().next().is_none(), "nothing is marked");
}

/// A moment of another machine: only wall time can be compared.
fn elsewhere(s: i64) -> Moment {
    Moment::dated(NOW + s)
}

#[test]
fn a_run_from_the_future_drops_all_marks_once() {
    let dir = tempfile::tempdir().unwrap();
    let items = [item("old", 400), item("new", 1)];
    assert_eq!(look_at(dir.path(), &items, &at(0)).marked.len(), 1);
    // By the clock of that machine, the first mark is now less than a day old.
    let ahead = look_at(dir.path(), &items[1..], &elsewhere(366 * DAY));
    assert_eq!(ahead.marked.len(), 1);
    let back = look_at(dir.path(), &items, &at(DAY + 60));
    assert_eq!((back.purge.len(), back.marked), (0, BTreeMap::from([("old".into(), NOW + 2 * DAY + 60)])));
    assert_eq!(look_at(dir.path(), &items, &at(2 * DAY + 60)).purge, ["old"], "it does not count any more");
}

#[test]
fn a_run_from_the_past_drops_all_marks() {
    let dir = tempfile::tempdir().unwrap();
    let items = [item("old", 400)];
    look_at(dir.path(), &items, &at(0));
    let behind = look_at(dir.path(), &items, &elsewhere(-2 * DAY));
    assert_eq!((behind.purge.len(), behind.marked["old"]), (0, NOW - DAY));
}

#[test]
fn a_damaged_file_is_set_aside_and_counts_for_nothing() {
    for text in ["", "{", "[]", r#"{"v":1}"#, r#"{"v":1,"last":null,"marks":{"old":7}}"#] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), text).unwrap();
        let looked = look_at(dir.path(), &[item("old", 400)], &at(0));
        assert_eq!((looked.purge.len(), looked.marked.len(), looked.saved), (0, 1, true), "{text}");
        assert!(looked.warning.unwrap().contains("set aside as marks.json.damaged"), "{text}");
        assert_eq!(fs::read_to_string(dir.path().join(ASIDE)).unwrap(), text);
        assert_eq!(look_at(dir.path(), &[item("old", 400)], &at(DAY)).purge, ["old"]);
    }
}

#[test]
fn a_newer_file_is_left_alone_and_nothing_goes() {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"{"v":2,"marks":["old"]}"#;
    fs::write(dir.path().join(FILE), text).unwrap();
    let looked = look_at(dir.path(), &[item("old", 400)], &at(0));
    assert!(looked.purge.is_empty() && looked.marked.is_empty() && !looked.saved);
    assert!(looked.warning.unwrap().contains("is of version 2, newer than"));
    assert_eq!(fs::read_to_string(dir.path().join(FILE)).unwrap(), text);
}

#[test]
fn what_cannot_be_written_or_read_marks_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // A directory in the way, also for root.
    fs::create_dir(dir.path().join(NEW)).unwrap();
    let looked = look_at(dir.path(), &[item("old", 400)], &at(0));
    assert_eq!((looked.purge.len(), looked.marked.len(), looked.saved), (0, 0, false));
    assert!(looked.warning.unwrap().starts_with("cannot write marks.json"));
    fs::remove_dir(dir.path().join(NEW)).unwrap();
    std::os::unix::fs::symlink("elsewhere", dir.path().join(FILE)).unwrap();
    let looked = look_at(dir.path(), &[item("old", 400)], &at(0));
    assert!(looked.warning.unwrap().starts_with("cannot read marks.json"), "no link is followed");
    assert!(!looked.saved && !dir.path().join("elsewhere").exists());
}
