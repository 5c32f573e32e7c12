//! The load of the machine: pressure stall information, available memory, and the load average as a fallback.

use std::fs;
use std::time::{Duration, Instant};

/// The load since the last reading. `None` if the kernel does not report a figure.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Load {
    /// Share of the time in which some task waited for a CPU, 0 to 1.
    pub cpu: Option<f64>,
    /// Share of the time in which some task waited for memory, 0 to 1.
    pub memory: Option<f64>,
    /// Share of the time in which all tasks waited for disks, 0 to 1.
    pub io: Option<f64>,
    /// Share of the memory that is available without swapping, 0 to 1.
    pub available: Option<f64>,
    /// Load average of the last minute, per CPU.
    pub runnable: Option<f64>,
}

/// Reads the load repeatedly.
#[derive(Debug)]
pub struct LoadMeter {
    at: Instant,
    stalled: Stalled,
}

/// Total stall times since boot.
#[derive(Debug, Clone, Copy, Default)]
struct Stalled {
    cpu: Option<Duration>,
    memory: Option<Duration>,
    io: Option<Duration>,
}

impl LoadMeter {
    /// Starts to measure now.
    pub fn start() -> Self {
        LoadMeter { at: Instant::now(), stalled: Stalled::read() }
    }

    /// The load since the last reading, or since the start.
    pub fn read(&mut self) -> Load {
        let (now, stalled) = (Instant::now(), Stalled::read());
        let window = now.duration_since(self.at).as_secs_f64().max(1e-3);
        let share = |before: Option<Duration>, after: Option<Duration>| {
            Some((after?.saturating_sub(before?).as_secs_f64() / window).clamp(0.0, 1.0))
        };
        let before = std::mem::replace(&mut self.stalled, stalled);
        self.at = now;
        let memory = super::memory();
        Load {
            cpu: share(before.cpu, stalled.cpu),
            memory: share(before.memory, stalled.memory),
            io: share(before.io, stalled.io),
            available: memory.and_then(|memory| Some(memory.available? as f64 / memory.total as f64)),
            runnable: runnable(),
        }
    }
}

impl Stalled {
    fn read() -> Self {
        let read = |name: &str, which: &str| {
            total(&fs::read_to_string(format!("/proc/pressure/{name}")).ok()?, which)
        };
        Stalled { cpu: read("cpu", "some"), memory: read("memory", "some"), io: read("io", "full") }
    }
}

/// The total in lines such as `some avg10=0.00 avg60=0.00 avg300=0.00 total=12345`, in microseconds.
fn total(text: &str, which: &str) -> Option<Duration> {
    let line = text.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(' '))?;
    let total = line.split_whitespace().find_map(|field| field.strip_prefix("total="))?;
    total.parse().ok().map(Duration::from_micros)
}

/// The kernel's averages over ten seconds, in percent: `[cpu some, memory some, io full]`.
pub fn pressure() -> [Option<f64>; 3] {
    [("cpu", "some"), ("memory", "some"), ("io", "full")].map(|(name, which)| {
        let text = fs::read_to_string(format!("/proc/pressure/{name}")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(' '))?;
        line.split_whitespace().find_map(|field| field.strip_prefix("avg10="))?.parse().ok()
    })
}

fn runnable() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    let load: f64 = text.split_whitespace().next()?.parse().ok()?;
    let cpus = std::thread::available_parallelism().ok()?.get();
    Some(load / cpus as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_read() {
        let text =
            "some avg10=33.73 avg60=40.03 avg300=43.29 total=807886566\nfull avg10=0.00 avg60=0.00 total=7\n";
        assert_eq!(total(text, "some"), Some(Duration::from_micros(807_886_566)));
        assert_eq!(total(text, "full"), Some(Duration::from_micros(7)));
        for odd in ["", "some", "some total=x", "someone total=1"] {
            assert_eq!(total(odd, "some"), None, "{odd}");
        }
    }

    #[test]
    fn shares_are_shares() {
        let load = LoadMeter::start().read();
        for share in [load.cpu, load.memory, load.io, load.available].into_iter().flatten() {
            assert!((0.0..=1.0).contains(&share), "{load:?}");
        }
        if cfg!(target_os = "linux") {
            assert!(load.available.is_some() && load.runnable.is_some());
        }
    }
}
