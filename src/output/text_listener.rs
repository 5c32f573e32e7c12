//! Text for people: the header, lines of children, notices, the summary.

use super::listener::ScreenListener;
use super::summary::{figures, render, verdict};
use super::{Screen, units};
use crate::model::event::{Event, Level, Phase, Stamped, Stream, Tally};
use crate::model::hint;
use crate::model::part::Part;
use crate::model::result::{Status, SyncResult};
use crate::model::sanitize;
use crate::model::summary::Summary;
use crate::output::terminal::{Text, TextStyle, error, warning};
use console::{Color, Style, measure_text_width};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io;

/// Colours of job names, in the order of the jobs.
const COLORS: [Color; 6] =
    [Color::Cyan, Color::Green, Color::Yellow, Color::Magenta, Color::Blue, Color::Red];

pub(super) struct TextListener {
    quiet: bool,
    verbose: bool,
    /// Whether lines of children are shown here (otherwise in groups of GitHub or GitLab).
    lines: bool,
    /// The part of the job that the current event is about.
    part: Option<Part>,
    prefixes: HashMap<String, Prefixes>,
    /// The last part, attempt and phase that was printed for each job.
    phases: HashMap<String, (Option<Part>, u32, Phase)>,
}

/// The prefix `[job] `, for each stream.
struct Prefixes {
    out: Text,
    err: Text,
}

impl TextListener {
    pub(super) fn new(quiet: bool, verbose: bool, lines: bool) -> Self {
        TextListener { quiet, verbose, lines, part: None, prefixes: HashMap::new(), phases: HashMap::new() }
    }

    fn run_started(&mut self, jobs: &[String], parallel: usize, dry_run: bool, screen: &mut Screen) {
        let longest = jobs.iter().map(|job| measure_text_width(job)).max().unwrap_or(0);
        let looks = (screen.look(Stream::Stdout), screen.look(Stream::Stderr));
        self.prefixes = jobs
            .iter()
            .enumerate()
            .map(|(i, job)| {
                let out = prefix(job, longest, COLORS[i % COLORS.len()], looks.0);
                let err = prefix(job, longest, COLORS[i % COLORS.len()], looks.1);
                (job.clone(), Prefixes { out, err })
            })
            .collect();
        if !self.quiet {
            screen.out(&header(jobs.len(), parallel, dry_run).into());
        }
    }

    /// Returns the prefix `[job] `, even for a job that was not announced, or `[job 2/4] `.
    fn prefix(&self, job: &str, stream: Stream) -> Cow<'_, Text> {
        match (self.part, self.prefixes.get(job), stream) {
            (Some(part), ..) => Cow::Owned(format!("[{job} {part}] ").into()),
            (_, Some(prefixes), Stream::Stdout) => Cow::Borrowed(&prefixes.out),
            (_, Some(prefixes), Stream::Stderr) => Cow::Borrowed(&prefixes.err),
            (_, None, _) => Cow::Owned(format!("[{job}] ").into()),
        }
    }

    /// Prints a sentence about a job on standard error.
    fn say(&mut self, job: &str, text: &str, screen: &mut Screen) {
        screen.told(Stream::Stderr, &self.prefix(job, Stream::Stderr), &sanitize::line(text).as_ref().into());
    }

    /// The command is printed with the phase.
    fn job_started(&mut self, job: &str, attempt: u32, source: &str, screen: &mut Screen) {
        match attempt {
            1 => self.say(job, &format!("starting: {source}"), screen),
            n => self.say(job, &format!("try {n}: {source}"), screen),
        }
    }

    fn notice(&mut self, job: Option<&str>, level: Level, text: &str, screen: &mut Screen) {
        let shown = match level {
            Level::Debug => self.verbose,
            Level::Info => !self.quiet,
            Level::Warning | Level::Error => true,
        };
        if !shown {
            return;
        }
        let prefix = job.map(|job| self.prefix(job, Stream::Stderr));
        screen.told(Stream::Stderr, &prefix.unwrap_or_default(), &leveled(level, text));
    }

    fn job_finished(&mut self, result: &SyncResult, screen: &mut Screen) {
        let text = match (result.status(), figures(result)) {
            (Status::Ok, figures) if !figures.is_empty() => {
                format!("done in {}: {figures}", units::duration(result.duration))
            }
            (Status::Ok, _) => format!("done in {}", units::duration(result.duration)),
            _ => verdict(result),
        };
        self.say(&result.job, &text, screen);
    }
}

