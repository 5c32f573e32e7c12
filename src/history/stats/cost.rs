//! Costs of commands other than `sync`.

use super::Spread;
use super::aggregate::{BEFORE, RECENT};
use crate::model::exit_code::ExitCode;
use crate::model::record::{JobRecord, State};
use crate::model::result::{Figures, Status};
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
    /// The parts of the duration, in the order in which they were reached.
    pub checkpoints: Vec<(String, Duration)>,
    /// The queries of a search.
    pub queries: Option<Queries>,
}

/// The queries that one command has answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Queries {
    /// Their number.
    pub count: u64,
    /// The number of those answered from the cache.
    pub cached: u64,
    /// The durations of all of them, or of a regular sample if they are many.
    pub took: Vec<Duration>,
}

/// The commands whose costs are recorded. Those of `sync` are in the history.
pub(crate) const COMMANDS: [&str; 10] = [
    "clean plan",
    "clean purge",
    "clean run",
    "clean undo",
    "index",
    "reclaim",
    "scan",
    "search",
    "search --repl",
    "verify",
];

impl Cost {
    /// Whether it ran to its end, whatever its result: not rejected (2), not locked out (75), not ended by a signal.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.exit_code, 0 | 1 | 3 | 4)
    }

    /// Returns the cost in the form that alerts judge: a success if the command ran to its end.
    pub(crate) fn record(&self) -> JobRecord {
        JobRecord {
            run: String::new(),
            scope: None,
            job: self.command.clone(),
            state: State::Ended(if self.is_whole() { Status::Ok } else { Status::Cancelled }),
            started: self.started,
            duration: Some(self.duration),
            queued: None,
            attempts: 1,
            exit_code: Some(self.exit_code),
            figures: Figures::default(),
            changed: None,
            source: None,
            fallback: None,
            error: None,
            hint: None,
            log: None,
            alerts: Vec::new(),
            warnings: Vec::new(),
            phases: Vec::new(),
            connections: None,
            details: None,
        }
    }

    /// Returns the cost of a job of `sync`, with its phases as the parts. `None` if it has not ended.
    pub(crate) fn of_job(job: &JobRecord) -> Option<Cost> {
        let phases = job.phases.iter();
        Some(Cost {
            command: "sync".into(),
            started: job.started,
            duration: job.duration?,
            cpu: None,
            memory: None,
            // A job that was skipped or stopped tells nothing about the duration.
            exit_code: if job.state.is_success() { 0 } else { ExitCode::Usage.code() },
            checkpoints: phases.map(|(phase, took)| (phase.word().to_owned(), *took)).collect(),
            queries: None,
        })
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
    /// Durations of the parts in seconds, each of the runs that reached it, in the order of the newest run.
    pub checkpoints: Vec<(String, Checkpoint)>,
}

/// The statistics of a part of a command.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Checkpoint {
    /// The number of runs that reached it.
    pub runs: usize,
    /// Its duration in seconds.
    pub duration: Spread,
}

fn checkpoints(whole: &[&Cost]) -> Vec<(String, Checkpoint)> {
    let mut names: Vec<&str> = Vec::new();
    let newest_first = whole.iter().rev().flat_map(|cost| &cost.checkpoints);
    for (name, _) in newest_first {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let part = |name: &str| {
        let all = whole.iter().flat_map(|cost| &cost.checkpoints).filter(|(known, _)| known == name);
        let took: Vec<f64> = all.map(|(_, took)| took.as_secs_f64()).collect();
        Some((name.to_owned(), Checkpoint { runs: took.len(), duration: Spread::of(took.iter().copied())? }))
    };
    names.into_iter().filter_map(part).collect()
}

/// The statistics of all queries of searches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct QueryStats {
    /// The number of queries.
    pub queries: u64,
    /// The number of those answered from the cache.
    pub cached: u64,
    /// Their duration in seconds.
    pub duration: Option<Spread>,
}

