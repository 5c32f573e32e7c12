//! `history`

use super::history_lookup;
use super::{Failure, file_locations, settings};
use crate::cli::{Global, HistoryAction, HistoryArgs};
use crate::config::{Config, Overrides};
use crate::history::stats::{Past, State};
use crate::history::{AttemptRow, Job, Query, Run, RunState};
use crate::model::exit_code::ExitCode;
use crate::model::hint;
use crate::model::result::{Attempt, Outcome, Reason, Skip, Status, Summary, SyncResult};
use crate::model::time::{local, minute, offset, rfc3339};
use crate::output::terminal::Ui;
use crate::output::{self, units};
use crate::retention;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The default number of rows: a few screens.
const LIMIT: usize = 50;
/// The number of characters shown of a run's ID. More are shown if that is not unique.
const ID: usize = 10;
/// On a terminal with fewer columns, the table is narrower.
pub(super) const WIDE: usize = 100;
/// The number of characters of an ID in the narrower table.
pub(super) const SHORT_ID: usize = 8;

/// Shows past runs.
pub(super) fn run(args: &HistoryArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    match &args.action {
        Some(HistoryAction::Show { run }) => show(run, global, ui),
        None => list(args, global, ui),
    }
}

fn list(args: &HistoryArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let history = history_lookup::open(global)?;
    // Past runs can be shown without a valid configuration, unless it is needed to resolve the arguments.
    let config = settings::open(global).and_then(|opened| Ok(opened.check(&Overrides::default())?));
    let config = match config {
        Ok(config) => config,
        Err(failure) if !args.tag.is_empty() => return Err(failure),
        Err(_) => Config::default(),
    };
    let jobs = history_lookup::jobs(&args.jobs, &args.tag, &config, history.as_ref())?;
    let query = query(args, jobs, ui)?;
    let (found, ids) = match &history {
        // A shortened ID must also be unique among the runs that only journals have.
        Some(known) => (
            known.jobs(&query)?,
            history_lookup::known_runs(&file_locations::state_dir(global)?, history.as_ref())?,
        ),
        None => Default::default(),
    };
    if ui.json {
        for past in &found {
            ui.json("job", &as_json(past))?;
        }
        ui.result(ExitCode::Done, &json!({ "jobs": found.len() }))?;
        return Ok(ExitCode::Done);
    }
    if found.is_empty() {
        ui.note("no recorded run matches");
        return Ok(ExitCode::Done);
    }
    ui.table(&rows(&found, &ids, ui.look().columns.is_some_and(|columns| columns < WIDE)))?;
    Ok(ExitCode::Done)
}

/// Returns a heading and one row per job. `narrow`: all columns but the reason fit into 80 columns.
fn rows(found: &[Past], ids: &[String], narrow: bool) -> Vec<Vec<String>> {
    // A common offset is shown in the heading. If it changes, as in spring, each row has its own.
    let common = found.first().map(|past| offset(past.started)).filter(|_| narrow);
    let common = common.filter(|common| found.iter().all(|past| offset(past.started) == *common));
    let heading = match &common {
        Some(offset) => format!("STARTED {offset}"),
        None => "STARTED".into(),
    };
    let (tries, deleted, id) = if narrow { ("TRY", "DEL", SHORT_ID) } else { ("TRIES", "DELETED", ID) };
    let others = ["RUN", "JOB", "STATUS", "TIME", tries, "FILES", deleted, "RECEIVED", "REASON"];
    let mut rows = vec![[heading].into_iter().chain(others.map(String::from)).collect()];
    rows.extend(found.iter().map(|past| {
        let started = if common.is_some() { minute(past.started) } else { local(past.started) };
        row(past, started, retention::short(&past.run, ids, id))
    }));
    rows
}

