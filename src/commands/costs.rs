//! Records the cost of commands when they end; `stats` shows it.

use super::{Failure, file_locations};
use crate::cli::Global;
use crate::history::stats::{Checkpoint, CommandCost, CommandTotal, Cost, Queries, QueryStats, Spread};
use crate::model::exit_code::ExitCode;
use crate::model::time::rfc3339;
use crate::output::terminal::Ui;
use crate::output::units;
use crate::{history, platform};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What this process has passed since its clock started. A process runs one command, so there is one list, which its code reaches without
/// handing it on.
static PASSED: Mutex<Passed> = Mutex::new(Passed { last: None, parts: Vec::new(), queries: None });

#[derive(Debug)]
struct Passed {
    /// When the last checkpoint was reached; `None` if no clock runs.
    last: Option<Instant>,
    parts: Vec<(&'static str, Duration)>,
    queries: Option<Sample>,
}

/// Queries, and the durations of every n-th of them.
#[derive(Debug, Default)]
struct Sample {
    queries: Queries,
    #[cfg_attr(not(any(test, feature = "search")), expect(dead_code, reason = "nothing else has queries"))]
    every: u64,
}

/// Maximum number of durations of a sample.
#[cfg(any(test, feature = "search"))]
const MOST: usize = 1_000;

#[cfg(any(test, feature = "search"))]
impl Sample {
    fn add(&mut self, took: Duration, cached: bool) {
        self.every = self.every.max(1);
        if self.queries.count.is_multiple_of(self.every) {
            self.queries.took.push(took);
        }
        self.queries.count += 1;
        self.queries.cached += u64::from(cached);
        if self.queries.took.len() > MOST {
            let mut n = 0;
            self.queries.took.retain(|_| {
                n += 1;
                n % 2 == 1
            });
            self.every *= 2;
        }
    }
}

fn passed() -> MutexGuard<'static, Passed> {
    PASSED.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Passed {
    fn add(&mut self, name: &'static str, took: Duration) {
        match self.parts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += took,
            None => self.parts.push((name, took)),
        }
    }
}

/// Ends a part of the command: the time since the part before is added to this name.
pub(super) fn reached(name: &'static str) {
    let mut passed = passed();
    let now = Instant::now();
    if let Some(last) = passed.last.replace(now) {
        passed.add(name, now.duration_since(last));
    } else {
        passed.last = None;
    }
}

/// The same, with a known time of it that belongs to another part.
#[cfg(feature = "search")]
pub(super) fn reached_after(first: &'static str, took: Duration, name: &'static str) {
    let mut passed = passed();
    if let Some(last) = passed.last {
        passed.add(first, took);
        passed.last = Some(last + took);
    }
    drop(passed);
    reached(name);
}

/// Records a query of a search.
#[cfg(feature = "search")]
pub(super) fn queried(took: Duration, cached: bool) {
    passed().queries.get_or_insert_default().add(took, cached);
}

/// Whether there was a query.
#[cfg(feature = "search")]
pub(super) fn has_queries() -> bool {
    passed().queries.is_some()
}

/// Measures the cost of a command from here on.
pub(super) struct Clock {
    command: &'static str,
    started: Timestamp,
    start: Instant,
    cpu: Option<Duration>,
    /// Time spent waiting for the user.
    idle: Duration,
}

impl Clock {
    pub(super) fn start(command: &'static str) -> Self {
        *passed() = Passed { last: Some(Instant::now()), parts: Vec::new(), queries: None };
        Clock {
            command,
            started: Timestamp::now(),
            start: Instant::now(),
            cpu: platform::cpu_time(),
            idle: Duration::ZERO,
        }
    }

    /// Excludes the time of `wait`, in which the user answers a question, from the cost.
    pub(super) fn idle<T>(&mut self, wait: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let answer = wait();
        self.idle += start.elapsed();
        let mut passed = passed();
        passed.last = passed.last.map(|last| last + start.elapsed());
        drop(passed);
        answer
    }

    /// Records the cost.
    pub(super) fn note(self, exit: ExitCode, global: &Global, ui: &Ui) {
        reached("rest");
        let (parts, queries) = {
            let mut passed = passed();
            passed.last = None;
            (std::mem::take(&mut passed.parts), passed.queries.take())
        };
        let cost = Cost {
            command: self.command.into(),
            started: self.started,
            duration: self.start.elapsed().saturating_sub(self.idle),
            cpu: platform::cpu_time().zip(self.cpu).map(|(after, before)| after.saturating_sub(before)),
            memory: platform::peak_memory(),
            exit_code: exit.code(),
            checkpoints: parts.into_iter().map(|(name, took)| (name.to_owned(), took)).collect(),
            queries: queries.map(|sample| sample.queries),
        };
        let written = file_locations::state_dir(global).and_then(|dir| Ok(history::note_cost(&dir, &cost)?));
        // The user may have permission only to read the state, and the record is not what the command was run for.
        if let Err(failure) = written
            && ui.verbose
        {
            ui.note(&format!("note: {failure}"));
        }
    }
}

