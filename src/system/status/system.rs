//! The machine as a whole.

use crate::platform::{self, Memory};
use std::fs;
use std::time::Duration;

/// The state of the machine.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct System {
    /// CPUs that this process may use.
    pub cpus: Option<usize>,
    /// Share of them used by other processes since the last reading, 0 to 1; `None` at the first reading.
    pub cpu: Option<f64>,
    /// Load averages of 1, 5 and 15 minutes.
    pub load: Option<[f64; 3]>,
    /// Memory.
    pub memory: Option<Memory>,
    /// Share of the last ten seconds in which some task waited for a CPU, some task for memory, all tasks for disks; percent.
    pub pressure: [Option<f64>; 3],
}

/// Reads the state repeatedly.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    before: Option<Ticks>,
    /// The CPU time of this process at the last reading.
    own: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Ticks {
    busy: u64,
    all: u64,
}

impl Sampler {
    pub(super) fn look(&mut self) -> System {
        let now = fs::read_to_string("/proc/stat").ok().and_then(|text| ticks(&text));
        let before = std::mem::replace(&mut self.before, now);
        let own_now = platform::cpu_time().unwrap_or_default();
        // Our own share is subtracted, since it dominates between two readings that are close together.
        let own = (own_now - std::mem::replace(&mut self.own, own_now)).as_secs_f64()
            * rustix::param::clock_ticks_per_second() as f64;
        let cpu = before.zip(now).and_then(|(before, now)| {
            let all = now.all.checked_sub(before.all).filter(|all| *all > 0)?;
            Some((now.busy.saturating_sub(before.busy) as f64 - own).max(0.0) / all as f64)
        });
        System {
            cpus: std::thread::available_parallelism().ok().map(|cpus| cpus.get()),
            cpu,
            load: fs::read_to_string("/proc/loadavg").ok().and_then(|text| load(&text)),
            memory: platform::memory(),
            pressure: platform::pressure(),
        }
    }
}

/// Parses the first line of `/proc/stat`: user nice system idle iowait irq softirq steal (guest is counted in user).
fn ticks(text: &str) -> Option<Ticks> {
    let line = text.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> = line.split_whitespace().take(8).map_while(|field| field.parse().ok()).collect();
    let idle = fields.get(3)? + fields.get(4).copied().unwrap_or(0);
    let all: u64 = fields.iter().sum();
    Some(Ticks { busy: all.saturating_sub(idle), all })
}

fn load(text: &str) -> Option<[f64; 3]> {
    let mut fields = text.split_whitespace().map(|field| field.parse().ok());
    Some([fields.next()??, fields.next()??, fields.next()??])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_disks_is_not_at_work() {
        let ticks = ticks("cpu  10 0 10 70 10 0 0 0 5 0\ncpu0 1 2").unwrap();
        assert_eq!((ticks.busy, ticks.all), (20, 100));
        assert!(super::ticks("cpu 1 2").is_none() && super::ticks("").is_none());
        assert_eq!(load("0.50 1.25 2.00 1/234 5678\n"), Some([0.5, 1.25, 2.0]));
    }
}
