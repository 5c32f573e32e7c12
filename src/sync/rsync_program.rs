//! The rsync program, looked at once in a run, before anything is written.

use super::Plan;
use super::job_events::JobEvents;
use super::process::{self, CommandSpec, LineHandler};
use super::watchdog::Watchdog;
use crate::model::event::Stream;
use crate::model::job::Priority;
use crate::model::result::Reason;
use crate::rsync::version::{INSTALL, Version};
use std::time::Duration;
use tokio::sync::OnceCell;

/// What does not tell its version by then is tried as it is.
const LIMIT: Duration = Duration::from_secs(10);
/// A version is told in the first lines.
const MOST: usize = 4096;

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct Program {
    refused: OnceCell<Option<Reason>>,
}

impl Program {
    /// Why it cannot do what is needed here; `None` for one that can, or does not tell.
    pub(super) async fn refusal(&self, plan: &Plan, job_events: &JobEvents) -> Option<Reason> {
        self.refused.get_or_init(|| look(plan, job_events)).await.clone()
    }
}

async fn look(plan: &Plan, job_events: &JobEvents) -> Option<Reason> {
    let argv = [plan.rsync.clone(), "--version".into()];
    let spec = CommandSpec {
        argv: &argv,
        env: &[],
        without: &[],
        priority: Priority::default(),
        grace: plan.grace,
        input: None,
        supervised: false,
    };
    let mut heard = ProgramOutput(String::new());
    // One that cannot be started is told by the first that needs it.
    process::run(&spec, job_events, Watchdog::new(Some(LIMIT), None), &mut heard).await.ok()?;
    let why = Version::parse(&heard.0).lacks()?;
    Some(Reason::new(format!("{} cannot be used: {why}", plan.rsync)).hint(INSTALL))
}

struct ProgramOutput(String);

impl LineHandler for ProgramOutput {
    fn line(&mut self, _stream: Stream, line: &[u8], _out: &mut Vec<u8>) {
        if self.0.len() < MOST {
            self.0.push_str(&String::from_utf8_lossy(line));
            self.0.push('\n');
        }
    }
}
