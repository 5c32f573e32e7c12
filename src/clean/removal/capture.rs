//! Where an entry lies between its capture and what becomes of it.
//!
//! What is kept somewhere goes into the quarantine, a private directory. What is to be deleted only gets another name in its
//! own directory: Linux lets one rename between directories happen at a time in a file system, and each directory would need
//! another in the quarantine, so two threads delete a third faster this way. The name is made of the run and of the entry's
//! own, so whoever goes on with a run that was killed, or undoes it, finds it again; nobody else uses it.

use super::parent::Parent;
use super::quarantine::Quarantine;
use super::removal_mode::RemovalMode;
use super::remove_entry::{look, look_for};
use super::rename::{Target, rename_new};
use crate::clean::path::{BESIDE, BESIDE_BEFORE, split};
use crate::clean::{Kind, Stamp};
use rustix::io::Errno;
use std::borrow::Cow;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

/// The place of one entry.
#[derive(Debug)]
pub(super) struct Captured<'a> {
    dir: &'a OwnedFd,
    name: Cow<'a, [u8]>,
    /// What it is called where it belongs.
    own: &'a [u8],
    /// Whether it is in its own directory.
    beside: bool,
}

impl<'a> Captured<'a> {
    /// Where the entry `own` of this directory will lie; what is missing of the place is made.
    pub(super) fn place(
        parent: &'a Parent,
        quarantine: &Quarantine,
        removal_mode: &RemovalMode,
        own: &'a [u8],
    ) -> Result<Self, Errno> {
        match removal_mode {
            RemovalMode::Delete => Ok(Self::beside(parent, quarantine.run(), own)),
            _ => Ok(Self::within(parent.hold(quarantine)?, quarantine, own)),
        }
    }

    /// Where it would lie if an earlier try left it there.
    pub(super) fn left(
        parent: &'a Parent,
        quarantine: &Quarantine,
        removal_mode: &RemovalMode,
        own: &'a [u8],
    ) -> Result<Self, Errno> {
        match removal_mode {
            RemovalMode::Delete => Ok(Self::left_beside(parent, quarantine.run(), own)),
            _ => Ok(Self::within(parent.held(quarantine)?, quarantine, own)),
        }
    }

    fn within(dir: &'a OwnedFd, quarantine: &Quarantine, own: &'a [u8]) -> Self {
        Captured { dir, name: quarantine.name(own), own, beside: false }
    }

    /// Where it lies in a run that deletes.
    pub(super) fn beside(parent: &'a Parent, run: &str, own: &'a [u8]) -> Self {
        Self::beside_as(BESIDE, parent, run, own)
    }

    /// The same for what an earlier try left there, which may have been one of an earlier version.
    pub(super) fn left_beside(parent: &'a Parent, run: &str, own: &'a [u8]) -> Self {
        let before = Self::beside_as(BESIDE_BEFORE, parent, run, own);
        if before.look().is_ok() { before } else { Self::beside(parent, run, own) }
    }

    fn beside_as(front: &[u8], parent: &'a Parent, run: &str, own: &'a [u8]) -> Self {
        let hash = blake3::hash(own).to_hex();
        let name = [front, run.as_bytes(), b"-", &hash.as_bytes()[..16]].concat();
        Captured { dir: parent.fd(), name: name.into(), own, beside: true }
    }

    /// The directory that holds it.
    pub(super) fn dir(&self) -> &'a OwnedFd {
        self.dir
    }

    /// What it is called there.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// What it is called where it belongs.
    pub(super) fn own(&self) -> &'a [u8] {
        self.own
    }

    /// Where it is, for people: a fragment whose subject is the entry.
    pub(super) fn lies(&self) -> String {
        match self.beside {
            false => "lies in the quarantine".into(),
            true => format!("lies beside its place as {}", String::from_utf8_lossy(&self.name)),
        }
    }

    /// What is there.
    pub(super) fn look(&self) -> Result<(Kind, Stamp), Errno> {
        look(self.dir, &self.name)
    }

    /// The same, for what is meant to be the entry of this stamp.
    pub(super) fn look_for(&self, stamp: &Stamp) -> Result<(Kind, Stamp), Errno> {
        look_for(self.dir, &self.name, stamp)
    }

    /// Renames the entry to it, never over anything.
    pub(super) fn capture(&self, parent: &Parent) -> Result<(), Errno> {
        rename_new(parent.fd(), self.own, self.dir, &self.name, Target::Ours)
    }

    /// Renames it to where it belongs, never over anything.
    pub(super) fn give_back(&self, to: impl AsFd) -> Result<(), Errno> {
        rename_new(self.dir, &self.name, to, self.own, Target::Shared)
    }
}

/// Whether an entry lies where a run captured it that deletes: the run was killed, or could not put it back.
pub fn is_beside(root: &File, run: &str, path: &[u8]) -> bool {
    let (dir, name) = split(path);
    Parent::open(root, dir).is_ok_and(|parent| Captured::left_beside(&parent, run, name).look().is_ok())
}
