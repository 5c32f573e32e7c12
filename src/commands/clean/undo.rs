//! `clean undo`, for runs of `clean` and of `sync`.

use super::shared;
use crate::clean::path::split;
use crate::clean::removal::{
    self, ApplyProgress, FoundJournal, Journal, Parent, Place, Undone, WriteAccess, look,
};
use crate::clean::{Dirs, EntryOutcome, Kind, Line, Record, UNDO, transfers};
use crate::cli::{Global, UndoArgs};
use crate::commands::costs::{self, Clock};
use crate::commands::history_lookup;
use crate::commands::interruption::{CHANGING, interruptible};
use crate::commands::{Failure, file_locations};
use crate::config::Config;
use crate::model::exit_code::ExitCode;
use crate::model::sanitize;
use crate::model::time::{local_of, rfc3339_of};
use crate::output::terminal::{Ui, shown};
use crate::output::units::{count, grouped};
use crate::platform::own_name;
use crate::scan::Stop;
use crate::system::running::Registration;
use serde_json::json;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Restores what a run removed, and records the cost.
pub(super) fn run(args: &UndoArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let clock = Clock::start("clean undo");
    let state = file_locations::state_dir(global)?;
    let config = shared::config(global)?;
    let meant = match args.run.as_str() {
        "last" => "last".to_owned(),
        wanted => {
            history_lookup::run_meant(&state, wanted)?.ok_or_else(|| unknown(wanted, &config, &state))?
        }
    };
    let found = removal::find_to_undo(&state, &meant).map_err(Failure::io("read the journals"))?;
    if found.is_empty() {
        return Err(nothing_kept(&meant, &config, &state));
    }
    let (mut work, mut purged) = (Vec::new(), ExitCode::Done);
    for found in found {
        if let Some(time) = &found.purged {
            purged = tell_lost(&found, Some(time), ui)?;
            continue;
        }
        let root = match super::verify::root_of_run(&found.begin) {
            Ok(root) => root,
            Err(why) => return Ok(shared::blocked(ui, &why, Some("nothing was touched"))),
        };
        let locks = match shared::lock(&root.0, &config, global, &found.begin.run, ui)? {
            Ok(locks) => locks,
            Err(exit) => return Ok(exit),
        };
        work.push((found, root.1, root.0, locks));
    }
    let trees = work.iter().map(|(_, _, path, _)| path.to_string_lossy().into_owned()).collect();
    let run = work.first().map(|(found, ..)| found.begin.run.clone());
    costs::reached("select");
    let _registered = Registration::of_run(&state, "clean undo", trees, run, None);
    let stop = Stop::default();
    let (asked, told) = (stop.clone(), *ui);
    let exit = interruptible(&stop, ui, CHANGING, move || {
        let mut exit = purged;
        for (found, root, path, locks) in work {
            if asked.is_stopped() {
                break;
            }
            let Some(said) = Said::read(&found, &asked)? else { break };
            if said.is_lost(&found, &root) {
                exit = exit.worst(tell_lost(&found, None, &told)?);
                continue;
            }
            costs::reached("read");
            let access = shared::open_to_change(&root, &path, &state, &told)?;
            let (undone, gone) = one(&found, &said.dirs, &access, &state, &asked, &told)?;
            if !asked.is_stopped() {
                shared::escape_quarantines(&access, &path, &state, &asked, &told);
            }
            shared::tell_modes(&access, &path, &told);
            drop(access);
            drop(locks);
            costs::reached("restore");
            exit =
                exit.worst(tell(&found, &undone, gone, said.before.as_deref(), asked.is_stopped(), &told)?);
        }
        Ok(exit)
    })?;
    clock.note(exit, global, ui);
    Ok(exit)
}

/// Returns the error for a run that is in the history but has no journal.
fn nothing_kept(run: &str, config: &Config, state: &Path) -> Failure {
    if run == "last" {
        return Failure::usage_hint(
            "no run has removed anything that could be brought back",
            "`pdb-sync clean run` keeps what it removes, and `sync` for a job with `keep_deleted`",
        );
    }
    if elsewhere(run, config).is_some() {
        return unknown(run, config, state);
    }
    Failure::usage_hint(
        format!("nothing of run {run} can be brought back: it kept nothing"),
        "`sync` keeps what it deletes or replaces for a job with `keep_deleted`",
    )
}

/// Returns the mirror with a quarantine of this run, and the user who made it.
fn elsewhere<'a>(run: &str, config: &'a Config) -> Option<(&'a Path, String)> {
    config.jobs.iter().find_map(|job| {
        let root = File::open(&job.dest).ok()?;
        Some((job.dest.as_path(), removal::made_by(&root, run)?))
    })
}

