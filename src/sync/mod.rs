//! The work of `sync`: one dispatcher, a task for each job, a process for each transfer.
//!
//! ```text
//! dispatch ── job_runner (a job) ── attempt (a source) ── phases ── transport: rsync_transport ── rsync_process ── process
//!                              └── hook ───────────────────────────────────────────────────────────────────────┘
//! ```

mod activity;
mod adopt;
mod approval;
mod attempt;
mod attempt_end;
mod attempt_state;
mod auto_parallel;
mod backoff;
mod blocking;
mod child;
mod child_exit;
mod complete;
mod crawl;
mod deferred_deletions;
mod deletion;
mod dir_id;
mod disk;
mod dispatch;
mod drop_cache;
mod dry_run;
mod emptiness;
mod entries_seen;
pub(crate) mod fold_probe;
pub(crate) mod foreground;
mod group;
mod guard;
pub(crate) mod helper;
mod hook;
mod job_context;
mod job_events;
mod job_runner;
mod job_state;
mod keep_deleted;
mod keep_deleted_setup;
mod left_out;
mod limit;
mod line_splitter;
mod listing;
mod lock;
mod lock_file;
mod lock_note;
mod lock_owners;
mod lost_names;
mod marker;
mod marker_record;
mod mount_required;
mod name_list;
mod named_files;
mod negotiated_checksums;
mod negotiation;
mod new_layout;
mod only_entries;
mod parts;
mod phases;
mod pipe;
mod plan;
mod prepare_dest;
mod process;
mod remove;
mod rsync_process;
mod rsync_program;
mod rsync_transport;
mod scope;
mod second_listing;
mod signal;
mod slots;
mod source_speed;
mod spawn;
mod split_listing;
mod stop;
mod supervisor;
mod transfer;
mod transfer_list;
mod transport;
mod two_stages;
mod verify;
#[cfg(target_os = "linux")]
mod vfork;
mod watchdog;

pub(crate) use dispatch::run;
pub(crate) use job_state::has_filled;
pub(crate) use listing::{held_plan, plan_path, source_names};
pub(crate) use lock::{Lock, Lockable, Tried, lockable, try_lock};
pub(crate) use lock_owners::LockOwners;
pub(crate) use marker_record::void as void_markers;
pub(crate) use only_entries::{limited, name_in_list};
pub(crate) use plan::{Mode, Plan};
pub(crate) use rsync_program::rsync_version;
pub(crate) use signal::Signals;

use crate::model::job::{Job, JobProblem};
use crate::model::result::Reason;
use crate::rsync::args::{self, Purpose};
use std::path::Path;

/// Why the job cannot run because of an error in the configuration. The job fails, and others run.
pub(crate) fn unfit(job: &Job) -> Option<Reason> {
    if let Some(JobProblem { text, hint, .. }) = job.unfit.clone() {
        return Some(Reason { text, hint });
    }
    args::unfit(job).map(|refused| Reason::new(refused.text).hint(refused.hint))
}

/// The commands of a job's first attempt, in order: a listing, unless the destination is empty, then a transfer.
pub(crate) fn first_commands(job: &Job, state_dir: &Path) -> Vec<Purpose> {
    if job.only.is_some() {
        return vec![Purpose::List { all: true }, Purpose::Transfer];
    }
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
mod scripted_transport;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod transport_tests;
