//! The summary of a run, and sentences about single jobs that other listeners use too.

use super::units;
use crate::model::exit_code::SIGNALS;
use crate::model::record::JobRecord;
use crate::model::result::{Status, SyncResult};
use crate::model::sanitize;
use crate::model::summary::Summary;
use crate::output::terminal::Text;
use console::Style;
use std::fmt::Write;

/// Formats the outcome of a job without its name: `failed after 4 tries in 12.30s: reason`.
pub(super) fn verdict(result: &SyncResult) -> String {
    let mut text = result.status().word().to_owned();
    if !result.attempts.is_empty() {
        text += &format!(" after {}", units::count(result.attempts.len() as u64, "try", "tries"));
    }
    if !result.duration.is_zero() {
        text += &format!(" in {}", units::duration(result.duration));
    }
    if let Some(error) = result.outcome.error() {
        text += &format!(": {}", sanitize::line(error));
    }
    text
}

/// Formats what a job moved: `3 files transferred, 1 deleted, 12.3 kB received`; for a dry run `3 files to transfer, 1 to delete`. Empty if
/// nothing is known, or if the figures are zero and the job did not succeed: only after a success is it certain that there was nothing to
/// change.
pub(super) fn figures(result: &SyncResult) -> String {
    let figures = &result.figures;
    let told = matches!(result.status(), Status::Ok | Status::Warned);
    if told && figures.changed() == Some(false) {
        return match figures.total_files {
            _ if result.is_by_marker() => "nothing to change: the marker is the same".into(),
            Some(files) => format!("nothing to change in {}", units::count(files, "file", "files")),
            None => "nothing to change".into(),
        };
    }
    if !told && figures.changed() == Some(false) {
        return String::new();
    }
    let (moved, removed) =
        if result.dry_run { ("to transfer", "to delete") } else { ("transferred", "deleted") };
    let transferred =
        figures.files_transferred.map(|n| format!("{} {moved}", units::count(n, "file", "files")));
    let deleted = figures.files_deleted.filter(|n| *n > 0).map(|n| format!("{n} {removed}"));
    // A dry run receives only the list of files.
    let over = match result.connections {
        0 | 1 => String::new(),
        n => format!(" over {n} connections"),
    };
    let received = figures
        .bytes_received
        .filter(|_| !result.dry_run)
        .map(|n| format!("{} received{over}", units::bytes(n)));
    let verified = figures.files_verified.filter(|n| *n > 0).map(|n| format!("{n} verified"));
    [transferred, deleted, received, verified].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Returns the cells of a job in a table: status, tries, duration, files transferred and deleted, bytes received. `unknown` stands for a
/// figure that is not known.
pub fn cells(record: &JobRecord, unknown: &str) -> [String; 6] {
    let figures = &record.figures;
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| unknown.into());
    let count = |n: Option<u64>| or_unknown(n.map(|n| n.to_string()));
    [
        record.state.word().into(),
        record.attempts.to_string(),
        or_unknown(record.duration.map(units::duration)),
        count(figures.files_transferred),
        count(figures.files_deleted),
        or_unknown(figures.bytes_received.map(units::bytes)),
    ]
}

/// Returns which source replaced the first one, and why: `served by SOURCE, since FIRST: why`. `None` if none did, or if the job failed
/// before any source served it; then its attempts are listed instead.
pub(super) fn served(result: &SyncResult) -> Option<String> {
    let (fallback, source) = (result.fallback.as_ref()?, result.source.as_deref()?);
    match result.status() {
        Status::Ok | Status::Warned | Status::Partial => {}
        // A guard may have refused the source before anything was transferred.
        Status::Blocked if result.attempts.last().is_some_and(|attempt| attempt.transferred()) => {}
        Status::Blocked => return None,
        Status::Failed | Status::Skipped | Status::Cancelled => return None,
    }
    let [source, first, why] = [source, &fallback.first, &fallback.why].map(|text| sanitize::line(text));
    Some(format!("served by {source}, since {first}: {why}"))
}

