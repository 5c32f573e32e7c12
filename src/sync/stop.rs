//! How a run is stopped: first gently, then at once; and the reason.

use std::sync::{Arc, OnceLock};
use tokio_util::sync::CancellationToken;

/// The cancellation state, shared by all parts of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop {
    gentle: CancellationToken,
    hard: CancellationToken,
    why: Arc<OnceLock<StopReason>>,
}

/// Why a run is stopped before its jobs have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StopReason {
    /// A signal, by number.
    Signal(i32),
    /// This job failed, and the run stops at the first failure.
    FailFast(String),
}

impl StopReason {
    /// The reason as text, as in "ended by SIGTERM".
    pub(super) fn text(&self) -> String {
        match self {
            StopReason::Signal(number) => format!("ended by {}", super::signal::name(*number)),
            StopReason::FailFast(job) => format!("ended because {job} failed and fail_fast is set"),
        }
    }
}

impl Stop {
    /// Stops the run gently. The first reason is kept.
    pub(super) fn ask(&self, why: StopReason) {
        let _ = self.why.set(why);
        self.gentle.cancel();
    }

    /// Stops the run at once.
    pub(super) fn force(&self) {
        self.gentle.cancel();
        self.hard.cancel();
    }

    /// Resolves when the run is to end, gently or at once.
    pub(super) async fn gentle(&self) {
        self.gentle.cancelled().await;
    }

    /// Resolves when the run is to end at once.
    pub(super) async fn hard(&self) {
        self.hard.cancelled().await;
    }

    /// Whether the run is ending.
    pub(super) fn is_stopping(&self) -> bool {
        self.gentle.is_cancelled()
    }

    /// The reason; `None` if the run is not ending.
    pub(super) fn why(&self) -> Option<&StopReason> {
        self.why.get()
    }
}
