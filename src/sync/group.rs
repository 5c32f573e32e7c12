//! The process group of a child: everything that it has started, unless that has left the group.

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpid};
use std::cell::Cell;
use std::time::Duration;

/// How often a group that was told to end is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A process group that does not outlive us: dropped before its end (a panic), it is killed. Its leader is a child of ours.
pub(super) struct Group(Pid, Cell<State>);

#[derive(Clone, Copy, PartialEq)]
enum State {
    Running,
    Killed,
    Done,
}

impl Group {
    pub(super) fn of(leader: Pid) -> Self {
        Group(leader, Cell::new(State::Running))
    }

    pub(super) fn signal(&self, signal: Signal) {
        if signal == Signal::KILL {
            self.1.set(State::Killed);
        }
        // Fails only if nobody is left in the group, which is what we want.
        let _ = kill_process_group(self.0, signal);
        if signal == Signal::TERM {
            // A stopped process would not notice the SIGTERM.
            let _ = kill_process_group(self.0, Signal::CONT);
        }
    }

    pub(super) fn killed(&self) -> bool {
        self.1.get() == State::Killed
    }

    /// Waits until nobody of the group runs any more; where that cannot be told, for ever.
    pub(super) fn is_empty(&self) -> impl Future<Output = ()> + Send + use<> {
        let group = self.0;
        async move {
            while runs(group) {
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    /// Whether somebody of the group runs; where that cannot be told, it is so.
    pub(super) fn has_members(&self) -> bool {
        runs(self.0)
    }

    /// It is no longer our business; the number of its leader may go to another process.
    pub(super) fn done(&self) {
        self.1.set(State::Done);
        // A leader that still runs goes to init with us.
        let _ = waitpid(Some(self.0), WaitOptions::NOHANG);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.1.get() != State::Done {
            self.signal(Signal::KILL);
            self.done();
        }
    }
}

/// Whether a process of the group runs. A zombie does not, and the leader is one.
#[cfg(target_os = "linux")]
fn runs(group: Pid) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return true };
    let wanted = group.as_raw_nonzero().get().to_string();
    processes.flatten().any(|process| {
        let is_number = process.file_name().to_string_lossy().starts_with(|c: char| c.is_ascii_digit());
        is_number
            && std::fs::read(process.path().join("stat")).is_ok_and(|stat| {
                // Behind the name, which may hold anything: state, parent, group.
                let stat = String::from_utf8_lossy(&stat);
                let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
                let (state, group) = (fields.next(), fields.nth(1));
                !matches!(state, Some("Z" | "X")) && group == Some(&wanted)
            })
    })
}

#[cfg(not(target_os = "linux"))]
fn runs(_group: Pid) -> bool {
    true
}
