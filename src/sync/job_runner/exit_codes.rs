//! The status that the user has chosen for an exit code of rsync.

use super::JobRunner;
use crate::model::event::Level;
use crate::model::result::Outcome;

impl JobRunner<'_> {
    /// Gives the job the status that `exit_codes` has for rsync's exit code, unless there was other trouble.
    pub(super) async fn by_exit_code(&self, outcome: Outcome) -> Outcome {
        let code = self.attempts.last().and_then(|attempt| attempt.exit_code).filter(|_| !self.own_trouble);
        let changed = code.and_then(|code| self.context.job.exit_codes.apply(code, &outcome));
        let Some((outcome, told)) = changed else { return outcome };
        self.context.job_events.notice(Level::Info, told).await;
        outcome
    }
}
