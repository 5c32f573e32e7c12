//! Reads rows.

use super::{Error, History, schema};
use crate::history::stats::{Past, State};
use crate::model::result::{Fallback, Figures, Status};
use crate::platform::Identity;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Statement, params};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Selects past jobs. Empty fields do not restrict the selection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    /// Names of jobs.
    pub jobs: Vec<String>,
    /// Minimum start time.
    pub since: Option<Timestamp>,
    /// Accepted states.
    pub states: Vec<State>,
    /// Maximum number, the newest first.
    pub limit: Option<usize>,
}

/// The latest results of a job.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Latest {
    /// The newest result.
    pub last: Past,
    /// When it last succeeded.
    pub success: Option<Timestamp>,
}

/// The columns that [`Rows`] reads. The phases of a job are not among them: where rows are sorted, phases would be collected for all of
/// them.
const COLUMNS: &str = "
    j.run, j.job, j.status, j.started, j.duration, j.queued, j.attempts, j.exit_code, j.files_transferred,
    j.files_deleted, j.bytes_received, j.total_files, j.total_bytes, j.source, j.error, j.hint, j.log, j.alerts,
    r.pid, r.process
";

/// The first version with the column `warnings`. A database opened for reading may be older.
const WARNINGS_SINCE: i64 = 4;

/// [`COLUMNS`] and the last column, for a database of this version.
pub(super) fn columns(version: i64) -> String {
    format!("{COLUMNS}, {}", if version < WARNINGS_SINCE { "'[]'" } else { "j.warnings" })
}

/// The names of all jobs, found by skipping along the index: there are many more rows than jobs.
pub(super) const NAMES: &str = "
    WITH RECURSIVE names (job) AS (
        SELECT MIN(job) FROM jobs
        UNION ALL SELECT (SELECT MIN(jobs.job) FROM jobs WHERE jobs.job > names.job) FROM names WHERE names.job IS NOT NULL)
    SELECT job FROM names WHERE job IS NOT NULL
";

/// When the newest success of a job until `?2` ended. It is found by its start, which is indexed: two runs of a job do not overlap.
pub(super) const SUCCESS: &str = "
    SELECT started + duration / 1000 FROM jobs WHERE job = ?1 AND started <= ?2 AND status IN ('ok', 'warned')
    ORDER BY started DESC LIMIT 1
";

/// The jobs since `?1`, the newest first, read along an index: of all names, of the one in `?2`, or of those in its list.
pub(super) fn jobs(names: &[String], version: i64) -> String {
    let which = match names {
        [] => "?2 NOTNULL",
        [_] => "j.job = ?2",
        _ => "j.job IN (SELECT value FROM json_each(?2))",
    };
    format!(
        "SELECT {} FROM jobs j CROSS JOIN runs r ON r.id = j.run WHERE j.started >= ?1 AND {which}
         ORDER BY j.started DESC, j.run DESC, j.place",
        columns(version)
    )
}

/// The total size at the source in the oldest (`ASC`) or newest (`DESC`) success of the job `?1` since `?2` whose total is known.
pub(super) fn held(order: &str) -> String {
    format!(
        "SELECT started, total_bytes FROM jobs WHERE job = ?1 AND started >= ?2 AND status IN ('ok', 'warned')
         AND total_bytes IS NOT NULL ORDER BY started {order} LIMIT 1"
    )
}

impl History {
    /// The version of the tables.
    pub(super) fn version(&self) -> Result<i64, Error> {
        schema::version(&self.db).map_err(self.cannot_read())
    }

    /// Returns past jobs, the newest first.
    pub(crate) fn jobs(&self, query: &Query) -> Result<Vec<Past>, Error> {
        let cannot = self.cannot_read();
        let mut select = self.db.prepare(&jobs(&query.jobs, self.version()?)).map_err(&cannot)?;
        let names = match query.jobs.as_slice() {
            [name] => name.clone(),
            names => serde_json::json!(names).to_string(),
        };
        let since = query.since.map_or(i64::MIN, |since| since.as_millisecond());
        let mut rows = select.query(params![since, names]).map_err(&cannot)?;
        let mut read = Rows::of(self).map_err(&cannot)?;
        let mut found = Vec::new();
        let limit = query.limit.unwrap_or(usize::MAX);
        while found.len() < limit
            && let Some(row) = rows.next().map_err(&cannot)?
        {
            let past = read.past(row).map_err(&cannot)?;
            if query.states.is_empty() || query.states.contains(&past.state) {
                found.push(past);
            }
        }
        Ok(found)
    }

    /// Returns the names of all recorded jobs.
    pub(crate) fn names(&self) -> Result<Vec<String>, Error> {
        let cannot = self.cannot_read();
        let mut names = self.db.prepare(NAMES).map_err(&cannot)?;
        let names: rusqlite::Result<Vec<String>> =
            names.query_map([], |row| row.get(0)).map_err(&cannot)?.collect();
        names.map_err(&cannot)
    }

