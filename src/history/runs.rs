//! Reads whole runs with all attempts.

use super::query::{COLUMNS, Rows};
use super::schema::{self, span, time};
use super::{Error, History};
use crate::model::record::JobRecord;
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
    /// The jobs with their details, in the order of the request.
    pub jobs: Vec<JobRecord>,
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
        let mut run = self
            .db
            .query_row("SELECT * FROM runs WHERE id = ?1", [id], |row| {
                let started = time(row.get("started")?).unwrap_or_default();
                let process = schema::process(row)?;
                let state = match row.get::<_, String>("state")?.as_str() {
                    "ended" => RunState::Ended,
                    "running" if !process.is_gone(self.state_dir(), started) => RunState::Running,
                    _ => RunState::Interrupted,
                };
                Ok(Run {
                    id: id.into(),
                    state,
                    started,
                    duration: row.get::<_, Option<i64>>("duration")?.map(span),
                    signal: row.get("signal")?,
                    exit_code: row.get("exit_code")?,
                    jobs: Vec::new(),
                })
            })
            .map_err(&cannot)?;
        let sql = format!(
            "SELECT {COLUMNS} FROM jobs j JOIN runs r ON r.id = j.run WHERE r.id = ?1 ORDER BY j.place"
        );
        let mut select = self.db.prepare(&sql).map_err(&cannot)?;
        let mut rows = select.query([id]).map_err(&cannot)?;
        let mut read = Rows::of(self).map_err(&cannot)?;
        while let Some(row) = rows.next().map_err(&cannot)? {
            run.jobs.push(read.whole(row).map_err(&cannot)?);
        }
        Ok(run)
    }
}
