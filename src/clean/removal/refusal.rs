//! Finds the directory of ours in a mirror that a user may not use, its owner, and what to do about it.

use super::open_below::open_below;
use crate::clean::path::{OURS, split};
use crate::model::hint;
use crate::model::sanitize;
use crate::platform::{group_name, group_operand, is_member, may_change, own_name, user_name};
use rustix::fs::{Access, AtFlags, FileType, Mode, Stat, accessat, fstat, statat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A directory in which this user may not create entries, or which this user may not enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The path of the directory.
    pub path: PathBuf,
    /// Its owner.
    pub owner: String,
    /// Its group.
    pub group: String,
    /// Its permissions.
    pub mode: u32,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal { path, owner, group, mode, .. } = self;
        let (path, us) = (sanitize::path(&path), own_name());
        write!(f, "{path} belongs to {owner}, group {group}, mode {mode:04o}, and is not writable for {us}")
    }
}

/// Returns the directory that prevents this user from creating `path`, a path of ours, in the mirror `root`, which is at `dest`. `None` if
/// permissions allow it, or if something other than permissions prevents it.
pub fn refusal(root: &File, dest: &Path, path: &[u8]) -> Option<Refusal> {
    let mut at = path;
    // Find the deepest existing directory of the path.
    let stat = loop {
        match open_below(root, at) {
            Ok(dir) if may_write(&dir) => return None,
            Ok(dir) => break fstat(dir).ok()?,
            Err(Errno::NOENT) if !at.is_empty() => at = split(at).0,
            Err(Errno::ACCESS | Errno::PERM) => {
                let (above, name) = split(at);
                let above = open_below(root, above);
                match above
                    .and_then(|above| statat(above, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW))
                {
                    Ok(stat) => break stat,
                    // The directory above denies access.
                    Err(Errno::ACCESS | Errno::PERM) if !at.is_empty() => at = split(at).0,
                    Err(_) => return None,
                }
            }
            Err(_) => return None,
        }
    };
    Some(refused(root, dest, at, &stat))
}

/// Checks a file of ours that this user must read and write. Returns the file itself, or the directory that prevents this user from
/// creating it.
pub fn refusal_of_file(root: &File, dest: &Path, path: &[u8]) -> Option<Refusal> {
    match statat(root, OsStr::from_bytes(path), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => {
            let needed = Access::READ_OK | Access::WRITE_OK;
            let tried = accessat(root, OsStr::from_bytes(path), needed, AtFlags::EACCESS);
            let denied = matches!(tried, Err(Errno::ACCESS | Errno::PERM))
                && FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
            denied.then(|| refused(root, dest, path, &stat))
        }
        Err(_) => refusal(root, dest, split(path).0),
    }
}

/// Checks permissions only; a read-only file system is reported elsewhere.
fn may_write(dir: impl AsFd) -> bool {
    !matches!(may_change(dir), Err(Errno::ACCESS | Errno::PERM))
}

#[expect(clippy::unnecessary_cast, reason = "the widths differ between systems")]
fn refused(root: &File, dest: &Path, at: &[u8], stat: &Stat) -> Refusal {
    let path = if at.is_empty() { dest.to_owned() } else { dest.join(OsStr::from_bytes(at)) };
    let (owner, group) = (user_name(stat.st_uid), group_name(stat.st_gid));
    let hint = fstat(root).map(|top| hint(root, dest, &owner, &top)).unwrap_or_default();
    Refusal { path, owner, group, mode: (stat.st_mode & 0o7777) as u32, hint }
}

fn hint(root: &File, dest: &Path, owner: &str, top: &Stat) -> String {
    let (top_owner, top_group) = (user_name(top.st_uid), group_name(top.st_gid));
    let group_writes = Mode::from_raw_mode(top.st_mode).contains(Mode::WGRP);
    let who = match group_writes {
        true => format!("{top_owner} or a member of group {top_group}"),
        false => top_owner,
    };
    match () {
        () if rustix::process::geteuid().is_root() => {
            format!("the file server maps root to another user (root_squash): run as {who}")
        }
        () if !may_write(root) => format!("run as {who}, who may write in {}", sanitize::path(&dest)),
        () if group_writes && is_member(top.st_gid) => {
            let command = share_command(dest, top.st_gid);
            format!(
                "a run of {owner} on this mirror shares it, if {owner} is in group {top_group}; or, as root or {owner}: {command}"
            )
        }
        () => format!(
            "run as {who}: what is kept in {} is never writable for everybody",
            sanitize::path(&dest.join(OsStr::from_bytes(OURS)))
        ),
    }
}

/// Returns a shell command that lets a group use our directory in a mirror: its directories, and the files about them. Kept entries retain
/// their own permissions.
pub fn share_command(dest: &Path, gid: u32) -> String {
    let ours = dest.join(OsStr::from_bytes(OURS));
    let path = hint::quoted(&ours);
    let group = group_operand(gid);
    format!(
        "`find {path} \\( -type d -o -type f ! -path '*/escaped/*' \\) -exec chgrp {group} {{}} + -exec chmod g+rwX {{}} +`"
    )
}
