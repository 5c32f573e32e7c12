//! Checks what several users of a mirror need: permissions of our own directory in it, and locks that work for all of them.

use super::report::{Area, Finding, Verdict};
use crate::clean::path::OURS;
use crate::clean::removal::open_below::{in_the_way, open_below};
use crate::clean::removal::{self, LOCK, share_command};
use crate::model::sanitize;
use crate::model::system_names::QUARANTINE;
use crate::platform::{follows, group_name, own_name, user_name};
use crate::sync::{Lockable, lockable};
use rustix::fs::{AtFlags, Mode, Stat, fstat, statat};
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Checks our own directory in a mirror that exists and is writable.
pub(super) fn ours(dest: &Path) -> Option<Finding> {
    let root = File::open(dest).ok()?;
    let top = fstat(&root).ok()?;
    let there = statat(&root, OsStr::from_bytes(OURS), AtFlags::SYMLINK_NOFOLLOW).ok()?;
    if let Some((_, kind)) = in_the_way(&root, OURS) {
        let text = format!("cannot prepare the quarantine in {}: .pdb-sync is {kind}", sanitize::path(&dest));
        return Some(warn(text).hint(removal::OURS_IN_THE_WAY));
    }
    let lock = [OURS, b"/", LOCK.as_bytes()].concat();
    if let Some(refusal) = removal::refusal_of_file(&root, dest, &lock)
        && dest.join(OsStr::from_bytes(&lock)) == refusal.path
    {
        let text = format!(
            "nothing can be deleted in {}, since others may be writing there: {refusal}",
            sanitize::path(&dest)
        );
        return Some(warn(text).hint(refusal.hint));
    }
    if let Some(refusal) = removal::cannot_keep(&root, dest) {
        let text = format!("what jobs with keep_deleted and `clean` remove cannot be kept: {refusal}");
        return Some(warn(text).hint(refusal.hint));
    }
    let shared = Mode::from_raw_mode(top.st_mode).contains(Mode::WGRP);
    if !shared || open_below(&root, OURS).is_err() {
        return None;
    }
    let mut closed = Vec::new();
    let mut look = |path: Vec<u8>, stat: Stat| {
        if !follows(&stat, &top) {
            closed.push((path, stat));
        }
    };
    look(OURS.to_vec(), there);
    let mut at = QUARANTINE.as_bytes().to_vec();
    if let Ok(stat) = statat(&root, OsStr::from_bytes(&at), AtFlags::SYMLINK_NOFOLLOW) {
        look(at.clone(), stat);
    }
    at.push(b'/');
    for run in removal::runs(&root).unwrap_or_default() {
        let path = [&at[..], run.as_bytes()].concat();
        if let Ok(stat) = statat(&root, OsStr::from_bytes(&path), AtFlags::SYMLINK_NOFOLLOW) {
            look(path, stat);
        }
    }
    let (path, stat) = closed.first()?;
    let (owner, group) = (user_name(stat.st_uid), group_name(top.st_gid));
    let path = dest.join(OsStr::from_bytes(path));
    let more = closed.len() - 1;
    let text = format!(
        "not every user of group {group} can keep and purge removed files there: {} belongs to {owner}, group {}, mode {:04o}{}",
        sanitize::path(&path),
        group_name(stat.st_gid),
        stat.st_mode & 0o7777,
        if more == 0 { String::new() } else { format!("; {more} more like it") },
    );
    let hint = format!(
        "a run of {owner} on this mirror shares it, if {owner} is in group {group}; or, as root or {owner}: {}",
        share_command(dest, top.st_gid)
    );
    Some(warn(text).hint(hint))
}

/// How many directories are checked.
const SAMPLE: u64 = 2000;

/// Directories of an existing, writable mirror in which this user cannot change anything.
pub(super) fn closed(dest: &Path) -> Option<Finding> {
    let root = File::open(dest).ok()?;
    let closed = removal::closed_below(&root, SAMPLE)?;
    let (path, whose) = &closed.first;
    let text = format!(
        "{} cannot change {} of {}{} directories: {} {whose}",
        own_name(),
        closed.dirs,
        if closed.whole { "" } else { "the first " },
        closed.seen,
        sanitize::path(&dest.join(OsStr::from_bytes(path))),
    );
    let finding = warn(text);
    Some(match removal::change_hint(&root, dest, path) {
        Some(hint) => finding.hint(hint),
        None => finding,
    })
}

/// Checks which locks an existing, writable directory supports.
pub(super) fn locks(dir: &Path) -> Option<Finding> {
    match lockable(dir).ok()? {
        Lockable::Directory => None,
        Lockable::File(error) => {
            let text = format!(
                "directories cannot be locked in {} ({error}): .pdb-sync/lock in the mirror is locked instead",
                sanitize::path(&dir)
            );
            Some(Finding::new(Area::Destination, Verdict::Ok, text))
        }
        Lockable::Nothing(error) => {
            let text = format!("nothing can be locked in {}: {error}", sanitize::path(&dir));
            let hint = "two runs with different state directories could write there at once: start the lock service of its file system, or run from one account and host";
            Some(warn(text).hint(hint))
        }
    }
}

pub(super) fn warn(text: String) -> Finding {
    Finding::new(Area::Destination, Verdict::Warn, text)
}
