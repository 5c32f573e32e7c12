//! Temporary write permission in directories that this user owns and that have none (mode 0555 from the source).
//!
//! rsync does the same during a transfer. A mode is recorded in the state directory before it is changed ([`super::mode_record`]). Threads
//! that work in the same directory are counted; the last one restores the mode. After a kill, the next run restores it. A mode that could
//! not be restored is not changed: that of a directory of another user, and one that would lose its setgid bit.

use super::dir_owner::DirOwner;
use super::mode::{NEEDED, change, changed, is_denied, loses_setgid, mode_of};
use super::mode_record::{ModeRecord, not_back};
use super::planner::print_of;
use crate::clean::OldMode;
use crate::platform::own_name;
use rustix::fs::{Mode, Stat, fstat};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::process::geteuid;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why a directory cannot be made writable. In words, the subject is what was to be done to an entry of it.
#[derive(Debug, thiserror::Error)]
pub enum NotWritable {
    /// It belongs to somebody else.
    #[error("Permission denied: its directory {0}, and is not writable for {us}", us = own_name())]
    NotOurs(DirOwner),
    /// To change its mode would lose the setgid bit for good.
    #[error(
        "Permission denied: its directory {0}, and making it writable would lose its setgid bit, since {us} is not in that group",
        us = own_name()
    )]
    Setgid(DirOwner),
    /// What is not written down would not be put back after a kill.
    #[error(
        "Permission denied: its directory gives no write permission, and a temporary change of its mode cannot be recorded: {0}"
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
    /// Directories that are temporarily writable, by device and inode.
    held: Mutex<HashMap<(u64, u64), Held>>,
    /// Modes that could not be restored, as messages.
    troubles: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Held {
    dir: OwnedFd,
    path: Vec<u8>,
    /// The mode before the change.
    mode: u32,
    /// Number of users of the directory.
    users: usize,
}

/// A directory is writable while this is held.
#[derive(Debug)]
pub(super) struct Writable {
    access: Arc<WriteAccess>,
    key: (u64, u64),
}

impl WriteAccess {
    /// For the tree at `path`, which is open and locked. Changes nothing yet. Changes are recorded below `state`.
    pub fn new(root: File, path: &Path, state: &Path) -> io::Result<Arc<Self>> {
        let stat = fstat(&root)?;
        let (dev, ino) = key_of(&stat);
        let record = ModeRecord::new(print_of(&path.canonicalize()?, dev, ino), state);
        let (held, troubles) = (Mutex::default(), Mutex::default());
        Ok(Arc::new(WriteAccess { root, record, held, troubles }))
    }

    /// The root of the tree.
    pub fn root(&self) -> &File {
        &self.root
    }

    /// Restores the modes that an earlier, killed run left changed. Must be called before anything else is done with the tree.
    /// [`WriteAccess::take_troubles`] returns what could not be restored.
    pub fn put_back(&self) {
        let troubles = self.record.put_back(&self.root);
        self.troubles().extend(troubles);
    }

    /// Returns warnings since the last call: modes that could not be restored.
    pub fn take_troubles(&self) -> Vec<String> {
        std::mem::take(&mut *self.troubles())
    }

    /// Reads the metadata of an entry. For a directory with a temporary mode, the original mode is returned.
    pub fn stat(&self, look: impl FnOnce() -> Result<Stat, Errno>) -> Result<Stat, Errno> {
        let held = self.held();
        let mut stat = look()?;
        if let Some(held) = held.get(&key_of(&stat)) {
            let kind = stat.st_mode & !0o7777;
            stat.st_mode = kind | Mode::from_raw_mode(held.mode as _).as_raw_mode();
        }
        Ok(stat)
    }

    /// Makes a directory writable, if only its mode forbids changes. `None` if this is not necessary or would not help. `path` is relative
    /// to the root.
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
            // Something other than the mode forbids changes.
            return Ok(None);
        }
        if loses_setgid(mode, stat.st_gid) {
            return Err(NotWritable::Setgid(DirOwner::of(&stat)));
        }
        let own = fcntl_dupfd_cloexec(&dir, 0).map_err(failed)?;
        let old = OldMode { path: path.into(), ino: key.1, mode };
        self.record.changes(&old).map_err(NotWritable::Unwritten)?;
        if let Err(error) = change(&own, changed(mode)) {
            // A file system may have applied only a part of the mode.
            let done = change(&own, mode);
            self.settle(path, mode, done);
            return Err(failed(error));
        }
        held.insert(key, Held { dir: own, path: path.into(), mode, users: 1 });
        Ok(writable())
    }

    /// Changes the root directory, after making it writable if necessary. `change` may be called twice.
    pub fn in_root<T>(self: &Arc<Self>, change: impl Fn(&File) -> Result<T, Errno>) -> Result<T, Errno> {
        match change(&self.root) {
            Err(Errno::ACCESS) => {
                let _writable = self.make_writable(&self.root, b"").map_err(|_| Errno::ACCESS)?;
                change(&self.root)
            }
            other => other,
        }
    }

    /// Restores the mode when the last user of the directory leaves.
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
            // Another process has changed the mode meanwhile.
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        self.settle(&path, mode, done);
    }

    /// Records that a mode was restored, or notes that it was not.
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

#[expect(clippy::unnecessary_cast, reason = "the widths differ between systems")]
fn key_of(stat: &Stat) -> (u64, u64) {
    (stat.st_dev as u64, stat.st_ino as u64)
}
