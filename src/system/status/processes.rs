//! The processes with the most memory, and those with the most I/O.

use crate::platform::{self, ProcessStat};
use std::collections::HashMap;
use std::fs;
use std::time::Instant;

/// How many of each are shown.
const SHOWN: usize = 5;

/// A process.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// Its pid.
    pub pid: u32,
    /// Its name; at most 15 bytes.
    pub name: String,
    /// Resident memory, own and shared, in bytes.
    pub resident: u64,
    /// Bytes a second read from and written to disks; `None` for processes of other users, and at the first reading.
    pub io: Option<f64>,
}

/// The processes at the top.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Top {
    /// By memory, the largest first.
    pub memory: Vec<Process>,
    /// By disk I/O, the busiest first; only those with any.
    pub io: Vec<Process>,
}

/// Reads the processes repeatedly.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    before: HashMap<u32, (Instant, u64)>,
}

impl Sampler {
    pub(super) fn look(&mut self) -> Top {
        let page = rustix::param::page_size() as u64;
        let (mut all, mut seen) = (Vec::new(), HashMap::new());
        for pid in platform::processes().into_iter().flatten() {
            // A process that ends meanwhile is skipped.
            let Some(ProcessStat { name, pages, .. }) = ProcessStat::read(pid) else { continue };
            let moved = fs::read_to_string(format!("/proc/{pid}/io")).ok().and_then(|text| moved(&text));
            let now = Instant::now();
            let io = moved.and_then(|moved| {
                let (then, before) = self.before.get(&pid)?;
                let seconds = now.duration_since(*then).as_secs_f64();
                // If a pid was reused, the counter may be lower than before.
                let bytes = moved.checked_sub(*before)?;
                (seconds > 0.0).then(|| bytes as f64 / seconds)
            });
            seen.extend(moved.map(|moved| (pid, (now, moved))));
            all.push(Process { pid, name, resident: pages * page, io });
        }
        self.before = seen;
        let mut busy: Vec<Process> =
            all.iter().filter(|process| process.io.is_some_and(|io| io > 0.0)).cloned().collect();
        busy.sort_by(|a, b| b.io.unwrap_or(0.0).total_cmp(&a.io.unwrap_or(0.0)));
        all.sort_by_key(|process| std::cmp::Reverse(process.resident));
        busy.truncate(SHOWN);
        all.retain(|process| process.resident > 0);
        all.truncate(SHOWN);
        Top { memory: all, io: busy }
    }
}

fn moved(text: &str) -> Option<u64> {
    let of = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    Some(of("read_bytes:")? + of("write_bytes:")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_are_added() {
        assert_eq!(moved("rchar: 9\nread_bytes: 5\nwrite_bytes: 6\ncancelled_write_bytes: 1\n"), Some(11));
        assert_eq!(moved(""), None);
    }

    #[test]
    fn there_is_always_somebody() {
        if cfg!(target_os = "linux") {
            let top = Sampler::default().look();
            assert!(!top.memory.is_empty() && top.memory.len() <= SHOWN);
            assert!(top.memory.is_sorted_by(|a, b| a.resident >= b.resident));
        }
    }
}
