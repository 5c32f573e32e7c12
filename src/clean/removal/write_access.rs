//! Write permission in directories of our own that have none (a source's with mode 0555), for the moment of a change.
//!
//! rsync does the same while it transfers. A mode is written down in the state directory before it is changed
//! ([`super::mode_record`]); all threads that work in a directory count as one, and the last of them puts the mode back. After a
//! kill, the next run does. What would not come back as it was is not changed: a directory of somebody else, and one that would
//! lose its setgid bit.

use super::dir_owner::DirOwner;
use super::mode_record::ModeRecord;
use super::planner::print_of;
use crate::clean::OldMode;
use crate::model::sanitize;
use crate::platform::{may_change, own_name};
use rustix::fs::{Mode, Stat, fchmod, fstat};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::process::{getegid, geteuid, getgroups};
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What it takes to change a directory: to write, and to look names up.
const NEEDED: u32 = 0o300;
const SETGID: u32 = 0o2000;

/// Why a directory cannot be made writable. In words, the subject is what was to be done to an entry of it.
#[derive(Debug, thiserror::Error)]
pub enum NotWritable {
    /// It belongs to somebody else.
    #[error("Permission denied: its directory {0}, and is not writable for {us}", us = own_name())]
    NotOurs(DirOwner),
    /// To change its mode would lose the setgid bit for good.
    #[error(
        "Permission denied: its directory {0}, and to make it writable would lose its setgid bit, since {us} is not in that group",
        us = own_name()
    )]
    Setgid(DirOwner),
    /// What is not written down would not be put back after a kill.
    #[error(
        "Permission denied: its directory gives no write permission, and that this changes for a moment cannot be written down: {0}"
    )]
    Unwritten(io::Error),
    /// The mode cannot be changed.
    #[error("Permission denied: its directory gives no write permission, and that cannot be changed: {0}")]
    Refused(io::Error),
}

/// Write permission in the directories of one tree, whose lock is held.
#[derive(Debug)]
pub struct WriteAccess {
    root: File,
    record: ModeRecord,
    /// Directories that are writable for the moment, by device and inode.
    held: Mutex<HashMap<(u64, u64), Held>>,
    /// Modes that could not be put back.
    troubles: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Held {
    dir: OwnedFd,
    path: Vec<u8>,
    /// Its mode before.
    mode: u32,
    /// How many work in it.
    users: usize,
}

/// A directory is writable as long as this is held.
#[derive(Debug)]
pub(super) struct Writable {
    access: Arc<WriteAccess>,
    key: (u64, u64),
}

impl WriteAccess {
    /// For the tree at `path`, which is open and locked; nothing is changed yet. What is changed is written down below `state`.
    pub fn new(root: File, path: &Path, state: &Path) -> io::Result<Arc<Self>> {
        let stat = fstat(&root)?;
        let (dev, ino) = key_of(&stat);
        let record = ModeRecord::new(print_of(&path.canonicalize()?, dev, ino), state);
        let (held, troubles) = (Mutex::default(), Mutex::default());
        Ok(Arc::new(WriteAccess { root, record, held, troubles }))
    }

    /// The tree.
    pub fn root(&self) -> &File {
        &self.root
    }

    /// Puts back the modes that a run before this one had changed when it was killed. To be called before anything else is done
    /// with the tree. What could not be put back is told by [`WriteAccess::take_troubles`].
    pub fn put_back(&self) {
        let troubles = self.record.put_back(&self.root);
        self.troubles().extend(troubles);
    }

    /// What people should know since this was called the last time: modes that could not be put back.
    pub fn take_troubles(&self) -> Vec<String> {
        std::mem::take(&mut *self.troubles())
    }

    /// Looks at an entry, and at a directory as it is when nobody works in it.
    pub fn stat(&self, look: impl FnOnce() -> Result<Stat, Errno>) -> Result<Stat, Errno> {
        let held = self.held();
        let mut stat = look()?;
        if let Some(held) = held.get(&key_of(&stat)) {
            let kind = stat.st_mode & !0o7777;
            stat.st_mode = kind | Mode::from_raw_mode(held.mode as _).as_raw_mode();
        }
        Ok(stat)
    }