impl ScreenListener for TextListener {
    fn name(&self) -> &str {
        "text"
    }

    fn hear(&mut self, event: &Stamped, screen: &mut Screen) -> io::Result<()> {
        // Bars show the current phase; without them, lines do.
        let steps = !self.quiet && (self.verbose || !screen.has_bars());
        self.part = event.event.part();
        match &event.event {
            Event::RunStarted { jobs, parallel, dry_run, .. } => {
                self.run_started(jobs, *parallel, *dry_run, screen);
            }
            Event::JobStarted { job, attempt, source, .. } if steps => {
                self.job_started(job, *attempt, source, screen);
            }
            Event::Phase { job, part, attempt, phase, argv } if steps => {
                let now = (*part, *attempt, *phase);
                let before = self.phases.insert(job.to_string(), now);
                // A transfer is expected, and a listing with several commands is one phase.
                if before != Some(now) && (self.verbose || *phase != Phase::Transfer) {
                    self.say(job, phase_words(*phase), screen);
                }
                if self.verbose && !argv.is_empty() {
                    self.say(job, &format!("runs {}", hint::joined(argv)), screen);
                }
            }
            Event::Output { job, stream, lines, .. } if self.lines => {
                if !self.quiet || *stream == Stream::Stderr {
                    screen.lines(*stream, &self.prefix(job, *stream), &sanitize::rsync(lines.as_bytes()));
                }
            }
            // Printed even with `-q`: it is the output that `--plan` requests.
            Event::Planned {
                job,
                created,
                updated,
                deleted,
                limit,
                waiting,
                respelt,
                left_out,
                plan_hash,
            } => {
                let tallies = [created, updated, deleted, waiting];
                let text = planned(tallies, *limit, *respelt, left_out.as_ref(), plan_hash.as_deref());
                screen.told(Stream::Stdout, &self.prefix(job, Stream::Stdout), &text.into());
            }
            Event::Adopted { job, found } if !self.quiet => {
                let text = super::adoption::lines(found).join("\n");
                screen.told(Stream::Stderr, &self.prefix(job, Stream::Stderr), &text.into());
            }
            Event::Retry { job, attempt, exit_code, reason, delay, source, .. } if !self.quiet => {
                // A part is tried again within the attempt.
                let attempt = Some(*attempt).filter(|_| self.part.is_none());
                self.say(job, &retry(attempt, *exit_code, reason, *delay, source), screen);
            }
            // With groups, their listener shows warnings and errors, and the outcome of jobs.
            Event::Notice { job, level, text } if self.lines || *level < Level::Warning => {
                self.notice(job.as_deref(), *level, text, screen);
            }
            Event::JobFinished(result) if self.lines && !self.quiet => self.job_finished(result, screen),
            Event::RunFinished(summary) if self.quiet && went_well(summary) => {}
            Event::RunFinished(summary) => {
                screen.out(&render(summary, self.verbose, true));
            }
            Event::JobStarted { .. }
            | Event::Phase { .. }
            | Event::Output { .. }
            | Event::Adopted { .. }
            | Event::Retry { .. }
            | Event::Notice { .. }
            | Event::Progress { .. }
            | Event::StatusRequested
            | Event::JobFinished(_) => {}
        }
        Ok(())
    }
}

/// Whether the run needs no summary. Alerts, and what is to be said about hooks, were printed as warnings at once.
fn went_well(summary: &Summary) -> bool {
    summary.results.iter().all(|result| result.status() == Status::Ok)
        && summary.unwritten.is_empty()
        && summary.signal.is_none()
}

