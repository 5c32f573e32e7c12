//! What commands ask of the history.

use super::{Failure, locate};
use crate::cli::Global;
use crate::config::{Config, Period};
use crate::history::{self, History, Query};
use crate::job::Job;
use crate::stats::{State, Watch};
use crate::ui::Ui;
use jiff::Timestamp;
use std::path::Path;

/// More runs than this say nothing more about a habit.
const HABIT: usize = 200;

/// The history, if there is one.
pub(super) fn open(global: &Global) -> Result<Option<History>, Failure> {
    Ok(History::read(&locate::state_dir(global)?)?)
}

/// The time that lies so far back.
pub(super) fn since(text: Option<&str>) -> Result<Option<Timestamp>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let period: Period = text.parse().map_err(|wrong| Failure::usage(format!("--since: {wrong}")))?;
    let span = jiff::SignedDuration::try_from(period.0).ok();
    Ok(span.and_then(|span| Timestamp::now().checked_sub(span).ok()).or(Some(Timestamp::MIN)))
}

/// What a run of these jobs looks out for. Without a history that can be read, little can set off an alert.
pub(super) fn watch(config: &Config, jobs: &[Job], state_dir: &Path, ui: &Ui) -> Watch {
    let mut watch = Watch { alerts: config.stats.alerts.clone(), ..Watch::default() };
    if watch.alerts.is_empty() {
        return watch;
    }
    match read(&watch, jobs, state_dir) {
        Ok(past) => watch.past = past,
        Err(error) => ui.warning(&format!("{error}; alerts that compare with the past stay silent")),
    }
    watch
}

type Pasts = std::collections::HashMap<String, Vec<crate::stats::Past>>;

fn read(watch: &Watch, jobs: &[Job], state_dir: &Path) -> Result<Pasts, history::Error> {
    let mut pasts = Pasts::new();
    let Some(history) = History::read(state_dir)? else { return Ok(pasts) };
    for job in jobs.iter().filter(|job| watch.alerts.iter().any(|alert| alert.is_about(&job.name))) {
        let query = Query { jobs: vec![job.name.clone()], limit: Some(HABIT), ..Query::default() };
        let mut past = history.jobs(&query)?;
        past.retain(|past| past.state != State::Running);
        pasts.insert(job.name.clone(), past);
    }
    Ok(pasts)
}

/// Those of the jobs that did not succeed when they last ran. What was skipped or interrupted did not succeed either.
pub(super) fn failed_last(jobs: Vec<Job>, global: &Global) -> Result<Vec<Job>, Failure> {
    let Some(history) = open(global)? else { return Ok(Vec::new()) };
    let latest = history.latest(Timestamp::now())?;
    let failed = |job: &Job| latest.get(&job.name).is_some_and(|latest| !latest.last.state.is_success());
    Ok(jobs.into_iter().filter(failed).collect())
}

impl From<history::Error> for Failure {
    fn from(error: history::Error) -> Self {
        match error {
            history::Error::NoSuchRun(text) => {
                Failure::usage_hint(text, "`pdb-sync history` lists the runs that are known")
            }
            error if error.is_damage() => {
                Failure::Other(format!("{error}; the next sync sets it aside, and a new history begins"))
            }
            error => Failure::Other(error.to_string()),
        }
    }
}