/// Runs a command and records its cost. If it returns `Err`, nothing is recorded, since the work was not completed.
pub(super) fn noted(
    command: &'static str,
    global: &Global,
    ui: &Ui,
    work: impl FnOnce() -> Result<ExitCode, Failure>,
) -> Result<ExitCode, Failure> {
    let clock = Clock::start(command);
    let exit = work()?;
    clock.note(exit, global, ui);
    Ok(exit)
}

/// Returns the costs of commands; empty if jobs are named.
pub(super) fn known(state_dir: &Path, jobs: &[String]) -> Result<Vec<Cost>, Failure> {
    if !jobs.is_empty() {
        return Ok(Vec::new());
    }
    Ok(history::costs(state_dir)?)
}

/// Returns the totals of all runs of commands, for counters; empty if jobs are named.
pub(super) fn totals(state_dir: &Path, jobs: &[String]) -> Result<BTreeMap<String, CommandTotal>, Failure> {
    if !jobs.is_empty() {
        return Ok(BTreeMap::new());
    }
    Ok(history::cost_totals(state_dir)?)
}

pub(super) fn rows(commands: &[CommandCost]) -> Vec<Vec<String>> {
    let heading = ["COMMAND", "RUNS", "P50", "P90", "P95", "P99", "MEAN", "CPU", "MEMORY", "TREND"];
    let mut rows = vec![heading.map(String::from).to_vec()];
    for command in commands {
        let took = |of: fn(&Spread) -> f64| command.duration.map_or("-".into(), |spread| time(of(&spread)));
        rows.push(vec![
            command.command.clone(),
            command.runs.to_string(),
            took(|spread| spread.p50),
            took(|spread| spread.p90),
            took(|spread| spread.p95),
            took(|spread| spread.p99),
            took(|spread| spread.mean),
            command.cpu.map_or("-".into(), |spread| time(spread.p50)),
            command.memory.map_or("-".into(), |spread| units::bytes(spread.p50 as u64)),
            command.trend.map_or("-".into(), |share| format!("{:+.0}%", share * 100.0)),
        ]);
    }
    rows
}

/// Returns a heading and a row for each part of a command.
pub(super) fn part_rows(command: &CommandCost) -> Vec<Vec<String>> {
    let mut rows = vec![["PART", "RUNS", "P50", "P90", "P95", "P99", "MEAN"].map(String::from).to_vec()];
    for (name, Checkpoint { runs, duration }) in &command.checkpoints {
        let Spread { p50, p90, p95, p99, mean } = *duration;
        let times = [p50, p90, p95, p99, mean].map(time);
        rows.push([name.clone(), runs.to_string()].into_iter().chain(times).collect());
    }
    rows
}

/// Describes the queries of searches in a line.
pub(super) fn about_queries(stats: &QueryStats) -> String {
    let mut text = format!(
        "{}, {} of them answered from the cache",
        units::count(stats.queries, "query", "queries"),
        units::grouped(stats.cached)
    );
    if let Some(Spread { p50, p90, p95, p99, .. }) = stats.duration {
        let [p50, p90, p95, p99] = [p50, p90, p95, p99].map(time);
        text += &format!("; p50 {p50}, p90 {p90}, p95 {p95}, p99 {p99}");
    }
    text
}

pub(super) fn queries_as_json(stats: &QueryStats) -> Value {
    json!({ "queries": stats.queries, "cached": stats.cached, "duration_s": stats.duration })
}

/// Formats a time with more digits than other durations, since a search takes milliseconds.
fn time(seconds: f64) -> String {
    match Duration::try_from_secs_f64(seconds) {
        Ok(_) if seconds < 1.0 => format!("{:.1}ms", seconds * 1e3),
        Ok(time) => units::duration(time),
        Err(_) => "-".into(),
    }
}

pub(super) fn as_json(command: &CommandCost) -> Value {
    json!({
        "command": command.command,
        "runs": command.runs,
        "cut_short": command.cut_short,
        "duration_s": command.duration,
        "cpu_s": command.cpu,
        "memory_bytes": command.memory,
        "trend": { "duration": command.trend },
        "last_started": command.last.map(rfc3339),
        "parts": command.checkpoints.iter().map(|(name, part)| {
            json!({ "part": name, "runs": part.runs, "duration_s": part.duration })
        }).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_of_the_whole_session_and_bounded() {
        let mut sample = Sample::default();
        for n in 0..10_000 {
            sample.add(Duration::from_micros(n), n % 4 == 0);
        }
        let Queries { count, cached, took } = sample.queries;
        assert_eq!((count, cached), (10_000, 2_500));
        assert!((MOST / 2..=MOST).contains(&took.len()), "{}", took.len());
        let apart: Vec<_> = took.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(apart.iter().all(|step| *step == apart[0]), "each is as long after the one before");
    }
}
