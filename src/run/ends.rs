//! How children end.

use rustix::process::{Pid, WaitOptions, waitpid};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Notices that children end, from its making on.
#[derive(Debug)]
pub(super) struct Ends(Signal);

impl Ends {
    /// To be made before the child is, or its end may go unnoticed.
    pub(super) fn watch() -> io::Result<Self> {
        signal(SignalKind::child()).map(Ends)
    }

    /// Waits for the end of that child of ours, and for no other: its number is free for another one after that.
    pub(super) async fn of(&mut self, pid: Pid) -> io::Result<ExitStatus> {
        loop {
            if let Some((_, status)) = waitpid(Some(pid), WaitOptions::NOHANG)? {
                return Ok(ExitStatus::from_raw(status.as_raw()));
            }
            self.0.recv().await;
        }
    }
}
