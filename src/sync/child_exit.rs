//! Waits for children to end.

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Receives SIGCHLD from its creation on.
#[derive(Debug)]
pub(super) struct ChildExits(Signal);

impl ChildExits {
    /// Must be created before the child, or the child's end may be missed.
    pub(super) fn watch() -> io::Result<Self> {
        signal(SignalKind::child()).map(ChildExits)
    }

    /// Waits for the end of this child only. The child stays a zombie, so that its number, which is also that of its group, is not reused
    /// before [`super::group::Group::done`].
    pub(super) async fn of(&mut self, pid: Pid) -> io::Result<ExitStatus> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        loop {
            if let Some(status) = waitid(WaitId::Pid(pid), options)? {
                let raw = match status.exit_status() {
                    Some(code) => (code & 0xff) << 8,
                    None => status.terminating_signal().unwrap_or(0),
                };
                return Ok(ExitStatus::from_raw(raw));
            }
            self.0.recv().await;
        }
    }
}
