//! Determines the last run that removed something, for `clean undo last`.

use super::capture::is_beside;
use super::journals::{FoundJournal, list, pick};
use super::parent::Parent;
use super::place::{ASIDE, DELETING, ESCAPED, WHOLE, is_info, place};
use super::planner::root_of;
use super::quarantine::{Place, place_of};
use super::stamp::look;
use super::{open_below::open_below, tree};
use crate::clean::path::split;
use crate::clean::{EntryOutcome, Kind, Line, transfers};
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Returns the journals of the run to undo. `last` is the newest run that removed something: the user does not mean a run that removed
/// nothing, for example one of a plan that had already been applied, whether it ended or was killed.
pub fn find_to_undo(state: &Path, run: &str) -> io::Result<Vec<FoundJournal>> {
    pick(list(state)?, run, took)
}

/// Whether the run of the `n`th journal removed anything. True in doubt.
fn took(all: &[FoundJournal], n: usize) -> io::Result<bool> {
    let found = &all[n];
    let (mut took, mut command, mut ended) = (false, found.begin.command.clone(), false);
    let open = found.outcomes_and(&|| true, |line| match line {
        Line::Did(record) => took |= record.did.is_gone() || record.did == EntryOutcome::Restored,
        Line::Begin(begin) => command.clone_from(&begin.command),
        Line::End(_) => {
            ended |= command == found.begin.command;
            took |= transfers(&command);
        }
        Line::Was(..) => {}
    })?;
    if took || ended {
        return Ok(took);
    }
    // If the last run was interrupted, it is the one to undo. Only a run that repeats a plan is examined further.
    let repeats = |before: &FoundJournal| {
        found.begin.plan.is_some()
            && (&before.begin.plan, &before.begin.root) == (&found.begin.plan, &found.begin.root)
    };
    if !all[..n].iter().any(repeats) {
        return Ok(true);
    }
    // Entries in the quarantine need no journal, and may not be in it yet.
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
    // An entry that the run was about to remove and that is missing was removed by it, unless the journal of an earlier run has it.
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

/// Opens the tree of a run, if it is still the same directory.
fn open_root(found: &FoundJournal) -> Option<File> {
    let root = File::open(root_of(&found.begin.root)?).ok()?;
    (root.metadata().ok()?.ino() == found.begin.root.ino).then_some(root)
}

/// Whether the quarantine of a run contains anything but its description.
fn holds_something(root: &File, run: &str) -> bool {
    match open_below(root, &place(run)) {
        Ok(dir) => holds(&dir, |_| true) != Some(false),
        Err(_) => place_of(root, run) != Place::Gone,
    }
}

/// Whether the quarantine of a run in a tree contains entries that an undo of the run would restore. Entries that an undo has put aside do
/// not count, nor do those that cannot be read.
pub fn can_undo(root: &File, run: &str) -> bool {
    let Ok(dir) = open_below(root, &place(run)) else { return false };
    let top = |path: &[u8]| {
        let path = path.strip_prefix(ESCAPED).and_then(|path| path.strip_prefix(b"/")).unwrap_or(path);
        !path.starts_with(ASIDE) && !path.starts_with(DELETING)
    };
    holds(&dir, top) == Some(true)
}

/// Whether an entry other than a directory or a description lies below `place`, in a directory for which `counts` returns true. `None` if
/// not all directories could be read.
fn holds(place: &OwnedFd, counts: impl Fn(&[u8]) -> bool) -> Option<bool> {
    let (mut found, mut unknown) = (false, false);
    let mut look = |path: &[u8], names: &[(Vec<u8>, Kind)]| {
        let ours = |name: &[u8]| path.is_empty() && is_info(name);
        let is_entry = |kind: Kind| kind != Kind::Dir || path == WHOLE;
        found |= counts(path) && names.iter().any(|(name, kind)| is_entry(*kind) && !ours(name));
        !found
    };
    tree::walk(place, |path, _, names| look(path, names), |_, _| unknown = true);
    if found { Some(true) } else { (!unknown).then_some(false) }
}
