//! Reads whole runs with all attempts.

use super::query::{Rows, columns, phase, span, time};
use super::{Error, History};
use crate::history::stats::Past;
use crate::platform::Identity;
use crate::retention::{self, NoRun};
use jiff::Timestamp;
use rusqlite::OptionalExtension;
use std::time::Duration;

/// A past run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    /// The ID.
    pub id: String,
    /// The state.
    pub state: RunState,
    /// The start time.
    pub started: Timestamp,
    /// The duration, if it has ended.
    pub duration: Option<Duration>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The exit code of the program, if it has ended.
    pub exit_code: Option<i32>,
    /// The jobs, in the order of the request.
    pub jobs: Vec<Job>,
}

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunState {
    /// It is still running.
    Running,
    /// Its process ended without a summary.
    Interrupted,
    /// It has ended with a summary.
    Ended,
}

impl RunState {
    /// The word used in JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Interrupted => "interrupted",
            RunState::Ended => "ended",
        }
    }
}

/// A job of a run, with its attempts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Job {
    /// The result of the job.
    pub past: Past,
    /// Every attempt, in order.
    pub attempts: Vec<AttemptRow>,
}

/// A past attempt.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AttemptRow {
    /// The number, from 1.
    pub number: u32,
    /// The source.
    pub source: String,
    /// The start time.
    pub started: Timestamp,
    /// The duration.
    pub duration: Duration,
    /// The durations of its phases, in order.
    pub phases: Vec<(String, Duration)>,
    /// rsync's exit code.
    pub exit_code: Option<i32>,
    /// The reason, if it failed.
    pub error: Option<String>,
}

impl History {
    /// Returns the IDs of all runs, sorted.
    pub(crate) fn ids(&self) -> Result<Vec<String>, Error> {
        let cannot = self.cannot_read();
        let mut select = self.db.prepare("SELECT id FROM runs ORDER BY id").map_err(&cannot)?;
        let ids: rusqlite::Result<Vec<String>> =
            select.query_map([], |row| row.get(0)).map_err(&cannot)?.collect();
        ids.map_err(&cannot)
    }

    /// Returns the run whose ID begins with `wanted`; `last` is the newest run.
    pub(crate) fn run(&self, wanted: &str) -> Result<Run, Error> {
        if wanted == "last" {
            let cannot = self.cannot_read();
            let sql = "SELECT id FROM runs ORDER BY started DESC, id DESC LIMIT 1";
            let last: Option<String> =
                self.db.query_row(sql, [], |row| row.get(0)).optional().map_err(&cannot)?;
            return self.whole(&last.ok_or_else(|| Error::NoSuchRun("the history is empty".into()))?);
        }
        let ids = self.ids()?;
        match retention::meant(ids.iter().map(String::as_str), wanted) {
            Ok(id) => self.whole(id),
            Err(NoRun::Unknown) => Err(Error::NoSuchRun(format!("the history has no run {wanted:?}"))),
            Err(NoRun::Several(runs)) => Err(Error::NoSuchRun(format!(
                "the IDs of several runs begin with {wanted:?}: {}",
                runs.join(", ")
            ))),
        }
    }

    fn whole(&self, id: &str) -> Result<Run, Error> {
        let cannot = self.cannot_read();
        let sql = "SELECT state, started, duration, signal, exit_code, pid, process FROM runs WHERE id = ?1";
        let mut run = self
            .db
            .query_row(sql, [id], |row| {
                let process = Identity { pid: row.get(5)?, started: row.get(6)? };
                let state = match row.get::<_, String>(0)?.as_str() {
                    "ended" => RunState::Ended,
                    "running" if !process.is_gone() => RunState::Running,
                    _ => RunState::Interrupted,
                };
                Ok(Run {
                    id: id.into(),
                    state,
                    started: time(row.get(1)?).unwrap_or_default(),
                    duration: row.get::<_, Option<i64>>(2)?.map(span),
                    signal: row.get(3)?,
                    exit_code: row.get(4)?,
                    jobs: Vec::new(),
                })
            })
            .map_err(&cannot)?;
        let sql = format!(
            "SELECT {} FROM jobs j JOIN runs r ON r.id = j.run WHERE r.id = ?1 ORDER BY j.place",
            columns(self.version()?)
        );
        let mut select = self.db.prepare(&sql).map_err(&cannot)?;
        let mut rows = select.query([id]).map_err(&cannot)?;
        let mut read = Rows::of(self).map_err(&cannot)?;
        while let Some(row) = rows.next().map_err(&cannot)? {
            let past = read.past(row).map_err(&cannot)?;
            let attempts = self.attempts(id, &past.job).map_err(&cannot)?;
            run.jobs.push(Job { past, attempts });
        }
        Ok(run)
    }

    fn attempts(&self, run: &str, job: &str) -> rusqlite::Result<Vec<AttemptRow>> {
        let mut select = self.db.prepare(
            "SELECT number, source, started, duration, exit_code, error FROM attempts
             WHERE run = ?1 AND job = ?2 ORDER BY number",
        )?;
        let mut phases = self.db.prepare(
            "SELECT name, duration FROM phases WHERE run = ?1 AND job = ?2 AND attempt = ?3 ORDER BY place",
        )?;
        let rows = select.query_map([run, job], |row| {
            let number = row.get(0)?;
            Ok(AttemptRow {
                number,
                source: row.get(1)?,
                started: time(row.get(2)?).unwrap_or_default(),
                duration: span(row.get(3)?),
                exit_code: row.get(4)?,
                error: row.get(5)?,
                phases: phases.query_map((run, job, number), phase)?.collect::<rusqlite::Result<_>>()?,
            })
        })?;
        rows.collect()
    }
}
