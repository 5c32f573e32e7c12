//! The work of `sync`: one dispatcher, a task for each job, a process for each transfer.
//!
//! ```text
//! dispatch ── job_runner (a job) ── attempt (a source) ── phases ── rsync_process ── process
//!                              └── hook ────────────────────────────────────────┘
//! ```

mod activity;
mod adopt;
mod approval;
mod attempt;
mod attempt_state;
mod auto_parallel;
mod backoff;
mod blocking;
mod buffers;
mod child_exit;
mod complete;
mod crawl;
mod deferred_deletions;
mod dir_id;
mod disk;
mod dispatch;
mod drop_cache;
mod dry_run;
pub(crate) mod fold_probe;
pub(crate) mod foreground;
mod group;
mod guard;
pub(crate) mod helper;
mod hook;
mod job_events;
mod job_runner;
mod job_state;
mod keep_deleted;
mod keep_deleted_setup;
mod left_out;
mod line_splitter;
mod listing;
mod lock;
mod lock_file;
mod lock_note;
mod lock_owners;
mod name_list;
mod named_files;
mod phases;
mod pipe;
mod prepare_dest;
mod process;
mod remove;
mod rsync_process;
mod rsync_program;
mod second_listing;
mod signal;
mod slots;
mod spawn;
mod stdin;
mod stop;
mod supervisor;
mod transfer;
#[cfg(target_os = "linux")]
mod vfork;
mod watchdog;

pub(crate) use dispatch::run;
pub(crate) use job_state::has_filled;
pub(crate) use listing::{held_plan, plan_path, source_names};
pub(crate) use lock::{Lock, Lockable, Tried, lockable, try_lock};
pub(crate) use lock_owners::LockOwners;
pub(crate) use signal::Signals;

use crate::history::stats::Watch;
use crate::model::job::{Job, JobProblem};
use crate::model::result::{Logs, Reason};
use crate::rsync::args::{self, Purpose};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
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
    /// Maximum number of connections at a time, by lower-case host name.
    pub hosts: BTreeMap<String, usize>,
    /// Whether to stop at the first failure.
    pub fail_fast: bool,
    /// Time between SIGTERM and SIGKILL for children.
    pub grace: Duration,
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
    /// The jobs name their files (`--files-from`) and do not delete. The files are fetched regardless of their age, and the state of the
    /// jobs is not changed.
    pub named_files: bool,
    /// Conditions for alerts in a result.
    pub watch: Watch,
    /// The beginning of the hash of a plan, in lower case: the one job deletes what that plan names, and nothing if the deletions differ.
    pub expect: Option<String>,
    /// The beginning of a command line about the same jobs, for hints: `pdb-sync`, with `-c FILE` if needed.
    pub again: String,
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

/// Why the job cannot run because of an error in the configuration. The job fails, and others run.
pub(crate) fn unfit(job: &Job) -> Option<Reason> {
    if let Some(JobProblem { text, hint, .. }) = job.unfit.clone() {
        return Some(Reason { text, hint });
    }
    args::unfit(job).map(|refused| Reason::new(refused.text).hint(refused.hint))
}

/// The commands of a job's first attempt, in order: a listing, unless the destination is empty, then a transfer.
pub(crate) fn first_commands(job: &Job, state_dir: &Path) -> Vec<Purpose> {
    let holds = std::fs::read_dir(&job.dest).is_ok_and(|mut entries| entries.next().is_some());
    let list = job.delete || holds || args::filters_from_files(&job.rsync_args);
    let all = listing::needs_names(state_dir, &job.name);
    list.then_some(Purpose::List { all }).into_iter().chain([Purpose::Transfer]).collect()
}

/// Adds the filters that a command of the job needs if its destination is the root of a file system.
pub(crate) fn protect_destination(argv: &mut Vec<String>, job: &Job) {
    if let Some(closed) = attempt_state::closed_at_root(&job.dest) {
        args::protect_file_system(argv, &closed);
    }
}

#[cfg(test)]
mod tests;
