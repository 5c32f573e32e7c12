//! What the columns of the tables hold. Rows are written and read by the names of their columns, here only.

use super::run_process::RunProcess;
use crate::model::event::Phase;
use crate::model::part::{Part, PartResult, PartTry};
use crate::model::record::{JobRecord, State};
use crate::model::result::{Attempt, Figures, Reason, Status};
use crate::model::run_scope::RunScope;
use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::{FromSql, Value};
use std::time::Duration;

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
        ("connections", record.connections.into()),
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
        connections: optional(row, "connections")?,
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

/// The rows of a part, but for its run and job.
pub(super) fn of_part(part: &PartResult) -> Vec<Columns> {
    let row = |tried: Option<&PartTry>| {
        vec![
            ("attempt", part.attempt.into()),
            ("part", part.part.index.into()),
            ("parts", part.part.of.into()),
            ("files", integer(part.files).into()),
            ("bytes", integer(part.bytes).into()),
            ("done", part.done.into()),
            ("connection", tried.map(|tried| tried.connection).into()),
            ("started", tried.map(|tried| tried.started.as_millisecond()).into()),
            ("duration", tried.map(|tried| micros(tried.duration)).into()),
            ("exit_code", tried.and_then(|tried| tried.exit_code).into()),
            ("error", tried.and_then(|tried| tried.error.clone()).into()),
        ]
    };
    match part.tries.as_slice() {
        [] => vec![row(None)],
        tries => tries.iter().map(|tried| row(Some(tried))).collect(),
    }
}

/// Reads a row of a part, with one of its transfers if there is one.
pub(super) fn part(row: &Row<'_>) -> rusqlite::Result<PartResult> {
    let tried = match row.get("connection")? {
        Some(connection) => Some(PartTry {
            connection,
            started: time(row.get("started")?).unwrap_or_default(),
            duration: span(row.get("duration")?),
            exit_code: row.get("exit_code")?,
            error: row.get("error")?,
        }),
        None => None,
    };
    Ok(PartResult {
        attempt: row.get("attempt")?,
        part: Part { index: row.get("part")?, of: row.get("parts")? },
        files: count(row, "files")?.unwrap_or_default(),
        bytes: count(row, "bytes")?.unwrap_or_default(),
        done: row.get("done")?,
        tries: tried.into_iter().collect(),
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
