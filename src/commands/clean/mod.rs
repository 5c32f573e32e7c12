//! `clean`: rules give a plan that can be reviewed; its removals can be undone.

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

/// The hint for a state directory that cannot be written.
const NEEDS_STATE: &str = "what is removed or brought back is recorded there first: make it writable, make room, or \
     give --state-dir another";
/// The same hint, if nothing was changed yet.
const NOTHING_YET: &str = "nothing was touched; what is removed is recorded there first: make it writable, make room, \
     or give --state-dir another";

/// Runs `clean`.
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

/// Returns the configuration. A missing file is not an error.
fn config(global: &Global) -> Result<Config, Failure> {
    Ok(settings::open(global)?.check(&Overrides::default())?)
}

/// The current time in nanoseconds since 1970.
fn now() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX)
}

/// Returns a locked tree, ready for changes. Modes of directories that an earlier run did not restore are restored first.
fn open_to_change(root: &File, path: &Path, state: &Path, ui: &Ui) -> Result<Arc<WriteAccess>, Failure> {
    let access = root.try_clone().and_then(|root| WriteAccess::new(root, path, state));
    let access = access.map_err(Failure::io(format!("open {}", sanitize::path(&path))))?;
    access.put_back();
    tell_modes(&access, path, ui);
    Ok(access)
}

/// Reports directories whose modes could not be restored.
fn tell_modes(access: &WriteAccess, path: &Path, ui: &Ui) {
    for text in access.take_troubles() {
        ui.warning(&format!("{}: {text}", sanitize::path(&path)));
    }
}

/// Escapes entries that earlier runs left under their own names, and reports failures. The tree is locked.
fn escape_quarantines(access: &Arc<WriteAccess>, path: &Path, state: &Path, stop: &Stop, ui: &Ui) {
    let left = removal::escape_quarantines(access, state, &|| stop.is_stopped());
    match left.text(path) {
        Some(text) if left.is_of_others() => ui.note(&text),
        Some(text) => ui.warning(&text),
        None => {}
    }
}

/// Reports why a guard refused.
fn blocked(ui: &Ui, text: &str, hint: Option<&str>) -> ExitCode {
    ui.error_of(ErrorKind::Blocked, text, hint);
    ExitCode::Blocked
}

/// Locks a tree and every mirror above or below it. `Err(Ok(exit))` has been reported already.
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
