//! What would stop a run here: looks at everything that a run needs, at once, and never hangs.
//!
//! Each examination has a limit of its own; what does not answer is a finding like any other. Nothing is changed, apart
//! from temporary files that are gone at once.

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

/// How long one examination of this machine may take: a dead network file system holds it for ever.
const LOCAL_LIMIT: Duration = Duration::from_secs(10);

/// What is to be looked at.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// The rsync program.
    pub rsync: String,
    /// The jobs whose sources and destinations are looked at.
    pub jobs: Vec<Job>,
    /// How many of them may run at a time.
    pub parallel: usize,
    /// How many connections to a host there may be at once, by its lower-case name.
    pub hosts: BTreeMap<String, usize>,
    /// Where our own files are; need not exist.
    pub state_dir: PathBuf,
    /// Leave the network alone.
    pub offline: bool,
    /// How long a server may take to answer.
    pub patience: Duration,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    /// By area, in the order of the jobs.
    pub findings: Vec<Finding>,
    /// Every daemon that a job names, and those that could stand in for one that does not answer; the fastest first.
    pub mirrors: Vec<Mirror>,
}

/// A daemon and who would use it.
#[derive(Debug, Clone)]
pub(crate) struct Mirror {
    /// How it answered.
    pub probe: Probe,
    /// The jobs that name it; none for one that could stand in.
    pub jobs: Vec<String>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What kind of thing.
    pub area: Area,
    /// The job, if it is about one.
    pub job: Option<String>,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// How long it took, where that tells something.
    pub took: Option<Duration>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// As it should be.
    Ok,
    /// A run would work, but something is not as it should be, or could not be told.
    Warn,
    /// A run would fail.
    Fail,
}

impl Verdict {
    /// As it is shown and in JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        }
    }
}

/// The kinds of things that are looked at, in the order in which they are told.
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
    /// As it is shown and in JSON.
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
    /// Without job, hint and time.
    pub(crate) fn new(area: Area, verdict: Verdict, text: impl Into<String>) -> Self {
        Finding { area, job: None, verdict, text: text.into(), hint: None, took: None }
    }

    /// The same with what to do about it.
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
    /// The worst of all findings.
    pub(crate) fn worst(&self) -> Verdict {
        self.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok)
    }

    /// How many there are of this verdict.
    pub(crate) fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }
}

/// Looks at everything at once. Needs a runtime, which may have to leave threads behind that a dead file system or
/// resolver holds: end it with `shutdown_background`.
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

/// Work that a dead file system can hold for ever, off the runtime's thread.
async fn blocking(
    area: Area,
    job: Option<String>,
    work: impl FnOnce() -> Vec<Finding> + Send + 'static,
) -> Vec<Finding> {
    match tokio::time::timeout(LOCAL_LIMIT, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(_)) => vec![Finding {
            job,
            ..Finding::new(area, Verdict::Warn, "could not be looked at: internal error")
        }],
        Err(_) => {
            let text = format!("does not answer within {}", crate::model::time::span(LOCAL_LIMIT));
            let hint = "a network file system whose server is gone looks like this: `findmnt` shows where it comes from";
            vec![Finding { job, ..Finding::new(area, Verdict::Fail, text).hint(hint) }]
        }
    }
}
