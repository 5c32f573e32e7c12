//! Judges directories and entries of an inventory.

use crate::clean::{Action, Candidate, Judge, Kind, MANIFESTS, Verdict, is_version_control};
use crate::scan::inventory::{self, DirRef, State};

/// The rule for directories that applies to everything in a directory with this verdict, in one with the rule `below`.
pub(super) fn inside(judge: &Judge, verdict: Option<(usize, Action)>, below: Option<usize>) -> Option<usize> {
    // A rule that keeps a directory or marks it for review does not apply to each file in it; one that deletes does.
    let rule = verdict.map(|(rule, _)| rule).filter(|rule| judge.rules()[*rule].special.is_none());
    // What is kept is kept with everything below it.
    rule.or(below.filter(|rule| judge.rules()[*rule].action == Action::Keep))
}

pub(super) fn is_project(dir: &DirRef<'_>) -> bool {
    MANIFESTS.iter().any(|name| dir.entry(name.as_bytes()).is_some())
}

/// Judges a directory itself.
pub(super) fn judge_dir(
    judge: &Judge,
    dir: &DirRef<'_>,
    path: &[u8],
    below: Option<usize>,
    project: bool,
    scratch: &mut Vec<usize>,
) -> Verdict {
    if project || is_version_control(dir.name()) {
        return Verdict::Protected("it is a project, or belongs to a version control system");
    }
    judge.judge(&dir_candidate(dir, path, below), scratch)
}

/// An entry that is no directory, to be judged.
pub(super) fn candidate<'a>(
    path: &'a [u8],
    entry: &inventory::Entry<'_>,
    below: Option<usize>,
    in_project: bool,
    sibling: &'a dyn Fn(&[u8]) -> bool,
) -> Candidate<'a> {
    let (kind, stat) = (kind_of(entry.stat.kind), &entry.stat);
    let (size, mtime, ctime) = (stat.size, stat.mtime, stat.ctime);
    Candidate { path, kind, size, mtime, ctime, empty: false, in_project, below, sibling }
}

pub(super) fn kind_of(kind: inventory::Kind) -> Kind {
    match kind {
        inventory::Kind::File => Kind::File,
        inventory::Kind::Symlink => Kind::Symlink,
        inventory::Kind::Other => Kind::Other,
    }
}

const ALONE: &dyn Fn(&[u8]) -> bool = &|_| false;

pub(super) fn dir_candidate<'a>(dir: &DirRef<'_>, path: &'a [u8], below: Option<usize>) -> Candidate<'a> {
    let empty = dir.state() == State::Read && dir.entries().next().is_none() && dir.dirs().next().is_none();
    let (mtime, ctime) = (dir.stat().mtime, dir.stat().ctime);
    Candidate {
        path,
        kind: Kind::Dir,
        size: 0,
        mtime,
        ctime,
        empty,
        in_project: false,
        below,
        sibling: ALONE,
    }
}
