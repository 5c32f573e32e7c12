//! What the commands beside `sync` have cost.

use super::Spread;
use super::aggregate::{BEFORE, RECENT};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// One command of the past.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cost {
    /// Its name: `scan`, `search` …
    pub command: String,
    /// When it started.
    pub started: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// Time of CPUs, of all threads together.
    pub cpu: Option<Duration>,
    /// The most memory that it had at once, in bytes.
    pub memory: Option<u64>,
    /// How it ended.
    pub exit_code: i32,
}

impl Cost {
    /// Whether it went all the way, whatever it found there: neither refused (2), nor locked out (75), nor ended by a signal.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.exit_code, 0 | 1 | 3 | 4)
    }
}

/// What is to be said about one command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CommandCost {
    /// Its name.
    pub command: String,
    /// How often it was run.
    pub runs: usize,
    /// How often something stopped it before its end; what it cost then counts nowhere.
    pub cut_short: usize,
    /// Seconds that it took.
    pub duration: Option<Spread>,
    /// Seconds of CPUs.
    pub cpu: Option<Spread>,
    /// The most memory, in bytes.
    pub memory: Option<Spread>,
    /// The change of the median duration: the last seven days against the four weeks before, 0.1 being a tenth more.
    pub trend: Option<f64>,
    /// When it started last.
    pub last: Option<Timestamp>,
}

impl CommandCost {
    /// Of each command among these that started at `since` or later, by name. Trends look at all of them.
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
