//! Ends the process group of a command when we end without having ended it: killed, or in a hurry.
//!
//! The kernel tells only the child itself when its parent is gone (the parent-death signal), not what that has started. So a shell in a
//! group of its own waits for the end of a pipe that nobody but us holds open. Out of reach is only what has left the group on purpose
//! (`setsid`), as a daemon does.

use super::spawn::{self, Started};
use crate::model::job::Priority;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// `$1`: whole seconds between SIGTERM and SIGKILL; the last line tells the group. Whoever ends everything by SIGTERM (a service manager)
/// means the group, not the one who watches over it.
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

/// Watches over one group, until it is dropped.
pub(super) struct Supervisor(Option<(Pid, OwnedFd)>);

impl Supervisor {
    /// Started before the group is, whose leader announces itself before it becomes its program: it may be at work long before we go on.
    /// Where it cannot be started, the parent-death signal has to do.
    pub(super) fn start(grace: Duration) -> Self {
        let words = ["sh", "-c", SCRIPT, "sh", &grace.as_secs().min(3600).to_string()];
        let argv = words.map(str::to_owned);
        let started = spawn::start_apart(&argv, Priority::default());
        Supervisor(started.ok().and_then(|Started { pid, stdin, .. }| Some((pid, stdin?))))
    }

    /// Where the leader of the group announces itself.
    pub(super) fn pipe(&self) -> Option<OwnedFd> {
        self.0.as_ref().and_then(|(_, pipe)| pipe.try_clone().ok())
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let Some((pid, pipe)) = self.0.take() else { return };
        // Before the pipe is closed, which would tell it to act. Nobody else has waited for it: the number is still its own.
        let _ = kill_process(pid, Signal::KILL);
        let _ = waitpid(Some(pid), WaitOptions::empty());
        drop(pipe);
    }
}
