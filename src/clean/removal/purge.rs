//! Removes expired quarantines for good.

use super::apply::ApplyProgress;
use super::mode::can_be_made_writable;
use super::open_below::{open_below, why_not};
use super::place::{GOING, PLACE, is_info};
use super::quarantine::{info, remove_empty, runs};
use super::recipe::{mtime_of, set_mtime};
use super::refusal::{Refusal, refusal};
use super::rename::{Target, rename_new};
use super::stamp::look;
use super::tree;
use super::write_access::WriteAccess;
use crate::clean::Kind;
use crate::clean::path::{OURS, split};
use crate::platform::{may_change, user_name};
use crate::retention::{self, Age, Item, Moment};
use rustix::fs::{AtFlags, Stat, statat, unlinkat};
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Which quarantines are purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Those whose own retention time has passed, and that an earlier run has marked.
    Marked,
    /// Those older than this, at once (zero: all), at the request of a user.
    OlderThan(Duration),
}

/// The arguments of a purge.
pub struct Purge<'a> {
    /// The tree, open and locked.
    pub tree: &'a Arc<WriteAccess>,
    /// Which quarantines are purged.
    pub order: Order,
    /// The current time.
    pub now: &'a Moment,
    /// Whether nothing is changed (dry run).
    pub dry: bool,
    /// Called with each run before the first of its entries is removed; an error is a warning.
    pub begun: &'a dyn Fn(&str) -> io::Result<()>,
    /// Called between entries; true stops the purge.
    pub stop: &'a dyn Fn() -> bool,
    /// Progress for display.
    pub meter: &'a ApplyProgress,
}

/// The result of a purge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purged {
    /// Runs whose quarantine was removed.
    pub runs: Vec<String>,
    /// Runs whose quarantine stays.
    pub kept: Vec<String>,
    /// Those of them that are marked, and when they may be purged, in seconds since 1970.
    pub marked: BTreeMap<String, i64>,
    /// Number of entries removed.
    pub entries: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Entries that could not be removed, with the reason.
    pub why: Vec<(Vec<u8>, String)>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// Removes the expired quarantines of a tree, and those whose purge was interrupted. A quarantine without a readable date is only removed
/// if all are.
pub fn purge(purge: &Purge<'_>) -> io::Result<Purged> {
    let Purge { tree, dry, stop, .. } = *purge;
    let root = tree.root();
    let mut purged = Purged::default();
    let before = rustix::fs::fstat(root)?;
    let runs = runs(root)?;
    let going = over(purge, &runs, &mut purged)?;
    for run in runs {
        if !run.starts_with(GOING) && !going.contains(&run) {
            purged.kept.push(run);
            continue;
        }
        if stop() {
            break;
        }
        let above = open_below(root, PLACE)?;
        let name = run.trim_start_matches(GOING);
        if !dry && let Err(why) = may_empty(&above, &run, &before) {
            // Checked before the rename: if the quarantine cannot be removed, its owner can still undo the run.
            purged.why.push((name.as_bytes().to_vec(), why));
            purged.kept.push(name.to_owned());
            continue;
        }
        let going = if dry || run.starts_with(GOING) { run.clone() } else { format!("{GOING}{run}") };
        if going != run
            && let Err(error) = rename_new(&above, run.as_bytes(), &above, going.as_bytes(), Target::Ours)
        {
            purged.why.push((name.as_bytes().to_vec(), why_not(error)));
            purged.kept.push(name.to_owned());
            continue;
        }
        if !dry && let Err(error) = (purge.begun)(name) {
            purged.warnings.push(format!("cannot note in its journal that run {name} is purged: {error}"));
        }
        let dir = open_below(&above, going.as_bytes())?;
        empty(&dir, &before, purge, &mut purged);
        if stop() {
            // The next purge continues.
            break;
        }
        if !dry {
            // A directory that is not empty stays, and has been reported.
            let _ = unlinkat(&above, OsStr::new(&going), AtFlags::REMOVEDIR);
        }
        purged.runs.push(name.to_owned());
    }
    if !dry {
        remove_empty(tree);
        let after = rustix::fs::fstat(root)?;
        if mtime_of(&before) != mtime_of(&after) {
            // The modification time of the root is that of the source.
            set_mtime(root, mtime_of(&before));
        }
    }
    Ok(purged)
}

