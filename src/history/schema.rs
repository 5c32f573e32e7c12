//! The tables: migrations from older versions, and what their columns hold. Rows are written and read by the names of their columns, here
//! only.

use super::run_process::RunProcess;
use crate::model::event::Phase;
use crate::model::record::{JobRecord, State};
use crate::model::result::{Attempt, Figures, Reason, Status};
use crate::model::run_scope::RunScope;
use jiff::Timestamp;
use rusqlite::types::{FromSql, Value};
use rusqlite::{Connection, Row, TransactionBehavior};
use std::time::Duration;

/// The SQLite application ID, which identifies our databases: "pdbs".
pub(super) const APPLICATION: i32 = 0x7064_6273;

/// Each step leads from the version that is its index to the next one. Steps are only ever appended.
///
/// Times are milliseconds since 1970, durations microseconds; NULL is unknown. `runs.state` is `running`, `ended` or `interrupted`;
/// `jobs.status` is a status word, `running` or `interrupted`. Phases with attempt 0 are hooks.
pub(super) const STEPS: &[&str] = &[
    "
    CREATE TABLE runs (
        id TEXT PRIMARY KEY NOT NULL,
        command TEXT NOT NULL,
        state TEXT NOT NULL,
        started INTEGER NOT NULL,
        duration INTEGER,
        exit_code INTEGER,
        signal INTEGER,
        parallel INTEGER,
        pid INTEGER NOT NULL,
        process TEXT
    );
    CREATE INDEX runs_by_start ON runs (started);
    CREATE TABLE jobs (
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        job TEXT NOT NULL,
        place INTEGER NOT NULL,
        status TEXT NOT NULL,
        started INTEGER NOT NULL,
        duration INTEGER,
        queued INTEGER,
        attempts INTEGER NOT NULL DEFAULT 0,
        exit_code INTEGER,
        files_transferred INTEGER,
        files_deleted INTEGER,
        bytes_received INTEGER,
        total_files INTEGER,
        total_bytes INTEGER,
        source TEXT,
        error TEXT,
        hint TEXT,
        log TEXT,
        alerts TEXT NOT NULL DEFAULT '[]',
        PRIMARY KEY (run, job)
    );
    CREATE INDEX jobs_by_start ON jobs (job, started);
    CREATE TABLE attempts (
        run TEXT NOT NULL,
        job TEXT NOT NULL,
        number INTEGER NOT NULL,
        source TEXT NOT NULL,
        started INTEGER NOT NULL,
        duration INTEGER NOT NULL,
        exit_code INTEGER,
        error TEXT,
        hint TEXT,
        PRIMARY KEY (run, job, number),
        FOREIGN KEY (run, job) REFERENCES jobs (run, job) ON DELETE CASCADE
    );
    CREATE TABLE phases (
        run TEXT NOT NULL,
        job TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        place INTEGER NOT NULL,
        name TEXT NOT NULL,
        duration INTEGER NOT NULL,
        PRIMARY KEY (run, job, attempt, place),
        FOREIGN KEY (run, job) REFERENCES jobs (run, job) ON DELETE CASCADE
    );
",
    "
    -- It said `sync` in every row: what other commands cost is in a file of its own, costs.jsonl.
    ALTER TABLE runs DROP COLUMN command;
    CREATE INDEX jobs_by_time ON jobs (started);
",
    "
    -- Sums of the runs that were removed, so that counters never fall. Spans of time are microseconds here, too.
    CREATE TABLE totals (
        job TEXT NOT NULL,
        status TEXT NOT NULL,
        runs INTEGER NOT NULL,
        duration REAL NOT NULL,
        attempts REAL NOT NULL,
        files_transferred REAL NOT NULL,
        files_deleted REAL NOT NULL,
        bytes_received REAL NOT NULL,
        PRIMARY KEY (job, status)
    ) WITHOUT ROWID;
",
    "
    ALTER TABLE jobs ADD COLUMN warnings TEXT NOT NULL DEFAULT '[]';
",
    "
    ALTER TABLE jobs ADD COLUMN files_verified INTEGER;
    ALTER TABLE jobs ADD COLUMN files_damaged INTEGER;
",
    "
    -- What the command line limited the run to; NULL for a run of the whole job.
    ALTER TABLE jobs ADD COLUMN scope TEXT;
    -- The host of the process.
    ALTER TABLE runs ADD COLUMN host TEXT;
",
];

