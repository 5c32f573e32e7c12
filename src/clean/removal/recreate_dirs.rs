//! Recreates directories as they were.

use super::journals::Journal;
use super::open_below::{in_the_way, open_below, why_not};
use super::parent::Parent;
use super::recipe::{set_mtime, time_of};
use super::write_access::WriteAccess;
use crate::clean::path::split;
use crate::clean::{Dirs, EntryOutcome, Kind, Line, Recipe, Record};
use crate::model::sanitize;
use crate::platform::follow;
use rustix::fs::{AtFlags, Gid, Mode, Uid, chownat, fchmod, fstat, mkdirat};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

/// Creates missing directories, and records which ones.
pub(super) struct DirRecreator<'a> {
    access: &'a Arc<WriteAccess>,
    dirs: &'a Dirs,
    journal: &'a Journal,
    /// Directories created by this undo, or by an earlier one that was interrupted.
    made: BTreeSet<Vec<u8>>,
    now: u64,
}

impl<'a> DirRecreator<'a> {
    pub(super) fn new(access: &'a Arc<WriteAccess>, dirs: &'a Dirs, journal: &'a Journal) -> Self {
        DirRecreator { access, dirs, journal, made: dirs.made.clone(), now: 0 }
    }

    /// The root of the tree.
    pub(super) fn root(&self) -> &'a File {
        self.access.root()
    }

    /// Opens a directory to restore entries into. Missing directories are created, and are private until the end.
    pub(super) fn open(&mut self, path: &[u8]) -> io::Result<Parent> {
        let mut missing = Vec::new();
        let mut at = path;
        let mut parent = loop {
            match self.there(at) {
                Ok(parent) => break parent,
                Err(Errno::NOENT) if !at.is_empty() => {
                    missing.push(at);
                    at = split(at).0;
                }
                Err(error) => return Err(self.no_parent(at, error)),
            }
        };
        for path in missing.into_iter().rev() {
            let (did, bytes) = (EntryOutcome::Restored, 0);
            self.journal.line(&Line::Did(Record {
                path: path.into(),
                kind: Kind::Dir,
                did,
                bytes,
                entries: 1,
                why: None,
            }))?;
            self.made.insert(path.into());
            self.now += 1;
            parent.changes().map_err(io::Error::other)?;
            let above = self.access.stat(|| fstat(parent.fd()))?;
            let is_new = match mkdirat(parent.fd(), OsStr::from_bytes(split(path).1), Mode::RWXU) {
                Ok(()) => true,
                Err(Errno::EXIST) => false,
                Err(error) => return Err(error.into()),
            };
            parent = self.there(path).map_err(|error| self.no_parent(path, error))?;
            if is_new && !self.dirs.was.contains_key(path) {
                // Something else removed the directory, so its metadata is unknown.
                follow(parent.fd(), &above);
            }
        }
        Ok(parent)
    }

    fn no_parent(&self, path: &[u8], error: Errno) -> io::Error {
        let way =
            matches!(error, Errno::LOOP | Errno::NOTDIR).then(|| in_the_way(self.root(), path)).flatten();
        io::Error::other(match way {
            Some((path, kind)) => {
                let path = sanitize::name(path);
                format!("{path} is {kind} now, where its directory was: move {path} aside, then undo again")
            }
            None => why_not(error),
        })
    }

    fn there(&self, path: &[u8]) -> Result<Parent, Errno> {
        let mut parent = Parent::open_to_change(self.access, path)?;
        if let Some(recipe) = self.dirs.was.get(path) {
            parent.was_really(*recipe);
        }
        Ok(parent)
    }

    /// Sets owner, mode and modification time of the created directories, the deepest first, since restoring entries changes the time of a
    /// directory. Returns the number of directories.
    pub(super) fn finish(self) -> u64 {
        for path in self.made.iter().rev() {
            if let Some(recipe) = self.dirs.was.get(path) {
                self.set(path, recipe);
            }
        }
        if self.dirs.half {
            // An interrupted undo may not have restored their times.
            let others = self.dirs.was.iter().filter(|(path, _)| !self.made.contains(*path));
            for (path, recipe) in others {
                if let Ok(dir) = open_below(self.root(), path) {
                    set_mtime(dir, time_of(recipe));
                }
            }
        }
        self.now
    }

    /// Sets the metadata as far as permissions allow.
    fn set(&self, path: &[u8], recipe: &Recipe) {
        let Ok(dir) = open_below(self.root(), path) else { return };
        let (above, name) = split(path);
        // A user who may not change the owner may still change the group.
        for uid in [Some(Uid::from_raw(recipe.uid)), None] {
            let gid = Some(Gid::from_raw(recipe.gid));
            let given = open_below(self.root(), above).and_then(|above| {
                chownat(above, OsStr::from_bytes(name), uid, gid, AtFlags::SYMLINK_NOFOLLOW)
            });
            if given.is_ok() {
                break;
            }
        }
        let _ = fchmod(&dir, Mode::from_raw_mode(recipe.mode as _));
        set_mtime(&dir, time_of(recipe));
    }
}
