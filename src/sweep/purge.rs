//! Removing for good what has been in quarantine long enough.

use super::below::open_below;
use super::capture::rename_new;
use super::hand::look;
use super::parent::{mtime_of, set_mtime};
use super::quarantine::{info, is_info, runs};
use super::tree;
use crate::clean::Kind;
use crate::clean::path::{OURS, split};
use rustix::fs::{AtFlags, unlinkat};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// Runs that are being purged are called so, and cannot be undone any more.
const GOING: &str = "purging-";

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purged {
    /// Runs whose quarantine is gone.
    pub runs: Vec<String>,
    /// Runs whose time has not come.
    pub kept: Vec<String>,
    /// Entries that were removed.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What could not be removed, and why.
    pub why: Vec<(Vec<u8>, String)>,
}

/// Removes the quarantines of a tree whose time is over: what each said when it was made, or `keep` if given (zero: all).
/// One that does not say when it was made is only removed with a `keep` of zero.
pub fn purge(
    root: &File,
    keep: Option<Duration>,
    now: jiff::Timestamp,
    dry: bool,
    stop: &dyn Fn() -> bool,
) -> io::Result<Purged> {
    let mut purged = Purged::default();
    let before = rustix::fs::fstat(root)?;
    for run in runs(root)? {
        let over = run.starts_with(GOING) || is_over(root, &run, keep, now);
        if !over {
            purged.kept.push(run);
            continue;
        }
        if stop() {
            break;
        }
        let above = open_below(root, &[OURS, b"/quarantine"].concat())?;
        let going = if dry || run.starts_with(GOING) { run.clone() } else { format!("{GOING}{run}") };
        if going != run {
            rename_new(&above, &above, run.as_bytes(), going.as_bytes())?;
        }
        let dir = open_below(&above, going.as_bytes())?;
        empty(&dir, dry, stop, &mut purged)?;
        if !dry {
            // One that is not empty stays, and has been told of.
            let _ = unlinkat(&above, OsStr::new(&going), AtFlags::REMOVEDIR);
        }
        purged.runs.push(run.trim_start_matches(GOING).to_owned());
    }
    if !dry {
        for (parent, name) in [(OURS, &b"quarantine"[..]), (b"", OURS)] {
            let _ = open_below(root, parent)
                .and_then(|parent| unlinkat(parent, OsStr::from_bytes(name), AtFlags::REMOVEDIR));
        }
        let after = rustix::fs::fstat(root)?;
        if mtime_of(&before) != mtime_of(&after) {
            // The root's time belongs to the source.
            set_mtime(root, mtime_of(&before));
        }
    }
    Ok(purged)
}

/// Runs whose quarantine in a tree is past its time, or half purged.
pub fn expired(root: &File, now: jiff::Timestamp) -> io::Result<Vec<String>> {
    let mut runs = runs(root)?;
    runs.retain(|run| run.starts_with(GOING) || is_over(root, run, None, now));
    Ok(runs)
}

fn is_over(root: &File, run: &str, keep: Option<Duration>, now: jiff::Timestamp) -> bool {
    if keep == Some(Duration::ZERO) {
        return true;
    }
    let Some(info) = info(root, run) else { return false };
    let Ok(then) = info.time.parse::<jiff::Timestamp>() else { return false };
    let age = u64::try_from(now.as_second().saturating_sub(then.as_second())).unwrap_or(0);
    age >= keep.map_or(info.keep_s, |keep| keep.as_secs())
}

/// Removes everything in a directory of our own.
fn empty(
    top: &std::os::fd::OwnedFd,
    dry: bool,
    stop: &dyn Fn() -> bool,
    purged: &mut Purged,
) -> io::Result<()> {
    let mut seen = tree::walk(top, |path, dir, names| {
        for (name, _) in names.iter().filter(|(_, kind)| *kind != Kind::Dir) {
            if stop() {
                return false;
            }
            let size = look(dir, name).map(|(_, stamp)| stamp.size).unwrap_or(0);
            let done = if dry { Ok(()) } else { unlinkat(dir, OsStr::from_bytes(name), AtFlags::empty()) };
            match done {
                Ok(()) => {
                    // Its own description is no entry of anybody.
                    let ours = path.is_empty() && is_info(name);
                    purged.entries += u64::from(!ours);
                    purged.bytes += if ours { 0 } else { size };
                }
                Err(error) => {
                    purged.why.push((tree::join(path, name), io::Error::from(error).to_string()));
                }
            }
        }
        true
    })?;
    seen.reverse();
    if dry {
        return Ok(());
    }
    for path in seen.iter().filter(|path| !path.is_empty()) {
        let (parent, name) = split(path);
        let _ = open_below(top, parent)
            .and_then(|dir| unlinkat(dir, OsStr::from_bytes(name), AtFlags::REMOVEDIR));
    }
    Ok(())
}
