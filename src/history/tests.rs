//! Tests of whole histories on disk.

use super::open::set_aside;
use super::*;
use crate::model::event::{Event, Phase, Stamped};
use crate::model::record::{JobRecord, State};
use crate::model::result::{Attempt, Figures, Outcome, Reason, Status, SyncResult};
use crate::model::summary::Summary;
use jiff::Timestamp;
use rusqlite::Connection;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) const FOR_EVER: Retention = Retention { age: None, runs: None };

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(super) fn result(job: &str, second: i64, outcome: Outcome) -> SyncResult {
    SyncResult {
        run: String::new(),
        scope: None,
        dry_run: false,
        job: job.into(),
        outcome,
        attempts: vec![Attempt {
            number: 1,
            source: "h::m/".into(),
            started: at(second),
            duration: Duration::from_millis(1200),
            phases: vec![
                (Phase::List, Duration::from_millis(200)),
                (Phase::Transfer, Duration::from_secs(1)),
            ],
            exit_code: Some(0),
            error: None,
        }],
        started: at(second),
        duration: Duration::from_millis(1500),
        queued: Duration::from_millis(5),
        figures: Figures { files_transferred: Some(3), bytes_received: Some(u64::MAX), ..Figures::default() },
        source: Some("h::m/".into()),
        fallback: None,
        log: Some("/logs/x.log".into()),
        alerts: vec!["too \"slow\"".into()],
        warnings: vec!["hook left".into()],
        undo: None,
        connections: 1,
        parts: Vec::new(),
        missing_ids: None,
    }
}

fn failed() -> Outcome {
    Outcome::Failed(Reason::new("refused").hint("open the port"))
}

pub(super) fn started(run: &str, second: i64, jobs: &[&str]) -> Stamped {
    let jobs = jobs.iter().map(ToString::to_string).collect();
    Stamped {
        time: at(second),
        event: Event::RunStarted { run: run.into(), jobs, parallel: 2, dry_run: false, scope: None },
    }
}

pub(super) fn ended(run: &str, results: Vec<SyncResult>) -> Stamped {
    let results = results.into_iter().map(Arc::new).collect();
    let summary = Summary {
        run: run.into(),
        dry_run: false,
        results,
        duration: Duration::from_secs(2),
        signal: None,
        warnings: vec![],
        unwritten: vec![],
    };
    Stamped { time: at(99), event: Event::RunFinished(Arc::new(summary)) }
}

/// Records events and returns the problems of the recorder.
pub(super) fn record(dir: &Path, keep: Retention, events: Vec<Stamped>) -> Vec<String> {
    let recorder = Recorder::start(dir.into(), keep).unwrap();
    events.iter().for_each(|event| recorder.hear(event));
    recorder.finish(Duration::from_secs(60))
}

pub(super) fn whole_run(dir: &Path, run: &str, second: i64, jobs: &[(&str, Outcome)]) -> Vec<String> {
    let names: Vec<_> = jobs.iter().map(|(name, _)| *name).collect();
    let results: Vec<_> = jobs.iter().map(|(name, outcome)| result(name, second, outcome.clone())).collect();
    let mut events = vec![started(run, second, &names)];
    let finished = |result: &SyncResult| Stamped {
        time: at(second + 2),
        event: Event::JobFinished(Arc::new(result.clone())),
    };
    events.extend(results.iter().map(finished));
    events.push(ended(run, results));
    record(dir, FOR_EVER, events)
}

pub(super) fn all(dir: &Path) -> Vec<JobRecord> {
    History::read(dir).unwrap().unwrap().jobs(&Query::default()).unwrap()
}

