//! Reports errors of the command line and problems of the configuration to GitHub Actions, as annotations at their places.

use super::Failure;
use crate::config::Problem;
use crate::model::event::Level;
use crate::output::github::{At, annotate, nothing_started};
use crate::output::terminal::{Environment, Ui};

/// Reports that a command could not do its own work.
pub(super) fn failure(failure: &Failure, ui: &Ui) {
    if !ui.github || matches!(failure, Failure::Unwritten(_) | Failure::Signal(_)) {
        return;
    }
    match failure {
        Failure::Config(problems) => problems.0.iter().for_each(|wrong| problem(Level::Error, wrong, ui)),
        other => {
            let text = with_hint(&other.to_string(), other.hint());
            annotate(Level::Error, None, &ui.addressed(&text), ui.json);
        }
    }
}

/// Reports a problem of the configuration.
pub(super) fn problem(level: Level, problem: &Problem, ui: &Ui) {
    if !ui.github || (ui.quiet && level != Level::Error) {
        return;
    }
    let place = problem.place.as_ref().map(|place| (place.line, place.column));
    let at = problem.file.as_deref().map(|file| At { file, place });
    let text = with_hint(&problem.text, problem.hint.as_deref());
    annotate(level, at, &ui.addressed(&text), ui.json);
}

/// Writes the outputs of a `sync` that ended before any job was started, since later steps read them in any case. `jobs` are the jobs named
/// on the command line.
pub(super) fn no_job(jobs: &[String], why: &Failure, ui: &Ui) {
    if !ui.github {
        return;
    }
    let reasons = match why {
        Failure::Config(problems) => problems.0.iter().map(|problem| {
            let (position, colon) = match problem.position() {
                position if position.is_empty() => (position, ""),
                position => (position, ": "),
            };
            with_hint(&format!("{position}{colon}{}", problem.text), problem.hint.as_deref())
        }),
        other => return outputs(jobs, &[with_hint(&other.to_string(), other.hint())], ui),
    };
    outputs(jobs, &reasons.collect::<Vec<_>>(), ui);
}

/// Writes the outputs of a step that had nothing to do, or failed to do it.
pub(super) fn outputs(failed: &[String], why: &[String], ui: &Ui) {
    if !ui.github {
        return;
    }
    if let Err(error) = nothing_started(&Environment::read(), failed, why) {
        ui.warning(&format!("cannot write GitHub's step summary and outputs: {error}"));
    }
}

fn with_hint(text: &str, hint: Option<&str>) -> String {
    hint.map_or_else(|| text.to_owned(), |hint| format!("{text}\nhint: {hint}"))
}
