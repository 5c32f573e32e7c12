//! Rows out.

use super::{Error, History};
use crate::machine::Identity;
use crate::result::{Figures, Status};
use crate::stats::{Past, State};
use jiff::Timestamp;
use rusqlite::{Row, params};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Which jobs of the past are wanted; nothing said means all.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// By name.
    pub jobs: Vec<String>,
    /// Started then or later.
    pub since: Option<Timestamp>,
    /// In one of these states.
    pub states: Vec<State>,
    /// The newest so many.
    pub limit: Option<usize>,
}

/// The newest that is known of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Latest {
    /// How it fared last.
    pub last: Past,
    /// When it last ended well.
    pub success: Option<Timestamp>,
}

/// A run of the past.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// How far it came.
    pub state: RunState,
    /// When it started.
    pub started: Timestamp,
    /// How long it took, if it ended.
    pub duration: Option<Duration>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The exit code of the program, if it ended.
    pub exit_code: Option<i32>,
    /// Its jobs, in the order in which they were asked for.
    pub jobs: Vec<Job>,
}

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It goes on.
    Running,
    /// It ended without a word.
    Interrupted,
    /// It has a summary.
    Ended,
}

impl RunState {
    /// As in JSON.
    pub fn word(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Interrupted => "interrupted",
            RunState::Ended => "ended",
        }
    }
}

/// A job of a run, with its attempts.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// How it fared.
    pub past: Past,
    /// Every attempt, in order.
    pub attempts: Vec<Try>,
}

/// An attempt of the past.
#[derive(Debug, Clone, PartialEq)]
pub struct Try {
    /// From 1.
    pub number: u32,
    /// The source that it read.
    pub source: String,
    /// When it started.
    pub started: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// How long its parts took, in order.
    pub phases: Vec<(String, Duration)>,
    /// rsync's exit code.
    pub exit_code: Option<i32>,
    /// Why it failed.
    pub error: Option<String>,
}

const COLUMNS: &str = "
    j.run, j.job, j.status, j.started, j.duration, j.queued, j.attempts, j.exit_code, j.files_transferred,
    j.files_deleted, j.bytes_received, j.total_files, j.total_bytes, j.source, j.error, j.hint, j.log, j.alerts,
    r.pid, r.process,
    (SELECT json_group_array(json_array(name, total)) FROM
        (SELECT name, SUM(duration) AS total FROM phases p WHERE p.run = j.run AND p.job = j.job
         GROUP BY name ORDER BY MIN(attempt > 0), MIN(attempt), MIN(place)))
";

impl History {
    /// Jobs of the past, the newest first.
    pub fn jobs(&self, query: &Query) -> Result<Vec<Past>, Error> {
        let cannot = self.cannot_read();
        let names = serde_json::json!(query.jobs).to_string();
        let sql = format!(
            "SELECT {COLUMNS} FROM jobs j JOIN runs r ON r.id = j.run
             WHERE j.started >= ?1 AND (?2 OR j.job IN (SELECT value FROM json_each(?3)))
             ORDER BY j.started DESC, j.run DESC, j.place"
        );
        let since = query.since.map_or(i64::MIN, |since| since.as_millisecond());
        let mut select = self.db.prepare(&sql).map_err(&cannot)?;
        let mut rows = select.query(params![since, query.jobs.is_empty(), names]).map_err(&cannot)?;
        let mut found = Vec::new();
        let mut gone = HashMap::new();
        let limit = query.limit.unwrap_or(usize::MAX);
        while found.len() < limit
            && let Some(row) = rows.next().map_err(&cannot)?
        {
            let past = past(row, &mut gone).map_err(&cannot)?;
            if query.states.is_empty() || query.states.contains(&past.state) {
                found.push(past);
            }
        }
        Ok(found)
    }

    /// The newest of every job. What was skipped counts, what is running does not.
    pub fn latest(&self) -> Result<BTreeMap<String, Latest>, Error> {
        let cannot = self.cannot_read();
        let mut names = self.db.prepare("SELECT DISTINCT job FROM jobs ORDER BY job").map_err(&cannot)?;
        let names: rusqlite::Result<Vec<String>> =
            names.query_map([], |row| row.get(0)).map_err(&cannot)?.collect();
        let sql = format!(
            "SELECT {COLUMNS} FROM jobs j JOIN runs r ON r.id = j.run
             WHERE j.job = ?1 ORDER BY j.started DESC, j.run DESC"
        );
        let mut select = self.db.prepare(&sql).map_err(&cannot)?;
        let mut success = self
            .db
            .prepare("SELECT MAX(started + duration / 1000) FROM jobs WHERE job = ?1 AND status IN ('ok', 'warned')")
            .map_err(&cannot)?;
        let mut latest = BTreeMap::new();
        let mut gone = HashMap::new();
        for name in names.map_err(&cannot)? {
            let mut rows = select.query([&name]).map_err(&cannot)?;
            while let Some(row) = rows.next().map_err(&cannot)? {
                let last = past(row, &mut gone).map_err(&cannot)?;
                if last.state != State::Running {
                    let success: Option<i64> =
                        success.query_row([&name], |row| row.get(0)).map_err(&cannot)?;
                    latest.insert(name, Latest { last, success: success.and_then(time) });
                    break;
                }
            }
        }
        Ok(latest)
    }

