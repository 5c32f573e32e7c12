//! `clean edit`

use super::plan_summary::{Fold, Key, Sum};
use super::plans;
use super::shared;
use crate::clean::{Action, Decisions, template};
use crate::cli::{Global, OnePlan};
use crate::commands::Failure;
use crate::model::exit_code::ExitCode;
use crate::model::hint;
use crate::model::sanitize;
use crate::output::OutputFile;
use crate::output::terminal::Ui;
use crate::output::units;
use crate::platform;
use crate::sync::foreground;
use serde_json::json;
use std::process::Command;

/// Opens the decisions of a plan in an editor. They are checked before they take effect.
pub(super) fn run(args: &OnePlan, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let mut plan = plans::alone(&args.plan, global)?;
    let beside = plans::decisions_of(&plan.path);
    let mut fold = Fold::default();
    let whole = match plan.read(|_, entry| fold.add(&entry, entry.action)) {
        Ok(whole) => whole,
        Err(error) => {
            return Ok(shared::blocked(ui, &plan.refused(&error), Some(plans::NEW_PLAN)));
        }
    };
    plans::refuse_of_sync(&whole, "about which there are no decisions")?;
    let cannot = || {
        Failure::io_hint(
            format!("write {}", sanitize::path(&beside)),
            "decisions are written beside their plan: `pdb-sync clean plan JOB -o FILE` writes a plan elsewhere",
        )
    };
    if !beside.exists() {
        let rows = decidable(fold).into_iter().filter_map(|(key, sum)| {
            let dir = String::from_utf8(key.dir).ok()?;
            Some((key.rule, dir, key.action, sum.entries, units::bytes(sum.bytes)))
        });
        let text = template(&whole.header.root.path, rows);
        OutputFile::find(&beside)
            .and_then(|file| file.replace(0o644, |out| out.write_all(text.as_bytes())))
            .map_err(cannot())?;
    }
    let editor = std::env::var("VISUAL").or_else(|_| std::env::var("EDITOR")).unwrap_or_else(|_| "vi".into());
    let words = shell_words::split(&editor).unwrap_or_default();
    let Some((program, arguments)) = words.split_first() else {
        return Err(Failure::usage_hint(
            format!("$EDITOR names no program: {editor:?}"),
            "set EDITOR, for example to nano",
        ));
    };
    let ran = foreground::run(Command::new(program).args(arguments).arg(&beside));
    let (status, signal) = ran.map_err(Failure::io(format!("start the editor {program}")))?;
    if let Some(number) = signal {
        ui.note("the decisions are as the editor left them");
        return Ok(ExitCode::Signal(number));
    }
    if !status.success() {
        ui.error(&format!("the editor ended with {status}"), Some("the decisions are as it left them"));
        return Ok(ExitCode::Failed);
    }
    let text = platform::read_regular(&beside, platform::OWN);
    let text = text
        .map(|text| String::from_utf8_lossy(&text).into_owned())
        .map_err(Failure::io(format!("read {}", sanitize::path(&beside))))?;
    let decisions = Decisions::parse(&text).map_err(|why| {
        Failure::usage_hint(
            format!("{}: {why}", sanitize::path(&beside)),
            format!("{} opens it again", hint::command(["clean", "edit", &plans::path_of(&plan.path)])),
        )
    })?;
    let (mut deletes, mut bytes) = (0u64, 0u64);
    // The plan was complete a moment ago. `run` reads it again before it removes anything.
    let read = plan.read(|_, entry| {
        if decisions.action(&entry) == Action::Delete {
            deletes += entry.count();
            bytes += entry.bytes;
        }
    });
    if let Err(error) = read {
        return Ok(shared::blocked(ui, &plan.refused(&error), None));
    }
    plans::judge_decisions(&decisions, &whole.header, ui)?;
    let file = beside.to_string_lossy();
    let body = json!({"decisions": file, "to_delete": deletes, "bytes_to_delete": bytes});
    ui.report(ExitCode::Done, &body, || {
        let entries = units::count(deletes, "entry", "entries");
        ui.outcome(&format!("to be removed: {entries}, {}", units::bytes(bytes)))
    })?;
    Ok(ExitCode::Done)
}

/// The groups of a plan that a decision can be about: all entries of a rule, without a directory, then those of each directory.
fn decidable(fold: Fold) -> Vec<(Key, Sum)> {
    let mut rows = fold.rows();
    let mut rules: Vec<(Key, Sum)> = Vec::new();
    for (key, sum) in &rows {
        match rules.iter_mut().find(|(rule, _)| rule.rule == key.rule) {
            Some((_, all)) => {
                all.entries += sum.entries;
                all.bytes += sum.bytes;
            }
            None => rules.push((Key { dir: Vec::new(), ..key.clone() }, *sum)),
        }
    }
    rows.retain(|(key, _)| !key.dir.is_empty());
    rules.append(&mut rows);
    // Sorting is stable, so the whole rule comes first.
    rules.sort_by(|(a, _), (b, _)| (a.rule.as_str(), a.action).cmp(&(b.rule.as_str(), b.action)));
    rules
}