/// Returns the runs to purge, except those whose purge was interrupted.
fn over(purge: &Purge<'_>, runs: &[String], purged: &mut Purged) -> io::Result<BTreeSet<String>> {
    let Purge { tree, now, .. } = *purge;
    let root = tree.root();
    let whole = runs.iter().filter(|run| !run.starts_with(GOING));
    match purge.order {
        Order::OlderThan(Duration::ZERO) => Ok(whole.cloned().collect()),
        Order::OlderThan(keep) => {
            let over = |run: &&String| retention::age_of(&Item { keep, ..item(root, run) }, now) == Age::Over;
            Ok(whole.filter(over).cloned().collect())
        }
        Order::Marked => {
            let ours = match open_below(root, OURS) {
                Ok(ours) => ours,
                Err(Errno::NOENT) => return Ok(BTreeSet::new()),
                Err(error) => return Err(error.into()),
            };
            let items: Vec<Item> = whole.map(|run| item(root, run)).collect();
            let looked = retention::look(ours, &items, now, purge.dry);
            purged.marked = looked.marked;
            purged.warnings.extend(looked.warning);
            Ok(looked.purge.into_iter().collect())
        }
    }
}

/// Returns the runs whose quarantine is expired or partly purged.
pub fn expired(root: &File, now: &Moment) -> io::Result<Vec<String>> {
    let mut runs = runs(root)?;
    runs.retain(|run| run.starts_with(GOING) || retention::age_of(&item(root, run), now) == Age::Over);
    Ok(runs)
}

/// What the quarantine of a run says about its age.
fn item(root: &File, run: &str) -> Item {
    let info = info(root, run);
    let keep = Duration::from_secs(info.as_ref().map_or(0, |info| info.keep_s));
    Item { name: run.into(), since: info.and_then(|info| info.since()), keep }
}

/// Removes everything in a directory of ours.
fn empty(top: &OwnedFd, above: &Stat, purge: &Purge<'_>, purged: &mut Purged) {
    let Purge { dry, stop, meter, .. } = *purge;
    let (mut closed, mut seen) = (Vec::new(), Vec::new());
    let each = |path: &[u8], dir: &OwnedFd, names: &[(Vec<u8>, Kind)]| {
        if stop() {
            return false;
        }
        if !dry {
            tree::open_up(dir, above);
        }
        for (name, _) in names.iter().filter(|(_, kind)| *kind != Kind::Dir) {
            if stop() {
                return false;
            }
            let size = look(dir, name).map(|(_, stamp)| stamp.size).unwrap_or(0);
            let done = if dry { Ok(()) } else { unlinkat(dir, OsStr::from_bytes(name), AtFlags::empty()) };
            match done {
                Ok(()) => {
                    // The description is not counted as an entry.
                    let ours = path.is_empty() && is_info(name);
                    purged.entries += u64::from(!ours);
                    purged.bytes += if ours { 0 } else { size };
                    meter.entries.fetch_add(u64::from(!ours), Ordering::Relaxed);
                    meter.bytes.fetch_add(if ours { 0 } else { size }, Ordering::Relaxed);
                }
                Err(error) => {
                    purged.why.push((tree::join(path, name), io::Error::from(error).to_string()));
                }
            }
        }
        true
    };
    seen.extend(tree::walk(top, each, |path, error| closed.push((path.to_vec(), why_not(error)))));
    purged.why.extend(closed);
    seen.reverse();
    if dry {
        return;
    }
    for path in seen.iter().filter(|path| !path.is_empty()).take_while(|_| !stop()) {
        let (parent, name) = split(path);
        let _ = open_below(top, parent)
            .and_then(|dir| unlinkat(dir, OsStr::from_bytes(name), AtFlags::REMOVEDIR));
    }
}

/// Whether this user could empty the quarantine of a run.
fn may_empty(above: &OwnedFd, run: &str, root: &Stat) -> Result<(), String> {
    let tried = open_below(above, run.as_bytes()).and_then(|dir| {
        tree::open_up(&dir, root);
        may_change(dir)
    });
    tried.map_err(|error| match statat(above, run, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => format!("{}: it belongs to {}", why_not(error), user_name(stat.st_uid)),
        Err(_) => why_not(error),
    })
}

/// Returns the directory that prevents this user from keeping entries in the mirror `root`, which is at `dest`.
pub fn cannot_keep(root: &File, dest: &Path) -> Option<Refusal> {
    let refusal = refusal(root, dest, PLACE)?;
    // A root that this user owns is made writable temporarily.
    (refusal.path != dest || !can_be_made_writable(root)).then_some(refusal)
}

/// Returns the directory that prevents this user from purging anything in the mirror `root`, which is at `dest`.
pub fn cannot_purge(root: &File, dest: &Path) -> Option<Refusal> {
    match open_below(root, PLACE) {
        Err(Errno::NOENT) => None,
        _ => refusal(root, dest, PLACE),
    }
}
