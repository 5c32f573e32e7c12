//! Events of a run. Each event is sent once; the terminal output, JSON, log files and the history are listeners.
//!
//! Events are never lost and keep their order, except [`Event::Progress`]: only the latest progress of a job counts.
//!
//! Their form in JSON is that of `Serialize`; `output/schema/` declares the lines of `--json`.

pub use crate::model::lines::Lines;
pub use crate::model::phase::Phase;

use crate::model::part::Part;
use crate::model::result::SyncResult;
use crate::model::run_scope::RunScope;
use crate::model::summary::Summary;
use crate::model::wire;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// An event and when it happened.
#[derive(Debug, Clone)]
pub struct Stamped {
    /// When it was sent, in wall-clock time.
    pub time: Timestamp,
    /// What happened.
    pub event: Event,
}

/// A listener for the events of a run.
pub trait Listener: Send {
    /// The name for messages: `the JUnit report`.
    fn name(&self) -> &str;

    /// Processes the next event. An `Err` is reported once, and the listener gets no more events.
    fn hear(&mut self, event: &Stamped, warnings: &mut dyn Warnings) -> io::Result<()>;

    /// Called about ten times per second, if [`Listener::wants_ticks`].
    fn tick(&mut self) {}

    /// Whether it needs calls of [`Listener::tick`].
    fn wants_ticks(&self) -> bool {
        false
    }

    /// Called after the last event, even if there was no `RunFinished`.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes the warnings of a listener. They do not affect the exit code.
pub trait Warnings {
    /// Prints a warning now.
    fn print(&mut self, text: &str);

    /// Adds a warning to the summary.
    fn remember(&mut self, text: String);

    /// Prints a warning, and adds it to the summary.
    fn warn(&mut self, text: String) {
        self.print(&text);
        self.remember(text);
    }
}

/// An event of a run.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first event of a run.
    RunStarted {
        /// The run ID (a ULID).
        run: String,
        /// Names of the requested jobs, in starting order.
        jobs: Vec<String>,
        /// Maximum number of jobs that run at the same time.
        parallel: usize,
        /// Whether this is a dry run, which changes nothing.
        dry_run: bool,
        /// What the command line limited the run to; `None` for a run of whole jobs.
        scope: Option<RunScope>,
    },
    /// An attempt starts.
    JobStarted {
        /// Name of the job.
        #[serde(serialize_with = "wire::shared")]
        job: Arc<str>,
        /// The part of the job; `None` if the job is one transfer.
        #[serde(skip_serializing_if = "Option::is_none")]
        part: Option<Part>,
        /// Number of the attempt, from 1.
        attempt: u32,
        /// The source that this attempt reads.
        source: String,
        /// The first command that the attempt runs.
        argv: Vec<String>,
    },
    /// A job enters the next phase of its work.
    Phase {
        /// Name of the job.
        #[serde(serialize_with = "wire::shared")]
        job: Arc<str>,
        /// The part of the job; `None` if the job is one transfer.
        #[serde(skip_serializing_if = "Option::is_none")]
        part: Option<Part>,
        /// Number of the attempt, from 1; 0 outside attempts (hooks).
        attempt: u32,
        /// The phase.
        phase: Phase,
        /// The command, if the phase runs a separate one.
        argv: Vec<String>,
    },
    /// Lines that a child process of a job printed, or that pdb-sync prints on behalf of the job.
    Output {
        /// Name of the job.
        #[serde(serialize_with = "wire::shared")]
        job: Arc<str>,
        /// The part of the job; `None` if the job is one transfer.
        #[serde(skip_serializing_if = "Option::is_none")]
        part: Option<Part>,
        /// The stream that the child printed them to.
        stream: Stream,
        /// One or more whole lines.
        lines: Lines,
    },
    /// What a run with `--plan` would change.
    Planned {
        /// Name of the job.
        #[serde(serialize_with = "wire::shared")]
        job: Arc<str>,
        /// Entries that would be created.
        created: Tally,
        /// Entries whose contents or attributes would change.
        updated: Tally,
        /// Entries that would be deleted.
        deleted: Tally,
        /// Maximum number of files that may be deleted; `None` for a job that never deletes.
        limit: Option<u64>,
        /// Entries that only the next run would delete, because this run adopts the destination.
        waiting: Tally,
        /// Number of names whose spelling would change to that of the source, on a destination that folds names.
        respelt: u64,
        /// Entries of the source that the filters exclude; `None` if unknown.
        left_out: Option<Tally>,
        /// The hash of the plan of the deletions, which approves them; `None` if there are none or they cannot be planned.
        plan_hash: Option<String>,
    },
    /// What the first run of a job found at a destination that already contains files.
    Adopted {
        /// Name of the job.
        #[serde(serialize_with = "wire::shared")]
        job: Arc<str>,
        /// What was found.
        #[serde(flatten)]
        found: Found,
    },
    /// Progress of a running transfer.
    Progress {
        /// Name of the job.
        #[serde(serialize_with = "wire::shared")]
        job: Arc<str>,
        /// The part of the job; `None` if the job is one transfer.
        #[serde(skip_serializing_if = "Option::is_none")]
        part: Option<Part>,
        /// The progress.
        #[serde(flatten)]
        progress: Progress,
    },
    /// An attempt failed and another one will follow.
    Retry {
        /// Name of the job.
        #[serde(serialize_with = "wire::shared")]
        job: Arc<str>,
        /// The part of the job; `None` if the job is one transfer.
        #[serde(skip_serializing_if = "Option::is_none")]
        part: Option<Part>,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// rsync's exit code; `None` if a signal ended rsync or it did not run.
        exit_code: Option<i32>,
        /// Why it failed, in plain words.
        reason: String,
        /// Time until the next attempt.
        #[serde(rename = "delay_s", serialize_with = "wire::seconds")]
        delay: Duration,
        /// The source that the next attempt reads.
        source: String,
    },
    /// A message for people that is not output of a child.
    Notice {
        /// Name of the job that the message is about, if any.
        #[serde(serialize_with = "wire::optional_name")]
        job: Option<Arc<str>>,
        /// The level of the message.
        level: Level,
        /// The message, on one line.
        text: String,
    },
    /// The user asks how far the run is. It is answered on the screen only.
    StatusRequested,
    /// The result of a job. Sent exactly once for every requested job.
    JobFinished(#[serde(serialize_with = "wire::shared")] Arc<SyncResult>),
    /// The last event of a run.
    RunFinished(#[serde(serialize_with = "wire::shared")] Arc<Summary>),
}

impl Event {
    /// The part of the job that the event is about; `None` if it is about the whole job, or about none.
    pub fn part(&self) -> Option<Part> {
        match self {
            Event::JobStarted { part, .. }
            | Event::Phase { part, .. }
            | Event::Output { part, .. }
            | Event::Progress { part, .. }
            | Event::Retry { part, .. } => *part,
            Event::RunStarted { .. }
            | Event::Planned { .. }
            | Event::Adopted { .. }
            | Event::Notice { .. }
            | Event::StatusRequested
            | Event::JobFinished(_)
            | Event::RunFinished(_) => None,
        }
    }
}

/// A number of entries and their size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// Number of files, links and other entries that are not directories.
    pub files: u64,
    /// Number of directories.
    pub dirs: u64,
    /// Apparent size of the files in bytes; `None` if unknown.
    pub bytes: Option<u64>,
}

/// Comparison of a destination that something else has filled with the source. Counts are of files, links and other entries that are not
/// directories.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Found {
    /// The destination.
    #[serde(serialize_with = "wire::path")]
    pub dest: PathBuf,
    /// Entries with the same size and time; `None` if rsync did not print the number of files in the source.
    pub same: Option<u64>,
    /// Entries with the same size and another time.
    pub same_size: u64,
    /// Entries with another size, or links with another target.
    pub different: u64,
    /// Entries that only the source has.
    pub missing: u64,
    /// Entries that only the destination has; `None` for a job that does not delete, since it does not look for them.
    pub foreign: Option<Tally>,
    /// Entries with another size that are older at the source.
    pub older: u64,
    /// Whether files of the same size are compared by checksum instead of being transferred again.
    pub checksum: bool,
    /// Why the run adopts the destination.
    pub why: Takeover,
}

