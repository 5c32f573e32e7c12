//! Which run is the last that took something away: the one that is meant by `clean undo last`.

use super::capture::is_beside;
use super::journals::{FoundJournal, list, pick};
use super::parent::Parent;
use super::planner::root_of;
use super::quarantine::{ASIDE, ESCAPED, Place, is_info, place, place_of};
use super::remove_entry::look;
use super::{open_below::open_below, tree};
use crate::clean::path::split;
use crate::clean::{EntryOutcome, Kind, Line};
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The journals of a run, for an undo: there the `last` run is the newest that took something away, for one that came to
/// nothing, as of a plan that had been carried out already, is what nobody means, whether it came to its end or was killed.
pub fn find_to_undo(state: &Path, run: &str) -> io::Result<Vec<FoundJournal>> {
    pick(list(state)?, run, took)
}

/// Whether the run of the `n`th of these journals took anything away; in doubt it did.
fn took(all: &[FoundJournal], n: usize) -> io::Result<bool> {
    let found = &all[n];
    let (mut took, mut command, mut ended) = (false, found.begin.command.clone(), false);
    let open = found.outcomes_and(&|| true, |line| match line {
        Line::Did(record) => took |= record.did.is_gone() || record.did == EntryOutcome::Restored,
        Line::Begin(begin) => command.clone_from(&begin.command),
        Line::End(_) => {
            ended |= command == found.begin.command;
            // One of `sync` only stays if something was removed or replaced.
            took |= command == "sync";
        }
        Line::Was(..) => {}
    })?;
    if took || ended {
        return Ok(took);
    }
    // Whoever undoes the last run when one was cut short means that one. Only what repeated a plan is asked further.
    let repeats = |before: &FoundJournal| {
        found.begin.plan.is_some()
            && (&before.begin.plan, &before.begin.root) == (&found.begin.plan, &found.begin.root)
    };
    if !all[..n].iter().any(repeats) {
        return Ok(true);
    }
    // What it has put into the quarantine names itself there, and perhaps not yet in the journal.
    let Some(root) = open_root(found) else { return Ok(true) };
    if holds_something(&root, &found.begin.run) {
        return Ok(true);
    }
    let mut gone = HashSet::new();
    for record in open {
        if record.kind != Kind::Dir && is_beside(&root, &found.begin.run, &record.path) {
            return Ok(true);
        }
        let (dir, name) = split(&record.path);
        if Parent::open(&root, dir).and_then(|dir| look(dir.fd(), name)).is_err() {
            gone.insert(record.path);
        }
    }
    // What it was about to take and is not there was taken by it, unless an earlier run says that it did so.
    if !gone.is_empty() {
        let mut earlier = HashSet::new();
        for before in all[..n].iter().filter(|before| before.begin.root == found.begin.root) {
            before.read(|line| match line {
                Line::Did(record) if record.did.is_gone() => _ = earlier.insert(record.path),
                Line::Did(record) if record.did == EntryOutcome::Restored => _ = earlier.remove(&record.path),
                _ => {}
            })?;
            earlier.retain(|path| gone.contains(path));
        }
        gone.retain(|path| !earlier.contains(path));
    }
    Ok(!gone.is_empty())
}

/// The tree of a run, if it is the one that it was.
fn open_root(found: &FoundJournal) -> Option<File> {
    let root = File::open(root_of(&found.begin.root)?).ok()?;
    (root.metadata().ok()?.ino() == found.begin.root.ino).then_some(root)
}

/// Whether anything lies in the quarantine of a run beside what describes it.
fn holds_something(root: &File, run: &str) -> bool {
    match open_below(root, &place(run)) {
        Ok(dir) => holds(&dir, |_| true) != Some(false),
        Err(_) => place_of(root, run) != Place::Gone,
    }
}

/// Whether the quarantine of a run in a tree holds what an undo of that run would bring back. What an undo has put aside is no such thing.
/// What cannot be looked at does not count.
pub fn can_undo(root: &File, run: &str) -> bool {
    let Ok(dir) = open_below(root, &place(run)) else { return false };
    let top = |path: &[u8]| {
        let path = path.strip_prefix(ESCAPED).and_then(|path| path.strip_prefix(b"/")).unwrap_or(path);
        !path.starts_with(ASIDE)
    };
    holds(&dir, top) == Some(true)
}

/// Whether anything but a description lies below a place, in a directory that `counts`; `None`: not all of it could be looked at.
fn holds(place: &OwnedFd, counts: impl Fn(&[u8]) -> bool) -> Option<bool> {
    let (mut found, mut unknown) = (false, false);
    let mut look = |path: &[u8], names: &[(Vec<u8>, Kind)]| {
        let ours = |name: &[u8]| path.is_empty() && is_info(name);
        found |= counts(path) && names.iter().any(|(name, kind)| *kind != Kind::Dir && !ours(name));
        !found
    };
    tree::walk(place, |path, _, names| look(path, names), |_, _| unknown = true);
    if found { Some(true) } else { (!unknown).then_some(false) }
}
