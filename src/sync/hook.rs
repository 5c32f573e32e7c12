//! Runs the hooks of a job.

use super::child::{Cause, CommandSpec, End, Left, LineHandler};
use super::job_events::JobEvents;
use super::process;
use super::rsync_process::pass_on;
use super::watchdog::Watchdog;
use crate::model::event::{Level, Stream};
use crate::model::job::{FOR_RSYNC_ONLY, Hook, Job};
use crate::model::result::Reason;
use std::ffi::OsString;
use std::io;
use std::time::Duration;

/// Exit code by which a `before` hook skips the job (`EX_TEMPFAIL`).
const SKIP: i32 = 75;
/// Exit code of a shell that does not find the command.
const NOT_FOUND: i32 = 127;

/// How a list of hooks ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HookOutcome {
    /// All exited with 0.
    Ok,
    /// One exited with 75; the text names it. Later hooks did not run.
    Skip(String),
    /// One failed: the reason, and a hint. Later hooks did not run.
    Failed(Reason),
    /// The run is being stopped.
    Stopped,
}

impl HookOutcome {
    /// The reason of a failed hook, for hooks that cannot skip the job.
    pub(super) fn failure(self) -> Option<Reason> {
        match self {
            HookOutcome::Ok | HookOutcome::Stopped => None,
            HookOutcome::Skip(text) => {
                Some(Reason::new(text).hint("only a hook of `before` skips a job with this exit code"))
            }
            HookOutcome::Failed(reason) => Some(reason),
        }
    }
}

/// Hint for a hook that did not exit with 0.
const LOOK: &str = "look at what the hook printed, and run it by hand";

/// Runs hooks in order until one does not exit with 0. Processes that a hook leaves behind are reported and added to `warnings`.
pub(super) async fn run(
    hooks: &[Hook],
    env: &[(OsString, OsString)],
    job_events: &JobEvents,
    job: &Job,
    grace: Duration,
    warnings: &mut Vec<String>,
) -> HookOutcome {
    let (timeout, priority) = (job.hook_timeout, job.child_priority());
    for hook in hooks {
        let argv = hook.argv();
        let without: &[&str] = &FOR_RSYNC_ONLY;
        let spec = CommandSpec { argv: &argv, env, without, priority, grace, input: None, supervised: true };
        let watchdog = Watchdog::new(Some(timeout), None);
        let mut plain = HookOutput::default();
        let end = process::run(&spec, job_events, watchdog, &mut plain).await;
        if let Some(left) = plain.left {
            let text = format!("hook {hook} {}", left.text());
            job_events.notice(Level::Warning, text.clone()).await;
            warnings.push(text);
        }
        let (text, hint) = match end {
            Ok(End::Exited(0)) => continue,
            Ok(End::Exited(SKIP)) => return HookOutcome::Skip(format!("hook {hook} ended with {SKIP}")),
            Ok(End::Exited(NOT_FOUND)) => (
                format!("hook {hook} ended with {NOT_FOUND}"),
                "is the program that it runs installed, and in PATH where pdb-sync runs?",
            ),
            Ok(End::Exited(code)) => (format!("hook {hook} ended with {code}"), LOOK),
            Ok(End::Signalled(n)) => (format!("hook {hook} was ended by {}", super::signal::name(n)), LOOK),
            Ok(End::Ended(Cause::Timeout(limit))) => (
                format!(
                    "hook {hook} ran longer than hook_timeout ({}) and was ended",
                    crate::model::time::span(limit)
                ),
                "find out what it waits for, or set a longer hook_timeout",
            ),
            Ok(End::Held(pid)) => (format!("hook {hook}: {}", super::helper::held(pid)), LOOK),
            Ok(End::Ended(_)) => return HookOutcome::Stopped,
            Err(error) => {
                let hint = match error.kind() {
                    io::ErrorKind::NotFound => "is its program installed, and in PATH where pdb-sync runs?",
                    io::ErrorKind::PermissionDenied => "make it a program that this user may run",
                    _ => "run it by hand",
                };
                (format!("cannot run hook {hook}: {error}"), hint)
            }
        };
        return HookOutcome::Failed(Reason::new(text).hint(hint));
    }
    HookOutcome::Ok
}

/// Passes lines on unchanged.
#[derive(Default)]
struct HookOutput {
    left: Option<Left>,
}

impl LineHandler for HookOutput {
    fn line(&mut self, _stream: Stream, line: &[u8], out: &mut Vec<u8>) {
        pass_on(line, out);
    }

    fn left(&mut self, others: Left) {
        self.left = Some(others);
    }
}
