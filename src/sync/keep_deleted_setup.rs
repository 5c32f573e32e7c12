//! Prepares the place for removed and replaced entries before the first of them.

use super::attempt::{AttemptEnd, AttemptRunner};
use super::blocking::off_thread;
use super::keep_deleted::{KeepDeleted, KeepDeletedError};
use crate::model::result::Reason;
use crate::rsync::exit::Class;
use std::io;
use std::sync::Arc;

impl AttemptRunner<'_> {
    /// Prepares `keep`. A job that keeps what it removes continues without it if necessary: then nothing is deleted, and
    /// [`AttemptRunner::cannot_keep`] gives the reason.
    pub(super) async fn prepare_keep(&mut self) -> Result<(), AttemptEnd> {
        let wanted = self.keep.is_none() && self.job.keep_deleted.is_some();
        let Some(access) = self.access.cloned().filter(|_| wanted) else { return Ok(()) };
        if let Some(reason) = self.unsure {
            // Names in a quarantine may be escaped by one run at a time only.
            self.cannot_keep = Some(reason.clone());
            return Ok(());
        }
        let (job, state, run) = (self.job.clone(), self.plan.state_dir.clone(), self.plan.run.clone());
        let plan = self.plan_hash.clone();
        let prepare = move || match KeepDeleted::new(&access, &job, &state, &run, plan) {
            Ok(keep) => (Some(keep), None),
            Err(error @ KeepDeletedError::Journal { .. }) => {
                (KeepDeleted::without_journal(&access, &job, &state, &run).ok(), Some(error))
            }
            Err(error) => (None, Some(error)),
        };
        let (keep, error) = off_thread(&self.job_events.stop, prepare).await.ok_or(AttemptEnd::Stopped)?;
        self.keep = keep.map(Arc::new);
        self.cannot_keep = error.map(Reason::from);
        Ok(())
    }

    pub(super) async fn keep(&mut self) -> Result<Arc<KeepDeleted>, AttemptEnd> {
        self.prepare_keep().await?;
        if let Some(keep) = &self.keep {
            return Ok(keep.clone());
        }
        let refused = |error: KeepDeletedError| AttemptEnd::Failed(Class::Fatal, error.into());
        let cannot =
            |source: io::Error| refused(KeepDeletedError::Quarantine { dest: self.job.dest.clone(), source });
        let Some(access) = self.access.cloned() else {
            return Err(cannot(io::Error::other("the destination is not locked")));
        };
        let (job, state, run) = (self.job.clone(), self.plan.state_dir.clone(), self.plan.run.clone());
        let plan = self.plan_hash.clone();
        let new = move || KeepDeleted::new(&access, &job, &state, &run, plan);
        let new = off_thread(&self.job_events.stop, new).await;
        let keep = Arc::new(new.ok_or(AttemptEnd::Stopped)?.map_err(|error| match error {
            // Everything else is done.
            KeepDeletedError::Journal { .. } => {
                AttemptEnd::Partial(Reason::from(error).and("nothing was deleted"))
            }
            error => refused(error),
        })?);
        self.keep = Some(keep.clone());
        Ok(keep)
    }
}
