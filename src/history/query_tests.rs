//! Tests of queries in a long history.

use super::tests::{FOR_EVER, all, at, ended, record, result, started, whole_run};
use super::{History, Query, Recorder, query};
use crate::model::event::Event;
use crate::model::part::{Part, PartResult, PartTry};
use crate::model::record::State;
use crate::model::result::{Figures, Outcome, Skip, Status, SyncResult};
use crate::model::run_scope::RunScope;
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

#[test]
fn the_parts_of_a_job_are_shown_with_its_run() {
    let dir = tempfile::tempdir().unwrap();
    let tried = |connection, error: Option<&str>| PartTry {
        connection,
        started: at(3),
        duration: Duration::from_millis(1250),
        exit_code: error.map_or(Some(0), |_| None),
        error: error.map(Into::into),
    };
    let part = |attempt, index, tries: Vec<PartTry>| PartResult {
        attempt,
        part: Part { index, of: 3 },
        files: 7,
        bytes: 1 << 40,
        done: !tries.is_empty(),
        tries,
    };
    let parts = vec![
        part(1, 1, vec![tried(1, Some("killed")), tried(2, None)]),
        part(1, 2, vec![]),
        part(1, 3, vec![tried(3, None)]),
        part(2, 3, vec![tried(3, None)]),
    ];
    let mut cut = result("a", 0, Outcome::Ok);
    (cut.connections, cut.parts) = (3, parts.clone());
    let results = vec![cut, result("b", 0, Outcome::Ok)];
    let events = vec![started("01A", 0, &["a", "b"]), ended("01A", results)];
    assert_eq!(record(dir.path(), FOR_EVER, events), [""; 0]);
    let run = History::read(dir.path()).unwrap().unwrap().run("01A").unwrap();
    let found =
        |job: usize| (run.jobs[job].connections, run.jobs[job].details.clone().unwrap().parts.unwrap());
    assert_eq!(found(0), (Some(3), parts));
    assert_eq!(found(1), (Some(1), vec![]));
    assert_eq!(all(dir.path())[0].connections, Some(3));
}

/// What the command line limited is shown, and is not the last run of the job, whether it has ended or was killed.
#[test]
fn a_run_that_was_limited_says_nothing_about_the_whole_job() {
    let dir = tempfile::tempdir().unwrap();
    whole_run(dir.path(), "01A", 0, &[("a", Outcome::Ok), ("b", Outcome::Ok)]);
    let with = |scope| {
        let mut event = started("01B", 86_400, &["a"]);
        if let Event::RunStarted { scope: of_run, .. } = &mut event.event {
            *of_run = scope;
        }
        let figures = Figures { total_bytes: Some(7), ..Figures::default() };
        (event, SyncResult { scope, figures, ..result("a", 86_400, Outcome::Ok) })
    };
    let now = Timestamp::from_second(1_900_000_000).unwrap();
    for scope in RunScope::ALL {
        let (event, result) = with(Some(scope));
        assert_eq!(record(dir.path(), FOR_EVER, vec![event, ended("01B", vec![result])]), [""; 0]);
        let past = all(dir.path());
        assert_eq!((past[0].run.as_str(), past[0].scope), ("01B", Some(scope)));
        let history = History::read(dir.path()).unwrap().unwrap();
        let whole = history.jobs(&Query { whole: true, ..Query::default() }).unwrap();
        assert_eq!(whole.iter().map(|past| past.run.as_str()).collect::<Vec<_>>(), ["01A", "01A"]);
        let latest = &history.latest(now).unwrap()["a"];
        assert_eq!((latest.last.run.as_str(), latest.success), ("01A", whole[0].ended()));
        assert_eq!(history.sizes("a", Timestamp::MIN).unwrap(), None);
        let db = Connection::open(History::path(dir.path())).unwrap();
        db.execute("DELETE FROM runs WHERE id = '01B'", []).unwrap();
        db.execute("DELETE FROM jobs WHERE run = '01B'", []).unwrap();
    }
    // A killed run has only the row that it began with.
    let (event, _) = with(Some(RunScope::Ids));
    let recorder = Recorder::start(dir.path().into(), FOR_EVER).unwrap();
    recorder.hear(&event);
    recorder.hear(&ended("another", vec![]));
    assert_eq!(recorder.finish(Duration::from_secs(60)), [""; 0]);
    let db = Connection::open(History::path(dir.path())).unwrap();
    let gone = "UPDATE runs SET pid = 4194305, process = 'boot:1', state = 'running' WHERE id = '01B'";
    assert_eq!(db.execute(gone, []).unwrap(), 1);
    db.execute("UPDATE jobs SET status = 'running' WHERE run = '01B'", []).unwrap();
    assert_eq!(
        (all(dir.path())[0].state, all(dir.path())[0].scope),
        (State::Interrupted, Some(RunScope::Ids))
    );
    let history = History::read(dir.path()).unwrap().unwrap();
    assert_eq!(history.latest(now).unwrap()["a"].last.run, "01A");
    // A database of the version before is read as it is.
    let before =
        "ALTER TABLE jobs DROP COLUMN scope; ALTER TABLE runs DROP COLUMN host; PRAGMA user_version = 5";
    db.execute_batch(before).unwrap();
    let history = History::read(dir.path()).unwrap().unwrap();
    let latest = history.latest(now).unwrap();
    assert_eq!((latest["a"].last.run.as_str(), latest["a"].last.state), ("01B", State::Interrupted));
    assert_eq!(latest["b"].last.run, "01A");
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
        query::success("scope IS NULL"),
        query::held("ASC", "scope IS NULL"),
        query::held("DESC", "scope IS NULL"),
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
