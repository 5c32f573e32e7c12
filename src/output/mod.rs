//! Listeners of a run's events: people, machines, files. One thread owns them all and does the blocking writes, so that
//! a slow reader slows the run down (the channel is bounded) instead of filling memory.
//!
//! Order of hearing: files first, bars next, text last, so that the summary is the last thing said.

mod adoption;
mod bars;
mod cursor_home;
pub mod github;
pub mod hits;
mod json;
mod junit;
mod kept_output;
pub mod log;
mod log_files;
pub mod notify;
mod output_file;
mod printer;
pub mod schema;
mod screen;
mod state_file;
mod summary;
pub mod terminal;
#[cfg(test)]
mod testing;
mod text;
mod text_listener;
pub mod units;

pub use log_files::LogFiles;
pub use output_file::OutputFile;
pub use printer::{Outcome, Printer};
pub use screen::{Canvas, Columns, Port, Screen, Streams};
pub use state_file::StateFile;

use crate::model::event::{Stamped, Stream};
use crate::model::result::Summary;
use crate::output::terminal::{Color, Environment, Text};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;

/// So many events may wait for the printer; an event holds up to 64 KiB.
const WAITING: usize = 64;

/// Somebody who wants to know what happens.
pub trait Listener: Send {
    /// For messages about it: `the JUnit report`.
    fn name(&self) -> &str;

    /// Hears the next event. An `Err` is told once, and this listener hears no more.
    fn hear(&mut self, event: &Stamped, screen: &mut Screen) -> io::Result<()>;

    /// Time passes (about ten times a second); only if [`Listener::wants_ticks`].
    fn tick(&mut self, _screen: &mut Screen) {}

    /// Whether it has anything to do between events.
    fn wants_ticks(&self) -> bool {
        false
    }

    /// There will be no more events, even if no `RunFinished` was among them.
    fn finish(&mut self, _screen: &mut Screen) -> io::Result<()> {
        Ok(())
    }
}

/// Who listens, and how they speak.
pub struct Options {
    /// Colours.
    pub color: Color,
    /// Only errors and the summary.
    pub quiet: bool,
    /// More.
    pub verbose: bool,
    /// JSON lines and nothing else on standard output.
    pub json: bool,
    /// Speak to GitHub Actions; on by itself where the environment says so.
    pub github: bool,
    /// Write a JUnit report here.
    pub junit: Option<PathBuf>,
    /// Write a log for each job.
    pub logs: Option<Arc<LogFiles>>,
    /// Further listeners; they hear everything first.
    pub others: Vec<Box<dyn Listener>>,
    /// What the environment wishes.
    pub environment: Environment,
    /// Where to speak.
    pub streams: Streams,
    /// What the printer's thread does before all else.
    pub begin: fn(),
}

impl Default for Options {
    /// The process's own streams and environment, plain text.
    fn default() -> Self {
        Options {
            color: Color::Auto,
            quiet: false,
            verbose: false,
            json: false,
            github: false,
            junit: None,
            logs: None,
            others: Vec::new(),
            environment: Environment::read(),
            streams: Streams::standard(),
            begin: || (),
        }
    }
}

/// The summary of a run, as it is said after one.
pub fn summary(summary: &Summary, verbose: bool) -> Text {
    summary::render(summary, false, verbose)
}

/// Starts the printer. Send it every event in order, drop the last sender, then [`Printer::join`]. An `Err` is a thread
/// that could not be started.
pub fn start(options: Options) -> io::Result<(mpsc::Sender<Stamped>, Printer)> {
    let (sender, events) = mpsc::channel(WAITING);
    let begin = options.begin;
    let (screen, listeners) = cast(options);
    Ok((sender, Printer::spawn(begin, screen, listeners, events)?))
}

/// Who plays.
fn cast(options: Options) -> (Screen, Vec<Box<dyn Listener>>) {
    let Options { color, quiet, verbose, json, github, junit, logs, others, environment, streams, .. } =
        options;
    let Streams { out, err, canvas } = streams;
    let bars_fit = err.columns.is_some() && !environment.ci && !environment.dumb && !quiet && !json;
    let mut screen = Screen::new(out, err, color, &environment);
    let mut listeners: Vec<Box<dyn Listener>> = others;
    if let Some(files) = logs {
        listeners.push(Box::new(log::Logs::new(files)));
    }
    if let Some(path) = junit {
        listeners.push(Box::new(junit::Junit::new(path)));
    }
    let github = github || environment.github;
    if github {
        listeners.push(Box::new(github::Files::new(environment.step_summary, environment.github_output)));
    }
    if github && !json {
        screen.read_by_github();
        listeners.push(Box::new(github::Groups::new(quiet)));
    }
    if let Some(canvas) = canvas.filter(|_| bars_fit) {
        let (multi, size) = canvas.split();
        screen.put_above(multi.clone());
        listeners.push(Box::new(bars::Bars::new(multi, size, screen.look(Stream::Stderr))));
    }
    if json {
        listeners.push(Box::new(json::Json::new()));
    } else {
        listeners.push(Box::new(text_listener::TextListener::new(quiet, verbose, !github)));
    }
    (screen, listeners)
}