/// The first version with `jobs.scope`.
const SCOPED: i64 = 6;

/// The condition in SQL for a run of the whole job. In a database of an earlier version, all of them count.
pub(super) fn whole_jobs(db: &Connection) -> rusqlite::Result<&'static str> {
    Ok(if version(db)? < SCOPED { "TRUE" } else { "scope IS NULL" })
}

/// The values of a row, by the names of their columns.
pub(super) type Columns = Vec<(&'static str, Value)>;

/// The row of a job, but for its run and its place in it. Phases and attempts are rows of other tables.
pub(super) fn of_job(record: &JobRecord) -> Columns {
    let figures = &record.figures;
    let list = |texts: &[String]| serde_json::json!(texts).to_string();
    vec![
        ("job", record.job.clone().into()),
        ("scope", record.scope.map(|scope| scope.word().to_owned()).into()),
        ("status", record.state.word().to_owned().into()),
        ("started", record.started.as_millisecond().into()),
        ("duration", record.duration.map(micros).into()),
        ("queued", record.queued.map(micros).into()),
        ("attempts", integer(record.attempts).into()),
        ("exit_code", record.exit_code.into()),
        ("files_transferred", figures.files_transferred.map(integer).into()),
        ("files_deleted", figures.files_deleted.map(integer).into()),
        ("bytes_received", figures.bytes_received.map(integer).into()),
        ("total_files", figures.total_files.map(integer).into()),
        ("total_bytes", figures.total_bytes.map(integer).into()),
        ("files_verified", figures.files_verified.map(integer).into()),
        ("files_damaged", figures.files_damaged.map(integer).into()),
        ("source", record.source.clone().into()),
        ("error", record.error.clone().into()),
        ("hint", record.hint.clone().into()),
        ("log", record.log.clone().into()),
        ("alerts", list(&record.alerts).into()),
        ("warnings", list(&record.warnings).into()),
    ]
}

/// Reads the row of a job. What a database of an older version lacks is unknown.
pub(super) fn job(row: &Row<'_>) -> rusqlite::Result<JobRecord> {
    let list = |name| -> rusqlite::Result<Vec<String>> {
        let texts: Option<String> = optional(row, name)?;
        Ok(texts.and_then(|texts| serde_json::from_str(&texts).ok()).unwrap_or_default())
    };
    let figures = Figures {
        files_transferred: count(row, "files_transferred")?,
        files_deleted: count(row, "files_deleted")?,
        bytes_received: count(row, "bytes_received")?,
        total_files: count(row, "total_files")?,
        total_bytes: count(row, "total_bytes")?,
        files_verified: count(row, "files_verified")?,
        files_damaged: count(row, "files_damaged")?,
    };
    Ok(JobRecord {
        run: row.get("run")?,
        job: row.get("job")?,
        scope: optional::<String>(row, "scope")?.map(|word| RunScope::parse(&word)),
        // A status of a newer version is read as a failure.
        state: State::parse(&row.get::<_, String>("status")?).unwrap_or(State::Ended(Status::Failed)),
        started: time(row.get("started")?).unwrap_or_default(),
        duration: optional(row, "duration")?.map(span),
        queued: optional(row, "queued")?.map(span),
        attempts: count(row, "attempts")?.unwrap_or_default(),
        exit_code: optional(row, "exit_code")?,
        changed: figures.changed(),
        figures,
        source: optional(row, "source")?,
        fallback: None,
        error: optional(row, "error")?,
        hint: optional(row, "hint")?,
        log: optional(row, "log")?,
        alerts: list("alerts")?,
        warnings: list("warnings")?,
        phases: Vec::new(),
        details: None,
    })
}

/// The process of a run, from its own row or from that of a job with that of its run.
pub(super) fn process(row: &Row<'_>) -> rusqlite::Result<RunProcess> {
    Ok(RunProcess { pid: row.get("pid")?, started: row.get("process")?, host: optional(row, "host")? })
}

/// When a job ended, in milliseconds since 1970; when it began if its duration is unknown.
pub(super) fn end(row: &Row<'_>) -> rusqlite::Result<i64> {
    let (started, duration): (i64, Option<i64>) = (row.get("started")?, optional(row, "duration")?);
    Ok(started.saturating_add(duration.unwrap_or(0) / 1000))
}

/// Whether a job came to an attempt. One that was skipped did not.
pub(super) fn was_tried(row: &Row<'_>) -> rusqlite::Result<bool> {
    Ok(count(row, "attempts")?.is_some_and(|attempts| attempts > 0))
}

/// The row of an attempt, but for its run and job.
pub(super) fn of_attempt(attempt: &Attempt) -> Columns {
    let error = attempt.error.as_ref();
    vec![
        ("number", attempt.number.into()),
        ("source", attempt.source.clone().into()),
        ("started", attempt.started.as_millisecond().into()),
        ("duration", micros(attempt.duration).into()),
        ("exit_code", attempt.exit_code.into()),
        ("error", error.map(|error| error.text.clone()).into()),
        ("hint", error.and_then(|error| error.hint.clone()).into()),
    ]
}

/// Reads the row of an attempt, without its phases.
pub(super) fn attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    let hint = optional(row, "hint")?;
    Ok(Attempt {
        number: row.get("number")?,
        source: row.get("source")?,
        started: time(row.get("started")?).unwrap_or_default(),
        duration: span(row.get("duration")?),
        phases: Vec::new(),
        exit_code: optional(row, "exit_code")?,
        error: optional(row, "error")?.map(|text| Reason { text, hint }),
    })
}

