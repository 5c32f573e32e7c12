//! The result of a run.

use crate::model::exit_code::ExitCode;
use crate::model::result::{Status, SyncResult};
use crate::model::time;
use serde::{Serialize, Serializer};
use std::sync::Arc;
use std::time::Duration;

/// The result of a run: a fold over the results of its jobs.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The run ID.
    pub run: String,
    /// Whether it was a dry run.
    pub dry_run: bool,
    /// One result for every requested job, in the order of the request.
    pub results: Vec<Arc<SyncResult>>,
    /// From the start of the run to its end.
    pub duration: Duration,
    /// The number of the signal that ended the run.
    pub signal: Option<i32>,
    /// Records that the run could not write, such as the history or a log. They do not change the results of the jobs.
    pub warnings: Vec<String>,
    /// Requested output that could not be written; the run counts as failed.
    pub unwritten: Vec<String>,
}

impl Summary {
    /// Returns the number of jobs with this status.
    pub fn count(&self, status: Status) -> usize {
        self.results.iter().filter(|r| r.status() == status).count()
    }

    /// Returns the number of jobs that succeeded, with or without a warning.
    pub fn success(&self) -> usize {
        self.count(Status::Ok) + self.count(Status::Warned)
    }

    /// Returns the exit code of the run.
    pub fn exit(&self) -> ExitCode {
        let mut start = self.signal.map_or(ExitCode::Done, ExitCode::Signal);
        if !self.unwritten.is_empty() {
            start = start.worst(ExitCode::Failed);
        }
        self.results.iter().map(|r| r.outcome.exit()).fold(start, ExitCode::worst)
    }

    /// Returns the mean duration of the jobs that started; `None` if none did.
    pub fn average(&self) -> Option<Duration> {
        let started: Vec<_> = self.results.iter().filter(|r| !r.duration.is_zero()).collect();
        let sum: Duration = started.iter().map(|r| r.duration).sum();
        (!started.is_empty()).then(|| sum / started.len() as u32)
    }
}

/// The summary of a run without its results.
impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Keys<'a> {
            run: &'a str,
            exit_code: i32,
            duration_s: f64,
            total: usize,
            success: usize,
            failed: usize,
            partial: usize,
            blocked: usize,
            skipped: usize,
            cancelled: usize,
            signal: Option<i32>,
            warnings: &'a [String],
            unwritten: &'a [String],
        }
        let keys = Keys {
            run: &self.run,
            exit_code: self.exit().code(),
            duration_s: time::seconds(self.duration),
            total: self.results.len(),
            success: self.success(),
            failed: self.count(Status::Failed),
            partial: self.count(Status::Partial),
            blocked: self.count(Status::Blocked),
            skipped: self.count(Status::Skipped),
            cancelled: self.count(Status::Cancelled),
            signal: self.signal,
            warnings: &self.warnings,
            unwritten: &self.unwritten,
        };
        keys.serialize(serializer)
    }
}
