//! The process group of a child: all its descendants, except those that left the group.

use crate::platform::{self, ProcessStat};
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

/// Whether a process of the group runs; true where that cannot be determined. Zombies, such as the leader, do not count.
fn runs(group: Pid) -> bool {
    let Some(mut processes) = platform::processes() else { return true };
    let group = group.as_raw_nonzero().get();
    processes.any(|pid| ProcessStat::read(pid).is_some_and(|stat| stat.group == group && !stat.ended))
}
