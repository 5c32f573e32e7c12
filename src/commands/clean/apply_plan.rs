//! Applies a plan.

use super::plan_summary::top;
use super::plans::{Plan, Whole};
use super::run_result::{ByMode, Started, error};
use super::shared;
use crate::clean::removal::{
    self, Applied, Apply, ApplyProgress, Journal, Landlock, Quarantine, RemovalMode,
};
use crate::clean::{Action, Begin, Decisions, End, Entry, JournalProgress, Line, PlanError};
use crate::commands::Failure;
use crate::model::exit_code::ExitCode;
use crate::model::hint;
use crate::model::sanitize;
use crate::output::terminal::{Ui, shown};
use crate::output::units::{bytes, count, grouped};
use crate::scan::{Stop, storage};
use serde_json::json;
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The confirmed pairs of rule and directory. `None` means all.
pub(super) type AgreedHash = Option<HashSet<(String, Vec<u8>)>>;

/// A checked plan, with all that was confirmed.
pub(super) struct Work {
    pub(super) plan: Plan,
    pub(super) decisions: Decisions,
    pub(super) whole: Whole,
    pub(super) path: PathBuf,
    pub(super) dir: File,
    pub(super) going: u64,
    pub(super) agreed: AgreedHash,
    pub(super) run: String,
    pub(super) past: Option<JournalProgress>,
    pub(super) removal_mode: RemovalMode,
    pub(super) keep: Duration,
    pub(super) state: PathBuf,
    pub(super) threads: usize,
    pub(super) fail_fast: bool,
    pub(super) strict: bool,
    pub(super) started: Started,
    pub(super) stop: Stop,
    pub(super) ui: Ui,
}

impl Work {
    /// Applies the plan, confined by Landlock if the system offers it, and reports the results.
    pub(super) fn go(mut self) -> Result<ExitCode, Failure> {
        let tried = format!(
            "open the journal of run {} in {}",
            self.run,
            sanitize::path(&self.state.join("journal"))
        );
        let journal = Journal::open(&self.state, &self.run);
        let journal = journal.map_err(Failure::io_hint(tried, shared::NOTHING_YET))?;
        let cannot = || Failure::io(format!("write the journal {}", sanitize::path(&journal.path())));
        let begin = Begin {
            v: 1,
            run: self.run.clone(),
            command: "clean".into(),
            job: self.whole.header.job.clone(),
            root: self.whole.header.root.clone(),
            mode: self.removal_mode.word().into(),
            plan: Some(self.whole.hash.clone()),
            time: jiff::Timestamp::now().to_string(),
        };
        let tried = format!("write the journal {}", sanitize::path(&journal.path()));
        journal.line(&Line::Begin(begin)).map_err(Failure::io_hint(tried, shared::NOTHING_YET))?;
        let access = shared::open_to_change(&self.dir, &self.path, &self.state, &self.ui)?;
        let quarantine = Quarantine::new(&access, &self.run, "clean", self.keep);
        let quarantine = quarantine.map_err(Failure::io("name the quarantine"))?;
        let mut places = vec![self.path.as_path(), self.state.as_path()];
        places.extend(self.removal_mode.elsewhere());
        let fenced = removal::fence(&places) == Landlock::Up;
        if !fenced {
            self.ui.note(
                "this system does not offer Landlock, which would confine the removal: the other guards hold",
            );
        }
        shared::escape_quarantines(&access, &self.path, &self.state, &self.stop, &self.ui);
        let meter = ApplyProgress::default();
        let stop = self.stop.clone();
        let apply = Apply {
            origin: self.whole.header.origin,
            root: &self.dir,
            quarantine: &quarantine,
            removal_mode: &self.removal_mode,
            journal: &journal,
            threads: match self.threads {
                0 => self.threads_of_the_drive(),
                n => n,
            },
            fail_fast: self.fail_fast,
            strict: self.strict,
            past: self.past.as_ref(),
            stop: &move || stop.is_stopped(),
            told: &|_| (),
            meter: &meter,
        };
        let (decisions, agreed) = (&self.decisions, &self.agreed);
        let mut reader = self.plan.entries().map_err(|error| Failure::usage(error.to_string()))?;
        let wanted = |entry: &Entry| {
            decisions.action(entry) == Action::Delete
                && agreed
                    .as_ref()
                    .is_none_or(|agreed| agreed.contains(&(entry.rule.clone(), top(entry).to_vec())))
        };
        let next = || -> Result<Option<Entry>, PlanError> {
            loop {
                match reader.entry()? {
                    Some(entry) if !wanted(&entry) => {}
                    other => return Ok(other),
                }
            }
        };
        let done = || shared::done(&meter, self.going);
        let label = sanitize::path(&self.path).to_string();
        let applied = self.ui.spinner().watch(&label, done, || apply.run(next));
        quarantine.tidy();
        shared::tell_modes(&access, &self.path, &self.ui);
        let applied = applied.map_err(|error| Failure::Io {
            tried: format!("continue run {}", self.run),
            source: io::Error::other(error.to_string()),
            hint: None,
        })?;
        let end = End { time: jiff::Timestamp::now().to_string(), whole: !applied.stopped };
        journal.line(&Line::End(end)).and_then(|()| journal.sync()).map_err(cannot())?;
        self.tell(&applied, fenced, journal.path())
    }