/// Returns the error for a run without a journal. A run by another user or on another host may have a quarantine in a mirror all the same.
fn unknown(run: &str, config: &Config, state: &Path) -> Failure {
    let name = run.to_ascii_uppercase();
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
    match elsewhere(&name, config).filter(|_| plain) {
        Some((dest, user)) => Failure::usage_hint(
            format!(
                "the state directory {} has no journal of run {name}, whose quarantine in {} was made by {user}",
                sanitize::path(&state),
                sanitize::path(&dest)
            ),
            match user == own_name() {
                true => "give the state directory of that run by --state-dir".to_owned(),
                false => {
                    format!("run as {user}, or as root with --state-dir and the state directory of {user}")
                }
            },
        ),
        None => history_lookup::no_run(run),
    }
}

/// The contents of a journal, from one reading.
#[derive(Default)]
struct Said {
    /// The metadata of directories before the run.
    dirs: Dirs,
    /// The start of the last undo of the run.
    before: Option<String>,
    /// Whether the quarantine had entries of the run.
    held: bool,
}

impl Said {
    /// Returns `None` if a signal stopped the reading.
    fn read(found: &FoundJournal, stop: &Stop) -> Result<Option<Self>, Failure> {
        let mut said = Said::default();
        let read = found.read_while(&|| !stop.is_stopped(), |line| {
            said.dirs.learn(&line);
            match line {
                Line::Did(record) => said.held |= record.did == EntryOutcome::Quarantined,
                Line::Begin(begin) if begin.command == UNDO => said.before = Some(begin.time),
                Line::End(_) => said.held |= transfers(&found.begin.command),
                Line::Begin(_) | Line::Was(..) => {}
            }
        });
        match read {
            Ok(()) => Ok(Some(said)),
            Err(_) if stop.is_stopped() => Ok(None),
            Err(error) => {
                Err(Failure::io(format!("read the journal {}", sanitize::path(&found.path)))(error))
            }
        }
    }

    /// Whether the quarantine had entries that were not restored and no longer exist. A purge with another state directory leaves no other
    /// trace.
    fn is_lost(&self, found: &FoundJournal, root: &File) -> bool {
        match removal::place_of(root, &found.begin.run) {
            Place::Held => false,
            Place::Going => true,
            Place::Gone => self.held && self.before.is_none(),
        }
    }
}

/// Reports that nothing can be restored, and the time of the purge if it is known.
fn tell_lost(found: &FoundJournal, time: Option<&str>, ui: &Ui) -> Result<ExitCode, Failure> {
    let begin = &found.begin;
    let (run, root) = (&begin.run, &begin.root.path);
    let why = match time {
        Some(time) => format!("was purged on {}", local_of(time)),
        None => "is gone: it was purged without a record in this state directory, or removed by hand".into(),
    };
    let text = format!("cannot undo run {run}: what it had in the quarantine of {root} {why}");
    ui.error(&text, Some("nothing was touched; a new `sync` fetches what upstream still has"));
    let body = json!({
        "run": begin.run, "job": begin.job, "root": begin.root.path, "restored": 0, "conflicts": 0,
        "failed": 0, "gone": null, "lost": true, "purged": time.and_then(rfc3339_of), "undone_before": null, "stopped": false,
    });
    ui.result(ExitCode::Failed, &body)?;
    Ok(ExitCode::Failed)
}