impl QueryStats {
    /// Returns the statistics of the queries since then; `None` if there was none.
    pub(crate) fn of(costs: &[Cost], since: Option<Timestamp>) -> Option<QueryStats> {
        let asked = costs.iter().filter(|cost| since.is_none_or(|since| cost.started >= since));
        let all: Vec<&Queries> = asked.filter_map(|cost| cost.queries.as_ref()).collect();
        let sum =
            |of: fn(&Queries) -> u64| all.iter().map(|queries| of(queries)).fold(0, u64::saturating_add);
        let took = all.iter().flat_map(|queries| &queries.took).map(Duration::as_secs_f64);
        let stats = QueryStats {
            queries: sum(|queries| queries.count),
            cached: sum(|queries| queries.cached),
            duration: Spread::of(took),
        };
        (stats.queries > 0).then_some(stats)
    }
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
            checkpoints: checkpoints(&whole),
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
            checkpoints: vec![],
            queries: None,
        }
    }

    #[test]
    fn each_part_has_percentiles_of_the_runs_that_reached_it() {
        let millis = Duration::from_millis;
        let with = |parts: &[(&str, u64)], exit_code| Cost {
            checkpoints: parts.iter().map(|(name, took)| ((*name).to_owned(), millis(*took))).collect(),
            ..cost("scan", 0, 10, exit_code)
        };
        let costs = [
            with(&[("old", 1), ("walk", 10)], 0),
            with(&[("select", 1), ("walk", 900)], 130),
            with(&[("select", 2), ("walk", 30), ("report", 3)], 1),
        ];
        let scan = CommandCost::each(&costs, None, now()).remove(0);
        let parts: Vec<_> = scan.checkpoints.iter().map(|(name, part)| (name.as_str(), part.runs)).collect();
        assert_eq!(parts, [("select", 1), ("walk", 2), ("report", 1), ("old", 1)]);
        assert!((scan.checkpoints[1].1.duration.p50 - 0.02).abs() < 1e-9);
        assert_eq!(CommandCost::each(&[cost("scan", 0, 1, 0)], None, now())[0].checkpoints, []);
    }

    #[test]
    fn queries_are_counted_over_all_searches() {
        let with = |days, count, cached, took: &[u64]| {
            let took = took.iter().copied().map(Duration::from_millis).collect();
            Cost { queries: Some(Queries { count, cached, took }), ..cost("search", days, 10, 0) }
        };
        let costs =
            [with(9, 1, 0, &[90]), cost("scan", 0, 1, 0), with(0, 5, 2, &[10, 20]), with(0, 1, 0, &[30])];
        let since = Some(now() - SignedDuration::from_hours(72));
        let stats = QueryStats::of(&costs, since).unwrap();
        assert_eq!((stats.queries, stats.cached), (6, 2));
        assert!((stats.duration.unwrap().p50 - 0.02).abs() < 1e-9);
        assert_eq!(QueryStats::of(&costs, None).unwrap().queries, 7);
        assert_eq!(QueryStats::of(&costs[1..2], None), None);
    }

    #[test]
    fn an_alert_about_a_command_judges_what_it_cost() {
        use crate::history::stats::{Alert, Metric, Point, Rule};
        let alert = |command: &str, rule| Alert { job: None, command: Some(command.into()), rule };
        let slow = alert("search", Rule::Above(Metric::Duration, 1.0));
        assert!(
            slow.is_about_command("search") && !slow.is_about_command("scan") && !slow.is_about("search")
        );
        let check = |alert: &Alert, costs: &[Cost]| {
            let records: Vec<_> = costs.iter().map(Cost::record).collect();
            alert.check(&records, now())
        };
        assert_eq!(check(&slow, &[cost("search", 0, 900, 0), cost("search", 1, 9_000, 0)]), None);
        let fired = check(&slow, &[cost("search", 0, 9_000, 130), cost("search", 1, 1_500, 3)]).unwrap();
        assert_eq!(fired, "duration is 1.50s, above 1.00s", "who was stopped tells nothing");
        let usual: Vec<Cost> = (0..6).map(|n| cost("search", n, if n == 0 { 500 } else { 100 }, 0)).collect();
        assert!(check(&alert("search", Rule::SlowerThan(4.0, Point::P95)), &usual).is_some());
        assert_eq!(check(&alert("search", Rule::SlowerThan(6.0, Point::P95)), &usual), None);
        let age = alert("scan", Rule::Age(Duration::from_secs(86_400)));
        assert_eq!(check(&age, &[cost("scan", 0, 1, 1)]), None);
        assert!(check(&age, &[cost("scan", 2, 1, 0)]).is_some() && check(&age, &[]).is_some());
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
