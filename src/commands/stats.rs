//! `stats`

use super::{Failure, costs, file_locations, history_lookup, settings};
use crate::cli::{Global, StatsArgs};
use crate::config::Config;
use crate::history::stats::{
    Aggregate, COMMANDS, CommandCost, Cost, Metrics, QueryStats, Spread, prometheus,
};
use crate::history::{History, Query};
use crate::model::exit_code::ExitCode;
use crate::model::record::{JobRecord, State};
use crate::model::sanitize;
use crate::model::time::rfc3339;
use crate::output::terminal::Ui;
use crate::output::{OutputFile, units};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

/// Past results by job, newest first.
type Pasts = BTreeMap<String, Vec<JobRecord>>;

/// An alert that a job or a command sets off.
struct FiringAlert {
    /// The job, or else the command.
    job: Option<String>,
    command: Option<&'static str>,
    text: String,
}

impl FiringAlert {
    fn about(&self) -> &str {
        self.job.as_deref().or(self.command).unwrap_or_default()
    }
}

/// Shows statistics of past runs.
pub(super) fn run(args: &StatsArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let config = settings::open(global)?.load(ui)?;
    let now = Timestamp::now();
    let since = history_lookup::since(args.since.as_deref())?;
    let history = history_lookup::open(global)?;
    let names = history_lookup::jobs(&args.jobs, &args.tag, &config, history.as_ref())?;
    let pasts = pasts(&names, &config, history.as_ref())?;
    let state_dir = file_locations::state_dir(global)?;
    let costs = costs::known(&state_dir, &names)?;
    let mut firing = firing(&config, &pasts, now);
    if names.is_empty() {
        firing.extend(of_commands(&config, &costs, now));
    }
    if let Some(command) = &args.command {
        let jobs = pasts.values().flatten();
        let costs = if command == "sync" { jobs.filter_map(Cost::of_job).collect() } else { costs };
        if command != "sync" && !names.is_empty() {
            let text = format!("--command {command} is about all of its runs, whatever the job");
            return Err(Failure::usage_hint(text, "leave the jobs and tags out"));
        }
        firing.retain(|firing| firing.command == Some(command));
        return one_command(command, costs, (since, now), &firing, ui);
    }
    if args.check {
        return check(&firing, ui);
    }
    let jobs: Vec<Aggregate> = pasts
        .iter()
        .map(|(job, past)| {
            let recent = past.iter().filter(|past| since.is_none_or(|since| past.started >= since));
            let mut all = Aggregate::of(job, &recent.cloned().collect::<Vec<_>>(), now);
            // The trend and the last success are computed from all past results, not only from those since `--since`.
            let ever = Aggregate::of(job, past, now);
            (all.trend, all.last_success) = (ever.trend, ever.last_success);
            all
        })
        .collect();
    let commands = CommandCost::each(&costs, since, now);
    let queries = QueryStats::of(&costs, since);
    if let Some(file) = &args.prometheus {
        let of = |job: &str| firing.iter().filter(|firing| firing.job.as_deref() == Some(job)).count();
        let totals = history.as_ref().map(History::totals).transpose()?.unwrap_or_default();
        let command_totals = costs::totals(&state_dir, &names)?;
        let page = prometheus(&Metrics {
            jobs: &jobs,
            totals: &totals,
            firing: &of,
            commands: &commands,
            command_totals: &command_totals,
        });
        // The node exporter must never read an incomplete file, and may run as another user.
        let written = OutputFile::find(file);
        written.and_then(|out| out.replace(0o644, |out| out.write_all(page.as_bytes()))).map_err(
            |error| Failure::written(format!("write the metrics {}", sanitize::path(&file)), error),
        )?;
        ui.result(ExitCode::Done, &json!({ "file": file.to_string_lossy(), "jobs": jobs.len() }))?;
        return Ok(ExitCode::Done);
    }
    ui.objects("stats", jobs.iter().map(|job| as_json(job, &firing)))?;
    ui.objects("command", commands.iter().map(costs::as_json))?;
    ui.objects("searches", queries.iter().map(costs::queries_as_json))?;
    let body = json!({ "jobs": jobs.len(), "commands": commands.len(), "alerts": firing.len() });
    ui.report(ExitCode::Done, &body, || {
        tables(&jobs, &commands, ui)?;
        tell_queries(queries.as_ref(), ui)?;
        tell_firing(&firing, ui)
    })?;
    Ok(ExitCode::Done)
}

