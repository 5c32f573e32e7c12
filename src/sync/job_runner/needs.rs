//! Waits for the jobs that a job needs.

use super::JobRunner;
use crate::model::result::{Outcome, Skip, Status};

impl JobRunner<'_> {
    /// Waits until the jobs that this one needs have ended, without a slot. If one was not successful, this job is skipped.
    pub(super) async fn wait_for_needed(&mut self) -> Result<(), Outcome> {
        for (name, ended) in &self.context.needs {
            let mut ended = ended.clone();
            let status = tokio::select! {
                biased;
                () = self.context.job_events.stop.gentle() => return Err(self.stopped()),
                // The dispatcher tells the status of every job before it ends.
                status = ended.wait_for(Option::is_some) => status.ok().and_then(|status| *status),
            };
            let why = match status {
                Some(Status::Ok | Status::Warned) => continue,
                Some(status) => format!("which ended as {status}"),
                None => "which has no result".into(),
            };
            return Err(Outcome::Skipped(Skip::Needs(format!("not started: it needs {name}, {why}"))));
        }
        Ok(())
    }
}
