//! Tests of queries in a long history.

use super::tests::{all, whole_run};
use super::{History, query};
use crate::model::record::State;
use crate::model::result::{Outcome, Skip, Status};
use jiff::Timestamp;
use rusqlite::Connection;
use std::time::Duration;

/// Skipping along an index finds the same as reading every row.
#[test]
fn the_newest_of_each_job_is_found_among_many() {
    let dir = tempfile::tempdir().unwrap();
    whole_run(dir.path(), "01A", 0, &[("first", Outcome::Ok)]);
    let db = Connection::open(History::path(dir.path())).unwrap();
    db.execute_batch("DELETE FROM jobs; BEGIN").unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let words = ["ok", "warned", "failed", "skipped", "blocked", "interrupted"];
    for n in 0..3_000 {
        let job = random.choice(["a", "b", "never", "é", "zz"]).unwrap();
        let word = if job == "never" { "failed" } else { random.choice(words).unwrap() };
        let size = random.bool().then(|| random.i64(0..1 << 40));
        db.execute("INSERT INTO runs (id, state, started, pid) VALUES (?1, 'ended', ?2, 1)", (n, n * 5_000))
            .unwrap();
        let row = "INSERT INTO jobs (run, job, place, status, started, duration, total_bytes) VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6)";
        db.execute(row, (n, job, word, n * 5_000, random.i64(0..4_000_000), size)).unwrap();
    }
    db.execute_batch("COMMIT").unwrap();
    let history = History::read(dir.path()).unwrap().unwrap();
    let (past, latest) =
        (all(dir.path()), history.latest(Timestamp::from_second(1_800_000_000).unwrap()).unwrap());
    assert_eq!(latest.keys().collect::<Vec<_>>(), ["a", "b", "never", "zz", "é"]);
    let since = Timestamp::from_second(5_000).unwrap();
    for (job, latest) in latest {
        let of: Vec<_> = past.iter().filter(|past| past.job == job).collect();
        assert_eq!(Some(&&latest.last), of.first());
        let well =
            || of.iter().filter(|past| matches!(past.state, State::Ended(Status::Ok | Status::Warned)));
        let ends = well()
            .filter_map(|past| Some(past.started + Duration::from_millis(past.duration?.as_millis() as u64)));
        assert_eq!(latest.success, ends.max(), "{job}");
        let held = well().filter(|past| past.started >= since);
        let held: Vec<_> = held.filter_map(|past| Some((past.started, past.figures.total_bytes?))).collect();
        let ends = held.last().zip(held.first()).map(|(oldest, newest)| [*oldest, *newest]);
        assert_eq!(history.sizes(&job, since).unwrap(), ends, "{job}");
    }
    assert_eq!(history.sizes("nobody", since).unwrap(), None);
}

/// A long run, during which others were skipped or failed at once.
#[test]
fn the_last_result_is_the_one_that_ended_last() {
    let dir = tempfile::tempdir().unwrap();
    let skipped = || Outcome::Skipped(Skip::Locked("a run is in progress".into()));
    whole_run(dir.path(), "01A", 0, &[("a", Outcome::Ok), ("b", Outcome::Ok), ("c", Outcome::Ok)]);
    for (n, run) in ["01B", "01C"].into_iter().enumerate() {
        whole_run(dir.path(), run, 10 + n as i64, &[("a", skipped()), ("b", skipped())]);
    }
    let db = Connection::open(History::path(dir.path())).unwrap();
    db.execute_batch("UPDATE jobs SET attempts = 0 WHERE run <> '01A'").unwrap();
    let end = |job: &str, seconds: i64| {
        let set = "UPDATE jobs SET duration = ?1 WHERE run = '01A' AND job = ?2";
        db.execute(set, (seconds * 1_000_000, job)).unwrap();
    };
    end("a", 3_600);
    let last = |job: &str| {
        let history = History::read(dir.path()).unwrap().unwrap();
        history.latest(Timestamp::from_second(1_900_000_000).unwrap()).unwrap()[job].last.clone()
    };
    assert_eq!((last("a").run.as_str(), last("a").state), ("01A", State::Ended(Status::Ok)));
    assert_eq!((last("b").run.as_str(), last("b").state), ("01C", State::Ended(Status::Skipped)));
    assert_eq!(last("c").run, "01A");
}

/// Queries for the last results do not read a long history from end to end.
#[test]
fn what_is_looked_up_is_found_by_an_index() {
    let dir = tempfile::tempdir().unwrap();
    whole_run(dir.path(), "01A", 0, &[("a", Outcome::Ok)]);
    let history = History::read(dir.path()).unwrap().unwrap();
    let looks = [
        query::NAMES.to_string(),
        query::SUCCESS.into(),
        query::held("ASC"),
        query::held("DESC"),
        query::jobs(&[]),
    ];
    for sql in looks.into_iter().chain([query::jobs(&["a".into()])]) {
        let mut plan = history.db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        // Unbound parameters are NULL.
        let steps = plan
            .raw_query()
            .mapped(|row| row.get::<_, String>("detail"))
            .collect::<Result<Vec<_>, _>>()
            .unwrap();
        let by_index = |step: &String| step.starts_with("SEARCH j") && step.contains(" INDEX jobs_by_");
        assert!(steps.iter().any(by_index), "{sql}: {steps:?}");
        let all = |step: &&String| step.starts_with("SCAN j") || step.ends_with("TEMP B-TREE FOR ORDER BY");
        assert_eq!(steps.iter().find(all), None, "{sql}: {steps:?}");
    }
}
