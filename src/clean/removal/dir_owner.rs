//! Directories of a mirror that belong to others: whose they are, and what lets this user change them.

use super::open_below::open_below;
use super::tree;
use super::write_access::{can_be_made_writable, is_denied, mode_of};
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
/// How long directories are looked at: a network file system may take long over each.
const LONGEST: Duration = Duration::from_secs(3);

/// Owner, group and permissions. In words, the subject is what they are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirOwner {
    uid: u32,
    gid: u32,
    mode: u32,
}

impl DirOwner {
    /// From the answer of `fstat`.
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

/// Why an entry may not be taken out of a directory that is writable; `None` if its sticky bit is not the reason.
pub(super) fn sticky(dir: impl AsFd, name: &[u8]) -> Option<String> {
    let above = fstat(&dir).ok()?;
    let entry = statat(&dir, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW).ok()?;
    let us = geteuid();
    let bars = DirOwner::of(&above).mode & STICKY != 0
        && !us.is_root()
        && ![above.st_uid, entry.st_uid].contains(&us.as_raw());
    bars.then(|| {
        format!(
            "Operation not permitted: its directory {}, whose sticky bit lets nobody else remove what belongs to {}",
            DirOwner::of(&above),
            user_name(entry.st_uid)
        )
    })
}

/// What lets this user change the directory `path` (empty: the root) of the mirror `root`, which is at `dest`; `None` if permissions
/// are not in the way.
pub fn change_hint(root: &File, dest: &Path, path: &[u8]) -> Option<String> {
    let (top, dir) = (fstat(root).ok()?, open_below(root, path).ok()?);
    let whose = DirOwner::of(&fstat(&dir).ok()?);
    let owner = user_name(whose.uid);
    if geteuid().is_root() {
        return is_denied(&dir)
            .then(|| format!("the file server takes root for somebody else (root_squash): run as {owner}"));
    }
    if is_denied(&dir) && !can_be_made_writable(&dir) {
        let group_writes = whose.mode & GROUP_WRITES != 0;
        return Some(match () {
            // Its group is none of ours.
            () if whose.uid == geteuid().as_raw() => {
                let path = dest.join(OsStr::from_bytes(path));
                let quoted = quoted(&path);
                format!(
                    "as root: `chmod u+w {quoted}`, which leaves the setgid bit; nobody but a member of its group could"
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
        format!("run as the owner of what is to go, or, as root or {owner}: `chmod -t {quoted}`")
    })
}

/// Whether this user keeps the mirror as a member of the group of its root.
pub fn is_group_mirror(top: &Stat) -> bool {
    DirOwner::of(top).mode & GROUP_WRITES != 0 && is_member(top.st_gid)
}

/// What lets a group change every directory of a mirror, in a shell. What fails for directories of others goes on with the next.
pub fn group_command(dest: &Path, gid: u32) -> String {
    format!(
        "`find {} -type d -exec chgrp {} {{}} + -exec chmod g+ws {{}} +`",
        quoted(dest),
        group_operand(gid)
    )
}

/// Directories that were looked at in a mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// How many this user cannot change, nor make so.
    pub dirs: u64,
    /// How many were looked at.
    pub seen: u64,
    /// Whether there are no more than these.
    pub whole: bool,
    /// The first of those, relative to the root, and whose it is.
    pub first: (Vec<u8>, DirOwner),
}

/// Looks at up to `most` directories below the root of a mirror, for some seconds, those near the root first, for some that this user cannot change. `None`
/// if there is none among them.
pub fn closed_below(root: &File, most: u64) -> Option<Closed> {
    let (mut dirs, mut seen, mut first) = (0, 0, None);
    let (mut todo, begun) = (VecDeque::from([Vec::new()]), Instant::now());
    while seen < most
        && begun.elapsed() < LONGEST
        && let Some(path) = todo.pop_front()
    {
        // What may not be looked into is counted by whoever wants to read it.
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
