//! Costs of commands other than `sync`.

use super::Spread;
use super::aggregate::{BEFORE, RECENT};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// The cost of one command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cost {
    /// The name: `scan`, `search` …
    pub command: String,
    /// The start time.
    pub started: Timestamp,
    /// The duration.
    pub duration: Duration,
    /// CPU time of all threads.
    pub cpu: Option<Duration>,
    /// Peak memory in bytes.
    pub memory: Option<u64>,
    /// The exit code.
    pub exit_code: i32,
}

impl Cost {
    /// Whether it ran to its end, whatever its result: not rejected (2), not locked out (75), not ended by a signal.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.exit_code, 0 | 1 | 3 | 4)
    }
}

/// The statistics of one command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CommandCost {
    /// The name of the command.
    pub command: String,
    /// Number of runs.
    pub runs: usize,
    /// Number of runs that did not run to their end. Their costs are not counted.
    pub cut_short: usize,
    /// Duration in seconds.
    pub duration: Option<Spread>,
    /// CPU time in seconds.
    pub cpu: Option<Spread>,
    /// Peak memory in bytes.
    pub memory: Option<Spread>,
    /// The change of the median duration between the four weeks before the last seven days and these days: 0.1 is an increase of 10%.
    pub trend: Option<f64>,
    /// When it was last started.
    pub last: Option<Timestamp>,
}

impl CommandCost {
    /// Returns the statistics of each command that started at `since` or later, by name. Trends use all costs.
    pub(crate) fn each(costs: &[Cost], since: Option<Timestamp>, now: Timestamp) -> Vec<CommandCost> {
        let mut names: Vec<&str> = costs.iter().map(|cost| cost.command.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().filter_map(|name| CommandCost::of(name, costs, since, now)).collect()
    }

    fn of(name: &str, costs: &[Cost], since: Option<Timestamp>, now: Timestamp) -> Option<CommandCost> {
        let ever: Vec<&Cost> = costs.iter().filter(|cost| cost.command == name).collect();
        let asked: Vec<&Cost> =
            ever.iter().copied().filter(|cost| since.is_none_or(|since| cost.started >= since)).collect();
        if asked.is_empty() {
            return None;
        }
        let whole: Vec<&Cost> = asked.iter().copied().filter(|cost| cost.is_whole()).collect();
        let cpu = whole.iter().filter_map(|cost| cost.cpu).map(|cpu| cpu.as_secs_f64());
        let memory = whole.iter().filter_map(|cost| cost.memory).map(|bytes| bytes as f64);
        Some(CommandCost {
            command: name.into(),
            runs: asked.len(),
            cut_short: asked.len() - whole.len(),
            duration: Spread::of(whole.iter().map(|cost| cost.duration.as_secs_f64())),
            cpu: Spread::of(cpu),
            memory: Spread::of(memory),
            trend: trend(&ever, now),
            last: asked.iter().map(|cost| cost.started).max(),
        })
    }
}

fn trend(ever: &[&Cost], now: Timestamp) -> Option<f64> {
    let median = |from: SignedDuration, to: SignedDuration| {
        let within = ever.iter().filter(|cost| {
            let age = now.duration_since(cost.started);
            cost.is_whole() && age >= from && age < to
        });
        Spread::of(within.map(|cost| cost.duration.as_secs_f64())).map(|spread| spread.p50)
    };
    let (recent, before) = (median(SignedDuration::ZERO, RECENT)?, median(RECENT, BEFORE)?);
    (before > 0.0).then(|| recent / before - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(command: &str, days: i64, millis: u64, exit_code: i32) -> Cost {
        Cost {
            command: command.into(),
            started: Timestamp::from_second(10_000_000 - days * 86_400).unwrap(),
            duration: Duration::from_millis(millis),
            cpu: Some(Duration::from_millis(millis / 2)),
            memory: (millis > 100).then_some(millis * 1_000),
            exit_code,
        }
    }

    fn now() -> Timestamp {
        Timestamp::from_second(10_000_001).unwrap()
    }

    #[test]
    fn each_command_is_told_apart_and_only_whole_ones_are_measured() {
        let costs = [
            cost("search", 0, 10, 0),
            cost("search", 1, 30, 1),
            cost("search", 2, 9_000, 130),
            cost("scan", 40, 2_000, 3),
        ];
        let each = CommandCost::each(&costs, None, now());
        let names: Vec<_> = each.iter().map(|one| (one.command.as_str(), one.runs, one.cut_short)).collect();
        assert_eq!(names, [("scan", 1, 0), ("search", 3, 1)]);
        let search = &each[1];
        let near = |is: f64, due: f64| assert!((is - due).abs() < 1e-9, "{is} {due}");
        near(search.duration.unwrap().p50, 0.02);
        near(search.cpu.unwrap().mean, 0.01);
        assert_eq!(search.memory, None, "what nobody knows is no 0");
        assert_eq!(each[0].memory.unwrap().p99, 2e6);
        assert_eq!((search.last, search.trend), (Some(costs[0].started), None));
        let since = Some(now() - SignedDuration::from_hours(72));
        assert_eq!(CommandCost::each(&costs, since, now()).len(), 1, "nobody scanned lately");
        assert_eq!(CommandCost::each(&[], None, now()), []);
    }

    #[test]
    fn a_trend_sees_more_than_was_asked_for() {
        let costs = [cost("index", 1, 300, 0), cost("index", 3, 300, 130), cost("index", 10, 200, 0)];
        let since = Some(now() - SignedDuration::from_hours(48));
        let index = CommandCost::each(&costs, since, now()).remove(0);
        assert_eq!(index.runs, 1);
        assert!((index.trend.unwrap() - 0.5).abs() < 1e-9);
        let stopped = CommandCost::each(&costs[1..2], None, now()).remove(0);
        assert_eq!((stopped.runs, stopped.cut_short, stopped.duration), (1, 1, None));
    }
}
