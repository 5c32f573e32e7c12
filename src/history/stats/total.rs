//! What all runs ever came to: figures that only grow.

use super::State;

/// All runs of a job that ended in one way, also those that are not remembered one by one any more. A figure that a run did not know
/// counts as nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Total {
    /// Name of the job.
    pub job: String,
    /// How they ended.
    pub state: State,
    /// How many.
    pub runs: u64,
    /// How long they took, in seconds.
    pub seconds: f64,
    /// Attempts that they made.
    pub attempts: f64,
    /// Files that they transferred.
    pub files_transferred: f64,
    /// Files that they deleted.
    pub files_deleted: f64,
    /// Bytes that they received.
    pub bytes_received: f64,
}

/// All runs of a command, also those that are not remembered one by one any more.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct CommandTotal {
    /// How many.
    pub runs: u64,
    /// How many of these went all the way.
    pub whole: u64,
    /// How long those took, in microseconds.
    pub duration_us: u64,
}

impl CommandTotal {
    /// One run more.
    pub(crate) fn add(&mut self, cost: &super::Cost) {
        self.runs += 1;
        if cost.is_whole() {
            self.whole += 1;
            let took = u64::try_from(cost.duration.as_micros()).unwrap_or(u64::MAX);
            self.duration_us = self.duration_us.saturating_add(took);
        }
    }
}