fn tables(jobs: &[Aggregate], commands: &[CommandCost], ui: &Ui) -> io::Result<()> {
    let ran = jobs.iter().any(|job| job.runs > 0);
    if !ran {
        ui.note("no recorded run matches");
    } else {
        ui.table(&rows(jobs))?;
        for job in jobs.iter().filter(|job| job.by_marker > 0) {
            let runs = units::count(job.by_marker as u64, "run", "runs");
            ui.line(&format!(
                "{}: in {runs}, the marker showed that nothing was new; the times are those of the others",
                job.job
            ))?;
        }
    }
    if !commands.is_empty() {
        if ran {
            ui.line("")?;
        }
        ui.table(&costs::rows(commands))?;
    }
    Ok(())
}

/// Returns the past results of the named jobs, or of all jobs in the history and the configuration.
fn pasts(names: &[String], config: &Config, history: Option<&History>) -> Result<Pasts, Failure> {
    let found = match history {
        Some(history) => history.jobs(&Query { jobs: names.to_vec(), whole: true, ..Query::default() })?,
        None => Vec::new(),
    };
    // Configured jobs without history are included, since they are expected to run.
    let expected = config.jobs.iter().filter(|job| job.enabled);
    let expected = expected.filter(|job| names.is_empty() || names.contains(&job.name));
    let mut pasts: Pasts = expected.map(|job| (job.name.clone(), Vec::new())).collect();
    for past in found {
        pasts.entry(past.job.clone()).or_default().push(past);
    }
    Ok(pasts)
}

/// Returns the alerts that are set off now, for jobs that `--all` would run. Other jobs are not expected to run.
fn firing(config: &Config, pasts: &Pasts, now: Timestamp) -> Vec<FiringAlert> {
    let mut firing = Vec::new();
    let expected = |name: &str| config.jobs.iter().any(|job| job.name == name && job.enabled);
    for (job, past) in pasts.iter().filter(|(job, _)| expected(job)) {
        for alert in config.stats.alerts.iter().filter(|alert| alert.is_about(job)) {
            // A run in progress is not a result.
            let past: Vec<JobRecord> =
                past.iter().filter(|past| past.state != State::Running).cloned().collect();
            let told = alert.check(&past, now);
            firing.extend(told.map(|text| FiringAlert { job: Some(job.clone()), command: None, text }));
        }
    }
    firing
}

/// Returns the alerts that commands set off now.
fn of_commands(config: &Config, costs: &[Cost], now: Timestamp) -> Vec<FiringAlert> {
    let mut firing = Vec::new();
    for command in COMMANDS {
        let records = || {
            let mut records: Vec<_> =
                costs.iter().filter(|cost| cost.command == command).map(Cost::record).collect();
            records.sort_by_key(|record| std::cmp::Reverse(record.started));
            records
        };
        for alert in config.stats.alerts.iter().filter(|alert| alert.is_about_command(command)) {
            let told = alert.check(&records(), now);
            firing.extend(told.map(|text| FiringAlert { job: None, command: Some(command), text }));
        }
    }
    firing
}

/// Shows the parts of one command.
fn one_command(
    command: &str,
    mut costs: Vec<Cost>,
    (since, now): (Option<Timestamp>, Timestamp),
    firing: &[FiringAlert],
    ui: &Ui,
) -> Result<ExitCode, Failure> {
    costs.retain(|cost| cost.command == command);
    costs.sort_by_key(|cost| cost.started);
    let found = CommandCost::each(&costs, since, now);
    let queries = QueryStats::of(&costs, since);
    ui.objects("command", found.iter().map(costs::as_json))?;
    ui.objects("searches", queries.iter().map(costs::queries_as_json))?;
    let body = json!({ "jobs": 0, "commands": found.len(), "alerts": firing.len() });
    ui.report(ExitCode::Done, &body, || {
        match found.first() {
            Some(command) => {
                ui.table(&costs::rows(&found))?;
                if !command.checkpoints.is_empty() {
                    ui.line("")?;
                    ui.table(&costs::part_rows(command))?;
                }
            }
            None => ui.note(&format!("no recorded run of {command} matches")),
        }
        tell_queries(queries.as_ref(), ui)?;
        tell_firing(firing, ui)
    })?;
    Ok(ExitCode::Done)
}

