//! The record of a command in progress, `STATE/running/PID-HOST.json`. The command writes it, `status` reads it.

use crate::model::event::{Event, Progress, Stamped};
use crate::model::wire;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A command in progress.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunningCommand {
    /// Version of this format: 1.
    pub v: u32,
    /// The command: `sync`, `clean run`. Earlier versions recorded only `sync`.
    #[serde(default = "sync")]
    pub command: String,
    /// The run ID; `None` for a command that has none, or does not know it yet.
    pub run: Option<String>,
    /// Process ID.
    pub pid: u32,
    /// Distinguishes the process from later ones with the same ID; `None` if the system has no data for this.
    pub process: Option<String>,
    /// The host; `None` in records of earlier versions.
    #[serde(default)]
    pub host: Option<String>,
    /// When the command started.
    #[serde(serialize_with = "wire::time")]
    pub started: Timestamp,
    /// When this record was written.
    #[serde(serialize_with = "wire::time")]
    pub told: Timestamp,
    /// Names of jobs, and directories.
    #[serde(default)]
    pub targets: Vec<String>,
    /// The jobs of a `sync`; `None` for other commands.
    #[serde(flatten)]
    pub sync: Option<RunningSync>,
}

/// What the record of a `sync` has besides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunningSync {
    /// Maximum number of jobs that run at the same time.
    pub parallel: usize,
    /// Whether this is a dry run.
    pub dry_run: bool,
    /// The jobs, in starting order.
    pub jobs: Vec<RunningJob>,
}

fn sync() -> String {
    "sync".into()
}

/// A job of a run in progress.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunningJob {
    /// Name of the job.
    pub job: String,
    /// `waiting`, a phase, `retrying`, or the final status.
    pub state: String,
    /// Number of the attempt, from 1; 0 before the first one.
    pub attempt: u32,
    /// The source of the current attempt.
    pub source: Option<String>,
    /// When the job sent its first event.
    #[serde(serialize_with = "wire::time")]
    pub started: Option<Timestamp>,
    /// The progress of the attempt.
    #[serde(flatten)]
    pub progress: Progress,
    /// Whether the job has ended.
    pub ended: bool,
}

/// Returns the directory of the records.
pub fn directory(state_dir: &Path) -> PathBuf {
    state_dir.join("running")
}

/// Returns the path of the record of a process. Several hosts may share a state directory.
pub fn record_path(state_dir: &Path, pid: u32, host: &str) -> PathBuf {
    directory(state_dir).join(format!("{pid}-{}.json", host.replace('/', "_")))
}

impl RunningJob {
    /// A job that has not started.
    pub fn waiting(job: &str) -> Self {
        RunningJob {
            job: job.into(),
            state: "waiting".into(),
            attempt: 0,
            source: None,
            started: None,
            progress: Progress::default(),
            ended: false,
        }
    }

    /// Applies an event about the job.
    pub fn advance(&mut self, stamped: &Stamped) {
        match &stamped.event {
            Event::JobStarted { attempt, source, .. } => {
                (self.attempt, self.source) = (*attempt, Some(source.clone()));
                self.progress = Progress::default();
            }
            Event::Phase { phase, .. } => self.state = phase.word().into(),
            Event::Progress { progress, .. } => self.progress = *progress,
            Event::Retry { .. } => {
                self.state = "retrying".into();
                self.progress = Progress::default();
            }
            Event::JobFinished(result) => (self.state, self.ended) = (result.status().word().into(), true),
            _ => return,
        }
        self.started.get_or_insert(stamped.time);
    }
}
