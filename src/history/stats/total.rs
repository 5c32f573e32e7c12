//! Sums over all runs ever. They never fall.

use crate::model::record::State;

/// Sums over all runs of a job that ended in one state, including removed runs. Unknown figures of a run count as zero.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Total {
    /// Name of the job.
    pub job: String,
    /// The state.
    pub state: State,
    /// Number of runs.
    pub runs: u64,
    /// Their duration in seconds.
    pub seconds: f64,
    /// Number of attempts.
    pub attempts: f64,
    /// Files transferred.
    pub files_transferred: f64,
    /// Files deleted.
    pub files_deleted: f64,
    /// Bytes received.
    pub bytes_received: f64,
}

/// Sums over all runs of a command, including those whose lines were removed.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct CommandTotal {
    /// Number of runs.
    pub runs: u64,
    /// Number of runs that ran to their end.
    pub whole: u64,
    /// Duration of these, in microseconds.
    pub duration_us: u64,
}

impl CommandTotal {
    /// Adds a run.
    pub(crate) fn add(&mut self, cost: &super::Cost) {
        self.runs += 1;
        if cost.is_whole() {
            self.whole += 1;
            let took = u64::try_from(cost.duration.as_micros()).unwrap_or(u64::MAX);
            self.duration_us = self.duration_us.saturating_add(took);
        }
    }
}