fn tell_queries(queries: Option<&QueryStats>, ui: &Ui) -> io::Result<()> {
    queries.map_or(Ok(()), |queries| ui.line(&format!("\nsearches: {}", costs::about_queries(queries))))
}

fn tell_firing(firing: &[FiringAlert], ui: &Ui) -> io::Result<()> {
    firing.iter().try_for_each(|firing| ui.line(&format!("alert: [{}] {}", firing.about(), firing.text)))
}

fn check(firing: &[FiringAlert], ui: &Ui) -> Result<ExitCode, Failure> {
    for firing in firing {
        let FiringAlert { job, command, text } = firing;
        let body = json!({ "job": job, "command_name": command, "text": text });
        ui.item("alert", &body, || ui.line(&format!("[{}] {text}", firing.about())))?;
    }
    ui.result(ExitCode::Done, &json!({ "alerts": firing.len() }))?;
    Ok(if firing.is_empty() { ExitCode::Done } else { ExitCode::Failed })
}

fn rows(jobs: &[Aggregate]) -> Vec<Vec<String>> {
    let heading =
        ["JOB", "RUNS", "OK", "P50", "P90", "P95", "P99", "MEAN", "QUEUED", "BYTES/S", "FILES/S", "TREND"];
    let mut rows = vec![heading.map(String::from).to_vec()];
    for job in jobs {
        let time =
            |of: fn(&Spread) -> f64| job.duration.as_ref().map_or("-".into(), |spread| duration(of(spread)));
        let percent = |share: f64| format!("{:.0}%", share * 100.0);
        let trend = job.trend.duration.map_or("-".into(), |share| format!("{:+.0}%", share * 100.0));
        rows.push(vec![
            job.job.clone(),
            job.runs.to_string(),
            job.success_rate.map_or("-".into(), percent),
            time(|spread| spread.p50),
            time(|spread| spread.p90),
            time(|spread| spread.p95),
            time(|spread| spread.p99),
            time(|spread| spread.mean),
            job.queued.map_or("-".into(), |spread| duration(spread.p50)),
            job.bytes_per_s.and_then(|spread| per_second(spread.p50)).unwrap_or("-".into()),
            job.files_per_s.map_or("-".into(), |spread| units::pace(spread.p50)),
            trend,
        ]);
    }
    rows
}

/// Formats a rate. The heading has the unit of time.
fn per_second(rate: f64) -> Option<String> {
    units::rate(rate).map(|rate| rate.trim_end_matches("/s").to_owned())
}

fn duration(seconds: f64) -> String {
    Duration::try_from_secs_f64(seconds).map_or("-".into(), units::duration)
}

fn as_json(job: &Aggregate, firing: &[FiringAlert]) -> Value {
    let states: Map<String, Value> =
        job.states.iter().map(|(state, count)| (state.word().into(), (*count).into())).collect();
    let time = |time: Option<Timestamp>| time.map(rfc3339);
    let alerts: Vec<_> = firing
        .iter()
        .filter(|firing| firing.job.as_ref() == Some(&job.job))
        .map(|firing| firing.text.as_str())
        .collect();
    json!({
        "job": job.job,
        "runs": job.runs,
        "states": states,
        "success_rate": job.success_rate,
        "by_marker": job.by_marker,
        "duration_s": job.duration,
        "queued_s": job.queued,
        "bytes_per_s": job.bytes_per_s,
        "files_per_s": job.files_per_s,
        "bytes_received": job.bytes,
        "files_transferred": job.files,
        "trend": { "duration": job.trend.duration, "bytes_received": job.trend.bytes },
        "last_status": job.last.as_ref().map(|last| last.state.word()),
        "last_success": time(job.last_success),
        "alerts": alerts,
    })
}