fn query(args: &HistoryArgs, jobs: Vec<String>, ui: &Ui) -> Result<Query, Failure> {
    let mut states = Vec::new();
    for word in &args.status {
        let state = State::parse(word).ok_or_else(|| {
            let known: Vec<_> = State::all().map(State::word).collect();
            let hint = crate::config::nearest(word, known.iter().copied()).map_or_else(
                || format!("one of {}", known.join(", ")),
                |near| format!("did you mean {near:?}?"),
            );
            Failure::usage_hint(format!("--status: no status is called {word:?}"), hint)
        })?;
        states.push(state);
    }
    let limit = match args.limit {
        None if ui.json => None,
        None => Some(LIMIT),
        Some(0) => None,
        limit => limit,
    };
    Ok(Query { jobs, since: history_lookup::since(args.since.as_deref())?, states, limit })
}

fn row(past: &Past, started: String, run: &str) -> Vec<String> {
    let count = |n: Option<u64>| n.map_or("-".into(), |n| n.to_string());
    let reason = past.error.clone().unwrap_or_else(|| [&past.alerts[..], &past.warnings].concat().join("; "));
    let cells = [
        started,
        run.to_owned(),
        past.job.clone(),
        past.state.word().into(),
        past.duration.map_or("-".into(), units::duration),
        past.attempts.to_string(),
        count(past.figures.files_transferred),
        count(past.figures.files_deleted),
        past.figures.bytes_received.map_or("-".into(), units::bytes),
        reason,
    ];
    cells.to_vec()
}

/// Returns a past job as JSON. The names are those of `job_finished`.
pub(super) fn as_json(past: &Past) -> Value {
    let figures = &past.figures;
    json!({
        "run": past.run,
        "job": past.job,
        "status": past.state.word(),
        "started": rfc3339(past.started),
        "duration_s": past.duration.map(units::seconds),
        "queued_s": past.queued.map(units::seconds),
        "attempts": past.attempts,
        "exit_code": past.exit_code,
        "files_transferred": figures.files_transferred,
        "files_deleted": figures.files_deleted,
        "bytes_received": figures.bytes_received,
        "total_files": figures.total_files,
        "total_bytes": figures.total_bytes,
        "source": past.source,
        "fallback": past.fallback.is_some(),
        "fallback_reason": past.fallback.as_ref().map(|fallback| &fallback.why),
        "error": past.error,
        "hint": past.hint,
        "log": past.log,
        "alerts": past.alerts,
        "warnings": past.warnings,
        "phases": phases(&past.phases),
    })
}

fn phases(phases: &[(String, Duration)]) -> Map<String, Value> {
    phases.iter().map(|(name, took)| (name.clone(), units::seconds(*took).into())).collect()
}

fn show(wanted: &str, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let none = || Failure::usage_hint("no run is recorded yet", "`pdb-sync sync --all` writes the history");
    let history = history_lookup::open(global)?;
    let run = match wanted {
        "last" => history.ok_or_else(none)?.run(wanted)?,
        _ => {
            let id = history_lookup::run_meant(&file_locations::state_dir(global)?, wanted)?;
            let id = id.ok_or_else(|| {
                let hint = "`pdb-sync history` lists the runs that are known";
                Failure::usage_hint(format!("the history has no run {wanted:?}"), hint)
            })?;
            let known = history.as_ref().map(|history| history.ids()).transpose()?;
            let history = history.filter(|_| known.is_some_and(|known| known.contains(&id)));
            let other = || {
                let hint = format!("`pdb-sync clean log {id}` shows what it removed");
                Failure::usage_hint(format!("the history has no run {id}"), hint)
            };
            history.ok_or_else(other)?.run(&id)?
        }
    };
    let mut kept = history_lookup::kept(&file_locations::state_dir(global)?, &run.id);
    kept.retain(|name| run.jobs.iter().any(|job| job.past.job == *name && job.past.state != State::Running));
    let undo = |job: &str| kept.contains(job).then(|| hint::undo(ui.again, &run.id));
    if ui.json {
        for job in &run.jobs {
            let mut body = as_json(&job.past);
            body["undo"] = undo(&job.past.job).into();
            body["tries"] = job.attempts.iter().map(try_json).collect();
            ui.json("job", &body)?;
        }
        let body = json!({
            "run": run.id, "state": run.state.word(), "started": rfc3339(run.started),
            "duration_s": run.duration.map(units::seconds), "run_exit_code": run.exit_code, "signal": run.signal,
            "jobs": run.jobs.len(),
        });
        ui.result(ExitCode::Done, &body)?;
        return Ok(ExitCode::Done);
    }
    let how = match run.state {
        RunState::Running => "still running",
        RunState::Interrupted => "interrupted: it ended without a result",
        RunState::Ended => "ended",
    };
    ui.line(&format!("Run {}, started {}, {how}", run.id, local(run.started)))?;
    let running = run.jobs.iter().filter(|job| job.past.state == State::Running).count();
    if running > 0 {
        ui.line(&format!("Not ended: {}", units::count(running as u64, "job", "jobs")))?;
    }
    let results = run.jobs.iter().filter(|job| job.past.state != State::Running);
    let results = results.map(|job| SyncResult { undo: undo(&job.past.job), ..result(job) }.into()).collect();
    ui.text(&output::summary(&summary(&run, results), ui.verbose).trim_end())?;
    Ok(ExitCode::Done)
}

