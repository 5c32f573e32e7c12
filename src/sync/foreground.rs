//! Runs a program that uses the terminal, such as an editor: in our process group and with our standard streams.

use super::child_exit::ChildExits;
use super::signal::Signals;
use crate::platform;
use rustix::process::{Pid, Signal, kill_process};
use std::io;
use std::process::{Command, ExitStatus};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Between SIGTERM and SIGKILL: an editor may need to save something.
const GRACE: Duration = Duration::from_secs(10);

/// Returns how the program ended, and the signal that would have ended us meanwhile. `^C` is for the program, which has the terminal. Any
/// other signal ends the program, too (SIGTERM, then SIGKILL): a program left behind when we are killed would go on reading what the user
/// types.
pub(crate) fn run(command: &mut Command) -> io::Result<(ExitStatus, Option<i32>)> {
    let runtime = platform::runtime()?;
    runtime.block_on(async {
        let (mut signals, mut ends) = (Signals::listen()?, ChildExits::watch()?);
        let mut child = command.spawn()?;
        let pid = Pid::from_child(&child);
        let (mut signal, mut kill_at) = (None, None);
        loop {
            tokio::select! {
                ended = ends.of(pid) => {
                    ended?;
                    return Ok((child.wait()?, signal));
                }
                number = signals.next() => if number != Signal::INT.as_raw() {
                    signal.get_or_insert(number);
                    kill_at.get_or_insert(Instant::now() + GRACE);
                    let _ = kill_process(pid, Signal::TERM);
                },
                () = sleep_until(kill_at.unwrap_or_else(Instant::now)), if kill_at.is_some() => {
                    let _ = kill_process(pid, Signal::KILL);
                    return Ok((child.wait()?, signal));
                }
            }
        }
    })
}