#[test]
fn what_is_told_is_remembered() {
    let dir = tempfile::tempdir().unwrap();
    assert!(History::read(dir.path()).unwrap().is_none());
    assert_eq!(whole_run(dir.path(), "01A", 0, &[("a", Outcome::Ok), ("b", failed())]), [""; 0]);
    assert_eq!(whole_run(dir.path(), "01B", 50, &[("a", failed())]), [""; 0]);
    let past = all(dir.path());
    let seen: Vec<_> = past.iter().map(|p| (p.run.as_str(), p.job.as_str(), p.state.word())).collect();
    assert_eq!(seen, [("01B", "a", "failed"), ("01A", "a", "ok"), ("01A", "b", "failed")]);
    let b = &past[2];
    assert_eq!((b.error.as_deref(), b.hint.as_deref()), (Some("refused"), Some("open the port")));
    assert_eq!((b.started, b.duration), (at(0), Some(Duration::from_millis(1500))));
    assert_eq!(
        (b.figures.files_transferred, b.figures.files_deleted),
        (Some(3), None),
        "unknown stays unknown"
    );
    assert_eq!(b.alerts, ["too \"slow\""]);
    assert_eq!(b.warnings, ["hook left"]);
    assert_eq!(
        b.phases,
        [(Phase::List, Duration::from_millis(200)), (Phase::Transfer, Duration::from_secs(1))]
    );
    let history = History::read(dir.path()).unwrap().unwrap();
    let latest = history.latest(at(99)).unwrap();
    assert_eq!(latest["a"].last.run, "01B");
    assert_eq!(latest["a"].success, Some(at(0) + Duration::from_millis(1500)));
    assert_eq!(latest["b"].success, None);
    let of = |query: Query| history.jobs(&query).unwrap().len();
    assert_eq!(of(Query { jobs: vec!["a".into()], ..Query::default() }), 2);
    assert_eq!(of(Query { since: Some(at(20)), ..Query::default() }), 1);
    assert_eq!(of(Query { states: vec![State::Ended(Status::Failed)], ..Query::default() }), 2);
    assert_eq!(of(Query { limit: Some(1), ..Query::default() }), 1);
}

#[test]
fn a_run_is_found_by_the_beginning_of_its_id() {
    let dir = tempfile::tempdir().unwrap();
    whole_run(dir.path(), "01AX", 0, &[("b", failed()), ("a", Outcome::Ok)]);
    whole_run(dir.path(), "01AY", 50, &[("a", Outcome::Ok)]);
    let history = History::read(dir.path()).unwrap().unwrap();
    let run = history.run("01ax").unwrap();
    assert_eq!((run.state, run.exit_code, run.started), (RunState::Ended, Some(1), at(0)));
    let jobs: Vec<_> = run.jobs.iter().map(|job| job.job.as_str()).collect();
    assert_eq!(jobs, ["b", "a"], "in the order in which they were asked for");
    assert_eq!(run.jobs[0].details.as_ref().unwrap().tries[0].phases.len(), 2);
    assert_eq!(history.run("last").unwrap().id, "01AY");
    for (prefix, text) in [
        ("01A", "the IDs of several runs begin with \"01A\": 01AX, 01AY"),
        ("7", "the history has no run \"7\""),
        ("*", "the history has no run \"*\""),
        ("", "the history has no run \"\""),
    ] {
        assert_eq!(history.run(prefix).unwrap_err().to_string(), text);
    }
}

#[test]
fn hooks_are_timed_from_what_comes_next() {
    let dir = tempfile::tempdir().unwrap();
    let job: Arc<str> = "a".into();
    let phase = |second, phase| Stamped {
        time: at(second),
        event: Event::Phase { job: job.clone(), part: None, attempt: 0, phase, argv: vec![] },
    };
    let attempt =
        Event::JobStarted { job: job.clone(), part: None, attempt: 1, source: "h::m/".into(), argv: vec![] };
    let one = result("a", 3, Outcome::Ok);
    let events = vec![
        started("01A", 0, &["a"]),
        phase(0, Phase::Before),
        Stamped { time: at(3), event: attempt },
        phase(5, Phase::After),
        Stamped { time: at(9), event: Event::JobFinished(Arc::new(one.clone())) },
        ended("01A", vec![one]),
    ];
    assert_eq!(record(dir.path(), FOR_EVER, events), [""; 0]);
    let phases = all(dir.path()).remove(0).phases;
    let seconds: Vec<_> = phases.iter().map(|(phase, took)| (phase.word(), took.as_secs_f64())).collect();
    assert_eq!(seconds, [("before", 3.0), ("after", 4.0), ("list", 0.2), ("transfer", 1.0)]);
}

