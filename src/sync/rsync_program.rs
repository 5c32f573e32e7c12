//! Checks the rsync program once in a run, before anything is written.

use super::child::{CommandSpec, LineHandler};
use super::helper::{self, Helper};
use super::job_events::JobEvents;
use super::process;
use super::watchdog::Watchdog;
use crate::model::event::Stream;
use crate::model::job::Priority;
use crate::model::result::Reason;
use crate::rsync::version::{INSTALL, Version};
use std::time::Duration;
use tokio::sync::OnceCell;

/// How long the program may take to print its version. After that it is used unchecked.
const LIMIT: Duration = Duration::from_secs(10);
/// Bytes of output that are read. The version is in the first lines.
const MOST: usize = 4096;

/// The program, and the result of the check.
#[derive(Debug)]
pub(super) struct Program {
    path: String,
    grace: Duration,
    version: OnceCell<Option<Version>>,
}

impl Program {
    /// The program of this name or path. It is checked when first needed.
    pub(super) fn new(path: &str, grace: Duration) -> Self {
        Program { path: path.into(), grace, version: OnceCell::new() }
    }

    /// The name or path.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Why the program cannot do what is needed here; `None` if it can, or if its version is unknown.
    pub(super) async fn refusal(&self, job_events: &JobEvents) -> Option<Reason> {
        let version = self.version.get_or_init(|| look(&self.path, self.grace, job_events)).await;
        let why = version.as_ref()?.lacks()?;
        Some(Reason::new(format!("{} cannot be used: {why}", self.path)).hint(INSTALL))
    }

    /// Whether it can say which checksum it has negotiated; false if it has not been checked.
    pub(super) fn tells_checksum(&self) -> bool {
        self.version.get().and_then(Option::as_ref).is_some_and(Version::tells_checksum)
    }
}

async fn look(path: &str, grace: Duration, job_events: &JobEvents) -> Option<Version> {
    let argv = [path.into(), "--version".into()];
    let spec = CommandSpec {
        argv: &argv,
        env: &[],
        without: &[],
        priority: Priority::default(),
        grace,
        input: None,
        supervised: false,
    };
    let mut heard = ProgramOutput(String::new());
    // A program that cannot be started is reported by the first job that uses it.
    process::run(&spec, job_events, Watchdog::new(Some(LIMIT), None), &mut heard).await.ok()?;
    Some(Version::parse(&heard.0))
}

/// Asks the program outside of a run; `None` if it does not answer.
pub(crate) async fn rsync_version(program: &str) -> Option<Version> {
    let argv = [program.to_owned(), "--version".to_owned()];
    let ran = helper::run(Helper { argv: &argv, env: &[], without: &[], input: None, limit: LIMIT }).await;
    ran.ok().map(|ran| Version::parse(&ran.stdout))
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
