//! Lists the files of a mirror, sorted by path.

use super::SearchError;
use crate::scan::inventory::{Kind, Stat, State};
use crate::scan::{self, Stop};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// A regular file. Files with equal fields are assumed to have the same contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    /// Relative to the root.
    pub(super) path: Vec<u8>,
    pub(super) stamp: Stamp,
}

/// Metadata that change when a file is replaced or written.
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
    /// The stamp of files that the system did not let us read. No real file has it, so the next run tries them again.
    pub(super) const NEVER: Stamp = Stamp { size: u64::MAX, mtime: i64::MIN, ctime: i64::MIN, inode: 0 };
}

/// The files of a mirror, and the directories that could not be read.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Sorted by path, bytewise.
    pub(super) files: Vec<Listed>,
    /// Paths relative to the root, each with the error message.
    pub(super) unreadable: Vec<(Vec<u8>, String)>,
}

/// Lists the files. Symlinks are not followed. Names that begin with a dot are skipped: they are rsync's temporary files, its partial files
/// and our quarantine. Every file is checked with `stat`: a list that trusts the times of directories would miss files written in place.
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

/// Returns the absolute path of a listed file.
pub(super) fn absolute(root: &Path, path: &[u8]) -> PathBuf {
    root.join(std::ffi::OsString::from_vec(path.to_vec()))
}