#[test]
fn a_run_whose_process_is_gone_was_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let results = [result("a", 0, Outcome::Ok)];
    let recorder = Recorder::start(dir.path().into(), FOR_EVER).unwrap();
    recorder.hear(&started("01A", 0, &["a", "b"]));
    recorder.hear(&Stamped { time: at(1), event: Event::JobFinished(Arc::new(results[0].clone())) });
    // The first end ensures that everything is written; then the rows are changed to what a killed process leaves.
    recorder.hear(&ended("01A", vec![]));
    assert_eq!(recorder.finish(Duration::from_secs(60)), [""; 0]);
    let running = "UPDATE runs SET state = 'running', duration = NULL";
    let db = Connection::open(History::path(dir.path())).unwrap();
    db.execute(running, []).unwrap();
    let words = || all(dir.path()).iter().map(|p| (p.job.clone(), p.state.word())).collect::<Vec<_>>();
    let expect = |b: &'static str| vec![("a".to_string(), "ok"), ("b".to_string(), b)];
    assert_eq!(words(), expect("running"), "we are still here");
    db.execute("UPDATE runs SET process = 'boot:1' WHERE process IS NOT NULL", []).unwrap();
    let no_proc = "UPDATE runs SET pid = 4194305 WHERE process IS NULL";
    db.execute(no_proc, []).unwrap();
    assert_eq!(words(), expect("interrupted"), "as it is read");
    let stored =
        || db.query_row("SELECT state FROM runs WHERE id = '01A'", [], |r| r.get::<_, String>(0)).unwrap();
    assert_eq!(stored(), "running", "reading changes nothing");
    whole_run(dir.path(), "01B", 50, &[("a", Outcome::Ok)]);
    assert_eq!(stored(), "interrupted", "the next start marks it");
    assert_eq!(History::read(dir.path()).unwrap().unwrap().run("01A").unwrap().state, RunState::Interrupted);
}

#[test]
fn a_result_is_written_soon_although_the_run_goes_on_without_a_pause() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(dir.path().into(), FOR_EVER).unwrap();
    recorder.hear(&started("01A", 0, &["a", "b"]));
    let finished = Event::JobFinished(Arc::new(result("a", 0, Outcome::Ok)));
    recorder.hear(&Stamped { time: at(1), event: finished });
    let again =
        Event::JobStarted { job: "b".into(), part: None, attempt: 1, source: "h::m/".into(), argv: vec![] };
    let again = Stamped { time: at(2), event: again };
    let is_written = || {
        let history = History::read(dir.path()).unwrap();
        let past = history.map(|history| history.jobs(&Query::default()).unwrap()).unwrap_or_default();
        past.iter().any(|past| past.job == "a" && past.state.word() == "ok")
    };
    let start = Instant::now();
    while !is_written() {
        assert!(start.elapsed() < Duration::from_secs(60), "it waits for the end of the run");
        (0..1000).for_each(|_| recorder.hear(&again));
    }
}

#[test]
fn a_newer_history_is_read_and_not_written() {
    let dir = tempfile::tempdir().unwrap();
    whole_run(dir.path(), "01A", 0, &[("a", Outcome::Ok)]);
    let db = Connection::open(History::path(dir.path())).unwrap();
    db.execute_batch(
        "ALTER TABLE jobs ADD COLUMN mood TEXT; ALTER TABLE totals ADD COLUMN mood TEXT; PRAGMA user_version = 99;",
    )
    .unwrap();
    let told = whole_run(dir.path(), "01B", 50, &[("a", Outcome::Ok), ("b", Outcome::Ok)]);
    assert_eq!(told.len(), 1, "told once: {told:?}");
    let newest = format!("is of version 99, newer than this pdb-sync ({})", migrations::newest());
    assert!(told[0].contains(&newest), "{told:?}");
    assert_eq!(all(dir.path()).len(), 1);
    assert_eq!(History::read(dir.path()).unwrap().unwrap().totals().unwrap()[0].runs, 1);
}

/// A database of version 1, in which every run had its command: it is read as it is, and migrated by the next writer.
#[test]
fn an_older_history_is_read_and_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let path = History::path(dir.path());
    let mut db = Connection::open(&path).unwrap();
    migrations::migrate(&mut db, &migrations::STEPS[..1]).unwrap();
    db.execute_batch(
        "INSERT INTO runs (id, command, state, started, duration, exit_code, parallel, pid)
             VALUES ('01A', 'sync', 'ended', 1800000000000, 2000000, 1, 3, 7);
         INSERT INTO jobs (run, job, place, status, started, duration, error)
             VALUES ('01A', 'a', 0, 'failed', 1800000000000, 1500000, 'refused');
         INSERT INTO attempts (run, job, number, source, started, duration, exit_code)
             VALUES ('01A', 'a', 1, 'h::m/', 1800000000000, 1500000, 10);
         INSERT INTO phases (run, job, attempt, place, name, duration)
             VALUES ('01A', 'a', 1, 0, 'transfer', 1400000);",
    )
    .unwrap();
    drop(db);
    let whole = |version| {
        let history = History::read(dir.path()).unwrap().unwrap();
        assert_eq!(migrations::version(&history.db).unwrap(), version);
        history.run("01A").unwrap()
    };
    let before = whole(1);
    assert_eq!((before.exit_code, before.jobs[0].error.as_deref()), (Some(1), Some("refused")));
    let tries = &before.jobs[0].details.as_ref().unwrap().tries;
    assert_eq!(tries[0].phases, [(Phase::Transfer, Duration::from_millis(1400))]);
    let totals = History::read(dir.path()).unwrap().unwrap().totals().unwrap();
    assert_eq!(
        (totals.len(), totals[0].runs, totals[0].seconds),
        (1, 1, 1.5),
        "before there was a table of them"
    );
    assert_eq!(whole_run(dir.path(), "01B", 50, &[("a", Outcome::Ok)]), [""; 0]);
    assert_eq!(whole(migrations::newest()), before, "nothing is lost on the way");
    let runs: Vec<_> = all(dir.path()).into_iter().map(|past| past.run).collect();
    assert_eq!(runs, ["01B", "01A"]);
}

