//! Runs the hooks of a job, and says what they get to know.

use super::JobRunner;
use crate::model::event::Phase;
use crate::model::job::Hook;
use crate::model::result::Outcome;
use crate::sync::hook::{self, HookOutcome};
use crate::sync::job_context::JobContext;
use std::ffi::OsString;

impl JobRunner<'_> {
    /// Runs these hooks. `outcome`: of the job, after its last attempt.
    pub(super) async fn hooks(
        &mut self,
        phase: Phase,
        hooks: &[Hook],
        outcome: Option<&Outcome>,
    ) -> HookOutcome {
        let JobContext { plan, job, job_events, .. } = self.context;
        if hooks.is_empty() {
            return HookOutcome::Ok;
        }
        self.ran = true;
        job_events.phase(0, phase, &[]).await;
        let environment = self.environment(outcome);
        hook::run(hooks, &environment, job_events, job, plan.grace, &mut self.warnings).await
    }

    /// The variables that hooks get. Unknown figures are empty.
    fn environment(&self, outcome: Option<&Outcome>) -> Vec<(OsString, OsString)> {
        let JobContext { plan, job, .. } = self.context;
        let number = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
        let source =
            self.attempts.last().map(|a| a.source.clone()).or(job.sources.first().map(|s| s.text.clone()));
        let code = self.attempts.last().and_then(|a| a.exit_code).map(|c| c.to_string());
        let fallback = self.fallback();
        let duration = self.started.map_or(0.0, |(at, _)| at.elapsed().as_secs_f64());
        // A reason may quote any output of rsync; a NUL would prevent the hook from running.
        let text = |name: &str, value: String| {
            (OsString::from(format!("PDB_SYNC_{name}")), OsString::from(value.replace('\0', "")))
        };
        vec![
            text("RUN", plan.run.clone()),
            text("JOB", job.name.clone()),
            text("STATUS", outcome.map_or("", |o| o.status().word()).into()),
            text("EXIT_CODE", code.unwrap_or_default()),
            ("PDB_SYNC_DEST".into(), job.dest.clone().into()),
            text("SOURCE", source.unwrap_or_default()),
            text("FALLBACK", if fallback.is_some() { "1" } else { "" }.into()),
            text("FALLBACK_REASON", fallback.map(|fallback| fallback.why).unwrap_or_default()),
            text("ATTEMPTS", self.attempts.len().to_string()),
            text("DURATION", format!("{duration:.3}")),
            text("FILES", number(self.figures.files_transferred)),
            text("BYTES", number(self.figures.bytes_received)),
            text("DELETED", number(self.figures.files_deleted)),
            ("PDB_SYNC_LOG".into(), self.log().unwrap_or_default().into()),
            text("ALERTS", self.alerts.join("\n")),
            text("ERROR", outcome.and_then(Outcome::error).unwrap_or_default().into()),
        ]
    }
}
