//! Checks everything that a run needs on this machine, in parallel, and never hangs.
//!
//! Each check has its own time limit; no answer is a finding. Nothing is changed, except for temporary files that are removed at once.

mod destination;
mod host;
mod kernel;
mod programs;
mod shared;
mod sources;
mod state;
mod tool;

use crate::model::job::Job;
use crate::rsync::probe::Probe;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tokio::task::JoinSet;

/// Time limit of a check of this machine. A dead network file system holds it forever.
const LOCAL_LIMIT: Duration = Duration::from_secs(10);

/// What to check.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// The rsync program.
    pub rsync: String,
    /// The jobs whose sources and destinations are checked.
    pub jobs: Vec<Job>,
    /// Maximum number of jobs at a time.
    pub parallel: usize,
    /// Maximum number of connections at a time, by lower-case host name.
    pub hosts: BTreeMap<String, usize>,
    /// The state directory, which need not exist.
    pub state_dir: PathBuf,
    /// Whether to make no connections.
    pub offline: bool,
    /// How long a server may take to answer.
    pub patience: Duration,
}

/// The findings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    /// By area, in the order of the jobs.
    pub findings: Vec<Finding>,
    /// All daemons that jobs name, and those that could replace one that does not answer; the fastest first.
    pub mirrors: Vec<Mirror>,
}

/// A daemon, and the jobs that use it.
#[derive(Debug, Clone)]
pub(crate) struct Mirror {
    /// The result of the probe.
    pub probe: Probe,
    /// The jobs that name it; empty for a possible replacement.
    pub jobs: Vec<String>,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The area.
    pub area: Area,
    /// The job; `None` if the check is not about one.
    pub job: Option<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// What was found.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Duration of the check, if it is of interest.
    pub took: Option<Duration>,
}

/// The verdict of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// As it should be.
    Ok,
    /// A run would work, but something is wrong or could not be determined.
    Warn,
    /// A run would fail.
    Fail,
}

impl Verdict {
    /// The word for text output and JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        }
    }
}

/// The areas of checks, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Area {
    /// The rsync program.
    Rsync,
    /// The configuration file.
    Config,
    /// The state directory.
    State,
    /// Destinations of jobs.
    Destination,
    /// Sources of jobs.
    Source,
    /// The clock.
    Clock,
    /// Limits of this process.
    Limits,
    /// Facilities of the kernel.
    Kernel,
}

impl Area {
    /// The word for text output and JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Area::Rsync => "rsync",
            Area::Config => "config",
            Area::State => "state",
            Area::Destination => "destination",
            Area::Source => "source",
            Area::Clock => "clock",
            Area::Limits => "limits",
            Area::Kernel => "kernel",
        }
    }
}

impl Finding {
    /// A finding without job, hint and duration.
    pub(crate) fn new(area: Area, verdict: Verdict, text: impl Into<String>) -> Self {
        Finding { area, job: None, verdict, text: text.into(), hint: None, took: None }
    }

    /// Adds a hint.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn of(mut self, job: &str) -> Self {
        self.job = Some(job.into());
        self
    }

    fn took(mut self, took: Duration) -> Self {
        self.took = Some(took);
        self
    }
}

impl Report {
    /// The worst verdict of all findings.
    pub(crate) fn worst(&self) -> Verdict {
        self.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok)
    }

    /// The number of findings with this verdict.
    pub(crate) fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }
}

/// Runs all checks in parallel. Needs a runtime. Threads may be held by a dead file system or resolver, so end the runtime with
/// `shutdown_background`.
pub(crate) async fn examine(ask: Ask) -> Report {
    let mut looking: JoinSet<(usize, Vec<Finding>)> = JoinSet::new();
    let mut place = 0;
    let mut next = || {
        place += 1;
        place
    };
    let rsync = ask.clone();
    let first = next();
    looking.spawn(async move { (first, programs::rsync(&rsync).await) });
    let (dir, at) = (ask.state_dir.clone(), next());
    looking.spawn(async move { (at, blocking(Area::State, None, move || state::examine(&dir)).await) });
    for job in &ask.jobs {
        let (own, at) = (job.clone(), next());
        let name = Some(job.name.clone());
        looking.spawn(async move {
            (at, blocking(Area::Destination, name, move || destination::examine(&own)).await)
        });
    }
    let (parallel, at) = (ask.parallel, next());
    looking.spawn(async move { (at, blocking(Area::Kernel, None, move || host::examine(parallel)).await) });
    let sources = async {
        match ask.offline {
            true => (sources::local(&ask).await, Vec::new()),
            false => sources::examine(&ask).await,
        }
    };
    let (sources, found) = tokio::join!(sources, looking.join_all());
    let mut found = found;
    found.sort_by_key(|(at, _)| *at);
    let (about_sources, mirrors) = sources;
    let mut findings: Vec<_> =
        found.into_iter().flat_map(|(_, findings)| findings).chain(about_sources).collect();
    findings.sort_by_key(|finding| finding.area);
    Report { findings, mirrors }
}

/// Runs a check that a dead file system can hold forever, off the runtime's thread.
async fn blocking(
    area: Area,
    job: Option<String>,
    work: impl FnOnce() -> Vec<Finding> + Send + 'static,
) -> Vec<Finding> {
    match tokio::time::timeout(LOCAL_LIMIT, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(_)) => {
            vec![Finding { job, ..Finding::new(area, Verdict::Warn, "could not be checked: internal error") }]
        }
        Err(_) => {
            let text = format!("does not answer within {}", crate::model::time::span(LOCAL_LIMIT));
            let hint = "is the server of a network file system gone? `findmnt` shows where the file system comes from";
            vec![Finding { job, ..Finding::new(area, Verdict::Fail, text).hint(hint) }]
        }
    }
}
