//! Writes rows. Every write can be repeated: existing rows are completed.

use super::run_process::RunProcess;
use super::schema::{self, Columns, integer, micros};
use super::{Error, History, totals};
use crate::model::event::Phase;
use crate::model::result::SyncResult;
use crate::model::run_scope::RunScope;
use crate::model::sanitize;
use crate::model::summary::Summary;
use crate::retention::{self, Item, Moment};
use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Statement, Transaction, TransactionBehavior, params, params_from_iter};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Limits on the recorded runs. The newest run is always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention {
    /// Maximum age. Older runs are removed.
    pub age: Option<Duration>,
    /// Maximum number of the others. The newest ones are kept.
    pub runs: Option<u64>,
}

/// What is known of a run when it starts.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub(super) run: String,
    pub(super) time: Timestamp,
    pub(super) jobs: Vec<String>,
    pub(super) parallel: usize,
    pub(super) process: RunProcess,
    pub(super) scope: Option<RunScope>,
}

/// The durations of a job's hooks, by phase.
pub(super) type Hooks = Vec<(Phase, Duration)>;

/// A finished job.
pub(super) struct Finished {
    pub(super) result: Arc<SyncResult>,
    pub(super) hooks: Hooks,
}

impl History {
    fn change<T>(&mut self, act: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, Error> {
        let cannot = self.cannot_write();
        let change = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&cannot)?;
        let done = act(&change).map_err(&cannot)?;
        change.commit().map_err(&cannot)?;
        Ok(done)
    }

    /// Marks the runs whose processes have ended as interrupted.
    pub(super) fn mark_interrupted(&mut self) -> Result<(), Error> {
        let state_dir = self.state_dir().to_owned();
        self.change(|db| {
            let mut gone = Vec::new();
            let mut running = db.prepare("SELECT * FROM runs WHERE state = 'running'")?;
            let mut rows = running.query([])?;
            while let Some(row) = rows.next()? {
                let begun = schema::time(row.get("started")?).unwrap_or_default();
                if schema::process(row)?.is_gone(&state_dir, begun) {
                    gone.push(row.get::<_, String>("id")?);
                }
            }
            for run in gone {
                db.execute("UPDATE runs SET state = 'interrupted' WHERE id = ?1", [&run])?;
                db.execute(
                    "UPDATE jobs SET status = 'interrupted' WHERE run = ?1 AND status = 'running'",
                    [&run],
                )?;
            }
            Ok(())
        })
    }

    /// Writes the row of a run that starts, and one for each of its jobs.
    pub(super) fn begin(&mut self, start: &Start) -> Result<(), Error> {
        self.change(|db| begin(db, start))
    }

    /// Writes results of jobs. With `end`, also writes the end of the run and all of its results that are not written yet, then removes
    /// what exceeds the retention. Returns a warning about that, if any.
    pub(super) fn note(
        &mut self,
        start: &Start,
        finished: &[Finished],
        end: Option<(&Summary, Retention)>,
    ) -> Result<Option<String>, Error> {
        let state_dir = self.state_dir().to_owned();
        self.change(|db| {
            begin(db, start)?;
            let mut rows = Rows::new(db, start)?;
            for Finished { result, hooks } in finished {
                rows.write(result, hooks)?;
            }
            let Some((summary, keep)) = end else { return Ok(None) };
            for result in &summary.results {
                if is_running(db, &start.run, &result.job)? {
                    rows.write(result, &Hooks::new())?;
                }
            }
            db.execute(
                "UPDATE runs SET state = 'ended', duration = ?2, exit_code = ?3, signal = ?4 WHERE id = ?1",
                params![start.run, micros(summary.duration), summary.exit().code(), summary.signal],
            )?;
            if let Some(runs) = keep.runs {
                keep_newest(db, &start.run, runs)?;
            }
            match keep.age {
                Some(age) => purge_old(db, &start.run, age, &state_dir, &retention::now()),
                None => Ok(None),
            }
        })
    }
}

fn begin(db: &Transaction<'_>, start: &Start) -> rusqlite::Result<()> {
    let new = db.execute(
        "INSERT INTO runs (id, state, started, parallel, pid, process, host)
         VALUES (?1, 'running', ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO NOTHING",
        params![
            start.run,
            start.time.as_millisecond(),
            integer(start.parallel as u64),
            start.process.pid,
            start.process.started,
            start.process.host
        ],
    )?;
    if new == 0 {
        return Ok(());
    }
    let mut insert = db.prepare(
        "INSERT INTO jobs (run, job, place, status, started, scope) VALUES (?1, ?2, ?3, 'running', ?4, ?5)",
    )?;
    let scope = start.scope.map(RunScope::word);
    for (place, job) in start.jobs.iter().enumerate() {
        insert.execute(params![start.run, job, integer(place as u64), start.time.as_millisecond(), scope])?;
    }
    Ok(())
}

fn is_running(db: &Transaction<'_>, run: &str, job: &str) -> rusqlite::Result<bool> {
    let sql =
        "SELECT COUNT(*) FROM jobs WHERE run = ?1 AND job = ?2 AND status NOT IN ('running', 'interrupted')";
    db.query_row(sql, [run, job], |row| Ok(row.get::<_, i64>(0)? == 0))
}

/// Writes the rows of jobs. Statements are prepared once for all of them.
struct Rows<'a> {
    start: &'a Start,
    delete: Statement<'a>,
    job: Insert<'a>,
    attempt: Insert<'a>,
    phase: Insert<'a>,
    part: Insert<'a>,
}

