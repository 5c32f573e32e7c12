//! One JSON object per line, as declared in `output/schema/`. An unknown figure is `null`.

use super::summary::verdict;
use super::text_listener::leveled;
use super::{Listener, Screen, units};
use crate::model::event::{Event, Level, Stamped, Stream};
use crate::model::part::Part;
use crate::model::result::{Attempt, Status, Summary, SyncResult};
use crate::model::time::rfc3339;
use crate::output::terminal::Text;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::io;

pub(super) struct Json {
    dry_run: bool,
    /// Buffer that is reused for every event.
    block: Vec<u8>,
}

/// The only event that occurs millions of times.
#[derive(Serialize)]
struct OutputLine<'a> {
    event: &'static str,
    time: &'a str,
    job: &'a str,
    stream: &'static str,
    line: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<Part>,
}

impl Json {
    pub(super) fn new() -> Self {
        Json { dry_run: false, block: Vec::new() }
    }

    fn write(&mut self, event: &Stamped) -> io::Result<()> {
        let (time, part) = (rfc3339(event.time), event.event.part());
        let (name, body) = match &event.event {
            Event::Output { job, stream, lines, .. } => {
                let stream = match stream {
                    Stream::Stdout => "stdout",
                    Stream::Stderr => "stderr",
                };
                for line in lines.iter() {
                    let line = String::from_utf8_lossy(line);
                    let line = OutputLine { event: "output", time: &time, job, stream, line: &line, part };
                    serde_json::to_writer(&mut self.block, &line)?;
                    self.block.push(b'\n');
                }
                return Ok(());
            }
            Event::RunStarted { run, jobs, parallel, dry_run } => (
                "run_started",
                json!({"v": 1, "run": run, "jobs": jobs, "parallel": parallel, "dry_run": dry_run}),
            ),
            Event::JobStarted { job, attempt, source, argv, .. } => {
                ("job_started", json!({"job": &**job, "attempt": attempt, "source": source, "argv": argv}))
            }
            Event::Phase { job, attempt, phase, argv, .. } => {
                ("phase", json!({"job": &**job, "attempt": attempt, "phase": phase, "argv": argv}))
            }
            Event::Planned {
                job,
                created,
                updated,
                deleted,
                limit,
                waiting,
                respelt,
                left_out,
                plan_hash,
            } => (
                "planned",
                json!({
                    "job": &**job, "created": created, "updated": updated, "deleted": deleted, "limit": limit,
                    "waiting": waiting, "respelt": respelt, "left_out": left_out, "plan_hash": plan_hash,
                }),
            ),
            Event::Adopted { job, found } => {
                let body = json!({
                    "job": &**job, "dest": found.dest.to_string_lossy(), "same": found.same, "same_size": found.same_size,
                    "different": found.different, "missing": found.missing, "foreign": found.foreign,
                    "older": found.older, "checksum": found.checksum, "why": found.why.word(),
                });
                ("adopted", body)
            }
            Event::Progress { job, progress, .. } => (
                "progress",
                json!({
                    "job": &**job, "bytes": progress.bytes, "percent": progress.percent, "files": progress.files,
                    "rate": progress.rate, "eta_s": progress.eta.map(units::seconds),
                }),
            ),
            Event::Retry { job, attempt, exit_code, reason, delay, source, .. } => (
                "retry",
                json!({
                    "job": &**job, "attempt": attempt, "exit_code": exit_code, "reason": reason,
                    "delay_s": units::seconds(*delay), "source": source,
                }),
            ),
            Event::Notice { job, level, text } => {
                let level = match level {
                    Level::Debug => "debug",
                    Level::Info => "info",
                    Level::Warning => "warning",
                    Level::Error => "error",
                };
                ("notice", json!({"job": job.as_deref(), "level": level, "text": text}))
            }
            Event::JobFinished(result) => ("job_finished", job_finished(result, self.dry_run)),
            Event::RunFinished(summary) => ("run_finished", run_finished(summary)),
        };
        let mut object = Map::from_iter([("event".into(), name.into()), ("time".into(), time.into())]);
        if let Value::Object(body) = body {
            object.extend(body);
        }
        if let Some(part) = part {
            object.insert("part".into(), json!(part));
        }
        serde_json::to_writer(&mut self.block, &object)?;
        self.block.push(b'\n');
        Ok(())
    }