    /// Makes a directory writable, if its mode is all that forbids to change it. `None`: there was no need, or it would not help.
    /// `path` is relative to the root.
    pub(super) fn make_writable(
        self: &Arc<Self>,
        dir: impl AsFd,
        path: &[u8],
    ) -> Result<Option<Writable>, NotWritable> {
        let failed = |error: Errno| NotWritable::Refused(error.into());
        let mut held = self.held();
        let stat = fstat(&dir).map_err(failed)?;
        let key = key_of(&stat);
        let writable = || Some(Writable { access: self.clone(), key });
        if let Some(held) = held.get_mut(&key) {
            held.users += 1;
            return Ok(writable());
        }
        if !is_denied(&dir) {
            return Ok(None);
        }
        let mode = mode_of(&stat);
        if stat.st_uid != geteuid().as_raw() {
            return Err(NotWritable::NotOurs(DirOwner::of(&stat)));
        }
        if mode & NEEDED == NEEDED {
            // Something else than the mode forbids it.
            return Ok(None);
        }
        if loses_setgid(mode, stat.st_gid) {
            return Err(NotWritable::Setgid(DirOwner::of(&stat)));
        }
        let own = fcntl_dupfd_cloexec(&dir, 0).map_err(failed)?;
        let old = OldMode { path: path.into(), ino: key.1, mode };
        self.record.changes(&old).map_err(NotWritable::Unwritten)?;
        if let Err(error) = change(&own, changed(mode)) {
            // A file system may have taken a part of it.
            let done = change(&own, mode);
            self.settle(path, mode, done);
            return Err(failed(error));
        }
        held.insert(key, Held { dir: own, path: path.into(), mode, users: 1 });
        Ok(writable())
    }

    /// Changes the root itself, which is made writable for that if need be; `change` may be called twice.
    pub fn in_root<T>(self: &Arc<Self>, change: impl Fn(&File) -> Result<T, Errno>) -> Result<T, Errno> {
        match change(&self.root) {
            Err(Errno::ACCESS) => {
                let _writable = self.make_writable(&self.root, b"").map_err(|_| Errno::ACCESS)?;
                change(&self.root)
            }
            other => other,
        }
    }

    /// The last one who worked in it has left.
    fn leave(&self, key: (u64, u64)) {
        let mut held = self.held();
        let Some(one) = held.get_mut(&key) else { return };
        one.users -= 1;
        if one.users > 0 {
            return;
        }
        let Some(Held { dir, path, mode, .. }) = held.remove(&key) else { return };
        let done = match fstat(&dir) {
            Ok(stat) if mode_of(&stat) == changed(mode) => change(&dir, mode),
            // Somebody else has changed it meanwhile.
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        self.settle(&path, mode, done);
    }

    /// Writes down that a mode is back, or tells that it is not.
    fn settle(&self, path: &[u8], mode: u32, done: Result<(), Errno>) {
        match done {
            Ok(()) => self.record.is_back(path),
            Err(error) => self.troubles().push(not_back(path, mode, &io::Error::from(error).to_string())),
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<(u64, u64), Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn troubles(&self) -> MutexGuard<'_, Vec<String>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Writable {
    fn drop(&mut self) {
        self.access.leave(self.key);
    }
}

/// Whether permissions forbid to change a directory. On a read-only file system, for instance, they do not: there, what is to be
/// done fails by itself.
pub(super) fn is_denied(dir: impl AsFd) -> bool {
    may_change(dir) == Err(Errno::ACCESS)
}

/// Whether a directory without write permission would get it for the moment of a change.
pub(super) fn can_be_made_writable(dir: impl AsFd) -> bool {
    let can = |stat: Stat| {
        let mode = mode_of(&stat);
        stat.st_uid == geteuid().as_raw() && mode & NEEDED != NEEDED && !loses_setgid(mode, stat.st_gid)
    };
    fstat(&dir).is_ok_and(can)
}

/// Changes a mode, and looks whether the file system has taken it.
pub(super) fn change(dir: &OwnedFd, mode: u32) -> Result<(), Errno> {
    fchmod(dir, Mode::from_raw_mode(mode as _))?;
    if mode_of(&fstat(dir)?) == mode { Ok(()) } else { Err(Errno::NOTSUP) }
}

/// The mode that a directory of this mode gets for a moment.
pub(super) fn changed(mode: u32) -> u32 {
    mode | NEEDED
}

#[expect(clippy::unnecessary_cast, reason = "the widths differ between systems")]
pub(super) fn mode_of(stat: &Stat) -> u32 {
    (stat.st_mode & 0o7777) as u32
}

#[expect(clippy::unnecessary_cast, reason = "the widths differ between systems")]
fn key_of(stat: &Stat) -> (u64, u64) {
    (stat.st_dev as u64, stat.st_ino as u64)
}

/// The kernel clears the bit if whoever changes the mode is not in the group.
pub(super) fn loses_setgid(mode: u32, gid: u32) -> bool {
    let ours = || {
        geteuid().is_root()
            || getegid().as_raw() == gid
            || getgroups().is_ok_and(|groups| groups.iter().any(|group| group.as_raw() == gid))
    };
    mode & SETGID != 0 && !ours()
}

/// For people.
pub(super) fn not_back(path: &[u8], mode: u32, why: &str) -> String {
    let name = if path.is_empty() { ".".into() } else { sanitize::name(path) };
    format!(
        "cannot give the directory {name} its mode {mode:04o} back, which was changed for a moment: {why}; the next run tries again"
    )
}
