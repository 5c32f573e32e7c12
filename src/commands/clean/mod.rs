//! `clean`: from rules to a plan that people can look at, to removal that can be undone.

mod apply_plan;
mod edit;
mod log;
mod plan;
mod plan_summary;
mod plans;
mod progress;
mod purge;
mod removal_modes;
mod rulebook;
mod rules;
mod run;
mod show;
mod undo;
mod verify;

pub(super) use verify::root_of_run;

use super::{Failure, file_locations, settings};
use crate::clean::removal::{self, WriteAccess};
use crate::cli::{CleanAction, CleanArgs, Global};
use crate::config::{Config, Overrides};
use crate::model::exit_code::ExitCode;
use crate::model::sanitize;
use crate::output::terminal::{ErrorKind, Ui};
use crate::scan::Stop;
use crate::sync::{Lock, LockOwners, Tried, try_lock};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What to do when the state directory refuses.
const NEEDS_STATE: &str = "what is taken away or brought back is written down there first: make it writable, make room, or \
     give --state-dir another";
/// The same before anything was done.
const NOTHING_YET: &str = "nothing was touched; what is taken away is written down there first: make it writable, make room, \
     or give --state-dir another";

/// Does what `clean` is asked to.
pub(super) fn run(args: &CleanArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    match &args.action {
        CleanAction::Plan(args) => {
            super::costs::noted("clean plan", global, ui, || plan::run(args, global, ui))
        }
        CleanAction::Show(args) => show::run(args, global, ui),
        CleanAction::Edit(args) => edit::run(args, global, ui),
        CleanAction::Verify(args) => verify::run(args, global, ui),
        CleanAction::Run(args) => run::run(args, global, ui),
        CleanAction::Undo(args) => undo::run(args, global, ui),
        CleanAction::Log(args) => log::run(args, global, ui),
        CleanAction::Purge(args) if args.dry_run => purge::run(args, global, ui),
        CleanAction::Purge(args) => {
            super::costs::noted("clean purge", global, ui, || purge::run(args, global, ui))
        }
        CleanAction::Rules => rules::list(global, ui),
        CleanAction::Explain(args) => rules::explain(args, global, ui),
    }
}

/// The configuration; that there is none is no error.
fn config(global: &Global) -> Result<Config, Failure> {
    Ok(settings::open(global)?.check(&Overrides::default())?)
}

/// Nanoseconds since 1970.
fn now() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX)
}

/// A tree that is locked, to be changed. The modes of directories that a run before this one has not put back are put back first.
fn open_to_change(root: &File, path: &Path, state: &Path, ui: &Ui) -> Result<Arc<WriteAccess>, Failure> {
    let access = root.try_clone().and_then(|root| WriteAccess::new(root, path, state));
    let access = access.map_err(Failure::io(format!("open {}", sanitize::path(&path))))?;
    access.put_back();
    tell_modes(&access, path, ui);
    Ok(access)
}

/// Tells of directories that did not get their modes back.
fn tell_modes(access: &WriteAccess, path: &Path, ui: &Ui) {
    for text in access.take_troubles() {
        ui.warning(&format!("{}: {text}", sanitize::path(&path)));
    }
}

/// Escapes what earlier runs left under its own names, and tells of what cannot be. The tree is locked.
fn escape_quarantines(access: &Arc<WriteAccess>, path: &Path, state: &Path, stop: &Stop, ui: &Ui) {
    let left = removal::escape_quarantines(access, state, &|| stop.is_stopped());
    match left.text(path) {
        Some(text) if left.is_of_others() => ui.note(&text),
        Some(text) => ui.warning(&text),
        None => {}
    }
}

/// Says why a guard refused.
fn blocked(ui: &Ui, text: &str, hint: Option<&str>) -> ExitCode {
    ui.error_of(ErrorKind::Blocked, text, hint);
    ExitCode::Blocked
}

/// Locks a tree, and every mirror that holds it or lies in it. `Err(Ok(exit))` has been told already.
fn lock(
    root: &Path,
    config: &Config,
    global: &Global,
    run: &str,
    ui: &Ui,
) -> Result<Result<Vec<Lock>, ExitCode>, Failure> {
    let lock_owners = LockOwners::new(&file_locations::state_dir(global)?, run);
    let mut dirs: Vec<PathBuf> = vec![root.into()];
    for job in &config.jobs {
        let Ok(dest) = job.dest.canonicalize() else { continue };
        if dest != root && dest.is_dir() && (dest.starts_with(root) || root.starts_with(&dest)) {
            dirs.push(dest);
        }
    }
    let mut locks = Vec::new();
    for dir in dirs {
        match try_lock(&dir, &lock_owners) {
            Ok(Tried::Held(lock)) => {
                if let Some(reason) = lock.unsure() {
                    ui.error(&format!("{}; nothing was touched", reason.text), reason.hint.as_deref());
                    return Ok(Err(ExitCode::Failed));
                }
                if let Some(text) = lock.news() {
                    ui.note(text);
                }
                locks.push(lock);
            }
            Ok(Tried::Busy(holder)) => {
                ui.error_of(
                    ErrorKind::Locked,
                    &format!("{} is locked by {holder}", sanitize::path(&dir)),
                    Some("try again when that run has ended; nothing was touched"),
                );
                return Ok(Err(ExitCode::Locked));
            }
            Err(error) => return Err(Failure::io(format!("lock {}", sanitize::path(&dir)))(error)),
        }
    }
    Ok(Ok(locks))
}
