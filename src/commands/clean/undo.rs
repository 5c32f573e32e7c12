//! `clean undo`, for runs of `clean` and of `sync`.

use crate::clean::{Line, Record};
use crate::cli::{Global, UndoArgs};
use crate::commands::scan::{count, grouped, interruptible, shown};
use crate::commands::{Failure, locate};
use crate::exit::Exit;
use crate::scan::Stop;
use crate::sweep::{self, Found, Journal, Undone};
use crate::ui::Ui;
use serde_json::json;

/// Brings back what a run took away.
pub(super) fn run(args: &UndoArgs, global: &Global, ui: &Ui) -> Result<Exit, Failure> {
    let state = locate::state_dir(global)?;
    let found = sweep::find(&state, &args.run).map_err(Failure::io("read the journals"))?;
    if found.is_empty() {
        return Err(Failure::usage_hint(
            format!("no run {:?} is known", args.run),
            "`pdb-sync clean log` lists them",
        ));
    }
    let config = super::config(global)?;
    let mut work = Vec::new();
    for found in found {
        let print = &found.begin.root;
        let root = match super::verify::root(print) {
            Ok(root) => root,
            Err(why) => return Ok(super::blocked(ui, &why, Some("nothing was touched"))),
        };
        let locks = match super::lock(&root.0, &config, global, &found.begin.run, ui)? {
            Ok(locks) => locks,
            Err(exit) => return Ok(exit),
        };
        work.push((found, root.1, locks));
    }
    let stop = Stop::default();
    let (asked, ui) = (stop.clone(), *ui);
    interruptible(&stop, move || {
        let mut exit = Exit::Done;
        for (found, root, locks) in work {
            let (undone, gone) = one(&found, &root, &state, &asked)?;
            drop(locks);
            exit = exit.worst(tell(&found, &undone, gone, &ui)?);
        }
        Ok(exit)
    })
}

/// Also how many entries are gone for good.
fn one(
    found: &Found,
    root: &std::fs::File,
    state: &std::path::Path,
    stop: &Stop,
) -> Result<(Undone, u64), Failure> {
    use crate::clean::{Did, Kind};
    let mut dirs: Vec<Record> = Vec::new();
    let mut gone = 0;
    let read = found.read(|line| {
        if let Line::Did(record) = line {
            match record.did {
                Did::Deleted if record.kind == Kind::Dir => dirs.push(record),
                Did::Deleted | Did::Backup | Did::Trashed => gone += 1,
                _ => {}
            }
        }
    });
    read.map_err(Failure::io(format!("read the journal {}", found.path.display())))?;
    let undone = sweep::undo(root, &found.begin.run, dirs, &|| stop.is_stopped());
    let undone = undone.map_err(Failure::io(format!("undo run {}", found.name)))?;
    let journal = Journal::open(state, &found.name).and_then(|journal| {
        journal.append(&undone.lines)?;
        journal.sync()
    });
    journal.map_err(Failure::io(format!("write the journal {}", found.path.display())))?;
    Ok((undone, gone))
}

fn tell(found: &Found, undone: &Undone, gone: u64, ui: &Ui) -> Result<Exit, Failure> {
    let Undone { restored, conflicts, failed, .. } = *undone;
    if ui.json {
        ui.json(
            "result",
            &json!({
                "run": found.begin.run, "job": found.begin.job, "root": found.begin.root.path, "restored": restored,
                "conflicts": conflicts, "failed": failed, "gone": gone,
            }),
        )?;
    } else {
        for (path, why) in &undone.why {
            ui.note(&format!("{}: {why}", shown(path)));
        }
        let mut text =
            format!("{} back in {}", count(restored, "entry is", "entries are"), found.begin.root.path);
        if conflicts > 0 {
            text += &format!(", {} still in quarantine", grouped(conflicts));
        }
        if failed > 0 {
            text += &format!(", {} failed", grouped(failed));
        }
        ui.line(&text)?;
        if gone > 0 {
            ui.warning(&format!(
                "{} not in quarantine: deleted for good, or moved by mode {:?}",
                count(gone, "entry is", "entries are"),
                found.begin.mode
            ));
        }
    }
    Ok(match () {
        () if failed > 0 => Exit::Failed,
        () if conflicts + gone > 0 => Exit::Partial,
        () => Exit::Done,
    })
}