    /// Prints on standard error what a person at the terminal should still see.
    fn alarm(&self, event: &Event, screen: &mut Screen) {
        let text = match event {
            Event::Notice { job, level, text } => (*level >= Level::Warning).then(|| {
                let job = job.as_deref().map_or(String::new(), |job| format!("[{job}] "));
                Text::from(job).with(leveled(*level, text))
            }),
            Event::JobFinished(result) => {
                matches!(result.status(), Status::Failed | Status::Blocked | Status::Partial)
                    .then(|| format!("[{}] {}", result.job, verdict(result)).into())
            }
            _ => None,
        };
        if let Some(text) = text {
            screen.err(&text.with("\n"));
        }
    }
}

impl Listener for Json {
    fn name(&self) -> &str {
        "JSON"
    }

    fn hear(&mut self, event: &Stamped, screen: &mut Screen) -> io::Result<()> {
        if let Event::RunStarted { dry_run, .. } = event.event {
            self.dry_run = dry_run;
        }
        self.block.clear();
        self.write(event)?;
        screen.json(&self.block);
        self.alarm(&event.event, screen);
        Ok(())
    }
}

fn job_finished(result: &SyncResult, dry_run: bool) -> Value {
    let figures = &result.figures;
    json!({
        "job": &*result.job,
        "status": result.status(),
        "undo": result.undo,
        "exit_code": result.exit_code(),
        "attempts": result.attempts.len(),
        "duration_s": units::seconds(result.duration),
        "files_transferred": figures.files_transferred,
        "files_deleted": figures.files_deleted,
        "bytes_received": figures.bytes_received,
        "total_files": figures.total_files,
        "total_bytes": figures.total_bytes,
        "error": result.outcome.error(),
        "hint": result.outcome.hint(),
        "log": result.log.as_ref().map(|log| log.to_string_lossy()),
        "source": result.source,
        "fallback": result.fallback.is_some(),
        "fallback_reason": result.fallback.as_ref().map(|fallback| &fallback.why),
        "started": rfc3339(result.started),
        "queued_s": units::seconds(result.queued),
        "changed": if dry_run { Some(false) } else { result.changed() },
        "alerts": result.alerts,
        "warnings": result.warnings,
        "tries": result.attempts.iter().map(attempt).collect::<Vec<_>>(),
    })
}

fn attempt(attempt: &Attempt) -> Value {
    let phases: Map<String, Value> = attempt
        .phases
        .iter()
        .map(|(phase, duration)| (phase.word().to_owned(), units::seconds(*duration).into()))
        .collect();
    json!({
        "attempt": attempt.number,
        "source": attempt.source,
        "exit_code": attempt.exit_code,
        "duration_s": units::seconds(attempt.duration),
        "error": attempt.error.as_ref().map(|reason| &reason.text),
        "phases": phases,
    })
}

fn run_finished(summary: &Summary) -> Value {
    json!({
        "run": summary.run,
        "exit_code": summary.exit().code(),
        "duration_s": units::seconds(summary.duration),
        "total": summary.results.len(),
        "success": summary.success(),
        "failed": summary.count(Status::Failed),
        "partial": summary.count(Status::Partial),
        "blocked": summary.count(Status::Blocked),
        "skipped": summary.count(Status::Skipped),
        "cancelled": summary.count(Status::Cancelled),
        "signal": summary.signal,
        "warnings": summary.warnings,
        "unwritten": summary.unwritten,
    })
}

#[cfg(test)]
mod tests;
