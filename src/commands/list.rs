//! `list`

use super::{Failure, history_lookup, settings};
use crate::cli::{Global, ListArgs};
use crate::config::{self, preset_name};
use crate::history::Latest;
use crate::model::exit_code::ExitCode;
use crate::model::job::Job;
use crate::model::sanitize;
use crate::model::time::{self, rfc3339};
use crate::output::terminal::Ui;
use crate::output::units;
use jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// Prints the jobs of the configuration.
pub(super) fn run(args: &ListArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let opened = settings::open(global)?;
    let config = opened.load(ui)?;
    let jobs: Vec<&Job> = match args.tag.as_slice() {
        [] => config.jobs.iter().collect(),
        tags => config::tagged(&config.jobs, tags)?,
    };
    let (latest, now) = (latest(global, ui), Timestamp::now());
    ui.objects("job", jobs.iter().map(|job| as_json(job, latest.get(&job.name), now)))?;
    ui.report(ExitCode::Done, &json!({ "jobs": jobs.len() }), || {
        if !jobs.is_empty() {
            return ui.table(&rows(&jobs, &latest, now));
        }
        if opened.exists {
            ui.note(&format!("{} has no jobs", sanitize::path(&opened.file)));
            ui.note(&format!("  hint: {}", config::ADD_A_JOB));
        } else {
            opened.tell_missing(ui);
        }
        Ok(())
    })?;
    Ok(ExitCode::Done)
}

/// Returns the last results. An unreadable history is only a warning, since the list is useful without results.
fn latest(global: &Global, ui: &Ui) -> BTreeMap<String, Latest> {
    let read = history_lookup::open(global).and_then(|history| match history {
        Some(history) => Ok(history.latest(Timestamp::now())?),
        None => Ok(BTreeMap::new()),
    });
    read.unwrap_or_else(|failure| {
        ui.warning(&failure.to_string());
        BTreeMap::new()
    })
}

/// Returns the time since the last success.
fn age(latest: Option<&Latest>, now: Timestamp) -> Option<Duration> {
    // If the clock was set back, the age is 0.
    Some(Duration::try_from(now.duration_since(latest?.success?)).unwrap_or_default())
}

fn as_json(job: &Job, latest: Option<&Latest>, now: Timestamp) -> serde_json::Value {
    let last = latest.map(|latest| {
        let last = &latest.last;
        json!({ "run": last.run, "status": last.state.word(), "started": rfc3339(last.started) })
    });
    json!({
        "job": job.name,
        "name": job.name,
        "enabled": job.enabled,
        "tags": job.tags,
        "sources": job.sources.iter().map(|source| &source.text).collect::<Vec<_>>(),
        "host": job.hosts().first(),
        "hosts": job.hosts(),
        "dest": job.known_dest().map(|dest| dest.to_string_lossy()),
        "delete": job.delete,
        "preset": preset_name(job.preset),
        "priority": job.priority,
        "description": job.description,
        "last": last,
        "last_success": latest.and_then(|latest| latest.success).map(rfc3339),
        "age_s": age(latest, now).map(time::seconds),
    })
}

/// Returns a heading and one row per job.
fn rows(jobs: &[&Job], latest: &BTreeMap<String, Latest>, now: Timestamp) -> Vec<Vec<String>> {
    let heading = ["JOB", "ON", "LAST", "AGE", "HOST", "DEST", "TAGS", "DESCRIPTION"].map(String::from);
    let mut rows = vec![heading.to_vec()];
    for job in jobs {
        let latest = latest.get(&job.name);
        let hosts = job.hosts();
        let host = hosts.first().cloned().unwrap_or_default();
        let more = if hosts.len() > 1 { format!(" +{}", hosts.len() - 1) } else { String::new() };
        let on = if job.enabled { "yes" } else { "no" };
        let cells = [
            job.name.clone(),
            on.into(),
            latest.map_or("-", |latest| latest.last.state.word()).into(),
            age(latest, now).map_or("-".into(), units::whole),
            host + &more,
            job.known_dest().map_or("-".into(), |dest| sanitize::path(&dest).to_string()),
            job.tags.join(","),
            job.description.clone(),
        ];
        rows.push(cells.map(|cell| sanitize::line(&cell).into_owned()).to_vec());
    }
    rows
}
