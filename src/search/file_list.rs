//! What a mirror holds: its files, in the order of their paths.

use super::SearchError;
use crate::scan::inventory::{Kind, Stat, State};
use crate::scan::{self, Stop};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// A regular file. Two that are equal are taken to have the same contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    /// Relative to the root.
    pub(super) path: Vec<u8>,
    pub(super) stamp: Stamp,
}

/// What changes when a file is replaced or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Stamp {
    pub(super) size: u64,
    /// Nanoseconds since the epoch.
    pub(super) mtime: i64,
    /// Nanoseconds since the epoch.
    pub(super) ctime: i64,
    pub(super) inode: u64,
}

impl Stamp {
    /// Of what the system did not let us read, so that the next run tries it again: no file has it.
    pub(super) const NEVER: Stamp = Stamp { size: u64::MAX, mtime: i64::MIN, ctime: i64::MIN, inode: 0 };
}

/// A mirror's files, and the directories that could not be read.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Sorted by path, bytewise.
    pub(super) files: Vec<Listed>,
    /// Relative, with what was said.
    pub(super) unreadable: Vec<(Vec<u8>, String)>,
}

/// Lists them. Links are not followed. Names that begin with a dot are passed by: they are rsync's temporary files, its partial ones
/// and our own quarantine. Every file is looked at: an inventory that trusts directories would miss what was written in place.
pub(super) fn files(root: &Path, stop: &Stop) -> Result<Listing, SearchError> {
    let options = scan::Options { skip_hidden: true, stop: stop.clone(), ..scan::Options::default() };
    let scanned = scan::scan(root, &options, None)
        .map_err(|error| SearchError::io("read the mirror", root)(error.source))?;
    if scanned.ended.is_some() {
        return Err(SearchError::Stopped);
    }
    let mut listing = Listing::default();
    for dir in scanned.inventory.dirs() {
        if dir.state() == State::Incomplete {
            let path = dir.path();
            let told = scanned.troubles.iter().find(|trouble| trouble.path == path);
            let why = told.map_or_else(|| "not read to its end".into(), |trouble| trouble.why.clone());
            listing.unreadable.push((path, why));
        }
    }
    for (dir, entry) in scanned.inventory.entries() {
        if entry.stat.kind == Kind::File {
            let Stat { size, mtime, ctime, inode, .. } = entry.stat;
            listing
                .files
                .push(Listed { path: dir.path_of(entry.name), stamp: Stamp { size, mtime, ctime, inode } });
        }
    }
    listing.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(listing)
}

/// The absolute path of a listed file.
pub(super) fn absolute(root: &Path, path: &[u8]) -> PathBuf {
    root.join(std::ffi::OsString::from_vec(path.to_vec()))
}
