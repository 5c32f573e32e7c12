//! Reads rows.

use super::run_process::RunProcess;
use super::{Error, History, migrations, schema};
use crate::model::part::PartResult;
use crate::model::record::{Details, JobRecord, State};
use crate::model::result::{Attempt, Fallback};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Statement, params};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

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
    /// Whether only runs of whole jobs are selected ([`JobRecord::scope`]).
    pub whole: bool,
}

/// The latest results of a job.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Latest {
    /// The result that ended last.
    pub last: JobRecord,
    /// When it last succeeded.
    pub success: Option<Timestamp>,
}

/// The columns that [`Rows`] reads, by their names. The phases of a job are not among them: where rows are sorted, phases would be
/// collected for all of them.
/// Where both tables have a column, the first one is read, that of the job.
pub(super) const COLUMNS: &str = "j.*, r.*";

/// The names of all jobs, found by skipping along the index: there are many more rows than jobs.
pub(super) const NAMES: &str = "
    WITH RECURSIVE names (job) AS (
        SELECT MIN(job) FROM jobs
        UNION ALL SELECT (SELECT MIN(jobs.job) FROM jobs WHERE jobs.job > names.job) FROM names WHERE names.job IS NOT NULL)
    SELECT job FROM names WHERE job IS NOT NULL
";

/// When the newest success of a job until `?2` ended. It is found by its start, which is indexed: two runs of a job do not overlap. `whole`:
/// see [`migrations::whole_jobs`].
pub(super) fn success(whole: &str) -> String {
    format!(
        "SELECT started + duration / 1000 FROM jobs
         WHERE job = ?1 AND started <= ?2 AND status IN ('ok', 'warned') AND {whole} ORDER BY started DESC LIMIT 1"
    )
}

/// The jobs since `?1`, the newest first, read along an index: of all names, of the one in `?2`, or of those in its list.
pub(super) fn jobs(names: &[String]) -> String {
    let which = match names {
        [] => "?2 NOTNULL",
        [_] => "j.job = ?2",
        _ => "j.job IN (SELECT value FROM json_each(?2))",
    };
    format!(
        "SELECT {COLUMNS} FROM jobs j CROSS JOIN runs r ON r.id = j.run WHERE j.started >= ?1 AND {which}
         ORDER BY j.started DESC, j.run DESC, j.place"
    )
}

/// The total size at the source in the oldest (`ASC`) or newest (`DESC`) success of the job `?1` since `?2` whose total is known. `whole`: see
/// [`migrations::whole_jobs`].
pub(super) fn held(order: &str, whole: &str) -> String {
    format!(
        "SELECT started, total_bytes FROM jobs WHERE job = ?1 AND started >= ?2 AND status IN ('ok', 'warned')
         AND total_bytes IS NOT NULL AND {whole} ORDER BY started {order} LIMIT 1"
    )
}

impl History {
    /// Returns past jobs, the newest first.
    pub(crate) fn jobs(&self, query: &Query) -> Result<Vec<JobRecord>, Error> {
        let cannot = self.cannot_read();
        let mut select = self.db.prepare(&jobs(&query.jobs)).map_err(&cannot)?;
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
            let past = read.record(row).map_err(&cannot)?;
            let scope = !query.whole || past.scope.is_none();
            if scope && (query.states.is_empty() || query.states.contains(&past.state)) {
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

    /// Returns the last result of every job: that which ended last, not that which began last, since a job may be skipped while another run of
    /// it goes on. Skipped jobs count, running ones do not, nor do runs that the command line limited. A result dated after `now` is no success, since its age is unknown, and it is the
    /// last only if there is no other.
    pub(crate) fn latest(&self, now: Timestamp) -> Result<BTreeMap<String, Latest>, Error> {
        let cannot = self.cannot_read();
        let mut select = self.db.prepare(&jobs(&["one".into()])).map_err(&cannot)?;
        let mut success = self.success().map_err(&cannot)?;
        let mut latest = BTreeMap::new();
        let mut read = Rows::of(self).map_err(&cannot)?;
        for name in self.names()? {
            let mut rows = select.query(params![i64::MIN, name]).map_err(&cannot)?;
            let (mut ahead, mut newest): (_, Option<(i64, JobRecord)>) = (None, None);
            while let Some(row) = rows.next().map_err(&cannot)? {
                let end = schema::end(row).map_err(&cannot)?;
                let was_tried = schema::was_tried(row).map_err(&cannot)?;
                // Many runs may have been skipped while one went on. Only those that could be the last are read whole.
                if !was_tried && newest.as_ref().is_some_and(|(known, _)| *known >= end) {
                    continue;
                }
                let last = read.record(row).map_err(&cannot)?;
                if last.state == State::Running || last.scope.is_some() {
                    continue;
                }
                if last.started > now {
                    ahead.get_or_insert(last);
                    continue;
                }
                if newest.as_ref().is_none_or(|(known, _)| *known < end) {
                    newest = Some((end, last));
                }
                // It had the lock of the destination: the runs before it ended before it began.
                if was_tried {
                    break;
                }
            }
            if let Some(last) = newest.map(|(_, last)| last).or(ahead) {
                let found = success.query_row(params![name, now.as_millisecond()], |row| row.get(0));
                let found: Option<Option<i64>> = found.optional().map_err(&cannot)?;
                latest.insert(name, Latest { last, success: found.flatten().and_then(schema::time) });
            }
        }
        Ok(latest)
    }

    fn success(&self) -> rusqlite::Result<Statement<'_>> {
        self.db.prepare(&success(migrations::whole_jobs(&self.db)?))
    }

    /// Returns the total size of the source in bytes, in the oldest and in the newest success since a time. Both are the same if there is
    /// only one.
    pub(crate) fn sizes(&self, job: &str, since: Timestamp) -> Result<Option<[(Timestamp, u64); 2]>, Error> {
        let cannot = self.cannot_read();
        let whole = migrations::whole_jobs(&self.db).map_err(&cannot)?;
        let one = |order: &str| {
            let row = |row: &Row<'_>| Ok((row.get("started")?, row.get("total_bytes")?));
            let limits = params![job, since.as_millisecond()];
            let found: Option<(i64, i64)> = self.db.query_row(&held(order, whole), limits, row).optional()?;
            Ok(found.and_then(|(started, bytes)| Some((schema::time(started)?, u64::try_from(bytes).ok()?))))
        };
        let (oldest, newest) = (one("ASC").map_err(&cannot)?, one("DESC").map_err(&cannot)?);
        Ok(oldest.zip(newest).map(|(oldest, newest)| [oldest, newest]))
    }
}

/// Reads rows of [`COLUMNS`]. Looks each process up once.
pub(super) struct Rows<'a> {
    /// The phases of a job, summed over its attempts.
    sums: Statement<'a>,
    attempts: Statement<'a>,
    /// The phases of an attempt.
    phases: Statement<'a>,
    /// The parts of a job; `None` in a database of an earlier version.
    parts: Option<Statement<'a>>,
    gone: HashMap<RunProcess, bool>,
    state_dir: &'a Path,
}

