//! A directory for removed entries, under their own paths.

use super::moving::move_to;
use crate::clean::removal::capture::Captured;
use crate::clean::removal::contents::has_contents;
use crate::clean::removal::open_below::{make_below, open_below, why_not};
use crate::clean::removal::stamp::look;
use crate::clean::{Contents, Stamp};
use rustix::fs::Mode;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// May be on another file system. An older backup is never overwritten.
#[derive(Debug)]
pub struct Backup {
    path: PathBuf,
    dir: File,
}

impl Backup {
    /// Opens the directory, and creates it if necessary. It must not lie in the tree.
    pub fn open(path: &Path, root: &Path) -> io::Result<Self> {
        let outside = |path: &Path| match path.starts_with(root) {
            true => {
                let text = "the backup directory lies in the tree that is cleaned";
                Err(io::Error::new(io::ErrorKind::InvalidInput, text))
            }
            false => Ok(()),
        };
        // Before anything is created in the tree.
        let there = std::path::absolute(path)?;
        there
            .ancestors()
            .find_map(|above| above.canonicalize().ok())
            .map_or(Ok(()), |above| outside(&above))?;
        fs::create_dir_all(path)?;
        let path = path.canonicalize()?;
        outside(&path)?;
        let dir = File::open(&path)?;
        Ok(Backup { path, dir })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Moves an entry, captured from the directory `from`, there under its own name.
    pub(super) fn put(&self, hold: &Captured<'_>, from: &[u8], stamp: &Stamp) -> io::Result<()> {
        let to = make_below(&self.dir, from, Mode::RWXU, |_, _| ())
            .map_err(|error| io::Error::other(format!("its directory there: {}", why_not(error))))?;
        move_to(hold.dir(), hold.name(), &to, hold.own(), stamp)
    }

    /// Whether the directory at this path in the backup has these contents. A rename does not change them.
    pub(super) fn has_whole(&self, from: &[u8], name: &[u8], contents: &Contents) -> bool {
        open_below(&self.dir, from).is_ok_and(|dir| has_contents(dir, name, contents))
    }

    /// Whether an entry of this size and time exists at its path in the backup.
    pub(super) fn has(&self, from: &[u8], name: &[u8], stamp: &Stamp) -> bool {
        let there = open_below(&self.dir, from).and_then(|dir| look(dir, name));
        there.is_ok_and(|(_, there)| (there.size, there.mtime) == (stamp.size, stamp.mtime))
    }
}
