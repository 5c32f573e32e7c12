//! Directories of a mirror that belong to other users: their owners, and how this user can get permission to change them.

use super::mode::{can_be_made_writable, is_denied, mode_of};
use super::open_below::open_below;
use super::tree;
use crate::clean::Kind;
use crate::clean::path::OURS;
use crate::model::hint::quoted;
use crate::platform::{group_name, group_operand, is_member, user_name};
use rustix::fs::{AtFlags, Stat, fstat, statat};
use rustix::process::geteuid;
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

const STICKY: u32 = 0o1000;
const GROUP_WRITES: u32 = 0o020;
/// Time limit for the search. A network file system may need long for each directory.
const LONGEST: Duration = Duration::from_secs(3);

/// Owner, group and permissions. Displayed as a fragment whose subject is the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirOwner {
    uid: u32,
    gid: u32,
    mode: u32,
}

impl DirOwner {
    /// From the result of `fstat`.
    pub fn of(stat: &Stat) -> Self {
        DirOwner { uid: stat.st_uid, gid: stat.st_gid, mode: mode_of(stat) }
    }
}

impl fmt::Display for DirOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (owner, group) = (user_name(self.uid), group_name(self.gid));
        write!(f, "belongs to {owner}, group {group}, mode {:04o}", self.mode)
    }
}

/// Returns why an entry may not be removed from a writable directory. `None` if the sticky bit is not the reason.
pub(super) fn sticky(dir: impl AsFd, name: &[u8]) -> Option<String> {
    let above = fstat(&dir).ok()?;
    let entry = statat(&dir, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW).ok()?;
    let us = geteuid();
    let bars = DirOwner::of(&above).mode & STICKY != 0
        && !us.is_root()
        && ![above.st_uid, entry.st_uid].contains(&us.as_raw());
    bars.then(|| {
        format!(
            "Operation not permitted: its directory {}, whose sticky bit prevents others from removing what belongs to {}",
            DirOwner::of(&above),
            user_name(entry.st_uid)
        )
    })
}

/// Returns how this user can get permission to change the directory `path` (empty: the root) of the mirror `root`, which is at `dest`.
/// `None` if permissions do not prevent it.
pub fn change_hint(root: &File, dest: &Path, path: &[u8]) -> Option<String> {
    let (top, dir) = (fstat(root).ok()?, open_below(root, path).ok()?);
    let whose = DirOwner::of(&fstat(&dir).ok()?);
    let owner = user_name(whose.uid);
    if geteuid().is_root() {
        return is_denied(&dir)
            .then(|| format!("the file server maps root to another user (root_squash): run as {owner}"));
    }
    if is_denied(&dir) && !can_be_made_writable(&dir) {
        let group_writes = whose.mode & GROUP_WRITES != 0;
        return Some(match () {
            // This user is not in the group of the directory.
            () if whose.uid == geteuid().as_raw() => {
                let path = dest.join(OsStr::from_bytes(path));
                let quoted = quoted(&path);
                format!(
                    "as root: `chmod u+w {quoted}`, which keeps the setgid bit; otherwise only a member of its group could do it"
                )
            }
            () if is_group_mirror(&top) => {
                format!("as root, or as each owner for their own: {}", group_command(dest, top.st_gid))
            }
            () if group_writes => format!("run as {owner} or a member of group {}", group_name(whose.gid)),
            () if whose.uid == 0 => "run as root".into(),
            () => format!("run as {owner} or root"),
        });
    }
    let barred = whose.mode & STICKY != 0 && whose.uid != geteuid().as_raw();
    barred.then(|| {
        let path = dest.join(OsStr::from_bytes(path));
        let quoted = quoted(&path);
        format!("run as the owner of what is to be removed, or, as root or {owner}: `chmod -t {quoted}`")
    })
}

/// Whether this user has access to the mirror as a member of the group of its root.
pub fn is_group_mirror(top: &Stat) -> bool {
    DirOwner::of(top).mode & GROUP_WRITES != 0 && is_member(top.st_gid)
}

/// Returns a shell command that lets a group change every directory of a mirror. It skips directories of other users, where it fails.
pub fn group_command(dest: &Path, gid: u32) -> String {
    format!(
        "`find {} -type d -exec chgrp {} {{}} + -exec chmod g+ws {{}} +`",
        quoted(dest),
        group_operand(gid)
    )
}

/// The result of a search for directories that this user cannot change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Number of directories that this user can neither change nor make writable.
    pub dirs: u64,
    /// Number of directories examined.
    pub seen: u64,
    /// Whether all directories were examined.
    pub whole: bool,
    /// The first such directory, relative to the root, and its owner.
    pub first: (Vec<u8>, DirOwner),
}

/// Searches up to `most` directories below the root of a mirror, for some seconds, those near the root first, for directories that this
/// user cannot change. `None` if there is none among them.
pub fn closed_below(root: &File, most: u64) -> Option<Closed> {
    let (mut dirs, mut seen, mut first) = (0, 0, None);
    let (mut todo, begun) = (VecDeque::from([Vec::new()]), Instant::now());
    while seen < most
        && begun.elapsed() < LONGEST
        && let Some(path) = todo.pop_front()
    {
        // Directories that cannot be read are counted by the code that reads them.
        let Ok(dir) = open_below(root, &path) else { continue };
        if !path.is_empty() {
            seen += 1;
            if is_denied(&dir) && !can_be_made_writable(&dir) {
                dirs += 1;
                first = first.or_else(|| Some((path.clone(), DirOwner::of(&fstat(&dir).ok()?))));
            }
        }
        let names = tree::names(&dir).unwrap_or_default();
        let below = names.into_iter().filter(|(name, kind)| *kind == Kind::Dir && name != OURS);
        todo.extend(below.map(|(name, _)| tree::join(&path, &name)));
    }
    Some(Closed { dirs, seen, whole: todo.is_empty(), first: first? })
}
