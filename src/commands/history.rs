//! `history`

use super::history_lookup;
use super::{Failure, file_locations, settings};
use crate::cli::{Global, HistoryAction, HistoryArgs};
use crate::config::{Config, Overrides};
use crate::history::{Query, Run, RunState};
use crate::model::exit_code::ExitCode;
use crate::model::hint;
use crate::model::record::{JobRecord, State};
use crate::model::result::SyncResult;
use crate::model::run_scope::RunScope;
use crate::model::summary::Summary;
use crate::model::time::{self, local, minute, offset, rfc3339};
use crate::output::terminal::Ui;
use crate::output::{self, schema, units};
use crate::retention;
use serde_json::json;
use std::io;
use std::sync::Arc;

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
    jobs_as_json(&found, ui)?;
    ui.report(ExitCode::Done, &json!({ "jobs": found.len() }), || {
        if found.is_empty() {
            ui.note("no recorded run matches");
            return Ok(());
        }
        ui.table(&rows(&found, &ids, ui.look().columns.is_some_and(|columns| columns < WIDE)))
    })?;
    Ok(ExitCode::Done)
}

/// Prints a line for each job with `--json`. The keys are those of `job_finished`.
fn jobs_as_json(jobs: &[JobRecord], ui: &Ui) -> io::Result<()> {
    let bodies: io::Result<Vec<_>> = jobs.iter().map(|job| schema::body("history", "job", job)).collect();
    ui.objects("job", bodies?)
}

/// Returns a heading and one row per job. `narrow`: all columns but the reason fit into 80 columns.
fn rows(found: &[JobRecord], ids: &[String], narrow: bool) -> Vec<Vec<String>> {
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
    Ok(Query { jobs, since: history_lookup::since(args.since.as_deref())?, states, limit, whole: false })
}

fn row(past: &JobRecord, started: String, run: &str) -> Vec<String> {
    let reason = past.error.clone().unwrap_or_else(|| [&past.alerts[..], &past.warnings].concat().join("; "));
    let reason = match past.scope.map(RunScope::text) {
        Some(scope) if reason.is_empty() => scope.into(),
        Some(scope) => format!("{scope}: {reason}"),
        None => reason,
    };
    let mut cells = vec![started, run.to_owned(), past.job.clone()];
    let [status, tries, duration, figures @ ..] = output::cells(past, "-");
    cells.extend([status, duration, tries]);
    cells.extend(figures);
    cells.push(reason);
    cells
}

fn show(wanted: &str, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let none = || Failure::usage_hint("no run is recorded yet", "`pdb-sync sync --all` writes the history");
    let history = history_lookup::open(global)?;
    let mut run = match wanted {
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
                let hint = format!(
                    "the history has runs of `sync` only; `pdb-sync clean log {id}` shows what it removed"
                );
                Failure::usage_hint(format!("the history has no run {id}"), hint)
            };
            history.ok_or_else(other)?.run(&id)?
        }
    };
    let kept = history_lookup::kept(&file_locations::state_dir(global)?, &run.id);
    for job in run.jobs.iter_mut().filter(|job| job.state != State::Running && kept.contains(&job.job)) {
        if let Some(details) = &mut job.details {
            details.undo = Some(hint::undo(ui.again, &run.id));
        }
    }
    jobs_as_json(&run.jobs, ui)?;
    let body = json!({
        "run": run.id, "state": run.state.word(), "started": rfc3339(run.started),
        "duration_s": run.duration.map(time::seconds), "run_exit_code": run.exit_code, "signal": run.signal,
        "jobs": run.jobs.len(),
    });
    ui.report(ExitCode::Done, &body, || tell(&run, ui))?;
    Ok(ExitCode::Done)
}

fn tell(run: &Run, ui: &Ui) -> io::Result<()> {
    let how = match run.state {
        RunState::Running => "still running",
        RunState::Interrupted => "interrupted: it ended without a result",
        RunState::Ended => "ended",
    };
    ui.line(&format!("Run {}, started {}, {how}", run.id, local(run.started)))?;
    if let Some(scope) = run.jobs.iter().find_map(|job| job.scope) {
        ui.line(&format!(
            "It ran {}, so it does not count as the last run of its {}",
            scope.text(),
            if run.jobs.len() == 1 { "job" } else { "jobs" }
        ))?;
    }
    let running = run.jobs.iter().filter(|job| job.state == State::Running).count();
    if running > 0 {
        ui.line(&format!("Not ended: {}", units::count(running as u64, "job", "jobs")))?;
    }
    ui.text(&output::summary(&summary(run), ui.verbose, running == 0).trim_end())
}

/// Returns the summary of a run; of a run that has not ended, as far as it is known.
fn summary(run: &Run) -> Summary {
    let ended = run.jobs.iter().filter(|job| job.state != State::Running);
    let mut summary = Summary {
        run: run.id.clone(),
        // Dry runs are not recorded.
        dry_run: false,
        results: ended.map(|job| Arc::new(SyncResult::from(job))).collect(),
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
