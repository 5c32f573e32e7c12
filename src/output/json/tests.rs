use super::*;
use crate::model::event::{Phase, Progress, Tally};
use crate::model::result::{Outcome, SyncResult};
use crate::output::testing::{
    Broken, Heard, RUN, failure, finished, job_started, options, output, result, run, started, told,
};
use serde_json::{Value, json};
use std::time::Duration;

fn parsed(events: Vec<Event>) -> (Vec<Value>, String) {
    let (out, err) = told(|options| options.json = true, events);
    let lines = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (lines, err)
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_run_reads_as_the_contract_says() {
    let mut events = vec![
        started(&["a", "b"]),
        job_started("a", 1),
        Event::Phase {
            job: "a".into(),
            part: None,
            attempt: 1,
            phase: Phase::List,
            argv: vec!["rsync".into()],
        },
        output("a", Stream::Stdout, b"one\ncaf\xe9 \x1b[0m\n"),
        Event::Progress {
            job: "a".into(),
            part: None,
            progress: Progress {
                bytes: Some(123),
                percent: Some(42.0),
                files: Some(7),
                rate: None,
                eta: None,
            },
        },
        Event::Retry {
            job: "a".into(),
            part: None,
            attempt: 1,
            exit_code: Some(10),
            reason: "refused".into(),
            delay: Duration::from_millis(2_100),
            source: "rsync://b/".into(),
        },
        Event::Planned {
            job: "a".into(),
            created: Tally { files: 1, dirs: 0, bytes: Some(5) },
            updated: Tally::default(),
            deleted: Tally::default(),
            limit: None,
            waiting: Tally::default(),
            respelt: 0,
            left_out: None,
            plan_hash: None,
        },
    ];
    events.extend(finished(vec![result("a", Outcome::Ok), failure("b")]));
    let (lines, err) = parsed(events);
    assert_eq!(lines.len(), 11);
    for line in &lines {
        assert!(line["event"].is_string());
        let time = line["time"].as_str().unwrap();
        assert!(time.parse::<jiff::Timestamp>().is_ok(), "{time}");
    }
    let body = |i: usize| {
        let mut line = lines[i].clone();
        line.as_object_mut().unwrap().remove("time");
        line
    };
    assert_eq!(
        body(0),
        json!({"event": "run_started", "v": 1, "run": RUN, "jobs": ["a", "b"], "parallel": 3, "dry_run": false, "scope": null})
    );
    assert_eq!(
        body(1),
        json!({"event": "job_started", "job": "a", "attempt": 1, "source": "rsync://host/a/",
               "argv": ["rsync", "-a", "two words"]})
    );
    assert_eq!(
        body(2),
        json!({"event": "phase", "job": "a", "attempt": 1, "phase": "list", "argv": ["rsync"]})
    );
    assert_eq!(body(3), json!({"event": "output", "job": "a", "stream": "stdout", "line": "one"}));
    assert_eq!(body(4)["line"], "caf\u{fffd} \u{1b}[0m");
    assert_eq!(
        body(5),
        json!({"event": "progress", "job": "a", "bytes": 123, "percent": 42.0, "files": 7, "rate": null, "eta_s": null})
    );
    assert_eq!(
        body(6),
        json!({"event": "retry", "job": "a", "attempt": 1, "exit_code": 10, "reason": "refused", "delay_s": 2.1,
               "source": "rsync://b/"})
    );
    assert_eq!(body(7)["created"], json!({"files": 1, "dirs": 0, "bytes": 5}));
    assert_eq!(
        body(8),
        json!({"event": "job_finished", "job": "a", "status": "ok", "undo": null, "missing_ids": null, "connections": 1, "parts": [], "exit_code": 0, "attempts": 1,
               "duration_s": 1.5, "files_transferred": 3, "files_deleted": 0, "bytes_received": 12345,
               "total_files": 9, "total_bytes": null, "files_verified": null, "files_damaged": null, "error": null, "hint": null, "log": null,
               "source": "rsync://host/a/", "fallback": false, "fallback_reason": null, "started": "2027-01-15T08:00:00.000Z", "queued_s": 0.25,
               "changed": true,
               "alerts": [], "warnings": [], "tries": [{"attempt": 1, "source": "rsync://host/a/", "exit_code": 0, "duration_s": 0.4,
                          "error": null, "phases": {"list": 0.1, "transfer": 0.3}}]})
    );
    let failed = body(9);
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["attempts"], 2);
    assert_eq!(failed["files_transferred"], Value::Null);
    assert_eq!(failed["hint"], "is port 873 open?");
    assert_eq!(failed["log"], format!("/state/logs/b/{RUN}.log"));
    assert_eq!(failed["changed"], Value::Null);
    assert_eq!(
        body(10),
        json!({"event": "run_finished", "run": RUN, "exit_code": 1, "duration_s": 45.23, "total": 2, "success": 1,
               "failed": 1, "partial": 0, "blocked": 0, "skipped": 0, "cancelled": 0, "signal": null,
               "warnings": [], "unwritten": []})
    );
    assert_eq!(err, "[b] failed after 2 tries in 1.50s: cannot connect to host: connection refused\n");
}

#[test]
fn the_first_keys_are_event_and_time() {
    let (lines, _) = parsed(vec![started(&["a"]), output("a", Stream::Stderr, b"x\n")]);
    assert_eq!(keys(&lines[0])[..2], ["event", "time"]);
    assert_eq!(keys(&lines[1])[..2], ["event", "time"]);
    assert_eq!(lines[1]["stream"], "stderr");
}

#[test]
fn a_dry_run_changed_nothing() {
    let mut events = vec![Event::RunStarted {
        run: RUN.into(),
        jobs: vec!["a".into()],
        parallel: 1,
        dry_run: true,
        scope: None,
    }];
    events.extend(finished(vec![SyncResult { dry_run: true, ..result("a", Outcome::Ok) }]));
    assert_eq!(parsed(events).0[1]["changed"], false);
}

#[test]
fn alarms_reach_people_too() {
    let notice = |level, text: &str| Event::Notice { job: None, level, text: text.into() };
    let events = vec![notice(Level::Info, "i"), notice(Level::Warning, "w"), notice(Level::Error, "e")];
    let (lines, err) = parsed(events);
    assert_eq!(lines.len(), 3);
    assert_eq!(err, "warning: w\nerror: e\n");
}

#[test]
fn an_output_that_takes_nothing_more_is_no_loss() {
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    for out in [Box::new(Broken) as Box<dyn std::io::Write + Send>, Box::new(full())] {
        let err = Heard::default();
        let mut options = options(out, err.clone());
        options.json = true;
        let outcome = run(options, vec![started(&["a"]), output("a", Stream::Stdout, b"x\n")]);
        assert!(outcome.complete && outcome.lost.is_empty() && outcome.warnings.is_empty(), "{outcome:?}");
        assert_eq!(err.text(), "");
    }
}