/// Why a run adopts the contents of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Takeover {
    /// This is the job's first run at this destination.
    #[default]
    #[serde(rename = "first-run")]
    First,
    /// An earlier run of the job began to fill this directory when it was empty, and did not bring everything.
    Unfinished,
    /// The destination was known to the job; the user requested adoption.
    #[serde(rename = "asked")]
    Again,
    /// The directory is not that of the last run: it is not mounted, was replaced, or was created again.
    OtherDirectory,
}

impl Tally {
    /// Adds one entry; `bytes` counts if it is a file.
    pub fn count(&mut self, dir: bool, bytes: u64) {
        if dir {
            self.dirs += 1;
        } else {
            self.files += 1;
            self.bytes = self.bytes.map(|sum| sum.saturating_add(bytes));
        }
    }

    /// Subtracts one entry.
    pub fn discount(&mut self, dir: bool, bytes: u64) {
        if dir {
            self.dirs = self.dirs.saturating_sub(1);
        } else {
            self.files = self.files.saturating_sub(1);
            self.bytes = self.bytes.map(|sum| sum.saturating_sub(bytes));
        }
    }
}

/// An output stream of a child process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The level of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Shown with `-v`.
    Debug,
    /// Shown unless `-q`.
    Info,
    /// A warning. Always shown.
    Warning,
    /// An error. Always shown.
    Error,
}

/// The progress of a transfer, from rsync's `--info=progress2` and the file list.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Bytes of files transferred so far in this attempt. `None` before the first progress.
    pub bytes: Option<u64>,
    /// Percentage, 0 to 100. It never falls within an attempt. `None` until rsync has printed one.
    pub percent: Option<f64>,
    /// Files transferred so far in this attempt.
    pub files: Option<u64>,
    /// Bytes per second, over the last seconds.
    pub rate: Option<f64>,
    /// Time left, as estimated by rsync.
    #[serde(
        default,
        rename = "eta_s",
        serialize_with = "wire::seconds",
        deserialize_with = "wire::from_seconds"
    )]
    pub eta: Option<Duration>,
}
