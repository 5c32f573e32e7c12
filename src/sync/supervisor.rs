//! Ends the process group of a command if we end without having ended it: when we are killed, or stop at once.
//!
//! The parent-death signal reaches only the child itself, not its descendants. So a shell in its own process group waits for the end of a
//! pipe that only we hold open. Processes that have left the group (`setsid`), as daemons do, are not reached.

use super::child::Started;
use super::spawn;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// `$1`: whole seconds between SIGTERM and SIGKILL. The last line of standard input is the number of the group. SIGTERM is ignored, since a
/// service manager that sends it to all processes means the group, not its supervisor.
const SCRIPT: &str = "\
trap '' HUP INT TERM
exec 2>/dev/null
group=
while read -r word; do group=$word; done
test -n \"$group\" || exit
kill -s TERM -- \"-$group\"
n=0
while kill -s 0 -- \"-$group\" && test \"$n\" -lt \"$1\"; do sleep 1; n=$((n + 1)); done
kill -s KILL -- \"-$group\"
";

/// Supervises one group until it is dropped.
pub(super) struct Supervisor(Option<(Pid, OwnedFd)>);

impl Supervisor {
    /// Starts the supervisor before the group exists. The leader of the group writes its pid to the pipe before its `exec`, since it may
    /// run long before we continue. If the shell cannot be started, only the parent-death signal is left.
    pub(super) fn start(grace: Duration) -> Self {
        let words = ["sh", "-c", SCRIPT, "sh", &grace.as_secs().min(3600).to_string()];
        let argv = words.map(str::to_owned);
        let started = spawn::start_apart(&argv);
        Supervisor(started.ok().and_then(|Started { pid, stdin, .. }| Some((pid, stdin?))))
    }

    /// The pipe to which the leader of the group writes its pid.
    pub(super) fn pipe(&self) -> Option<OwnedFd> {
        self.0.as_ref().and_then(|(_, pipe)| pipe.try_clone().ok())
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let Some((pid, pipe)) = self.0.take() else { return };
        // Killed before the pipe is closed, since the end of the pipe makes it act. It has not been waited for, so its number is not
        // reused.
        let _ = kill_process(pid, Signal::KILL);
        let _ = waitpid(Some(pid), WaitOptions::empty());
        drop(pipe);
    }
}
