//! Queries of the history for other commands.

use super::clean::root_of_run;
use super::{Failure, file_locations};
use crate::clean::removal;
use crate::cli::Global;
use crate::config::{self, Config, Period, nearest};
use crate::history::stats::Watch;
use crate::history::{self, History, Query};
use crate::model::job::Job;
use crate::model::record::{JobRecord, State};
use crate::output::terminal::Ui;
use crate::retention::{self, NoRun};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The number of past runs to use for alerts. More would add no information.
const HABIT: usize = 200;
/// The time that mirrors have to report the contents of their quarantines.
const LOOK: Duration = Duration::from_secs(2);

/// Opens the history; `None` if there is none.
pub(super) fn open(global: &Global) -> Result<Option<History>, Failure> {
    Ok(History::read(&file_locations::state_dir(global)?)?)
}

/// Returns the jobs named on the command line, from the configuration or only in the history. Empty means all.
pub(super) fn jobs(
    names: &[String],
    tags: &[String],
    config: &Config,
    history: Option<&History>,
) -> Result<Vec<String>, Failure> {
    let mut known: Vec<String> = config.jobs.iter().map(|job| job.name.clone()).collect();
    if names.iter().any(|name| !known.contains(name)) {
        known.extend(history.map(History::names).transpose()?.unwrap_or_default());
    }
    if let Some(name) = names.iter().find(|name| !known.contains(name)) {
        // This distinguishes a misspelt name from a tag.
        config::select(&config.jobs, std::slice::from_ref(name), false, &[]).map_err(|error| {
            let near = nearest(name, known.iter().map(String::as_str));
            let hint = near.map(|near| format!("did you mean {near:?}?")).or(error.hint);
            Failure::Usage { text: error.text, hint }
        })?;
    }
    let mut meant = names.to_vec();
    meant.extend(config::tagged(&config.jobs, tags)?.into_iter().map(|job| job.name.clone()));
    Ok(meant)
}

/// Finds a run by its ID or a unique prefix; runs of `sync` and of `clean` for every command. `None` if there is none. A prefix of several
/// runs is an error that names them.
pub(super) fn run_meant(state: &Path, wanted: &str) -> Result<Option<String>, Failure> {
    let history = History::read(state).ok().flatten();
    let runs = known_runs(state, history.as_ref())?;
    match retention::meant(runs.iter().map(String::as_str), wanted) {
        Ok(run) => Ok(Some(run.to_owned())),
        Err(NoRun::Unknown) => Ok(None),
        Err(NoRun::Several(runs)) => Err(Failure::usage_hint(
            format!("the IDs of several runs begin with {wanted:?}: {}", runs.join(", ")),
            "give more characters of the ID",
        )),
    }
}

/// Returns the IDs of all runs in the history and the journals, sorted. An unreadable history is ignored, since it must not prevent an
/// undo.
pub(super) fn known_runs(state: &Path, history: Option<&History>) -> Result<Vec<String>, Failure> {
    let journals = removal::list(state).map_err(Failure::io("read the journals"))?;
    let mut runs: Vec<String> = journals.into_iter().map(|found| found.begin.run).collect();
    runs.extend(history.and_then(|history| history.ids().ok()).unwrap_or_default());
    runs.sort_unstable();
    runs.dedup();
    Ok(runs)
}

/// Returns the jobs of a run with entries in the quarantine that an undo would restore. A mirror that does not answer counts as empty,
/// since nothing can be restored there now.
pub(super) fn kept(state: &Path, run: &str) -> BTreeSet<String> {
    let (sender, receiver) = mpsc::channel();
    let (state, run) = (state.to_owned(), run.to_owned());
    let look = move || {
        for found in removal::find(&state, &run).unwrap_or_default() {
            let root = || root_of_run(&found.begin).ok();
            let held =
                found.purged.is_none() && root().is_some_and(|(_, root)| removal::can_undo(&root, &run));
            // The receiver has timed out.
            let _ = sender.send(found.begin.job.filter(|_| held));
        }
    };
    let deadline = Instant::now() + LOOK;
    // The thread is not joined, since a dead mount may block it.
    if thread::Builder::new().name("quarantine".into()).spawn(look).is_err() {
        return BTreeSet::new();
    }
    let left = || deadline.saturating_duration_since(Instant::now());
    std::iter::from_fn(|| receiver.recv_timeout(left()).ok()).flatten().collect()
}

/// Returns the error for an unknown run.
pub(super) fn no_run(wanted: &str) -> Failure {
    Failure::usage_hint(
        format!("no run {wanted:?} is known"),
        "`pdb-sync history` lists the runs of sync, `pdb-sync clean log` what was removed and by which run",
    )
}

/// Returns the time that is this span before now.
pub(super) fn since(text: Option<&str>) -> Result<Option<Timestamp>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let period: Period = text.parse().map_err(|wrong| Failure::usage(format!("--since: {wrong}")))?;
    let span = jiff::SignedDuration::try_from(period.0).ok();
    Ok(span.and_then(|span| Timestamp::now().checked_sub(span).ok()).or(Some(Timestamp::MIN)))
}

/// Returns the past that the alerts of these jobs need. Without a readable history, most alerts cannot fire.
pub(super) fn watch(config: &Config, jobs: &[Job], state_dir: &Path, ui: &Ui) -> Watch {
    let mut watch = Watch { alerts: config.stats.alerts.clone(), ..Watch::default() };
    if watch.alerts.is_empty() {
        return watch;
    }
    match read(&watch, jobs, state_dir) {
        Ok(past) => watch.past = past,
        Err(error) => ui.warning(&format!("{error}; alerts that compare with past runs cannot be checked")),
    }
    watch
}

type Pasts = std::collections::HashMap<String, Vec<JobRecord>>;

fn read(watch: &Watch, jobs: &[Job], state_dir: &Path) -> Result<Pasts, history::Error> {
    let mut pasts = Pasts::new();
    let Some(history) = History::read(state_dir)? else { return Ok(pasts) };
    for job in jobs.iter().filter(|job| watch.alerts.iter().any(|alert| alert.is_about(&job.name))) {
        let query =
            Query { jobs: vec![job.name.clone()], limit: Some(HABIT), whole: true, ..Query::default() };
        let mut past = history.jobs(&query)?;
        past.retain(|past| past.state != State::Running);
        pasts.insert(job.name.clone(), past);
    }
    Ok(pasts)
}

/// Returns the jobs whose last run of the whole job did not succeed. Skipped and interrupted runs count as not successful.
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
