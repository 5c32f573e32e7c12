//! The directory that entries are taken from, or brought back to.

use super::open_below::open_below;
use super::quarantine::Quarantine;
use super::write_access::{NotWritable, Writable, WriteAccess};
use crate::clean::{MANIFESTS, Recipe};
use rustix::fs::{AtFlags, Stat, Timespec, Timestamps, UTIME_OMIT, futimens, statat};
use rustix::io::Errno;
use std::cell::{Cell, OnceCell};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

/// Held open. When it is left, it gets back the time that the transfer gave it,
/// or else the next transfer would find a difference; and its mode, if that had to be changed for a moment.
#[derive(Debug)]
pub struct Parent {
    path: Vec<u8>,
    fd: OwnedFd,
    was: Recipe,
    hold: OnceCell<OwnedFd>,
    project: OnceCell<bool>,
    /// Whether its time may have moved.
    moved: Cell<bool>,
    access: Option<Arc<WriteAccess>>,
    /// Dropped after its time was set back.
    writable: OnceCell<Option<Writable>>,
}

impl Parent {
    /// Opens it below the root, to look at what is in it.
    pub fn open(root: impl AsFd, path: &[u8]) -> Result<Self, Errno> {
        let fd = open_below(root, path)?;
        let was = recipe_of(&rustix::fs::fstat(&fd)?);
        let (path, moved) = (path.into(), Cell::new(false));
        let (hold, project, writable) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Ok(Parent { path, fd, was, hold, project, moved, access: None, writable })
    }

    /// Opens it in a tree, to change what is in it.
    pub fn open_to_change(access: &Arc<WriteAccess>, path: &[u8]) -> Result<Self, Errno> {
        let mut parent = Self::open(access.root(), path)?;
        parent.was = recipe_of(&access.stat(|| rustix::fs::fstat(&parent.fd))?);
        parent.access = Some(access.clone());
        Ok(parent)
    }

    /// As it was when it was opened.
    pub fn was(&self) -> Recipe {
        self.was
    }

    /// Somebody knows better what it was: an earlier hand may have moved its time.
    pub(super) fn was_really(&mut self, recipe: Recipe) {
        self.was = recipe;
    }

    /// Relative to the root.
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// Itself.
    pub fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// Its time may have moved: it is set back when it is left.
    pub(super) fn moves(&self) {
        self.moved.set(true);
    }

    /// What is in it is about to change: it is writable from here on, if it can be made so, and its time moves.
    pub fn changes(&self) -> Result<(), NotWritable> {
        if let Some(access) = &self.access
            && self.writable.get().is_none()
        {
            let _ = self.writable.set(access.make_writable(&self.fd, &self.path)?);
        }
        self.moves();
        Ok(())
    }

    /// Whether it holds the manifest of somebody's project.
    pub fn is_project(&self) -> bool {
        let has = |name: &str| statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
        *self.project.get_or_init(|| MANIFESTS.iter().any(|name| has(name)))
    }

    /// What the quarantine holds of it; made if need be.
    pub(super) fn hold(&self, quarantine: &Quarantine) -> Result<&OwnedFd, Errno> {
        if let Some(hold) = self.hold.get() {
            return Ok(hold);
        }
        let hold = quarantine.hold(&self.path)?;
        Ok(self.hold.get_or_init(|| hold))
    }

    /// The same, if it is there.
    pub(super) fn held(&self, quarantine: &Quarantine) -> Result<&OwnedFd, Errno> {
        if let Some(hold) = self.hold.get() {
            return Ok(hold);
        }
        let hold = quarantine.held(&self.path)?;
        Ok(self.hold.get_or_init(|| hold))
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        if self.moved.get() {
            set_mtime(&self.fd, time_of(&self.was));
        }
    }
}

/// Sets a modification time. Where we may delete but not set times, the next transfer will.
pub fn set_mtime(fd: impl AsFd, mtime: Timespec) {
    let omit = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    let _ = futimens(fd, &Timestamps { last_access: omit, last_modification: mtime });
}

/// What it takes to make a directory again.
#[expect(clippy::unnecessary_cast, reason = "the widths differ between systems")]
pub fn recipe_of(stat: &Stat) -> Recipe {
    Recipe {
        mode: (stat.st_mode & 0o7777) as u32,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime: stat.st_mtime as i64,
        nanos: stat.st_mtime_nsec as u32,
    }
}

/// Its time.
pub(super) fn time_of(recipe: &Recipe) -> Timespec {
    Timespec { tv_sec: recipe.mtime, tv_nsec: recipe.nanos.into() }
}

/// From the answer of `fstat`.
pub fn mtime_of(stat: &Stat) -> Timespec {
    Timespec { tv_sec: stat.st_mtime as _, tv_nsec: stat.st_mtime_nsec as _ }
}
