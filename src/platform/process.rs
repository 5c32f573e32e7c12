//! Identifies this process, checks whether another one still runs, and reads what the kernel says about one.

use std::{fs, process};

/// What `/proc/PID/stat` says about a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessStat {
    /// The name of its program; at most 15 bytes.
    pub name: String,
    /// Whether it has ended, also if it was not waited for.
    pub ended: bool,
    /// The number of its process group.
    pub group: i32,
    /// CPU time of all its threads, in clock ticks.
    pub ticks: u64,
    /// Its start, in clock ticks since boot.
    pub start: u64,
    /// Resident memory, in pages.
    pub pages: u64,
}

impl ProcessStat {
    /// `None` for a process that does not exist, and without `/proc`.
    pub fn read(pid: u32) -> Option<Self> {
        let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Self::parse(&String::from_utf8_lossy(&text))
    }

    fn parse(text: &str) -> Option<Self> {
        // The name is in parentheses and may contain any characters, also parentheses.
        let (head, rest) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        // Numbered as in proc(5): the state is the third.
        let field = |number: usize| fields.get(number - 3).copied();
        Some(ProcessStat {
            name: head.split_once('(')?.1.into(),
            ended: field(3)?.starts_with(['Z', 'X']),
            group: field(5)?.parse().ok()?,
            ticks: field(14)?.parse::<u64>().ok()?.saturating_add(field(15)?.parse().ok()?),
            start: field(22)?.parse().ok()?,
            pages: field(24)?.parse().ok()?,
        })
    }
}

/// The pids of all processes; `None` without `/proc`.
pub fn processes() -> Option<impl Iterator<Item = u32>> {
    let entries = fs::read_dir("/proc").ok()?.flatten();
    Some(entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()))
}

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
    let stat = ProcessStat::read(pid).filter(|stat| !stat.ended)?;
    Some(format!("{}:{}", boot_id().unwrap_or_default(), stat.start))
}

/// The ID of the current boot; `None` without `/proc`.
pub fn boot_id() -> Option<String> {
    Some(fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_it_is_called() {
        let text = "42 (a) b) S 1 43 42 0 -1 4194560 100 0 0 0 3 2 0 0 20 0 1 0 500 1000000 77 18446744073709551615 1";
        let stat =
            ProcessStat { name: "a) b".into(), ended: false, group: 43, ticks: 5, start: 500, pages: 77 };
        assert_eq!(ProcessStat::parse(text), Some(stat));
        assert_eq!(ProcessStat::parse("42 (a"), None);
    }

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
