//! Listeners of a run's events, for people, machines and files. One thread owns them all and does the blocking writes. A slow reader slows
//! the run down (the channel is bounded) instead of filling memory.
//!
//! Files get each event first, bars next, text last, so that the summary is the last output.

mod adoption;
mod bars;
mod cursor_home;
pub mod github;
mod gitlab;
mod grouped_output;
pub mod hits;
mod json;
mod junit;
mod kept_output;
mod listener;
pub mod log;
mod log_files;
pub mod notify;
mod output_file;
mod printer;
pub mod schema;
mod screen;
mod status_block;
mod summary;
pub mod terminal;
#[cfg(test)]
mod testing;
mod text;
mod text_listener;
pub mod units;

pub use log_files::{LogFiles, is_of_dry_run};
pub use output_file::OutputFile;
pub use printer::{Outcome, Printer};
pub use screen::{Canvas, Columns, Port, Screen, Streams};
pub use summary::cells;

use crate::model::event::{Listener, Stamped, Stream};
use crate::model::summary::Summary;
use crate::output::terminal::{Color, Environment, Text};
use listener::ScreenListener;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Maximum number of events that wait for the printer; an event has up to 64 KiB.
const WAITING: usize = 64;

/// How the output of each job is grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// By groups and annotations of GitHub Actions.
    Github,
    /// By sections of GitLab CI/CD.
    Gitlab,
    /// Not at all.
    None,
}

impl Group {
    /// The format of this environment.
    fn of(environment: &Environment) -> Group {
        match environment {
            Environment { github: true, .. } => Group::Github,
            Environment { gitlab: true, .. } => Group::Gitlab,
            _ => Group::None,
        }
    }
}

/// The listeners of a run and their settings.
pub struct Options {
    /// When to use colours.
    pub color: Color,
    /// Whether only errors and the summary are printed.
    pub quiet: bool,
    /// Whether more details are printed.
    pub verbose: bool,
    /// Whether standard output has only JSON lines.
    pub json: bool,
    /// How the output of each job is grouped; `None`: by the environment.
    pub group: Option<Group>,
    /// The path of a JUnit report.
    pub junit: Option<PathBuf>,
    /// The log files, if logs are written.
    pub logs: Option<Arc<LogFiles>>,
    /// Additional listeners; they get each event before all others.
    pub others: Vec<Box<dyn Listener>>,
    /// The settings in the environment.
    pub environment: Environment,
    /// The streams to write to.
    pub streams: Streams,
}

impl Default for Options {
    /// The streams and the environment of the process, plain text.
    fn default() -> Self {
        Options {
            color: Color::Auto,
            quiet: false,
            verbose: false,
            json: false,
            group: None,
            junit: None,
            logs: None,
            others: Vec::new(),
            environment: Environment::read(),
            streams: Streams::standard(),
        }
    }
}

/// Returns the summary of a run, as printed at its end.
pub fn summary(summary: &Summary, verbose: bool, ended: bool) -> Text {
    summary::render(summary, verbose, ended)
}

/// Starts the printer. Send all events in order, drop the last sender, then call [`Printer::join`]. An `Err` means that the thread could
/// not be started.
pub fn start(options: Options) -> io::Result<(mpsc::Sender<Stamped>, Printer)> {
    let (sender, events) = mpsc::channel(WAITING);
    let (screen, listeners) = cast(options);
    Ok((sender, Printer::spawn(screen, listeners, events)?))
}

/// Creates the screen and the listeners.
fn cast(options: Options) -> (Screen, Vec<Box<dyn ScreenListener>>) {
    let Options { color, quiet, verbose, json, group, junit, logs, others, environment, streams, .. } =
        options;
    let Streams { out, err, canvas } = streams;
    let bars_fit = err.columns.is_some() && !environment.ci && !environment.dumb && !quiet && !json;
    let mut screen = Screen::new(out, err, color, &environment);
    let mut files = others;
    if let Some(logs) = logs {
        files.push(Box::new(log::Logs::new(logs)));
    }
    if let Some(path) = junit {
        files.push(Box::new(junit::Junit::new(path)));
    }
    let group = group.unwrap_or_else(|| Group::of(&environment));
    if group == Group::Github || environment.github {
        files.push(Box::new(github::Files::new(environment.step_summary, environment.github_output)));
    }
    let mut listeners: Vec<Box<dyn ScreenListener>> = Vec::new();
    listeners.extend(files.into_iter().map(|listener| Box::new(listener) as Box<dyn ScreenListener>));
    if environment.github || group == Group::Github {
        screen.read_by_github();
    }
    match group {
        Group::Github if !json => listeners.push(Box::new(github::Groups::new(quiet))),
        Group::Gitlab if !json => listeners.push(Box::new(gitlab::Sections::new(quiet))),
        _ => {}
    }
    if let Some(canvas) = canvas.filter(|_| bars_fit) {
        let (multi, size) = canvas.split();
        screen.put_above(multi.clone());
        listeners.push(Box::new(bars::Bars::new(multi, size, screen.look(Stream::Stderr))));
    }
    listeners.push(Box::new(status_block::StatusBlock::default()));
    if json {
        listeners.push(Box::new(json::Json::new()));
    } else {
        listeners.push(Box::new(text_listener::TextListener::new(quiet, verbose, group == Group::None)));
    }
    (screen, listeners)
}
