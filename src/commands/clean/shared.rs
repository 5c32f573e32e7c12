//! What several actions of `clean` need: the configuration, the lock of a tree, write access to it, and messages.

use crate::clean::removal::{self, ApplyProgress, WriteAccess};
use crate::cli::Global;
use crate::commands::{Failure, file_locations, settings};
use crate::config::{Config, Overrides};
use crate::model::exit_code::ExitCode;
use crate::model::sanitize;
use crate::output::terminal::{Done, ErrorKind, Ui};
use crate::scan::Stop;
use crate::sync::{Lock, LockOwners, Tried, try_lock};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The hint for a state directory that cannot be written.
pub(super) const NEEDS_STATE: &str = "what is removed or brought back is recorded there first: make it writable, make room, or \
     give --state-dir another";
/// The same hint, if nothing was changed yet.
pub(super) const NOTHING_YET: &str = "nothing was touched; what is removed is recorded there first: make it writable, make room, \
     or give --state-dir another";

/// Returns the configuration. A missing file is not an error.
pub(super) fn config(global: &Global) -> Result<Config, Failure> {
    Ok(settings::open(global)?.check(&Overrides::default())?)
}

/// The current time in nanoseconds since 1970.
pub(super) fn now() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX)
}

/// Returns a locked tree, ready for changes. From here on, no marker shows that its mirrors are complete. Modes of directories that an earlier run did not restore are restored first.
pub(super) fn open_to_change(
    root: &File,
    path: &Path,
    state: &Path,
    ui: &Ui,
) -> Result<Arc<WriteAccess>, Failure> {
    crate::sync::void_markers(state, path)
        .map_err(Failure::io("remove the markers of mirrors".to_owned()))?;
    let access = root.try_clone().and_then(|root| WriteAccess::new(root, path, state));
    let access = access.map_err(Failure::io(format!("open {}", sanitize::path(&path))))?;
    access.put_back();
    tell_modes(&access, path, ui);
    Ok(access)
}

/// Reports directories whose modes could not be restored.
pub(super) fn tell_modes(access: &WriteAccess, path: &Path, ui: &Ui) {
    for text in access.take_troubles() {
        ui.warning(&format!("{}: {text}", sanitize::path(&path)));
    }
}

/// Escapes entries that earlier runs left under their own names, and reports failures. The tree is locked.
pub(super) fn escape_quarantines(access: &Arc<WriteAccess>, path: &Path, state: &Path, stop: &Stop, ui: &Ui) {
    let left = removal::escape_quarantines(access, state, &|| stop.is_stopped());
    match left.text(path) {
        Some(text) if left.is_of_others() => ui.note(&text),
        Some(text) => ui.warning(&text),
        None => {}
    }
}

/// Returns what is done of `of` entries; 0 is an unknown number.
pub(super) fn done(meter: &ApplyProgress, of: u64) -> Done {
    Done { things: meter.entries.load(Ordering::Relaxed), of, bytes: meter.bytes.load(Ordering::Relaxed) }
}

/// Reports why a guard refused.
pub(super) fn blocked(ui: &Ui, text: &str, hint: Option<&str>) -> ExitCode {
    ui.error_of(ErrorKind::Blocked, text, hint);
    ExitCode::Blocked
}

/// Locks a tree and every mirror above or below it. `Err(Ok(exit))` has been reported already.
pub(super) fn lock(
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
