//! Where an entry lies between its capture and what becomes of it.
//!
//! What is kept somewhere goes into the quarantine, a private directory. What is to be deleted only gets another name in its
//! own directory: Linux lets one rename between directories happen at a time in a file system, and each directory would need
//! another in the quarantine, so two threads delete a third faster this way. The name is made of the run and of the entry's
//! own, so whoever goes on with a run that was killed, or undoes it, finds it again; nobody else uses it.

use super::fate::Fate;
use super::hand::{look, look_for};
use super::parent::Parent;
use super::quarantine::Quarantine;
use crate::clean::path::{BESIDE, BESIDE_BEFORE, split};
use crate::clean::{Kind, Stamp};
use crate::machine::renames_without_replacing;
use rustix::fs::{AtFlags, RenameFlags, linkat, renameat, renameat_with, unlinkat};
use rustix::io::Errno;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

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
        fate: &Fate,
        own: &'a [u8],
    ) -> Result<Self, Errno> {
        match fate {
            Fate::Delete => Ok(Self::beside(parent, quarantine.run(), own)),
            _ => Ok(Self::within(parent.hold(quarantine)?, quarantine, own)),
        }
    }

    /// Where it would lie if an earlier try left it there.
    pub(super) fn left(
        parent: &'a Parent,
        quarantine: &Quarantine,
        fate: &Fate,
        own: &'a [u8],
    ) -> Result<Self, Errno> {
        match fate {
            Fate::Delete => Ok(Self::left_beside(parent, quarantine.run(), own)),
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
        match rename_new(parent.fd(), self.dir, self.own, &self.name) {
            // File systems that do not know the flag. Nobody else uses our names.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => match self.look() {
                Ok(_) => Err(Errno::EXIST),
                Err(_) => renameat(parent.fd(), bytes(self.own), self.dir, bytes(&self.name)),
            },
            other => other,
        }
    }

    /// Renames it to where it belongs, never over anything.
    pub(super) fn give_back(&self, to: impl AsFd) -> Result<(), Errno> {
        give_back(self.dir, &self.name, to, self.own)
    }
}

/// Whether an entry lies where a run captured it that deletes: the run was killed, or could not put it back.
pub fn is_beside(root: &File, run: &str, path: &[u8]) -> bool {
    let (dir, name) = split(path);
    Parent::open(root, dir).is_ok_and(|parent| Captured::left_beside(&parent, run, name).look().is_ok())
}

/// Renames, and never over anything.
pub(super) fn rename_new(from: impl AsFd, to: impl AsFd, name: &[u8], new: &[u8]) -> Result<(), Errno> {
    match renameat_with(from, bytes(name), to, bytes(new), RenameFlags::NOREPLACE) {
        // A sandbox that refuses the call altogether, and not a lack of permission for this entry.
        Err(Errno::PERM) if !renames_without_replacing() => Err(Errno::NOSYS),
        renamed => renamed,
    }
}

/// The same, also where the file system does not know how.
pub(super) fn give_back(from: impl AsFd, name: &[u8], to: impl AsFd, new: &[u8]) -> Result<(), Errno> {
    match rename_new(&from, &to, name, new) {
        // A link is refused where something is.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            match linkat(&from, bytes(name), &to, bytes(new), AtFlags::empty()) {
                // An earlier try was killed between the two.
                Err(Errno::EXIST) if is_same(&from, name, &to, new) => {}
                linked => linked?,
            }
            unlinkat(&from, bytes(name), AtFlags::empty())
        }
        other => other,
    }
}

/// Whether two names are of the same file.
fn is_same(from: impl AsFd, name: &[u8], to: impl AsFd, new: &[u8]) -> bool {
    let inode = |(_, stamp): (Kind, Stamp)| (stamp.dev, stamp.ino);
    match (look(from, name), look(to, new)) {
        (Ok(a), Ok(b)) => inode(a) == inode(b),
        _ => false,
    }
}

fn bytes(name: &[u8]) -> &OsStr {
    OsStr::from_bytes(name)
}
