//! Everything that a run needs to know.

use crate::history::stats::Watch;
use crate::model::bandwidth::Bandwidth;
use crate::model::job::Job;
use crate::model::result::Logs;
use crate::model::run_scope::RunScope;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Everything that a run needs.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The run's id (a ULID).
    pub run: String,
    /// The jobs, each once, in any order.
    pub jobs: Vec<Job>,
    /// Maximum number of jobs at a time, at least 1.
    pub parallel: usize,
    /// Whether the number is lowered while the machine is busy.
    pub auto: bool,
    /// The bandwidth of all jobs together.
    pub bwlimit: Bandwidth,
    /// Maximum number of connections at a time, by lower-case host name.
    pub hosts: BTreeMap<String, usize>,
    /// Whether to stop at the first failure.
    pub fail_fast: bool,
    /// Time between SIGTERM and SIGKILL for children.
    pub grace: Duration,
    /// How long to wait before the run starts.
    pub delay: Duration,
    /// What the run changes.
    pub mode: Mode,
    /// The rsync program: a name to look up in `PATH`, or a path.
    pub rsync: String,
    /// The state directory, for plans of deletions and notes of locks.
    pub state_dir: PathBuf,
    /// The logs; `None` if none are written.
    pub logs: Option<Arc<dyn Logs>>,
    /// How long to wait for a destination that another run has locked.
    pub wait_lock: Duration,
    /// For `verify --repair`: the jobs name their files (`--files-from`) and do not delete. The files are fetched regardless of their age, and
    /// the state of the jobs is not changed.
    pub named_files: bool,
    /// Conditions for alerts in a result.
    pub watch: Watch,
    /// What the command line limits the run to; `None` for a run of whole jobs.
    pub scope: Option<RunScope>,
    /// The beginning of the hash of a plan, in lower case: the one job deletes what that plan names, and nothing if the deletions differ.
    pub expect: Option<String>,
    /// The beginning of a command line about the same jobs, for hints: `pdb-sync`, with `-c FILE` if needed.
    pub again: String,
}

impl Plan {
    /// Returns the job with its share of the bandwidth at this moment.
    pub(crate) fn limited(&self, job: &Job) -> Job {
        let now = jiff::Zoned::now();
        let minute = now.hour().unsigned_abs() as u16 * 60 + now.minute().unsigned_abs() as u16;
        let jobs = self.parallel.min(self.jobs.len());
        Job { bwlimit: self.bwlimit.of_job(job.bwlimit, jobs, minute), ..job.clone() }
    }

    /// The command that the journal of the run names.
    pub(super) fn command(&self) -> &'static str {
        if self.named_files { "verify" } else { "sync" }
    }
}

/// What a run changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The destinations.
    Real,
    /// Nothing: rsync prints what it would do.
    DryRun,
    /// Nothing: changes are counted.
    Plan {
        /// Whether every path is printed.
        paths: bool,
    },
}

impl Mode {
    /// Whether nothing is changed.
    pub(crate) fn is_dry(self) -> bool {
        self != Mode::Real
    }
}
