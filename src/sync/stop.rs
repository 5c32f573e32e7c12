//! How a run is stopped: first gently, then at once, and why.

use std::sync::{Arc, OnceLock};
use tokio_util::sync::CancellationToken;

/// Shared by everything in a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop {
    gentle: CancellationToken,
    hard: CancellationToken,
    why: Arc<OnceLock<StopReason>>,
}

/// Why a run is stopped before its jobs are done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StopReason {
    /// A signal, by number.
    Signal(i32),
    /// This job failed, and the run is to stop at the first failure.
    FailFast(String),
}

impl StopReason {
    /// As in "ended by SIGTERM".
    pub(super) fn text(&self) -> String {
        match self {
            StopReason::Signal(number) => format!("ended by {}", super::signal::name(*number)),
            StopReason::FailFast(job) => format!("ended because {job} failed and fail_fast is set"),
        }
    }
}

impl Stop {
    /// Asks everything to end gently. The first reason stays.
    pub(super) fn ask(&self, why: StopReason) {
        let _ = self.why.set(why);
        self.gentle.cancel();
    }

    /// Ends everything now.
    pub(super) fn force(&self) {
        self.gentle.cancel();
        self.hard.cancel();
    }

    /// Resolves when the run is to end gently.
    pub(super) async fn gentle(&self) {
        self.gentle.cancelled().await;
    }

    /// Resolves when the run is to end now.
    pub(super) async fn hard(&self) {
        self.hard.cancelled().await;
    }

    /// Whether the run is ending.
    pub(super) fn is_stopping(&self) -> bool {
        self.gentle.is_cancelled()
    }

    /// Why, if it is.
    pub(super) fn why(&self) -> Option<&StopReason> {
        self.why.get()
    }
}