fn try_json(one: &AttemptRow) -> Value {
    json!({
        "attempt": one.number, "source": one.source, "started": rfc3339(one.started),
        "exit_code": one.exit_code, "duration_s": units::seconds(one.duration), "error": one.error,
        "phases": phases(&one.phases),
    })
}

/// Returns the summary of a run; of a run that has not ended, as far as it is known.
fn summary(run: &Run, results: Vec<Arc<SyncResult>>) -> Summary {
    let mut summary = Summary {
        run: run.id.clone(),
        results,
        duration: run.duration.unwrap_or_default(),
        signal: run.signal,
        // The history does not store these.
        warnings: Vec::new(),
        unwritten: Vec::new(),
    };
    if run.exit_code == Some(ExitCode::Failed.code()) && summary.exit() == ExitCode::Done {
        // No job failed, so an output was lost.
        summary.unwritten.push("what was missing is not recorded".into());
    }
    summary
}

fn result(job: &Job) -> SyncResult {
    let past = &job.past;
    SyncResult {
        job: past.job.as_str().into(),
        outcome: outcome(past),
        attempts: job.attempts.iter().map(attempt).collect(),
        started: past.started,
        duration: past.duration.unwrap_or_default(),
        queued: past.queued.unwrap_or_default(),
        figures: past.figures,
        source: past.source.clone(),
        fallback: past.fallback.clone(),
        log: past.log.as_ref().map(Into::into),
        alerts: past.alerts.clone(),
        warnings: past.warnings.clone(),
        // Only the quarantine shows what can still be restored.
        undo: None,
    }
}

fn outcome(past: &Past) -> Outcome {
    let text = past.error.clone().unwrap_or_default();
    let reason = Reason { text: text.clone(), hint: past.hint.clone() };
    match past.state {
        State::Running | State::Interrupted => {
            Outcome::Cancelled(Reason::new("interrupted: pdb-sync was killed, or the machine went down"))
        }
        State::Ended(Status::Ok) => Outcome::Ok,
        State::Ended(Status::Warned) => Outcome::Warned(reason),
        State::Ended(Status::Partial) => Outcome::Partial(reason),
        State::Ended(Status::Blocked) => Outcome::Blocked(reason),
        State::Ended(Status::Failed) => Outcome::Failed(reason),
        // The reason for skipping makes no difference to the output.
        State::Ended(Status::Skipped) => Outcome::Skipped(Skip::Hook(text)),
        State::Ended(Status::Cancelled) => Outcome::Cancelled(reason),
    }
}

fn attempt(one: &AttemptRow) -> Attempt {
    Attempt {
        number: one.number,
        source: one.source.clone(),
        started: one.started,
        duration: one.duration,
        // The summary does not show phases.
        phases: Vec::new(),
        exit_code: one.exit_code,
        error: one.error.clone().map(Reason::new),
    }
}