/// Undoes one run. Also returns the number of entries that are permanently lost.
fn one(
    found: &FoundJournal,
    dirs: &Dirs,
    access: &Arc<WriteAccess>,
    state: &Path,
    stop: &Stop,
    ui: &Ui,
) -> Result<(Undone, u64), Failure> {
    let root = access.root();
    let cannot = || Failure::io(format!("read the journal {}", sanitize::path(&found.path)));
    let (mut gone, mut held, mut returned) = (0u64, 0u64, 0u64);
    let begin = &found.begin;
    // Entries that were captured and could not be put back.
    let (mut beside, deletes) = (Vec::new(), begin.mode == "delete");
    let open = found.outcomes_while(&|| !stop.is_stopped(), |record| {
        let entries = |counts: bool| if counts { record.entries } else { 0 };
        held += entries(record.did == EntryOutcome::Quarantined);
        // By an earlier undo.
        returned += entries(record.did == EntryOutcome::Restored && record.kind != Kind::Dir);
        gone += entries(
            record.kind != Kind::Dir && record.did.is_gone() && record.did != EntryOutcome::Quarantined,
        );
        let left =
            matches!(record.did, EntryOutcome::Failed | EntryOutcome::Skipped) && record.kind != Kind::Dir;
        if deletes && left && removal::is_beside(root, &begin.run, &record.path) {
            beside.push(record);
        }
    });
    let open = match open {
        Err(_) if stop.is_stopped() => return Ok((Undone::default(), 0)),
        open => open.map_err(cannot())?,
    };
    beside.extend(open.iter().cloned());
    let journal = Journal::open(state, &found.name);
    let tried = format!("open the journal {} to write", sanitize::path(&found.path));
    let journal = journal.map_err(Failure::io_hint(tried, shared::NEEDS_STATE))?;
    let meter = ApplyProgress::default();
    let undo = || removal::undo(access, begin, dirs, &beside, &journal, &|| stop.is_stopped(), &meter);
    let undone = ui.spinner().watch(&begin.root.path, || shared::done(&meter, held), undo);
    let undone = undone.map_err(Failure::io(format!("undo run {}", found.name)))?;
    let is_there = |path: &[u8]| {
        let (dir, name) = split(path);
        Parent::open(root, dir).is_ok_and(|dir| look(dir.fd(), name).is_ok())
    };
    // An interrupted run may or may not have removed the entries that it was about to remove.
    for record in open.iter().filter(|record| record.kind != Kind::Dir && !is_there(&record.path)) {
        gone += record.entries;
    }
    // A transfer replaces more than its journal names, so only a run of `clean` tells what has to be in the quarantine. What an undo that was
    // killed has restored may be missing in the journal, so each entry is looked for.
    let known = returned + undone.returned + undone.conflicts + undone.failed;
    if begin.command == "clean" && held > known && !stop.is_stopped() {
        let mut absent = 0u64;
        let look_for = |record: Record| {
            let missing = record.did == EntryOutcome::Quarantined && !is_there(&record.path);
            absent += if missing { record.entries } else { 0 };
        };
        match found.outcomes_while(&|| !stop.is_stopped(), look_for) {
            Err(_) if stop.is_stopped() => {}
            looked => _ = looked.map_err(cannot())?,
        }
        gone += absent.saturating_sub(undone.failed);
    }
    Ok((undone, gone))
}

/// Reports the result. `before`: the time of an earlier undo. `stopped`: whether a signal ended the undo early.
fn tell(
    found: &FoundJournal,
    undone: &Undone,
    gone: u64,
    before: Option<&str>,
    stopped: bool,
    ui: &Ui,
) -> Result<ExitCode, Failure> {
    let Undone { restored, conflicts, failed, .. } = *undone;
    let exit = match () {
        () if failed > 0 => ExitCode::Failed,
        () if conflicts + gone > 0 => ExitCode::Partial,
        () => ExitCode::Done,
    };
    let body = json!({
        "run": found.begin.run, "job": found.begin.job, "root": found.begin.root.path, "restored": restored,
        "conflicts": conflicts, "failed": failed, "gone": gone, "lost": false, "purged": null,
        "undone_before": before.and_then(rfc3339_of), "stopped": stopped,
    });
    ui.report(exit, &body, || {
        for (path, why) in &undone.why {
            ui.warning(&format!("{}: {why}", shown(path)));
        }
        let mut text =
            format!("{} back in {}", count(restored, "entry is", "entries are"), found.begin.root.path);
        if conflicts > 0 {
            text += &format!(", {} not, since other entries are in their place", grouped(conflicts));
        }
        if failed > 0 {
            text += &format!(", {} failed", grouped(failed));
        }
        if stopped {
            text += ", stopped before the end: repeat the command to continue";
        } else if restored + conflicts + failed == 0 {
            text += &match before {
                Some(time) => format!(": run {} was undone on {} already", found.begin.run, local_of(time)),
                None => format!(": run {} has nothing in the quarantine", found.begin.run),
            };
        }
        if conflicts + failed == 0 && !stopped {
            ui.outcome(&text)?
        } else {
            ui.line(&text)?
        }
        if gone > 0 {
            let entries = count(gone, "entry is", "entries are");
            ui.warning(&match found.begin.mode.as_str() {
                "quarantine" => {
                    format!("{entries} missing in the quarantine: something else has removed them")
                }
                mode => format!("{entries} not in quarantine: deleted for good, or moved by mode {mode:?}"),
            });
        }
        Ok(())
    })?;
    Ok(exit)
}