impl<'a> Rows<'a> {
    fn new(db: &'a Transaction<'_>, start: &'a Start) -> rusqlite::Result<Rows<'a>> {
        let insert = |table| Insert { db, table, statement: None };
        Ok(Rows {
            start,
            delete: db.prepare("DELETE FROM jobs WHERE run = ?1 AND job = ?2")?,
            job: insert("jobs"),
            attempt: insert("attempts"),
            phase: insert("phases"),
            part: insert("parts"),
        })
    }

    /// Writes the rows of a job, and replaces existing ones.
    fn write(&mut self, result: &SyncResult, hooks: &Hooks) -> rusqlite::Result<()> {
        let (run, job) = (self.start.run.as_str(), &*result.job);
        let place = self.start.jobs.iter().position(|name| name == job).unwrap_or(self.start.jobs.len());
        self.delete.execute([run, job])?;
        let of_run = || ("run", Value::from(run.to_owned()));
        let of = || [of_run(), ("job", job.to_owned().into())];
        let place = ("place", integer(place as u64).into());
        self.job.write(schema::of_job(&result.into()), [of_run(), place])?;
        for attempt in &result.attempts {
            self.attempt.write(schema::of_attempt(attempt), of())?;
        }
        for row in result.parts.iter().flat_map(schema::of_part) {
            self.part.write(row, of())?;
        }
        let phases = result.attempts.iter().map(|attempt| (attempt.number, &attempt.phases));
        // Hooks are outside of attempts.
        for (attempt, phases) in [(0, hooks)].into_iter().chain(phases) {
            for (place, (phase, duration)) in phases.iter().enumerate() {
                let of = of().into_iter().chain([("attempt", attempt.into())]);
                self.phase.write(schema::of_phase(place, *phase, *duration), of)?;
            }
        }
        Ok(())
    }
}

/// Inserts rows into a table. All of them have the same columns, in the same order.
struct Insert<'a> {
    db: &'a Transaction<'a>,
    table: &'static str,
    statement: Option<Statement<'a>>,
}

impl Insert<'_> {
    fn write(
        &mut self,
        columns: Columns,
        more: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> rusqlite::Result<()> {
        let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().chain(more).unzip();
        let statement = match &mut self.statement {
            Some(statement) => statement,
            none => {
                let places = vec!["?"; names.len()].join(", ");
                let sql = format!("INSERT INTO {} ({}) VALUES ({places})", self.table, names.join(", "));
                none.insert(self.db.prepare(&sql)?)
            }
        };
        statement.execute(params_from_iter(values))?;
        Ok(())
    }
}

/// Removes all but the newest runs, in the order in which they were recorded: their dates may be wrong.
fn keep_newest(db: &Transaction<'_>, current: &str, keep: u64) -> rusqlite::Result<()> {
    let mut older = db.prepare(
        "SELECT id FROM runs WHERE state <> 'running' AND id <> ?1 AND id IN
            (SELECT id FROM runs ORDER BY rowid DESC LIMIT -1 OFFSET ?2)",
    )?;
    let older = older.query_map(params![current, integer(keep)], |row| row.get(0))?;
    totals::remove(db, &older.collect::<rusqlite::Result<Vec<String>>>()?)
}

/// Removes the runs that are older than `age` and that an earlier run has marked. The marks lie beside the database; only one process at a
/// time gets here. Returns a warning about the marks, if any.
pub(super) fn purge_old(
    db: &Transaction<'_>,
    current: &str,
    age: Duration,
    state_dir: &Path,
    now: &Moment,
) -> rusqlite::Result<Option<String>> {
    let since = now.wall.saturating_sub(i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
    let mut old = db.prepare(
        "SELECT id, started FROM runs WHERE (started <= ?1 OR started > ?2) AND state <> 'running' AND id <> ?3",
    )?;
    let limits = [since, now.wall].map(|s| s.saturating_mul(1000));
    let items = old.query_map(params![limits[0], limits[1], current], |row| {
        let since = Some(Moment::dated(row.get::<_, i64>("started")?.div_euclid(1000)));
        Ok(Item { name: row.get("id")?, since, keep: age })
    })?;
    let items: Vec<Item> = items.collect::<rusqlite::Result<_>>()?;
    let looked = match File::open(state_dir) {
        Ok(dir) => retention::look(dir, &items, now, false),
        Err(error) => {
            return Ok(Some(format!(
                "cannot open {}: {error}; nothing is purged",
                sanitize::path(&state_dir)
            )));
        }
    };
    if looked.saved {
        totals::remove(db, &looked.purge)?;
    }
    Ok(looked.warning.map(|why| format!("{}: {why}", sanitize::path(&state_dir))))
}
