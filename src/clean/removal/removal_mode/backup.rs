//! A directory that takes what is removed, under its own paths.

use super::moving::move_to;
use crate::clean::Stamp;
use crate::clean::removal::capture::Captured;
use crate::clean::removal::open_below::{make_below, open_below, why_not};
use crate::clean::removal::remove_entry::look;
use rustix::fs::Mode;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// It may lie on another file system; an older backup is never written over.
#[derive(Debug)]
pub struct Backup {
    path: PathBuf,
    dir: File,
}

impl Backup {
    /// Makes the directory if it is missing. It must not lie in the tree.
    pub fn open(path: &Path, root: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let path = path.canonicalize()?;
        if path.starts_with(root) {
            let text = "the backup directory lies in the tree that is cleaned";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let dir = File::open(&path)?;
        Ok(Backup { path, dir })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What was captured from the directory `from` goes there under its own name.
    pub(super) fn put(&self, hold: &Captured<'_>, from: &[u8], stamp: &Stamp) -> io::Result<()> {
        let to = make_below(&self.dir, from, Mode::RWXU, |_, _| ())
            .map_err(|error| io::Error::other(format!("its directory there: {}", why_not(error))))?;
        move_to(hold.dir(), hold.name(), &to, hold.own(), stamp)
    }

    /// Whether one of that size and time lies at its place.
    pub(super) fn has(&self, from: &[u8], name: &[u8], stamp: &Stamp) -> bool {
        let there = open_below(&self.dir, from).and_then(|dir| look(dir, name));
        there.is_ok_and(|(_, there)| (there.size, there.mtime) == (stamp.size, stamp.mtime))
    }
}
