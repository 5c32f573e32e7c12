//! Streams, events and results for the tests of listeners.

use super::{Options, Port, Streams};
use crate::model::event::{Event, Lines, Phase, Stamped, Stream};
use crate::model::result::{Attempt, Figures, Outcome, Reason, SyncResult};
use crate::model::summary::Summary;
use crate::output::terminal::{Color, Environment};
use jiff::Timestamp;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A writer that keeps what was written.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<u8>>>);

impl Heard {
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }
}

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A pipe whose reader is gone.
pub(super) struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Options for output to `out` and `err` only.
pub(super) fn options(out: impl Write + Send + 'static, err: impl Write + Send + 'static) -> Options {
    Options {
        color: Color::Never,
        quiet: false,
        verbose: false,
        json: false,
        group: None,
        junit: None,
        logs: None,
        others: Vec::new(),
        environment: Environment::default(),
        streams: Streams {
            out: Port { writer: Box::new(out), columns: None },
            err: Port { writer: Box::new(err), columns: None },
            canvas: None,
        },
    }
}

/// Runs the whole printer over the events; returns standard output and standard error.
pub(super) fn told(change: impl FnOnce(&mut Options), events: Vec<Event>) -> (String, String) {
    let (out, err) = (Heard::default(), Heard::default());
    let mut options = options(out.clone(), err.clone());
    change(&mut options);
    run(options, events);
    let text = |heard: Heard| String::from_utf8_lossy(&heard.bytes()).into_owned();
    (text(out), text(err))
}

/// Runs the whole printer over the events.
pub(super) fn run(options: Options, events: Vec<Event>) -> super::Outcome {
    let (sender, printer) = super::start(options).unwrap();
    for (second, event) in events.into_iter().enumerate() {
        sender.blocking_send(Stamped { time: at(second as i64), event }).unwrap();
    }
    drop(sender);
    printer.join(Duration::from_secs(20))
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(super) const RUN: &str = "01KAM5T7Z0ABCDEFGHJKMNPQRS";

pub(super) fn started(jobs: &[&str]) -> Event {
    Event::RunStarted {
        run: RUN.into(),
        jobs: jobs.iter().map(|job| job.to_string()).collect(),
        parallel: 3,
        dry_run: false,
        scope: None,
    }
}

pub(super) fn job_started(job: &str, attempt: u32) -> Event {
    Event::JobStarted {
        job: job.into(),
        part: None,
        attempt,
        source: format!("rsync://host/{job}/"),
        argv: vec!["rsync".into(), "-a".into(), "two words".into()],
    }
}

pub(super) fn output(job: &str, stream: Stream, text: &[u8]) -> Event {
    Event::Output { job: job.into(), part: None, stream, lines: Lines::new(text.into()) }
}

/// A job of 1.5 s with one attempt.
pub(super) fn result(job: &str, outcome: Outcome) -> SyncResult {
    let error = match &outcome {
        Outcome::Failed(reason) | Outcome::Partial(reason) | Outcome::Blocked(reason) => Some(reason.clone()),
        _ => None,
    };
    SyncResult {
        run: RUN.into(),
        scope: None,
        dry_run: false,
        job: job.into(),
        attempts: vec![attempt(1, job, error)],
        outcome,
        started: at(0),
        duration: Duration::from_millis(1_500),
        queued: Duration::from_millis(250),
        figures: Figures {
            files_transferred: Some(3),
            files_deleted: Some(0),
            bytes_received: Some(12_345),
            total_files: Some(9),
            ..Figures::default()
        },
        source: Some(format!("rsync://host/{job}/")),
        fallback: None,
        log: None,
        alerts: Vec::new(),
        warnings: Vec::new(),
        undo: None,
        connections: 1,
        parts: Vec::new(),
        missing_ids: None,
    }
}

pub(super) fn attempt(number: u32, job: &str, error: Option<Reason>) -> Attempt {
    Attempt {
        number,
        source: format!("rsync://host/{job}/"),
        started: at(0),
        duration: Duration::from_millis(400),
        phases: vec![
            (Phase::List, Duration::from_millis(100)),
            (Phase::Transfer, Duration::from_millis(300)),
        ],
        exit_code: Some(if error.is_some() { 10 } else { 0 }),
        error,
    }
}

/// A job that failed twice, with a hint and a log.
pub(super) fn failure(job: &str) -> SyncResult {
    let reason = Reason::new("cannot connect to host: connection refused").hint("is port 873 open?");
    let mut result = result(job, Outcome::Failed(reason.clone()));
    result.attempts.push(attempt(2, job, Some(reason)));
    result.figures = Figures::default();
    result.log = Some(format!("/state/logs/{job}/{RUN}.log").into());
    result
}

/// Returns `JobFinished` for each result, then `RunFinished`.
pub(super) fn finished(results: Vec<SyncResult>) -> Vec<Event> {
    ended(results, None)
}

pub(super) fn ended(results: Vec<SyncResult>, signal: Option<i32>) -> Vec<Event> {
    let results: Vec<_> = results.into_iter().map(Arc::new).collect();
    let mut events: Vec<_> = results.iter().cloned().map(Event::JobFinished).collect();
    let duration = Duration::from_millis(45_230);
    events.push(Event::RunFinished(Arc::new(Summary {
        run: RUN.into(),
        dry_run: false,
        results,
        duration,
        signal,
        warnings: vec![],
        unwritten: vec![],
    })));
    events
}
