//! `clean log`

use crate::clean::{Did, Line};
use crate::cli::{Global, LogArgs};
use crate::commands::scan::{JsonPath, Lines, shown};
use crate::commands::{Failure, locate};
use crate::exit::Exit;
use crate::sweep;
use crate::ui::Ui;
use serde_json::json;
use std::collections::BTreeMap;

/// Runs, newest first; or the entries of one.
pub(super) fn run(args: &LogArgs, global: &Global, ui: &Ui) -> Result<Exit, Failure> {
    let state = locate::state_dir(global)?;
    let cannot = || Failure::io("read the journals");
    if let Some(run) = &args.run {
        return one(&state, run, ui);
    }
    let mut all = sweep::list(&state).map_err(cannot())?;
    all.reverse();
    let mut rows = vec![["RUN", "BY", "MODE", "WHAT", "ROOT"].map(String::from).to_vec()];
    for found in &all {
        let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
        let read = found.read(|line| {
            if let Line::Did(record) = line {
                *counts.entry(record.did.word()).or_default() += 1;
            }
        });
        read.map_err(cannot())?;
        let begin = &found.begin;
        let whole = found.end.as_ref().map(|end| end.whole);
        if ui.json {
            let root = &begin.root.path;
            ui.json(
                "run",
                &json!({"run": begin.run, "command": begin.command, "job": begin.job, "root": root, "mode": begin.mode,
                    "started": begin.time, "whole": whole, "counts": counts, "journal": found.path.to_string_lossy()}),
            )?;
            continue;
        }
        let mut what: Vec<String> = counts.iter().map(|(word, n)| format!("{n} {word}")).collect();
        if whole != Some(true) && !counts.contains_key(Did::Restored.word()) {
            what.push("cut short".into());
        }
        rows.push(vec![
            begin.run.clone(),
            begin.command.clone(),
            begin.mode.clone(),
            what.join(", "),
            begin.root.path.clone(),
        ]);
    }
    if ui.json {
        ui.json("result", &json!({"runs": all.len()}))?;
    } else if all.is_empty() {
        ui.note("no run is known");
    } else {
        ui.table(&rows)?;
    }
    Ok(Exit::Done)
}

fn one(state: &std::path::Path, run: &str, ui: &Ui) -> Result<Exit, Failure> {
    let found = sweep::find(state, run).map_err(Failure::io("read the journals"))?;
    if found.is_empty() {
        return Err(Failure::usage_hint(
            format!("no run {run:?} is known"),
            "`pdb-sync clean log` lists them",
        ));
    }
    let mut entries = 0u64;
    for found in &found {
        let mut lines = Lines::new(ui);
        let mut told = Ok(());
        let read = found.read(|line| {
            let Line::Did(record) = line else { return };
            if told.is_err() {
                return;
            }
            entries += 1;
            told = if ui.json {
                let mut row = serde_json::to_value(JsonPath::from(record.path)).unwrap_or_default();
                row["event"] = "entry".into();
                row["type"] = record.kind.word().into();
                row["did"] = record.did.word().into();
                row["bytes"] = record.bytes.into();
                row["why"] = record.why.into();
                lines.json(&row)
            } else {
                let why = record.why.filter(|_| record.did != Did::Deleted).map(|why| format!(" ({why})"));
                lines.line(&format!(
                    "{:<11} {}{}",
                    record.did.word(),
                    shown(&record.path),
                    why.unwrap_or_default()
                ))
            };
        });
        read.map_err(Failure::io(format!("read the journal {}", found.path.display())))?;
        told?;
        lines.flush()?;
    }
    if ui.json {
        ui.json("result", &json!({"entries": entries}))?;
    }
    Ok(Exit::Done)
}
