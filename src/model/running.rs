//! A run in progress, as it tells others of itself: `STATE/running/PID.json`, written by the run, read by `status`.

use crate::model::event::Progress;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A run in progress.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunningRun {
    /// The version of this format: 1.
    pub v: u32,
    /// The run's id.
    pub run: String,
    /// Its process.
    pub pid: u32,
    /// Tells the process from others with its number; `None` where the system has nothing to tell it by.
    pub process: Option<String>,
    /// When it started.
    pub started: Timestamp,
    /// When this was written.
    pub told: Timestamp,
    /// Up to so many jobs at a time.
    pub parallel: usize,
    /// Whether it changes nothing.
    pub dry_run: bool,
    /// Its jobs, in starting order.
    pub jobs: Vec<RunningJob>,
}

/// A job of a run in progress.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunningJob {
    /// Its name.
    pub job: String,
    /// `waiting`, a phase, `retrying`, or the status that it ended with.
    pub state: String,
    /// The attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// The source of the attempt.
    pub source: Option<String>,
    /// When the job first did something.
    pub started: Option<Timestamp>,
    /// Bytes transferred in this attempt.
    pub bytes: Option<u64>,
    /// 0 to 100.
    pub percent: Option<f64>,
    /// Files transferred in this attempt.
    pub files: Option<u64>,
    /// Bytes per second.
    pub rate: Option<f64>,
    /// Seconds until the end, as estimated by rsync.
    pub eta_s: Option<f64>,
    /// Whether it has ended.
    pub ended: bool,
}

/// The directory of these files.
pub fn directory(state_dir: &Path) -> PathBuf {
    state_dir.join("running")
}

impl RunningJob {
    /// A job that has not begun.
    pub fn waiting(job: &str) -> Self {
        RunningJob {
            job: job.into(),
            state: "waiting".into(),
            attempt: 0,
            source: None,
            started: None,
            bytes: None,
            percent: None,
            files: None,
            rate: None,
            eta_s: None,
            ended: false,
        }
    }

    /// How far it is; `None` is nothing yet.
    pub fn advance(&mut self, progress: Option<&Progress>) {
        self.bytes = progress.map(|progress| progress.bytes);
        self.percent = progress.and_then(|progress| progress.percent);
        self.files = progress.and_then(|progress| progress.files);
        self.rate = progress.and_then(|progress| progress.rate);
        self.eta_s = progress.and_then(|progress| Some(progress.eta?.as_secs_f64()));
    }
}
