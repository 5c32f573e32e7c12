//! Commands around a transfer.

use super::child::pass_on;
use super::process::{self, Cause, Ear, End, Left, Spec};
use super::voice::Voice;
use super::watchdog::Watchdog;
use crate::event::{Level, Stream};
use crate::job::{FOR_RSYNC_ONLY, Hook, Job};
use std::ffi::OsString;
use std::time::Duration;

/// Exit code by which a `before` hook skips the job (`EX_TEMPFAIL`).
const SKIP: i32 = 75;

/// How a list of hooks ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hooked {
    /// All of them with 0.
    Ok,
    /// One with 75; the text names it. The later ones did not run.
    Skip(String),
    /// One failed; the text says how. The later ones did not run.
    Failed(String),
    /// The run is being stopped.
    Stopped,
}

/// Runs hooks one after another, until one does not end with 0.
pub(super) async fn run(
    hooks: &[Hook],
    env: &[(OsString, OsString)],
    voice: &Voice,
    job: &Job,
    grace: Duration,
) -> Hooked {
    let (timeout, priority) = (job.hooks.timeout, job.child_priority);
    for hook in hooks {
        let argv = hook.argv();
        let without: &[&str] = &FOR_RSYNC_ONLY;
        let spec = Spec { argv: &argv, env, without, priority, grace, input: None, supervised: true };
        let watchdog = Watchdog::new(Some(timeout), None);
        let mut plain = Plain::default();
        let end = process::run(&spec, voice, watchdog, &mut plain).await;
        if let Some(left) = plain.left {
            voice.notice(Level::Warning, format!("hook {hook} {}", left.text())).await;
        }
        match end {
            Ok(End::Exited(0)) => {}
            Ok(End::Exited(SKIP)) => return Hooked::Skip(format!("hook {hook} ended with {SKIP}")),
            Ok(End::Exited(code)) => return Hooked::Failed(format!("hook {hook} ended with {code}")),
            Ok(End::Signalled(n)) => {
                return Hooked::Failed(format!("hook {hook} was ended by {}", super::signal::name(n)));
            }
            Ok(End::Ended(Cause::Timeout(limit))) => {
                let limit = crate::time::span(limit);
                return Hooked::Failed(format!(
                    "hook {hook} ran longer than hook_timeout ({limit}) and was ended"
                ));
            }
            Ok(End::Held(pid)) => {
                return Hooked::Failed(format!("hook {hook}: {}", super::helper::held(pid)));
            }
            Ok(End::Ended(_)) => return Hooked::Stopped,
            Err(error) => return Hooked::Failed(format!("cannot run hook {hook}: {error}")),
        }
    }
    Hooked::Ok
}

/// Passes lines on as they are.
#[derive(Default)]
struct Plain {
    left: Option<Left>,
}

impl Ear for Plain {
    fn line(&mut self, _stream: Stream, line: &[u8], out: &mut Vec<u8>) {
        pass_on(line, out);
    }

    fn left(&mut self, others: Left) {
        self.left = Some(others);
    }
}
