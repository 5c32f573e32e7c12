//! Identifies this process, and checks whether another one still runs.

use std::fs;
use std::process;

/// Identifies a process among all that have had or will have its pid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its pid.
    pub pid: u32,
    /// The boot ID, and the clock tick of its start since then; `None` without `/proc`.
    pub started: Option<String>,
}

impl Identity {
    /// This process.
    pub fn own() -> Self {
        let pid = process::id();
        Identity { pid, started: started(pid) }
    }

    /// Whether it has ended, as far as this machine can determine. A process of another machine, seen in a shared directory, counts as
    /// ended.
    pub fn is_gone(&self) -> bool {
        match (&self.started, boot_id()) {
            (Some(then), Some(_)) => started(self.pid).as_ref() != Some(then),
            _ => {
                let pid = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw);
                // A process that may not be signalled exists.
                pid.is_none_or(|pid| rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
            }
        }
    }
}

/// `BOOT:TICK`; `None` for a process that has ended, for a zombie, or on a system that does not report it.
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may contain any characters, also parentheses.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    // The 22nd field, counting the pid, the name and the state.
    let tick = fields.nth(18)?;
    (!state.starts_with(['Z', 'X'])).then(|| format!("{}:{tick}", boot_id().unwrap_or_default()))
}

/// The ID of the current boot; `None` without `/proc`.
pub fn boot_id() -> Option<String> {
    Some(fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_are_here_and_our_predecessors_are_not() {
        let own = Identity::own();
        assert!(!own.is_gone());
        if own.started.is_some() {
            let before = Identity { started: Some("another boot:1".into()), ..own.clone() };
            assert!(before.is_gone(), "the number is in use again");
        }
        let mut child = process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert!(Identity { pid, started: own.started }.is_gone());
        assert!(Identity { pid, started: None }.is_gone());
    }
}
