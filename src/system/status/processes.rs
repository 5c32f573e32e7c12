//! The processes with the most CPU time, memory, and disk I/O.

use crate::platform::{self, ProcessStat};
use std::collections::HashMap;
use std::fs;
use std::time::Instant;

/// A process.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// Its pid.
    pub pid: u32,
    /// Its name; at most 15 bytes.
    pub name: String,
    /// CPU time per second, 1 is one CPU; `None` at the first reading.
    pub cpu: Option<f64>,
    /// Resident memory, own and shared, in bytes.
    pub resident: u64,
    /// Bytes a second read from and written to disks; `None` for processes of other users, and at the first reading.
    pub io: Option<f64>,
}

/// The processes at the top.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Top {
    /// By CPU time, the busiest first; only those with any.
    pub cpu: Vec<Process>,
    /// By memory, the largest first.
    pub memory: Vec<Process>,
    /// By disk I/O, the busiest first; only those with any.
    pub io: Vec<Process>,
}

/// What was read about a process before.
#[derive(Debug, Clone, Copy)]
struct Reading {
    at: Instant,
    /// Its start, by which a pid that was reused is recognized.
    start: u64,
    ticks: u64,
    moved: Option<u64>,
}

/// Reads the processes repeatedly.
#[derive(Debug)]
pub(super) struct Sampler {
    /// How many are shown in each order.
    shown: usize,
    before: HashMap<u32, Reading>,
}

impl Sampler {
    pub(super) fn new(shown: usize) -> Self {
        Sampler { shown, before: HashMap::new() }
    }

    /// Reads all processes but this one, which is at work mostly for these figures.
    pub(super) fn look(&mut self) -> Top {
        let page = rustix::param::page_size() as u64;
        let hertz = rustix::param::clock_ticks_per_second().max(1) as f64;
        let (mut all, mut seen) = (Vec::new(), HashMap::new());
        for pid in platform::processes().into_iter().flatten().filter(|pid| *pid != std::process::id()) {
            // A process that ends meanwhile is skipped.
            let Some(ProcessStat { name, pages, ticks, start, .. }) = ProcessStat::read(pid) else {
                continue;
            };
            let moved = fs::read_to_string(format!("/proc/{pid}/io")).ok().and_then(|text| moved(&text));
            let now = Reading { at: Instant::now(), start, ticks, moved };
            let before = self.before.get(&pid).filter(|before| before.start == start);
            let per_second = |before: Option<u64>, after: Option<u64>, at: Instant| {
                let seconds = now.at.duration_since(at).as_secs_f64();
                (seconds > 0.0).then_some(after?.checked_sub(before?)? as f64 / seconds)
            };
            let cpu = before.and_then(|before| per_second(Some(before.ticks), Some(ticks), before.at));
            let io = before.and_then(|before| per_second(before.moved, moved, before.at));
            seen.insert(pid, now);
            all.push(Process { pid, name, cpu: cpu.map(|ticks| ticks / hertz), resident: pages * page, io });
        }
        self.before = seen;
        let most = |figure: fn(&Process) -> Option<f64>| {
            let mut most: Vec<&Process> =
                all.iter().filter(|process| figure(process).is_some_and(|figure| figure > 0.0)).collect();
            most.sort_by(|a, b| figure(b).unwrap_or(0.0).total_cmp(&figure(a).unwrap_or(0.0)));
            most.into_iter().take(self.shown).cloned().collect()
        };
        Top {
            cpu: most(|process| process.cpu),
            memory: most(|process| Some(process.resident as f64)),
            io: most(|process| process.io),
        }
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
            let top = Sampler::new(5).look();
            assert!(!top.memory.is_empty() && top.memory.len() <= 5);
            assert!(top.memory.is_sorted_by(|a, b| a.resident >= b.resident));
            assert!(top.cpu.is_empty() && top.io.is_empty(), "one reading is no rate");
            assert_eq!(Sampler::new(0).look(), Top::default());
        }
    }

    #[test]
    fn who_is_at_work_is_seen_and_we_are_not() {
        if !cfg!(target_os = "linux") {
            return;
        }
        let mut child = std::process::Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        let mut sampler = Sampler::new(usize::MAX);
        let begun = Instant::now();
        let found = loop {
            let top = sampler.look();
            assert!(top.memory.iter().all(|process| process.pid != std::process::id()));
            let found = top.cpu.into_iter().find(|process| process.pid == child.id());
            if found.is_some() || begun.elapsed().as_secs() > 60 {
                break found;
            }
        };
        child.kill().unwrap();
        child.wait().unwrap();
        let cpu = found.and_then(|process| process.cpu).unwrap();
        // A tick of a hundredth of a second may fall into a short time.
        assert!(cpu > 0.0 && cpu.is_finite(), "{cpu}");
    }
}
