//! Tests of the retention of past runs with wrong clocks.

use super::tests::{all, at, ended, record, result, started, whole_run};
use super::{History, Retention, write::purge_old};
use crate::model::result::Outcome;
use crate::retention::{Boot, FILE, Moment};
use jiff::Timestamp;
use rusqlite::Connection;
use std::fs;
use std::path::Path;
use std::time::Duration;

const DAY: i64 = 86_400;
const AGE: Duration = Duration::from_secs(30 * 86_400);

fn runs(dir: &Path) -> Vec<String> {
    all(dir).into_iter().map(|past| past.run).collect()
}

/// A reading of the clocks on a machine that is not rebooted.
fn moment(s: i64) -> Moment {
    Moment { wall: at(s).as_second(), boot: Some(Boot { id: "a".into(), s: (2000 * DAY + s) as u64 }) }
}

/// Ends a run at that time by those clocks.
fn purge(dir: &Path, now: &Moment) -> Option<String> {
    let mut history = History::write(dir).unwrap().history;
    let change = history.db.transaction().unwrap();
    let odd = purge_old(&change, "now", AGE, dir, now).unwrap();
    change.commit().unwrap();
    odd
}

/// Runs 40, 20 and 1 days old.
fn past(dir: &Path) {
    for (run, age) in [("01A", 40), ("01B", 20), ("01C", 1)] {
        whole_run(dir, run, -age * DAY, &[("a", Outcome::Ok)]);
    }
}

#[test]
fn what_is_too_old_is_marked_by_one_run_and_goes_with_a_later_one() {
    let dir = tempfile::tempdir().unwrap();
    past(dir.path());
    for s in [0, DAY - 1] {
        assert_eq!(purge(dir.path(), &moment(s)), None);
        assert_eq!(runs(dir.path()), ["01C", "01B", "01A"]);
    }
    assert_eq!(purge(dir.path(), &moment(DAY)), None);
    assert_eq!(runs(dir.path()), ["01C", "01B"]);
    let db = Connection::open(History::path(dir.path())).unwrap();
    for table in ["jobs", "attempts"] {
        let count: i64 = db.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |r| r.get(0)).unwrap();
        assert_eq!(count, 2, "{table}");
    }
    purge(dir.path(), &moment(2 * DAY));
    assert!(!dir.path().join(FILE).exists(), "nothing is marked");
}

#[test]
fn a_run_800_days_ahead_takes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    past(dir.path());
    let ahead = Moment { boot: None, ..moment(800 * DAY) };
    purge(dir.path(), &ahead);
    assert!(dir.path().join(FILE).exists());
    // By the correct clock only the first run is too old, and the delay before its removal starts again.
    purge(dir.path(), &moment(2 * DAY));
    assert_eq!(runs(dir.path()).len(), 3);
    purge(dir.path(), &moment(3 * DAY));
    assert_eq!(runs(dir.path()), ["01C", "01B"]);
}

#[test]
fn a_run_that_is_dated_in_the_future_goes_too() {
    let dir = tempfile::tempdir().unwrap();
    whole_run(dir.path(), "01Z", 800 * DAY, &[("a", Outcome::Ok)]);
    past(dir.path());
    for day in [0, 29] {
        purge(dir.path(), &moment(day * DAY));
        assert!(runs(dir.path()).contains(&"01Z".into()), "{day}");
    }
    purge(dir.path(), &moment(30 * DAY));
    assert!(!runs(dir.path()).contains(&"01Z".into()), "it was kept for as long as any");
}

#[test]
fn what_cannot_be_marked_stays() {
    let dir = tempfile::tempdir().unwrap();
    past(dir.path());
    fs::create_dir(dir.path().join("marks.json.new")).unwrap();
    for day in [0, 2, 4] {
        assert!(
            purge(dir.path(), &moment(day * DAY)).unwrap().contains("cannot write marks.json"),
            "it is told"
        );
        assert_eq!(runs(dir.path()).len(), 3);
    }
    // The marks could be written before, and now the disk is full: nothing is removed either.
    fs::remove_dir(dir.path().join("marks.json.new")).unwrap();
    purge(dir.path(), &moment(5 * DAY));
    fs::create_dir(dir.path().join("marks.json.new")).unwrap();
    purge(dir.path(), &moment(7 * DAY));
    assert_eq!(runs(dir.path()).len(), 3);
}

#[test]
fn marks_that_are_damaged_are_told_and_count_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let now = Timestamp::now().as_second() - at(0).as_second();
    whole_run(dir.path(), "01A", now - 40 * DAY, &[("a", Outcome::Ok)]);
    fs::write(dir.path().join(FILE), "{").unwrap();
    let events = vec![started("01B", now, &["a"]), ended("01B", vec![result("a", now, Outcome::Ok)])];
    let told = record(dir.path(), Retention { age: Some(AGE), runs: None }, events);
    assert!(told.len() == 1 && told[0].contains("marks.json is damaged"), "{told:?}");
    assert_eq!(runs(dir.path()), ["01B", "01A"]);
}