/// The row of a phase, but for its run, job and attempt.
pub(super) fn of_phase(place: usize, phase: Phase, duration: Duration) -> Columns {
    vec![
        ("place", integer(place as u64).into()),
        ("name", phase.word().to_owned().into()),
        ("duration", micros(duration).into()),
    ]
}

/// Reads the row of a phase, or of a sum over several; `None` for a phase of a newer version.
pub(super) fn phase(row: &Row<'_>) -> rusqlite::Result<Option<(Phase, Duration)>> {
    let duration = span(row.get("duration")?);
    Ok(Phase::parse(&row.get::<_, String>("name")?).map(|phase| (phase, duration)))
}

/// A value that may be NULL, or whose column may be missing.
fn optional<T: FromSql>(row: &Row<'_>, name: &str) -> rusqlite::Result<Option<T>> {
    match row.get(name) {
        Err(rusqlite::Error::InvalidColumnName(_)) => Ok(None),
        read => read,
    }
}

fn count(row: &Row<'_>, name: &str) -> rusqlite::Result<Option<u64>> {
    Ok(optional::<i64>(row, name)?.and_then(|n| u64::try_from(n).ok()))
}

pub(super) fn time(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis).ok()
}

pub(super) fn span(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Integers in SQLite are signed.
pub(super) fn integer(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The version that this program writes.
pub(super) fn newest() -> i64 {
    STEPS.len() as i64
}

/// Returns the version of the file. An empty file has version 0.
pub(super) fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Applies the missing steps. Several processes may try at once: one applies them, the others find them applied.
pub(super) fn migrate(db: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    if version(db)? >= steps.len() as i64 {
        return Ok(());
    }
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = usize::try_from(version(&change)?).unwrap_or(0);
    for step in steps.iter().skip(done) {
        change.execute_batch(step)?;
    }
    change.pragma_update(None, "application_id", APPLICATION)?;
    change.pragma_update(None, "user_version", steps.len().max(done) as i64)?;
    change.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_tables_take_the_missing_steps_and_keep_what_they_hold() {
        let mut db = Connection::open_in_memory().unwrap();
        let steps =
            ["CREATE TABLE a (x); INSERT INTO a VALUES (1);", "ALTER TABLE a ADD COLUMN y DEFAULT 2;"];
        migrate(&mut db, &steps[..1]).unwrap();
        assert_eq!(version(&db).unwrap(), 1);
        migrate(&mut db, &steps).unwrap();
        migrate(&mut db, &steps).unwrap();
        let row: (i64, i64) = db.query_row("SELECT x, y FROM a", [], |r| Ok((r.get(0)?, r.get(1)?))).unwrap();
        assert_eq!((row, version(&db).unwrap()), ((1, 2), 2));
    }

    #[test]
    fn a_step_that_fails_changes_nothing() {
        let mut db = Connection::open_in_memory().unwrap();
        assert!(migrate(&mut db, &["CREATE TABLE a (x);", "nonsense"]).is_err());
        assert_eq!(version(&db).unwrap(), 0);
        migrate(&mut db, &["CREATE TABLE a (x);"]).unwrap();
    }
}