/// Returns the whole summary, as text for standard output. `ended`: whether the run has ended.
pub(super) fn render(summary: &Summary, verbose: bool, ended: bool) -> Text {
    let total = summary.results.len();
    let (success, failed) = (summary.success(), summary.count(Status::Failed));
    let mut text = Text::styled("=== Sync Summary ===", Style::new().bold());
    text += format!("\nTotal: {total} | Success: {success} | Failed: {failed}");
    for (word, status) in [
        ("Partial", Status::Partial),
        ("Blocked", Status::Blocked),
        ("Skipped", Status::Skipped),
        ("Cancelled", Status::Cancelled),
    ] {
        match summary.count(status) {
            0 => {}
            n => text += format!(" | {word}: {n}"),
        }
    }
    text += "\n";
    for result in &summary.results {
        job(&mut text, result, verbose);
    }
    // One line for the run: undo applies to all of its jobs.
    if let Some(undo) = summary.results.iter().find_map(|result| result.undo.as_deref()) {
        text += &format!("undo: {}\n", sanitize::line(undo));
    }
    if let Some(signal) = summary.signal {
        text += format!("Ended by {}.\n", signal_name(signal));
    }
    for warning in &summary.warnings {
        text += format!("warning: {}\n", sanitize::line(warning));
    }
    for what in &summary.unwritten {
        text += format!("not all output was written: {}\n", sanitize::line(what));
    }
    let whole = ended && total > 0 && summary.success() == total && summary.unwritten.is_empty();
    let how = match summary.count(Status::Warned) {
        0 => " successfully".to_owned(),
        warned => format!(", {warned} with warnings"),
    };
    text += match (summary.dry_run, whole) {
        (false, true) => format!("All syncs completed{how}.\n"),
        (true, true) => format!("All dry runs completed{how}. Nothing was changed.\n"),
        (true, false) => "This was a dry run: nothing was changed.\n".into(),
        (false, false) => String::new(),
    };
    let average = summary.average().map_or_else(|| "-".into(), units::duration);
    text += format!("Total time: {} | Average: {average}\n", units::duration(summary.duration));
    text
}

/// Whether there is nothing to report about the job.
pub(super) fn went_well(result: &SyncResult) -> bool {
    result.status() == Status::Ok && result.alerts.is_empty() && result.warnings.is_empty()
}

/// Appends the text about one job; nothing about a success without warnings, unless `verbose`.
fn job(text: &mut Text, result: &SyncResult, verbose: bool) {
    let status = result.status();
    let served = served(result);
    if went_well(result) && !verbose && served.is_none() {
        return;
    }
    *text += Text::styled(&format!("[{}]", result.job), status_style(status));
    // Writing to a Text cannot fail.
    let _ = match (status, figures(result)) {
        (Status::Ok, figures) if !figures.is_empty() => {
            writeln!(text, " {}: {figures}", verdict(result))
        }
        _ => writeln!(text, " {}", verdict(result)),
    };
    if result.attempts.len() > 1 {
        for attempt in &result.attempts {
            let end = match (&attempt.error, attempt.exit_code) {
                (None, _) => "done".into(),
                // A refusal by a guard is not an error of rsync, whose exit code is 0.
                (Some(error), None | Some(0)) => sanitize::line(&error.text).into_owned(),
                (Some(error), Some(code)) => format!("{} (rsync {code})", sanitize::line(&error.text)),
            };
            let duration = units::duration(attempt.duration);
            let _ = writeln!(
                text,
                "  try {}, {}, {duration}: {end}",
                attempt.number,
                sanitize::line(&attempt.source)
            );
        }
    }
    if let Some(served) = served {
        let _ = writeln!(text, "  {served}");
    }
    for alert in &result.alerts {
        let _ = writeln!(text, "  alert: {}", sanitize::line(alert));
    }
    for warning in &result.warnings {
        let _ = writeln!(text, "  warning: {}", sanitize::line(warning));
    }
    if let Some(hint) = result.outcome.hint() {
        let _ = writeln!(text, "  hint: {}", sanitize::line(hint));
    }
    if let Some(log) = &result.log {
        let _ = writeln!(text, "  log: {}", sanitize::line(&log.to_string_lossy()));
    }
}

/// Returns the colour of a status.
pub(super) fn status_style(status: Status) -> Style {
    match status {
        Status::Ok => Style::new().green(),
        Status::Warned | Status::Partial | Status::Skipped => Style::new().yellow(),
        Status::Blocked | Status::Failed | Status::Cancelled => Style::new().red(),
    }
}