    /// The run whose id begins so; `last` is the newest.
    pub fn run(&self, prefix: &str) -> Result<Run, Error> {
        let cannot = self.cannot_read();
        let (sql, pattern) = match prefix {
            "last" => {
                ("SELECT id FROM runs WHERE ?1 <> '' ORDER BY started DESC, id DESC LIMIT 1", "last".into())
            }
            _ => (
                "SELECT id FROM runs WHERE id GLOB ?1 || '*' ORDER BY id LIMIT 2",
                prefix.to_ascii_uppercase(),
            ),
        };
        if !pattern.bytes().all(|b| b.is_ascii_alphanumeric()) || pattern.is_empty() {
            return Err(Error::NoSuchRun(format!("{prefix:?} is no id of a run")));
        }
        let mut select = self.db.prepare(sql).map_err(&cannot)?;
        let ids: rusqlite::Result<Vec<String>> =
            select.query_map([&pattern], |row| row.get(0)).map_err(&cannot)?.collect();
        let ids = ids.map_err(&cannot)?;
        match ids.as_slice() {
            [id] => self.whole(id),
            [] if prefix == "last" => Err(Error::NoSuchRun("the history is empty".into())),
            [] => Err(Error::NoSuchRun(format!("the history has no run {prefix:?}"))),
            _ => Err(Error::NoSuchRun(format!("the ids of several runs begin with {prefix:?}"))),
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
            "SELECT {COLUMNS} FROM jobs j JOIN runs r ON r.id = j.run WHERE r.id = ?1 ORDER BY j.place"
        );
        let mut select = self.db.prepare(&sql).map_err(&cannot)?;
        let mut rows = select.query([id]).map_err(&cannot)?;
        let mut gone = HashMap::new();
        while let Some(row) = rows.next().map_err(&cannot)? {
            let past = past(row, &mut gone).map_err(&cannot)?;
            let attempts = self.attempts(id, &past.job).map_err(&cannot)?;
            run.jobs.push(Job { past, attempts });
        }
        Ok(run)
    }

    fn attempts(&self, run: &str, job: &str) -> rusqlite::Result<Vec<Try>> {
        let mut select = self.db.prepare(
            "SELECT number, source, started, duration, exit_code, error,
                (SELECT json_group_array(json_array(name, duration)) FROM
                    (SELECT name, duration FROM phases p
                     WHERE p.run = a.run AND p.job = a.job AND p.attempt = a.number ORDER BY place))
             FROM attempts a WHERE run = ?1 AND job = ?2 ORDER BY number",
        )?;
        let rows = select.query_map([run, job], |row| {
            Ok(Try {
                number: row.get(0)?,
                source: row.get(1)?,
                started: time(row.get(2)?).unwrap_or_default(),
                duration: span(row.get(3)?),
                exit_code: row.get(4)?,
                error: row.get(5)?,
                phases: phases(&row.get::<_, String>(6)?),
            })
        })?;
        rows.collect()
    }
}

/// A row of [`COLUMNS`]. Each process is looked for once.
fn past(row: &Row<'_>, gone: &mut HashMap<(u32, Option<String>), bool>) -> rusqlite::Result<Past> {
    let count = |column: usize| -> rusqlite::Result<Option<u64>> {
        Ok(row.get::<_, Option<i64>>(column)?.and_then(|n| u64::try_from(n).ok()))
    };
    let process = (row.get::<_, u32>(18)?, row.get::<_, Option<String>>(19)?);
    let state = match row.get::<_, String>(2)?.as_str() {
        "running" => {
            let (pid, started) = process.clone();
            let gone = gone.entry(process).or_insert_with(|| Identity { pid, started }.is_gone());
            if *gone { State::Interrupted } else { State::Running }
        }
        // A word of a newer version.
        word => State::parse(word).unwrap_or(State::Ended(Status::Failed)),
    };
    Ok(Past {
        run: row.get(0)?,
        job: row.get(1)?,
        state,
        started: time(row.get(3)?).unwrap_or_default(),
        duration: row.get::<_, Option<i64>>(4)?.map(span),
        queued: row.get::<_, Option<i64>>(5)?.map(span),
        attempts: count(6)?.unwrap_or_default(),
        exit_code: row.get(7)?,
        figures: Figures {
            files_transferred: count(8)?,
            files_deleted: count(9)?,
            bytes_received: count(10)?,
            total_files: count(11)?,
            total_bytes: count(12)?,
        },
        source: row.get(13)?,
        error: row.get(14)?,
        hint: row.get(15)?,
        log: row.get(16)?,
        alerts: serde_json::from_str(&row.get::<_, String>(17)?).unwrap_or_default(),
        phases: phases(&row.get::<_, String>(20)?),
    })
}

fn phases(json: &str) -> Vec<(String, Duration)> {
    let read: Vec<(String, i64)> = serde_json::from_str(json).unwrap_or_default();
    read.into_iter().map(|(name, micros)| (name, span(micros))).collect()
}

fn time(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis).ok()
}

fn span(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
