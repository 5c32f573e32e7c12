//! The dry run of `clean run`: what would happen to each entry, and why.

use super::run_result::{ByMode, Started, error};
use super::shared;
use super::verify::{Drift, PlanVerifier};
use crate::clean::{Action, Entry, Header, Kind};
use crate::commands::Failure;
use crate::model::exit_code::ExitCode;
use crate::model::sanitize;
use crate::output::terminal::{JsonPath, Lines, Ui, shown};
use crate::output::units::{bytes, count, grouped};
use serde::Serialize;
use serde_json::json;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;

/// Compares the entries of a plan with the tree, and lists what would happen to each.
pub(super) struct Rehearsal<'a> {
    verifier: PlanVerifier<'a>,
    mode: &'static str,
    /// The reason of each rule.
    reasons: HashMap<&'a str, &'a str>,
    lines: Option<Lines<'a>>,
    failed: io::Result<()>,
    dirs: u64,
    others: u64,
}

/// What a dry run found.
pub(super) struct Rehearsed {
    mode: &'static str,
    drift: Drift,
    by_mode: ByMode,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    path: JsonPath,
    r#type: &'static str,
    bytes: u64,
    entries: u64,
    rule: &'a str,
    reason: &'a str,
    action: &'static str,
    would: &'a str,
    why: Option<&'a str>,
}

impl<'a> Rehearsal<'a> {
    /// `mode`: the removal mode. Every entry is listed if `ui` is given.
    pub(super) fn new(header: &'a Header, root: &'a File, mode: &'static str, ui: Option<&'a Ui>) -> Self {
        let reasons = header.rules.iter().map(|rule| (rule.name.as_str(), rule.reason.as_str()));
        Rehearsal {
            verifier: PlanVerifier::new(root),
            mode,
            reasons: reasons.collect(),
            lines: ui.map(Lines::new),
            failed: Ok(()),
            dirs: 0,
            others: 0,
        }
    }

    /// Looks at an entry of the plan. `action`: that of the plan with its decisions.
    pub(super) fn look_at(&mut self, entry: &Entry, action: Action) {
        let is_dir = entry.kind == Kind::Dir;
        let (would, why) = match action {
            Action::Delete => match self.verifier.compare(entry) {
                Some(differs) => ("skip", Some(differs)),
                None => {
                    *if is_dir { &mut self.dirs } else { &mut self.others } += entry.count();
                    (if is_dir { "delete" } else { self.mode }, None)
                }
            },
            Action::Review => ("stay", Some("nobody has decided to delete it")),
            Action::Keep => ("stay", Some("it is to be kept")),
        };
        let Some(lines) = self.lines.as_mut().filter(|_| self.failed.is_ok()) else { return };
        let reason = self.reasons.get(entry.rule.as_str()).copied().unwrap_or_default();
        let body = || Line {
            path: entry.path.clone().into(),
            r#type: entry.kind.word(),
            bytes: entry.bytes,
            entries: entry.count(),
            rule: &entry.rule,
            reason,
            action: action.word(),
            would,
            why,
        };
        self.failed = lines.item("entry", body, || {
            let slash = if matches!(entry.kind, Kind::Dir | Kind::Tree) { "/" } else { "" };
            let holds = match &entry.contents {
                Some(contents) => format!(" ({})", count(contents.entries, "entry", "entries")),
                None => String::new(),
            };
            let why = why.map(|why| format!(", {why}")).unwrap_or_default();
            let reason =
                if reason.is_empty() { String::new() } else { format!(": {}", shown(reason.as_bytes())) };
            format!(
                "{}{slash}{holds}: {would}{why}; rule {}{reason}",
                shown(&entry.path),
                shown(entry.rule.as_bytes())
            )
        });
    }

    /// Ends the list.
    pub(super) fn end(self) -> Result<Rehearsed, Failure> {
        self.failed?;
        if let Some(mut lines) = self.lines {
            lines.flush()?;
        }
        let entries = if self.mode == "delete" { self.others + self.dirs } else { self.others };
        let deleted = if self.mode == "delete" { entries } else { self.dirs };
        let by_mode = ByMode::of(self.mode, entries, deleted);
        Ok(Rehearsed { mode: self.mode, drift: self.verifier.drift, by_mode })
    }
}

impl Rehearsed {
    /// The number of entries that are not as planned.
    pub(super) fn drifted(&self) -> u64 {
        self.drift.changed + self.drift.gone
    }

    /// Reports the dry run. `refused`: the guard that would refuse the run, and a hint.
    pub(super) fn tell(
        &self,
        root: &Path,
        size: u64,
        started: Started,
        refused: Option<(String, String)>,
        ui: &Ui,
    ) -> Result<ExitCode, Failure> {
        let (removed, drifted) = (self.drift.fresh, self.drifted());
        let errors = self.drift.why.iter().map(|(path, why)| error(path.clone(), self.mode, "skipped", why));
        let body = json!({
            "started": started.time(), "duration_s": started.duration_s(), "mode": self.mode, "by_mode": self.by_mode.0,
            "errors": errors.collect::<Vec<_>>(),
            "run": null, "root": root.to_string_lossy(), "deleted": 0, "quarantined": 0, "skipped": 0, "failed": 0,
            "bytes": 0, "journal": null, "would_remove": removed, "would_skip": drifted, "bytes_planned": size,
            "blocked": refused.as_ref().map(|(text, _)| text), "hint": refused.as_ref().map(|(_, hint)| hint),
        });
        ui.report(ExitCode::Done, &body, || {
            ui.line(&format!(
                "would remove {} from {}, {}",
                count(removed, "entry", "entries"),
                sanitize::path(&root),
                bytes(self.drift.fresh_bytes)
            ))?;
            if drifted > 0 {
                ui.line(&format!("would skip {}: not as planned", grouped(drifted)))?;
            }
            Ok(())
        })?;
        Ok(match refused {
            Some((text, hint)) => shared::blocked(ui, &text, Some(&hint)),
            None if drifted > 0 => ExitCode::Partial,
            None => ExitCode::Done,
        })
    }
}