fn header(jobs: usize, parallel: usize, dry_run: bool) -> String {
    let what = match (dry_run, jobs) {
        (false, 1) => "Syncing 1 job".into(),
        (false, n) => format!("Syncing {n} jobs, up to {parallel} at a time"),
        (true, 1) => "Dry run of 1 job, nothing will be changed".into(),
        (true, n) => format!("Dry run of {n} jobs, up to {parallel} at a time, nothing will be changed"),
    };
    format!("{what}...\n")
}

fn prefix(job: &str, longest: usize, color: Color, look: TextStyle) -> Text {
    let name = Text::styled(&format!("[{job}]"), Style::new().fg(color));
    let name = if look.is_terminal() { name.pad(longest + "[]".len()) } else { name };
    name.with(" ")
}

/// Returns `error: text`, `warning: text` or `text`, on one line.
pub(super) fn leveled(level: Level, text: &str) -> Text {
    let text = match level {
        Level::Error => error(text.trim_end(), None),
        Level::Warning => warning(text.trim_end()),
        Level::Info | Level::Debug => text.trim_end().into(),
    };
    text.one_line()
}

pub(super) fn phase_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Before => "running the hooks before the transfer",
        Phase::Marker => "asking for the marker",
        Phase::List => "listing what would change",
        Phase::Transfer => "transferring",
        Phase::Verify => "checking the compressed files that came",
        Phase::Delete => "deleting",
        Phase::After => "running the hooks after the transfer",
    }
}

fn retry(
    attempt: Option<u32>,
    exit_code: Option<i32>,
    reason: &str,
    delay: std::time::Duration,
    source: &str,
) -> String {
    // A refusal by a guard is not an error of rsync, whose exit code is 0.
    let code = exit_code.filter(|code| *code != 0).map_or(String::new(), |code| format!(" (rsync {code})"));
    let which = attempt.map(|attempt| format!("try {attempt} ")).unwrap_or_default();
    format!("{which}failed: {reason}{code}; next in {}: {source}", units::duration(delay))
}

/// Formats `would create 12 files (3.4 MB), update 3 files (1 MB), delete 4 files (limit 100)`. The tallies are those to create, update,
/// delete, and delete in the next run only; `left_out`: what the filters exclude; `plan_hash`: what approves the deletions.
pub(super) fn planned(
    tallies: [&Tally; 4],
    limit: Option<u64>,
    respelt: u64,
    left_out: Option<&Tally>,
    plan_hash: Option<&str>,
) -> String {
    let is_none = |tally: &Tally| tally.files == 0 && tally.dirs == 0;
    let filters = match left_out {
        Some(left_out) if is_none(left_out) => String::new(),
        Some(left_out) => format!("; the filters leave out {}", tally(left_out)),
        None => "; how much the filters leave out is not known".into(),
    };
    let spelling = match respelt {
        0 => String::new(),
        n => format!("; would respell {}", units::count(n, "name", "names")),
    };
    if tallies.into_iter().all(is_none) {
        return match respelt {
            0 => format!("would change nothing{filters}"),
            _ => format!("{}{filters}", spelling.trim_start_matches("; ")),
        };
    }
    let [created, updated, deleted, waiting] = tallies.map(tally);
    let limit = match limit {
        None => "deletion is off".into(),
        Some(limit) if is_none(tallies[3]) => format!("at most {limit}"),
        Some(_) => format!(
            "{waiting} not at the source, which the next run deletes: a run that takes a mirror over deletes nothing"
        ),
    };
    let hash = plan_hash.map_or(String::new(), |hash| format!("; `--expect {hash}` approves the deletions"));
    format!("would create {created}, update {updated}, delete {deleted}; {limit}{spelling}{filters}{hash}")
}

fn tally(tally: &Tally) -> String {
    let mut text = units::count(tally.files, "file", "files");
    if tally.dirs > 0 {
        text += &format!(" and {}", units::count(tally.dirs, "directory", "directories"));
    }
    match tally.bytes {
        Some(bytes) if tally.files > 0 => text + &format!(" ({})", units::bytes(bytes)),
        _ => text,
    }
}

#[cfg(test)]
mod tests;