#[test]
fn an_empty_file_is_an_old_history() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(History::path(dir.path()), "").unwrap();
    assert!(History::read(dir.path()).unwrap().is_none());
    assert_eq!(whole_run(dir.path(), "01A", 0, &[("a", Outcome::Ok)]), [""; 0]);
    assert_eq!(all(dir.path()).len(), 1);
}

#[test]
fn a_damaged_file_is_set_aside_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let junk = vec![b'x'; 8192];
    fs::write(History::path(dir.path()), &junk).unwrap();
    assert!(History::read(dir.path()).unwrap_err().to_string().contains("file is not a database"));
    let told = whole_run(dir.path(), "01A", 0, &[("a", Outcome::Ok)]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("file is not a database; it was set aside as "), "{told:?}");
    assert_eq!(all(dir.path()).len(), 1);
    let aside = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let aside: Vec<_> = aside.filter(|path| path.to_string_lossy().contains("history.db.damaged-")).collect();
    assert_eq!(aside.len(), 1);
    assert_eq!(fs::read(&aside[0]).unwrap(), junk);
}

#[test]
fn damage_in_the_middle_is_noticed_when_it_is_met() {
    let dir = tempfile::tempdir().unwrap();
    whole_run(dir.path(), "01A", 0, &[("a", Outcome::Ok)]);
    let path = History::path(dir.path());
    // The thread closes the file after it has reported the end; the last one to close it removes the journal.
    let journal = dir.path().join("history.db-wal");
    let start = Instant::now();
    while journal.exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "the writer never ends");
        std::thread::yield_now();
    }
    let mut bytes = fs::read(&path).unwrap();
    // All pages but the first, which contains the header and the schema.
    bytes[4096..].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let told = whole_run(dir.path(), "01B", 50, &[("a", Outcome::Ok)]);
    assert!(told.iter().any(|text| text.contains("set aside as")), "{told:?}");
    let runs: Vec<_> = all(dir.path()).into_iter().map(|past| past.run).collect();
    assert_eq!(runs, ["01B"]);
}

#[test]
fn a_good_file_is_not_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    whole_run(dir.path(), "01A", 0, &[("a", Outcome::Ok)]);
    let damage = Error::NoSuchRun("another process saw damage".into());
    assert_eq!(set_aside(&History::path(dir.path()), &damage).unwrap(), None);
    assert_eq!(all(dir.path()).len(), 1);
}

#[test]
fn where_nothing_can_be_written_that_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    fs::write(&state, "a file").unwrap();
    let told = whole_run(&state, "01A", 0, &[("a", Outcome::Ok), ("b", Outcome::Ok)]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("cannot make the directory of the history "), "{told:?}");
}

#[test]
fn the_end_alone_is_enough_for_what_the_listener_missed() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(dir.path().into(), FOR_EVER).unwrap();
    recorder.hear(&started("01A", 0, &["a", "b"]));
    let Event::RunFinished(summary) =
        ended("01A", vec![result("a", 1, Outcome::Ok), result("b", 2, failed())]).event
    else {
        panic!("no summary");
    };
    recorder.end(&summary);
    assert_eq!(recorder.finish(Duration::from_secs(60)), [""; 0]);
    recorder.end(&summary);
    assert_eq!(recorder.finish(Duration::from_secs(60)), [""; 0], "twice changes nothing");
    let words: Vec<_> = all(dir.path()).iter().map(|past| past.state.word()).collect();
    assert_eq!(words, ["failed", "ok"]);
}