    /// Returns the newest result of every job. Skipped jobs count, running ones do not. A result dated after `now` is no success, since its
    /// age is unknown, and it is the newest only if there is no other.
    pub(crate) fn latest(&self, now: Timestamp) -> Result<BTreeMap<String, Latest>, Error> {
        let cannot = self.cannot_read();
        let sql = jobs(&["one".into()], self.version()?);
        let mut select = self.db.prepare(&sql).map_err(&cannot)?;
        let mut success = self.db.prepare(SUCCESS).map_err(&cannot)?;
        let mut latest = BTreeMap::new();
        let mut read = Rows::of(self).map_err(&cannot)?;
        for name in self.names()? {
            let mut rows = select.query(params![i64::MIN, name]).map_err(&cannot)?;
            let (mut ahead, mut newest) = (None, None);
            while let Some(row) = rows.next().map_err(&cannot)? {
                let last = read.past(row).map_err(&cannot)?;
                if last.state == State::Running {
                    continue;
                }
                if last.started <= now {
                    newest = Some(last);
                    break;
                }
                ahead.get_or_insert(last);
            }
            if let Some(last) = newest.or(ahead) {
                let found = success.query_row(params![name, now.as_millisecond()], |row| row.get(0));
                let found: Option<Option<i64>> = found.optional().map_err(&cannot)?;
                latest.insert(name, Latest { last, success: found.flatten().and_then(time) });
            }
        }
        Ok(latest)
    }

    /// Returns the total size of the source in bytes, in the oldest and in the newest success since a time. Both are the same if there is
    /// only one.
    pub(crate) fn sizes(&self, job: &str, since: Timestamp) -> Result<Option<[(Timestamp, u64); 2]>, Error> {
        let cannot = self.cannot_read();
        let one = |order: &str| {
            let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
            let found =
                self.db.query_row(&held(order), params![job, since.as_millisecond()], row).optional()?;
            Ok(found.and_then(|(started, bytes)| Some((time(started)?, u64::try_from(bytes).ok()?))))
        };
        let (oldest, newest) = (one("ASC").map_err(&cannot)?, one("DESC").map_err(&cannot)?);
        Ok(oldest.zip(newest).map(|(oldest, newest)| [oldest, newest]))
    }
}

/// Reads rows of [`COLUMNS`]. Looks each process up once.
pub(super) struct Rows<'a> {
    phases: Statement<'a>,
    tries: Statement<'a>,
    gone: HashMap<(u32, Option<String>), bool>,
}

impl<'a> Rows<'a> {
    pub(super) fn of(history: &'a History) -> rusqlite::Result<Self> {
        let phases = history.db.prepare(
            "SELECT name, SUM(duration) FROM phases WHERE run = ?1 AND job = ?2
             GROUP BY name ORDER BY MIN(attempt > 0), MIN(attempt), MIN(place)",
        )?;
        let tries = history
            .db
            .prepare("SELECT source, error FROM attempts WHERE run = ?1 AND job = ?2 ORDER BY number")?;
        Ok(Rows { phases, tries, gone: HashMap::new() })
    }

    pub(super) fn past(&mut self, row: &Row<'_>) -> rusqlite::Result<Past> {
        let mut past = past(row, &mut self.gone)?;
        let phases = self.phases.query_map([&past.run, &past.job], phase)?;
        past.phases = phases.collect::<rusqlite::Result<_>>()?;
        if past.attempts > 1 {
            past.fallback = self.fallback(&past.run, &past.job)?;
        }
        Ok(past)
    }

    /// Determined by the attempts: the first attempt read the first source.
    fn fallback(&mut self, run: &str, job: &str) -> rusqlite::Result<Option<Fallback>> {
        let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?));
        let tries: Vec<_> = self.tries.query_map([run, job], row)?.collect::<rusqlite::Result<_>>()?;
        let Some((first, _)) = tries.first() else { return Ok(None) };
        Ok(Fallback::of(first, tries.iter().map(|(source, error)| (source.as_str(), error.as_deref()))))
    }
}

/// A phase: name and microseconds.
pub(super) fn phase(row: &Row<'_>) -> rusqlite::Result<(String, Duration)> {
    Ok((row.get(0)?, span(row.get(1)?)))
}

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
        // A status of a newer version.
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
        fallback: None,
        error: row.get(14)?,
        hint: row.get(15)?,
        log: row.get(16)?,
        alerts: serde_json::from_str(&row.get::<_, String>(17)?).unwrap_or_default(),
        warnings: serde_json::from_str(&row.get::<_, String>(20)?).unwrap_or_default(),
        phases: Vec::new(),
    })
}

pub(super) fn time(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis).ok()
}

pub(super) fn span(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