impl<'a> Rows<'a> {
    pub(super) fn of(history: &'a History) -> rusqlite::Result<Self> {
        let db = &history.db;
        Ok(Rows {
            sums: db.prepare(
                "SELECT name, SUM(duration) AS duration FROM phases WHERE run = ?1 AND job = ?2
                 GROUP BY name ORDER BY MIN(attempt > 0), MIN(attempt), MIN(place)",
            )?,
            attempts: db.prepare("SELECT * FROM attempts WHERE run = ?1 AND job = ?2 ORDER BY number")?,
            phases: db.prepare(
                "SELECT name, duration FROM phases WHERE run = ?1 AND job = ?2 AND attempt = ?3 ORDER BY place",
            )?,
            parts: migrations::has_parts(db)?
                .then(|| db.prepare("SELECT * FROM parts WHERE run = ?1 AND job = ?2 ORDER BY rowid"))
                .transpose()?,
            gone: HashMap::new(),
            state_dir: history.state_dir(),
        })
    }

    /// Reads a job, without its details.
    pub(super) fn record(&mut self, row: &Row<'_>) -> rusqlite::Result<JobRecord> {
        let mut record = schema::job(row)?;
        if record.state == State::Running {
            let process = schema::process(row)?;
            let is_gone = || process.is_gone(self.state_dir, record.started);
            if *self.gone.entry(process.clone()).or_insert_with(is_gone) {
                record.state = State::Interrupted;
            }
        }
        let sums = self.sums.query_map([&record.run, &record.job], schema::phase)?;
        record.phases = sums.filter_map(Result::transpose).collect::<rusqlite::Result<_>>()?;
        if record.attempts > 1 {
            let attempts = self.attempts(&record)?;
            // The first attempt read the first source.
            let first = attempts.first().map(|attempt| attempt.source.as_str()).unwrap_or_default();
            record.fallback = Fallback::of(first, attempts.iter().map(Attempt::told));
        }
        Ok(record)
    }

    /// Reads a job with its details.
    pub(super) fn whole(&mut self, row: &Row<'_>) -> rusqlite::Result<JobRecord> {
        let mut record = self.record(row)?;
        let mut tries = self.attempts(&record)?;
        for attempt in &mut tries {
            let phases = self.phases.query_map((&record.run, &record.job, attempt.number), schema::phase)?;
            attempt.phases = phases.filter_map(Result::transpose).collect::<rusqlite::Result<_>>()?;
        }
        // Unknown if an earlier version has recorded it.
        let parts = record.connections.map(|_| self.parts(&record)).transpose()?;
        record.details = Some(Details { undo: None, missing_ids: None, parts, tries });
        Ok(record)
    }

    fn parts(&mut self, record: &JobRecord) -> rusqlite::Result<Vec<PartResult>> {
        let mut parts: Vec<PartResult> = Vec::new();
        let Some(select) = &mut self.parts else { return Ok(parts) };
        for row in select.query_map([&record.run, &record.job], schema::part)? {
            let row = row?;
            match parts.last_mut().filter(|last| (last.attempt, last.part) == (row.attempt, row.part)) {
                Some(last) => last.tries.extend(row.tries),
                None => parts.push(row),
            }
        }
        Ok(parts)
    }

    fn attempts(&mut self, record: &JobRecord) -> rusqlite::Result<Vec<Attempt>> {
        self.attempts.query_map([&record.run, &record.job], schema::attempt)?.collect()
    }
}