    /// Returns the number of threads that the drive of the tree has work for.
    fn threads_of_the_drive(&self) -> usize {
        let Some(storage) = storage(&self.path) else { return removal::all_threads() };
        let threads = storage.removal_threads(removal::all_threads());
        if self.ui.verbose {
            let threads = count(threads as u64, "thread", "threads");
            self.ui.note(&format!("{} is on {storage}: {threads}", sanitize::path(&self.path)));
        }
        threads
    }

    fn tell(&self, applied: &Applied, fenced: bool, journal: &Path) -> Result<ExitCode, Failure> {
        let Applied { deleted, quarantined, backup, trashed, skipped, failed, .. } = *applied;
        let (ui, mode) = (&self.ui, self.removal_mode.word());
        let errors = applied.why.iter().map(|left| {
            let action = if left.is_dir { "delete" } else { mode };
            error(left.path.clone(), action, left.did.word(), &left.why)
        });
        let errors: Vec<_> = errors.collect();
        let kept = quarantined + backup + trashed;
        let by_mode = ByMode::of(mode, if mode == "delete" { deleted } else { kept }, deleted);
        let body = json!({
            "started": self.started.time(), "duration_s": self.started.duration_s(), "mode": mode, "by_mode": by_mode.0,
            "errors": errors, "run": self.run, "deleted": deleted, "quarantined": quarantined, "backed_up": backup,
            "trashed": trashed, "skipped": skipped, "failed": failed, "bytes": applied.bytes,
            "journal": journal.to_string_lossy(), "resumed": self.past.is_some(), "stopped": applied.stopped,
            "fenced": fenced,
        });
        ui.report(ExitCode::Done, &body, || {
            for left in &applied.why {
                ui.warning(&format!("{}: {}", shown(&left.path), left.why));
            }
            if applied.why.len() == removal::TOLD {
                let log = hint::command(["clean", "log", &self.run]);
                ui.note(&format!("there may be more of these: {log} names all of them"));
            }
            let mut parts = Vec::new();
            if mode == "quarantine" {
                parts.push(format!("{} quarantined", grouped(quarantined)));
            }
            parts.push(format!("{} deleted", grouped(deleted)));
            for (n, word) in
                [(backup, "backed up"), (trashed, "in the trash"), (skipped, "skipped"), (failed, "failed")]
            {
                if n > 0 {
                    parts.push(format!("{} {word}", grouped(n)));
                }
            }
            let again = if self.past.is_some() { " (continued)" } else { "" };
            let well = failed == 0 && skipped == 0 && !applied.stopped;
            let say = |text: &str| if well { ui.outcome(text) } else { ui.line(text) };
            let end =
                if applied.stopped { "; stopped before the end: repeat the command to continue" } else { "" };
            say(&format!("run {}{again}: {}, {}{end}", self.run, parts.join(", "), bytes(applied.bytes)))?;
            if quarantined > 0 {
                let undo = hint::undo(ui.again, &self.run);
                say(&format!("to bring it back: {undo}"))?;
            }
            Ok(())
        })?;
        Ok(match () {
            () if failed > 0 => ExitCode::Failed,
            () if self.strict && skipped > 0 => ExitCode::Blocked,
            () if skipped > 0 || applied.stopped => ExitCode::Partial,
            () => ExitCode::Done,
        })
    }
}
