//! How many jobs may run at a time with `parallel = "auto"`. The limit is raised slowly and lowered at once.
//!
//! A pure decision based on the load. [`super::dispatch`] calls it about once a second.

use crate::platform::Load;
use std::time::{Duration, Instant};

/// Time between two checks of the load.
pub(super) const PERIOD: Duration = Duration::from_secs(1);
/// The limit at the start.
const FIRST: usize = 2;
/// How long the load must have been low before the limit is raised by one.
const CALM: Duration = Duration::from_secs(5);
/// If the kernel reports no pressure: the load average per CPU that counts as a CPU pressure of 1.
const LOAD: f64 = 2.5;

/// Limits of the load.
struct Limits {
    cpu: f64,
    memory: f64,
    io: f64,
    available: f64,
}

/// Beyond `BUSY` the load is too high; within `ROOM` there is room for another job. Waiting for a CPU does the least harm; waiting for
/// memory is the beginning of thrashing.
const BUSY: Limits = Limits { cpu: 0.6, memory: 0.10, io: 0.6, available: 0.05 };
const ROOM: Limits = Limits { cpu: 0.3, memory: 0.02, io: 0.3, available: 0.15 };

/// Decides on the limit.
#[derive(Debug)]
pub(super) struct AutoParallel {
    cap: usize,
    limit: usize,
    /// Since when the load has been low without a change of the limit.
    calm: Option<Instant>,
}

/// A change of the limit, and the reason.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Decision {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) why: String,
}

impl AutoParallel {
    /// Creates one whose limit stays between 1 and `cap`.
    pub(super) fn new(cap: usize) -> Self {
        AutoParallel { cap: cap.max(1), limit: FIRST.min(cap).max(1), calm: None }
    }

    /// How many jobs may run now.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Judges the load of the last [`PERIOD`]. The limit is raised only if a job is waiting (`in_demand`).
    pub(super) fn judge(&mut self, load: &Load, in_demand: bool, now: Instant) -> Option<Decision> {
        if let Some(why) = busy(load) {
            self.calm = None;
            return self.change((self.limit / 2).max(1), why);
        }
        if !has_room(load) {
            self.calm = None;
            return None;
        }
        let calm = *self.calm.get_or_insert(now);
        if !in_demand || now.duration_since(calm) < CALM {
            return None;
        }
        self.calm = Some(now);
        self.change((self.limit + 1).min(self.cap), "the machine has room".into())
    }

    fn change(&mut self, to: usize, why: String) -> Option<Decision> {
        let from = std::mem::replace(&mut self.limit, to);
        (from != to).then_some(Decision { from, to, why })
    }
}

impl std::fmt::Display for Decision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "parallel: {} at a time instead of {}: {}", self.to, self.from, self.why)
    }
}

/// Which part of the load is too high. `None` if none is; unknown figures do not count.
fn busy(load: &Load) -> Option<String> {
    let share = |share: Option<f64>, limit: f64, what: &str| {
        let share = share.filter(|share| *share >= limit)?;
        Some(format!("{what} {:.0} % of the time", share * 100.0))
    };
    let memory = load.available.filter(|available| *available < BUSY.available);
    memory
        .map(|available| format!("only {:.0} % of the memory is available", available * 100.0))
        .or_else(|| share(load.memory, BUSY.memory, "programs wait for memory"))
        .or_else(|| share(load.io, BUSY.io, "all programs wait for disks"))
        .or_else(|| share(cpu(load), BUSY.cpu, "programs wait for a CPU"))
}

/// Whether all known figures are low. False if no figure is known.
fn has_room(load: &Load) -> bool {
    let known = [cpu(load), load.memory, load.io, load.available].iter().any(Option::is_some);
    known
        && cpu(load).is_none_or(|share| share < ROOM.cpu)
        && load.memory.is_none_or(|share| share < ROOM.memory)
        && load.io.is_none_or(|share| share < ROOM.io)
        && load.available.is_none_or(|share| share > ROOM.available)
}

/// CPU pressure. Without pressure stall information, it is derived from the load average.
fn cpu(load: &Load) -> Option<f64> {
    load.cpu.or(load.runnable.map(|runnable| runnable / LOAD))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn calm() -> Load {
        Load { cpu: Some(0.0), memory: Some(0.0), io: Some(0.1), available: Some(0.8), runnable: Some(0.1) }
    }

    /// The limits after each second of these loads.
    fn limits(cap: usize, loads: &[Load]) -> Vec<usize> {
        let (mut auto_parallel, start) = (AutoParallel::new(cap), Instant::now());
        let mut limits = vec![auto_parallel.limit()];
        for (second, load) in loads.iter().enumerate() {
            auto_parallel.judge(load, true, start + PERIOD * second as u32);
            limits.push(auto_parallel.limit());
        }
        limits
    }

    #[test]
    fn it_rises_slowly_to_the_cap() {
        let limits = limits(4, &[calm(); 20]);
        assert_eq!((limits[0], limits[5], limits[6], limits[11], limits[20]), (2, 2, 3, 4, 4));
    }

    #[test]
    fn it_falls_at_once_and_never_below_one() {
        for busy in [
            Load { cpu: Some(0.9), ..calm() },
            Load { memory: Some(0.2), ..calm() },
            Load { io: Some(0.7), ..calm() },
            Load { available: Some(0.01), ..calm() },
            Load { runnable: Some(4.0), ..Load::default() },
        ] {
            let mut loads = vec![calm(); 40];
            loads.extend([busy; 4]);
            let limits = limits(8, &loads);
            assert_eq!(limits[40..], [8, 4, 2, 1, 1], "{busy:?}");
        }
    }

    #[test]
    fn between_busy_and_calm_it_stays() {
        let middling = Load { cpu: Some(0.45), ..calm() };
        assert_eq!(limits(8, &[middling; 30]).last(), Some(&2));
        assert_eq!(limits(8, &[Load::default(); 30]).last(), Some(&2), "nothing is known");
    }

    #[test]
    fn without_demand_there_is_no_more() {
        let (mut auto_parallel, start) = (AutoParallel::new(8), Instant::now());
        for second in 0..30 {
            assert_eq!(auto_parallel.judge(&calm(), false, start + PERIOD * second), None);
        }
        let decision = auto_parallel.judge(&calm(), true, start + PERIOD * 30).unwrap();
        assert_eq!(decision.to_string(), "parallel: 3 at a time instead of 2: the machine has room");
    }

    proptest! {
        #[test]
        fn it_stays_between_one_and_the_cap(
            cap in 1_usize..=100,
            loads in prop::collection::vec((0.0..1.0, 0.0..0.3, 0.0..1.0, 0.0..1.0), 0..60),
        ) {
            let load = |(cpu, memory, io, available)| Load {
                cpu: Some(cpu), memory: Some(memory), io: Some(io), available: Some(available), runnable: None,
            };
            let loads: Vec<_> = loads.into_iter().map(load).collect();
            for limit in limits(cap, &loads) {
                prop_assert!((1..=cap).contains(&limit));
            }
        }
    }
}
