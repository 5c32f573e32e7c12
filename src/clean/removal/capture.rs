//! The place of an entry between its capture and its removal or storage.
//!
//! Entries to keep are renamed into the quarantine, a private directory. Entries to delete only get another name in their own directory:
//! Linux does one rename between directories at a time in a file system, and each directory would need a counterpart in the quarantine. So
//! two threads delete a third faster this way. The name is made of the run and of the entry's own name, so that a resumed run and an undo
//! find the entry; nothing else uses that name.

use super::parent::Parent;
use super::quarantine::Quarantine;
use super::rename::{Target, rename_new};
use super::stamp::{look, look_for};
use crate::clean::path::{BESIDE, BESIDE_BEFORE, split};
use crate::clean::{Kind, Stamp};
use rustix::io::Errno;
use std::borrow::Cow;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

/// The captured place of one entry.
#[derive(Debug)]
pub(super) struct Captured<'a> {
    dir: &'a OwnedFd,
    name: Cow<'a, [u8]>,
    /// The original name of the entry.
    own: &'a [u8],
    /// Whether the place is in the entry's own directory.
    beside: bool,
}

impl<'a> Captured<'a> {
    /// Returns the place for the entry `own` of this directory: `beside` it, or in the quarantine, where missing directories are created.
    pub(super) fn place(
        parent: &'a Parent,
        quarantine: &Quarantine,
        beside: bool,
        own: &'a [u8],
    ) -> Result<Self, Errno> {
        match beside {
            true => Ok(Self::beside(parent, quarantine.run(), own)),
            false => Ok(Self::within(parent.hold(quarantine)?, quarantine, own)),
        }
    }

    /// Returns the place where an earlier attempt may have left the entry.
    pub(super) fn left(
        parent: &'a Parent,
        quarantine: &Quarantine,
        beside: bool,
        own: &'a [u8],
    ) -> Result<Self, Errno> {
        match beside {
            true => Ok(Self::left_beside(parent, quarantine.run(), own)),
            false => Ok(Self::within(parent.held(quarantine)?, quarantine, own)),
        }
    }

    /// Returns the place of a directory that is captured as one, in the directory `whole` of the quarantine.
    pub(super) fn whole(whole: &'a OwnedFd, quarantine: &Quarantine, path: &'a [u8]) -> Self {
        let name = quarantine.flat_name(path).into();
        Captured { dir: whole, name, own: split(path).1, beside: false }
    }

    fn within(dir: &'a OwnedFd, quarantine: &Quarantine, own: &'a [u8]) -> Self {
        Captured { dir, name: quarantine.name(own), own, beside: false }
    }

    /// Returns the place in the entry's own directory, which runs that delete use.
    pub(super) fn beside(parent: &'a Parent, run: &str, own: &'a [u8]) -> Self {
        Self::beside_as(BESIDE, parent, run, own)
    }

    /// Returns the place in the entry's own directory where an earlier attempt, perhaps of an earlier version, left it.
    pub(super) fn left_beside(parent: &'a Parent, run: &str, own: &'a [u8]) -> Self {
        let before = Self::beside_as(BESIDE_BEFORE, parent, run, own);
        if before.look().is_ok() { before } else { Self::beside(parent, run, own) }
    }

    fn beside_as(front: &[u8], parent: &'a Parent, run: &str, own: &'a [u8]) -> Self {
        let hash = blake3::hash(own).to_hex();
        let name = [front, run.as_bytes(), b"-", &hash.as_bytes()[..16]].concat();
        Captured { dir: parent.fd(), name: name.into(), own, beside: true }
    }

    /// The directory of the place.
    pub(super) fn dir(&self) -> &'a OwnedFd {
        self.dir
    }

    /// The name in that directory.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// The original name of the entry.
    pub(super) fn own(&self) -> &'a [u8] {
        self.own
    }

    /// Where the entry is, in words: a fragment whose subject is the entry.
    pub(super) fn lies(&self) -> String {
        match self.beside {
            false => "lies in the quarantine".into(),
            true => format!("lies in its directory as {}", String::from_utf8_lossy(&self.name)),
        }
    }

    /// Reads kind and stamp of the captured entry.
    pub(super) fn look(&self) -> Result<(Kind, Stamp), Errno> {
        look(self.dir, &self.name)
    }

    /// Reads kind and stamp, where the entry with this stamp is expected. See [`look_for`].
    pub(super) fn look_for(&self, stamp: &Stamp) -> Result<(Kind, Stamp), Errno> {
        look_for(self.dir, &self.name, stamp)
    }

    /// Renames the entry to this place. Never replaces anything.
    pub(super) fn capture(&self, parent: &Parent) -> Result<(), Errno> {
        rename_new(parent.fd(), self.own, self.dir, &self.name, Target::Ours)
    }

    /// Renames the entry to its original name. Never replaces anything.
    pub(super) fn give_back(&self, to: impl AsFd) -> Result<(), Errno> {
        rename_new(self.dir, &self.name, to, self.own, Target::Shared)
    }
}

/// Whether an entry is still where a deleting run captured it: the run was killed, or could not put the entry back.
pub fn is_beside(root: &File, run: &str, path: &[u8]) -> bool {
    let (dir, name) = split(path);
    Parent::open(root, dir).is_ok_and(|parent| Captured::left_beside(&parent, run, name).look().is_ok())
}
