//! What is checked, and what was found.

use crate::mirrors::Catalogue;
use crate::model::job::Job;
use crate::rsync::probe::Probe;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

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
    /// The archives that are known here.
    pub mirrors: Catalogue,
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

    pub(super) fn of(mut self, job: &str) -> Self {
        self.job = Some(job.into());
        self
    }

    pub(super) fn took(mut self, took: Duration) -> Self {
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
