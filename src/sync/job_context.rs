//! What a job needs to run.

use super::Plan;
use super::job_events::JobEvents;
use super::lock_owners::LockOwners;
use super::slots::Slots;
use super::transport::Transport;
use crate::model::job::Job;
use crate::model::result::Status;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;

/// What a job needs to run.
#[derive(Clone)]
pub(super) struct JobContext {
    pub(super) plan: Arc<Plan>,
    pub(super) job: Job,
    pub(super) job_events: JobEvents,
    pub(super) slots: Arc<Slots>,
    pub(super) lock_owners: Arc<LockOwners>,
    pub(super) transport: Arc<dyn Transport>,
    /// The jobs of this run that it needs, and their statuses once they have ended.
    pub(super) needs: Vec<(Arc<str>, watch::Receiver<Option<Status>>)>,
    /// When the run started.
    pub(super) started: Instant,
}
