//! The process group of a child: all its descendants, except those that left the group.

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpid};
use std::cell::Cell;
use std::time::Duration;

/// How often a group is checked after it was told to end.
const LOOK: Duration = Duration::from_millis(20);

/// A process group whose leader is our child. It does not outlive us: if dropped before its end (a panic), it is killed.
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
        // Fails only if the group is empty, which is the aim.
        let _ = kill_process_group(self.0, signal);
        if signal == Signal::TERM {
            // A stopped process does not handle SIGTERM before SIGCONT.
            let _ = kill_process_group(self.0, Signal::CONT);
        }
    }

    pub(super) fn killed(&self) -> bool {
        self.1.get() == State::Killed
    }

    /// Waits until no process of the group runs; forever where that cannot be determined.
    pub(super) fn is_empty(&self) -> impl Future<Output = ()> + Send + use<> {
        let group = self.0;
        async move {
            while runs(group) {
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    /// Whether a process of the group runs; true where that cannot be determined.
    pub(super) fn has_members(&self) -> bool {
        runs(self.0)
    }

    /// Ends the supervision of the group. The leader's number may then be reused.
    pub(super) fn done(&self) {
        self.1.set(State::Done);
        // If the leader still runs, init inherits it when we end.
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

/// Whether a process of the group runs. Zombies, such as the leader, do not count.
#[cfg(target_os = "linux")]
fn runs(group: Pid) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return true };
    let wanted = group.as_raw_nonzero().get().to_string();
    processes.flatten().any(|process| {
        let is_number = process.file_name().to_string_lossy().starts_with(|c: char| c.is_ascii_digit());
        is_number
            && std::fs::read(process.path().join("stat")).is_ok_and(|stat| {
                // Behind the name, which may hold any bytes: state, parent, group.
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