fn signal_name(signal: i32) -> String {
    let known = SIGNALS.iter().find(|(number, _)| *number == signal);
    known.map_or_else(|| format!("signal {signal}"), |(_, name)| (*name).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Event;
    use crate::model::result::{Outcome, Reason, Skip};
    use crate::output::testing::{ended, failure, finished, result};
    use std::sync::Arc;
    use std::time::Duration;

    fn shown(events: Vec<Event>, dry_run: bool, verbose: bool, color: bool) -> String {
        match events.last() {
            Some(Event::RunFinished(summary)) => {
                let dry = |result: &Arc<SyncResult>| SyncResult { dry_run, ..(**result).clone() }.into();
                let results = summary.results.iter().map(dry).collect();
                render(&Summary { dry_run, results, ..(**summary).clone() }, verbose, true).render(color)
            }
            other => panic!("no summary: {other:?}"),
        }
    }

    #[test]
    fn success_is_said_in_the_contracts_words() {
        let results = ["a", "b", "c"].map(|job| result(job, Outcome::Ok)).to_vec();
        insta::assert_snapshot!(shown(finished(results.clone()), false, false, false), @r"
        === Sync Summary ===
        Total: 3 | Success: 3 | Failed: 0
        All syncs completed successfully.
        Total time: 45.23s | Average: 1.50s
        ");
        insta::assert_snapshot!(shown(finished(results), true, false, false), @r"
        === Sync Summary ===
        Total: 3 | Success: 3 | Failed: 0
        All dry runs completed successfully. Nothing was changed.
        Total time: 45.23s | Average: 1.50s
        ");
    }

    #[test]
    fn everything_else_is_explained() {
        let mut skipped = result("d", Outcome::Skipped(Skip::FailFast("b failed before it began".into())));
        skipped.attempts.clear();
        skipped.duration = Duration::ZERO;
        let mut cancelled = result("e", Outcome::Cancelled(Reason::new("ended by SIGINT\nby hand\u{1b}[0m")));
        cancelled.attempts.clear();
        let results = vec![
            result("a", Outcome::Warned(Reason::new("2 files vanished while they were read"))),
            failure("b"),
            result(
                "c",
                Outcome::Blocked(Reason::new("would delete 120 of 900 files").hint("--max-delete 120")),
            ),
            skipped,
            cancelled,
            result("f", Outcome::Partial(Reason::new("1 file could not be read"))),
        ];
        insta::assert_snapshot!(shown(ended(results, Some(2)), false, false, false), @r"
        === Sync Summary ===
        Total: 6 | Success: 1 | Failed: 1 | Partial: 1 | Blocked: 1 | Skipped: 1 | Cancelled: 1
        [a] warned after 1 try in 1.50s: 2 files vanished while they were read
        [b] failed after 2 tries in 1.50s: cannot connect to host: connection refused
          try 1, rsync://host/b/, 0.40s: cannot connect to host: connection refused (rsync 10)
          try 2, rsync://host/b/, 0.40s: cannot connect to host: connection refused (rsync 10)
          hint: is port 873 open?
          log: /state/logs/b/01KAM5T7Z0ABCDEFGHJKMNPQRS.log
        [c] blocked after 1 try in 1.50s: would delete 120 of 900 files
          hint: --max-delete 120
        [d] skipped: b failed before it began
        [e] cancelled in 1.50s: ended by SIGINT by hand\u{1b}[0m
        [f] partial after 1 try in 1.50s: 1 file could not be read
        Ended by SIGINT.
        Total time: 45.23s | Average: 1.50s
        ");
    }

    #[test]
    fn a_warning_is_no_plain_success() {
        let results = vec![
            result("a", Outcome::Ok),
            result("b", Outcome::Warned(Reason::new("the filters leave out all 3 files of the source"))),
        ];
        let text = shown(finished(results.clone()), false, false, false);
        assert!(text.contains("\nAll syncs completed, 1 with warnings.\n"), "{text}");
        assert!(text.contains("Total: 2 | Success: 2 | Failed: 0\n"), "{text}");
        let text = shown(finished(results), true, false, false);
        assert!(text.contains("\nAll dry runs completed, 1 with warnings. Nothing was changed.\n"), "{text}");
    }

    #[test]
    fn nothing_started_claims_nothing() {
        insta::assert_snapshot!(shown(finished(vec![]), false, false, false), @r"
        === Sync Summary ===
        Total: 0 | Success: 0 | Failed: 0
        Total time: 45.23s | Average: -
        ");
    }

    #[test]
    fn with_v_successes_have_figures_too() {
        let mut same = result("b", Outcome::Ok);
        same.figures.files_transferred = Some(0);
        let mut unknown = result("c", Outcome::Ok);
        unknown.figures = Default::default();
        let results = vec![result("a", Outcome::Ok), same, unknown];
        insta::assert_snapshot!(shown(finished(results), false, true, false), @r"
        === Sync Summary ===
        Total: 3 | Success: 3 | Failed: 0
        [a] ok after 1 try in 1.50s: 3 files transferred, 12.3 kB received
        [b] ok after 1 try in 1.50s: nothing to change in 9 files
        [c] ok after 1 try in 1.50s
        All syncs completed successfully.
        Total time: 45.23s | Average: 1.50s
        ");
        let text = shown(finished(vec![result("a", Outcome::Ok)]), true, true, false);
        assert!(text.contains("[a] ok after 1 try in 1.50s: 3 files to transfer\n"), "{text}");
    }

    #[test]
    fn colours_mark_the_names() {
        let text = shown(finished(vec![failure("b")]), false, false, true);
        assert!(text.contains("\u{1b}[31m[b]\u{1b}[0m failed after 2 tries"), "{text:?}");
    }
}