/// Runs recorded with a clock that was fast or slow do not change the order.
#[test]
fn the_newest_are_those_that_were_written_down_last() {
    let dir = tempfile::tempdir().unwrap();
    let now = Timestamp::now().as_second() - at(0).as_second();
    let dates = [("01A", 0), ("01Z", 800), ("01B", 1), ("00S", -60), ("01C", 2)];
    for (run, day) in dates {
        whole_run(dir.path(), run, now - 9 * DAY + day * DAY, &[("a", Outcome::Ok)]);
    }
    let end = |run: &str| vec![started(run, now, &["a"]), ended(run, vec![result("a", now, Outcome::Ok)])];
    let keep = |runs| Retention { age: None, runs: Some(runs) };
    let left = |count: u64, run: &str| {
        assert_eq!(record(dir.path(), keep(count), end(run)), [""; 0]);
        let mut left = runs(dir.path());
        left.sort();
        left
    };
    assert_eq!(left(5, "01D"), ["00S", "01B", "01C", "01D", "01Z"]);
    assert_eq!(left(3, "01E"), ["01C", "01D", "01E"]);
    assert_eq!(left(1, "01F"), ["01F"]);
}

#[test]
fn what_is_dated_in_the_future_is_no_success_and_hides_none() {
    let dir = tempfile::tempdir().unwrap();
    whole_run(dir.path(), "01A", 0, &[("a", Outcome::Ok)]);
    whole_run(dir.path(), "01B", 365 * DAY, &[("a", Outcome::Ok), ("b", Outcome::Ok)]);
    let history = History::read(dir.path()).unwrap().unwrap();
    let latest = history.latest(at(60)).unwrap();
    assert_eq!((latest["a"].last.run.as_str(), latest["a"].success.is_some()), ("01A", true));
    assert_eq!((latest["b"].last.run.as_str(), latest["b"].success), ("01B", None), "there is nothing else");
    let later = history.latest(at(366 * DAY)).unwrap();
    assert_eq!(later["a"].last.run, "01B");
    assert!(later["a"].success > latest["a"].success && later["b"].success.is_some());
}

/// What the counters show, by job and status: runs, seconds and bytes.
fn totals(dir: &Path) -> Vec<(String, &'static str, u64, f64, f64)> {
    let totals = History::read(dir).unwrap().unwrap().totals().unwrap();
    let row = |total: crate::history::stats::Total| {
        (total.job, total.state.word(), total.runs, total.seconds, total.bytes_received)
    };
    totals.into_iter().map(row).collect()
}

#[test]
fn what_goes_leaves_its_sums() {
    let dir = tempfile::tempdir().unwrap();
    let failed = || Outcome::Failed(crate::model::result::Reason::new("refused"));
    for (run, age, outcome) in [("01A", 40, Outcome::Ok), ("01B", 39, failed()), ("01C", 1, Outcome::Ok)] {
        whole_run(dir.path(), run, -age * DAY, &[("a", outcome), ("b", Outcome::Ok)]);
    }
    let bytes = i64::MAX as f64;
    let all = [
        ("a".into(), "failed", 1, 1.5, bytes),
        ("a".into(), "ok", 2, 3.0, 2.0 * bytes),
        ("b".into(), "ok", 3, 4.5, 3.0 * bytes),
    ];
    assert_eq!(totals(dir.path()), all);
    // By age.
    purge(dir.path(), &moment(0));
    purge(dir.path(), &moment(DAY));
    assert_eq!((runs(dir.path()).len(), totals(dir.path())), (2, all.to_vec()));
    // By number: the run that removes them adds to the sums, and a repeated write counts once.
    let keep = Retention { age: None, runs: Some(1) };
    let end = || ended("01D", vec![result("a", 0, Outcome::Ok)]);
    assert_eq!(record(dir.path(), keep, vec![started("01D", 0, &["a"]), end(), end()]), [""; 0]);
    assert_eq!(runs(dir.path()), ["01D"]);
    let mut more = all.to_vec();
    more[1] = ("a".into(), "ok", 3, 4.5, 3.0 * bytes);
    assert_eq!(totals(dir.path()), more);
}

#[test]
fn a_run_that_goes_on_counts_when_it_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let (run, jobs) = ("01A".to_owned(), vec!["a".to_owned()]);
    let process = super::run_process::RunProcess::own();
    let start = super::write::Start { run, time: at(0), jobs, parallel: 1, process, scope: None };
    History::write(dir.path()).unwrap().history.begin(&start).unwrap();
    assert_eq!(totals(dir.path()), []);
    let done = vec![started("01A", 0, &["a"]), ended("01A", vec![result("a", 0, Outcome::Ok)])];
    record(dir.path(), super::tests::FOR_EVER, done);
    assert_eq!(totals(dir.path()).len(), 1);
}
