//! Output for GitHub Actions: each job's output as one group, annotations, the step's summary and outputs.
//!
//! The runner interprets lines that start with `::`, and `##[` anywhere, as commands. Output of children has the prefix `[job] `, and the
//! screen breaks up `##[`.

mod annotations;

pub use annotations::{At, annotate, nothing_started};

use super::grouped_output::GroupedOutput;
use super::listener::ScreenListener;
use super::summary::cells;
use super::summary::{served, verdict};
use super::{OutputFile, Screen, units};
use crate::model::event::{Event, Level, Listener, Stamped, Warnings};
use crate::model::record::JobRecord;
use crate::model::result::{Status, SyncResult};
use crate::model::sanitize;
use crate::model::summary::Summary;
use crate::output::terminal::Text;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Collects the output of jobs that run in parallel, and prints that of each job as a group when it ends.
pub(super) struct Groups {
    quiet: bool,
    outputs: GroupedOutput,
}

impl Groups {
    pub(super) fn new(quiet: bool) -> Self {
        Groups { quiet, outputs: GroupedOutput::default() }
    }

    fn finished(&mut self, result: &SyncResult) -> Vec<u8> {
        let kept = self.outputs.take(&result.job);
        let fine = !is_bad(result.status());
        let mut text = Vec::new();
        if !(self.quiet && fine) {
            let title = format!("[{}] {}", result.job, verdict(result));
            let title = if fine { format!("::group::{}\n", data(&title)) } else { format!("{title}\n") };
            text.extend(title.bytes());
            text.extend(kept);
            if fine {
                text.extend(b"::endgroup::\n");
            }
        }
        let level = match result.status() {
            Status::Failed | Status::Blocked => Some(Level::Error),
            Status::Partial | Status::Warned | Status::Cancelled => Some(Level::Warning),
            Status::Ok | Status::Skipped => None,
        };
        if let Some(level) = level {
            let hint = result.outcome.hint().map_or(String::new(), |hint| format!("\nhint: {hint}"));
            text.extend(annotation(level, &result.job, &(verdict(result) + &hint)).bytes());
        }
        text
    }
}

impl ScreenListener for Groups {
    fn name(&self) -> &str {
        "GitHub groups"
    }

    fn hear(&mut self, event: &Stamped, screen: &mut Screen) -> io::Result<()> {
        match &event.event {
            Event::Output { job, part, lines, .. } => self.outputs.push(job, *part, lines.as_bytes()),
            Event::Notice { job, level, text } if *level >= Level::Warning => {
                screen.out(&annotation(*level, job.as_deref().unwrap_or("pdb-sync"), text).into());
            }
            Event::JobFinished(result) => {
                let text = self.finished(result);
                screen.out(&Text::bytes(&text));
            }
            Event::RunFinished(summary) if !self.quiet => {
                for warning in &summary.warnings {
                    screen.out(&annotation(Level::Warning, "pdb-sync", warning).into());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Appends to the files that the runner reads after the step.
pub(super) struct Files {
    step_summary: Option<PathBuf>,
    outputs: Option<PathBuf>,
}

impl Files {
    pub(super) fn new(step_summary: Option<PathBuf>, outputs: Option<PathBuf>) -> Self {
        Files { step_summary, outputs }
    }
}

impl Listener for Files {
    fn name(&self) -> &str {
        "GitHub's step summary and outputs"
    }

    fn hear(&mut self, event: &Stamped, _warnings: &mut dyn Warnings) -> io::Result<()> {
        let Event::RunFinished(summary) = &event.event else { return Ok(()) };
        // The outputs come first, since other steps depend on them.
        let outputs = append(self.outputs.as_deref(), &step_outputs(summary));
        append(self.step_summary.as_deref(), &markdown(summary)).and(outputs)
    }
}

fn append(path: Option<&Path>, text: &str) -> io::Result<()> {
    match path {
        Some(path) => OutputFile::find(path)?.append(text.as_bytes()),
        None => Ok(()),
    }
}

/// Returns the outputs of the step. `changed` is true unless it is certain that nothing was changed; `failed` has the names of the jobs
/// that were not fully done.
fn step_outputs(summary: &Summary) -> String {
    let touched = |result: &Arc<SyncResult>| result.changed().unwrap_or(!result.attempts.is_empty());
    let changed = summary.results.iter().any(touched);
    let failed: Vec<&str> =
        summary.results.iter().filter(|result| is_bad(result.status())).map(|result| &*result.job).collect();
    format!("changed={changed}\nfailed={}\n", failed.join(","))
}

fn markdown(summary: &Summary) -> String {
    let mut text = format!(
        "### pdb-sync: {} of {} succeeded in {}{}\n\n\
         | Job | Status | Tries | Duration | Transferred | Deleted | Received | Reason |\n\
         |---|---|--:|--:|--:|--:|--:|---|\n",
        summary.success(),
        units::count(summary.results.len() as u64, "job", "jobs"),
        units::duration(summary.duration),
        if summary.dry_run { " (dry run)" } else { "" },
    );
    for result in &summary.results {
        let served = served(result);
        let reason = [result.outcome.error(), result.outcome.hint(), served.as_deref()];
        let reason = reason.into_iter().flatten().map(cell).collect::<Vec<_>>().join("<br>");
        let cells = cells(&JobRecord::from(&**result), "–").join(" | ");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {} | {cells} | {reason} |", cell(&result.job));
    }
    text.push('\n');
    for warning in &summary.warnings {
        let _ = writeln!(text, "warning: {}\n", cell(warning));
    }
    text
}

/// Whether a job was not fully done.
fn is_bad(status: Status) -> bool {
    matches!(status, Status::Failed | Status::Blocked | Status::Partial)
}

fn annotation(level: Level, title: &str, text: &str) -> String {
    format!("::{} title={}::{}\n", word(level), property(title), data(text))
}

fn word(level: Level) -> &'static str {
    if level == Level::Error { "error" } else { "warning" }
}

/// Escapes the data of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Escapes text for a cell of a Markdown table.
fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for c in sanitize::line(text).chars() {
        match c {
            '<' => cell += "&lt;",
            '>' => cell += "&gt;",
            '&' => cell += "&amp;",
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '~' => cell.extend(['\\', c]),
            c => cell.push(c),
        }
    }
    cell
}

#[cfg(test)]
mod tests;
