//! `status`

mod json;
mod page;

use super::interruption::with_signals;
use super::{Failure, file_locations, settings};
use crate::cli::{Global, StatusArgs};
use crate::config::{self, Period};
use crate::model::exit_code::ExitCode;
use crate::output::terminal::{Ui, Watch, quit_typed};
use crate::system::status::{Gatherer, Snapshot, Subject};
use jiff::Timestamp;
use page::View;
use std::time::Duration;

/// The time limit for sources that do not answer, if the status is printed once.
const PATIENCE: Duration = Duration::from_secs(3);
/// The time to wait for data before the first screen.
const FIRST: Duration = Duration::from_millis(250);
/// The interval between screens, and between lines of JSON.
const FRAME: Duration = Duration::from_millis(500);

/// Shows the status once, or repeatedly.
pub(super) fn run(args: &StatusArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let max_age = args.max_age.as_deref().map(str::parse::<Period>).transpose();
    let max_age = max_age.map_err(|wrong| Failure::usage(format!("--max-age: {wrong}")))?.map(|age| age.0);
    let opened = settings::open(global)?;
    let config = opened.load(ui)?;
    if !opened.exists && !args.watch {
        opened.tell_missing(ui);
    }
    let mut jobs = match args.jobs.as_slice() {
        [] if args.tag.is_empty() => config.jobs.clone(),
        [] => Vec::new(),
        names => config::select(&config.jobs, names, false, &[])?,
    };
    for job in config::tagged(&config.jobs, &args.tag)? {
        if !jobs.iter().any(|known| known.name == job.name) {
            jobs.push(job.clone());
        }
    }
    let subject = Subject { jobs, state_dir: file_locations::state_dir(global)?, top: args.top };
    let view = View { max_age, order: args.sort };
    let gatherer = Gatherer::start(subject).map_err(Failure::io("start to look"))?;
    if args.watch {
        gatherer.wait(FIRST);
        return watch(&gatherer, view, ui);
    }
    gatherer.wait(PATIENCE);
    let seen = gatherer.snapshot();
    let stale = stale(&seen, max_age);
    ui.report(ExitCode::Done, &json::snapshot(&seen, &stale), || {
        if ui.quiet && max_age.is_some() {
            // With a limit the command is a check, which prints nothing if all is well.
            return Ok(());
        }
        page::lines(&seen, view, ui).iter().try_for_each(|line| ui.text(line))
    })?;
    match stale.as_slice() {
        [] => Ok(ExitCode::Done),
        stale => {
            let hint = "`pdb-sync history` shows how the last runs ended";
            // This is a verdict, which is in the result, so it is not reported as an error object.
            ui.error_text(&format!("staler than --max-age allows: {}", stale.join(", ")), Some(hint));
            Ok(ExitCode::Failed)
        }
    }
}

/// Returns enabled jobs that are staler than `max_age`; none without a limit. Unknown ages count as stale.
fn stale(seen: &Snapshot, max_age: Option<Duration>) -> Vec<String> {
    let Some(limit) = max_age else { return Vec::new() };
    let Some(jobs) = &seen.jobs else { return vec!["all jobs (the history cannot be read)".into()] };
    let stale = jobs.iter().filter(|job| job.enabled && job.is_staler(limit, Timestamp::now()));
    stale.map(|job| job.job.clone()).collect()
}

fn watch(gatherer: &Gatherer, view: View, ui: &Ui) -> Result<ExitCode, Failure> {
    // The screen is set up inside: a signal must not end the process without restoring the terminal.
    with_signals(async |signals| {
        let no_terminal = || {
            Failure::usage_hint(
                "--watch needs a terminal on standard output",
                "leave --watch out, or add --json for repeated lines",
            )
        };
        let screen = if ui.json { None } else { Some(Watch::start()?.ok_or_else(no_terminal)?) };
        let mut frames = tokio::time::interval(FRAME);
        frames.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut typed = tokio::task::spawn_blocking(quit_typed);
        let mut listening = screen.is_some();
        loop {
            tokio::select! {
                _ = frames.tick() => {
                    let seen = gatherer.snapshot();
                    ui.item("status", &json::snapshot(&seen, &stale(&seen, view.max_age)), || {
                        screen.iter().try_for_each(|screen| screen.draw(&page::lines(&seen, view, ui), ui))
                    })?;
                }
                quit = &mut typed, if listening => {
                    if quit.unwrap_or(false) {
                        return Ok(ExitCode::Done);
                    }
                    // Standard input has ended. A signal can still end the loop.
                    listening = false;
                }
                // Ctrl-C is the usual way to leave such a screen.
                number = signals.next() => {
                    return Ok(if number == INTERRUPT && screen.is_some() { ExitCode::Done } else { ExitCode::Signal(number) });
                }
            }
        }
    })
}

/// SIGINT.
const INTERRUPT: i32 = 2;
