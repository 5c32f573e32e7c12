//! The directory that an entry is removed from or restored to.

use super::open_below::open_below;
use super::quarantine::Quarantine;
use super::recipe::{recipe_of, set_mtime, time_of};
use super::write_access::{NotWritable, Writable, WriteAccess};
use crate::clean::{MANIFESTS, Recipe};
use rustix::fs::{AtFlags, statat};
use rustix::io::Errno;
use std::cell::{Cell, OnceCell};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

/// An open directory. When this is dropped, the modification time from the transfer is restored, since the next transfer would find a
/// difference otherwise; so is the mode, if it was changed temporarily.
#[derive(Debug)]
pub struct Parent {
    path: Vec<u8>,
    fd: OwnedFd,
    was: Recipe,
    hold: OnceCell<OwnedFd>,
    project: OnceCell<bool>,
    /// Whether the modification time may have changed.
    moved: Cell<bool>,
    access: Option<Arc<WriteAccess>>,
    /// Dropped after the modification time was restored.
    writable: OnceCell<Option<Writable>>,
}

impl Parent {
    /// Opens a directory below the root to read it.
    pub fn open(root: impl AsFd, path: &[u8]) -> Result<Self, Errno> {
        let fd = open_below(root, path)?;
        let was = recipe_of(&rustix::fs::fstat(&fd)?);
        let (path, moved) = (path.into(), Cell::new(false));
        let (hold, project, writable) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Ok(Parent { path, fd, was, hold, project, moved, access: None, writable })
    }

    /// Opens a directory of a tree to change entries in it.
    pub fn open_to_change(access: &Arc<WriteAccess>, path: &[u8]) -> Result<Self, Errno> {
        let mut parent = Self::open(access.root(), path)?;
        parent.was = recipe_of(&access.stat(|| rustix::fs::fstat(&parent.fd))?);
        parent.access = Some(access.clone());
        Ok(parent)
    }

    /// The metadata of the directory when it was opened.
    pub fn was(&self) -> Recipe {
        self.was
    }

    /// Sets the original metadata, where an earlier attempt may have changed the modification time.
    pub(super) fn was_really(&mut self, recipe: Recipe) {
        self.was = recipe;
    }

    /// Path relative to the root.
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// The descriptor.
    pub fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// Notes that the modification time may change, and must be restored.
    pub(super) fn moves(&self) {
        self.moved.set(true);
    }

    /// Must be called before the first change in the directory. Makes it writable if possible, and notes that its modification time
    /// changes.
    pub fn changes(&self) -> Result<(), NotWritable> {
        if let Some(access) = &self.access
            && self.writable.get().is_none()
        {
            let _ = self.writable.set(access.make_writable(&self.fd, &self.path)?);
        }
        self.moves();
        Ok(())
    }

    /// Whether the directory contains the manifest of a project.
    pub fn is_project(&self) -> bool {
        let has = |name: &str| statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
        *self.project.get_or_init(|| MANIFESTS.iter().any(|name| has(name)))
    }

    /// Opens the counterpart of this directory in the quarantine, and creates it if necessary.
    pub(super) fn hold(&self, quarantine: &Quarantine) -> Result<&OwnedFd, Errno> {
        if let Some(hold) = self.hold.get() {
            return Ok(hold);
        }
        let hold = quarantine.hold(&self.path)?;
        Ok(self.hold.get_or_init(|| hold))
    }

    /// Opens the counterpart in the quarantine, if it exists.
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
