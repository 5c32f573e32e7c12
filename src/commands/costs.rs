//! Records the cost of commands when they end; `stats` shows it.

use super::{Failure, file_locations};
use crate::cli::Global;
use crate::history::stats::{CommandCost, CommandTotal, Cost, Spread};
use crate::model::exit_code::ExitCode;
use crate::model::time::rfc3339;
use crate::output::terminal::Ui;
use crate::output::units;
use crate::{history, platform};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

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
        answer
    }

    /// Records the cost.
    pub(super) fn note(self, exit: ExitCode, global: &Global, ui: &Ui) {
        let cost = Cost {
            command: self.command.into(),
            started: self.started,
            duration: self.start.elapsed().saturating_sub(self.idle),
            cpu: platform::cpu_time().zip(self.cpu).map(|(after, before)| after.saturating_sub(before)),
            memory: platform::peak_memory(),
            exit_code: exit.code(),
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
pub(super) fn known(
    state_dir: &Path,
    jobs: &[String],
    since: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<CommandCost>, Failure> {
    if !jobs.is_empty() {
        return Ok(Vec::new());
    }
    Ok(CommandCost::each(&history::costs(state_dir)?, since, now))
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
    })
}
