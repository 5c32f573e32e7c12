//! What a mirror holds: its files, in the order of their paths.

use super::SearchError;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
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

/// A mirror's files, and the directories that could not be read.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Sorted by path, bytewise.
    pub(super) files: Vec<Listed>,
    /// Relative, with what was said.
    pub(super) unreadable: Vec<(Vec<u8>, io::Error)>,
}

/// Lists them. Links are not followed. Names that begin with a dot are passed by: they are rsync's temporary files, its partial ones
/// and our own quarantine.
pub(super) fn files(root: &Path) -> Result<Listing, SearchError> {
    let mut listing = Listing::default();
    let top = fs::read_dir(root).map_err(SearchError::io("read the mirror", root))?;
    let mut open: Vec<(Vec<u8>, fs::ReadDir)> = vec![(Vec::new(), top)];
    while let Some((prefix, dir)) = open.pop() {
        for item in dir {
            let item = match item {
                Ok(item) => item,
                Err(error) => {
                    listing.unreadable.push((prefix.clone(), error));
                    break;
                }
            };
            let name = item.file_name();
            if name.as_bytes().starts_with(b".") {
                continue;
            }
            let mut path = prefix.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name.as_bytes());
            // A file that is gone by now is not there.
            let Ok(meta) = item.metadata() else { continue };
            if meta.is_dir() {
                match fs::read_dir(item.path()) {
                    Ok(dir) => open.push((path, dir)),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => listing.unreadable.push((path, error)),
                }
            } else if meta.is_file() {
                listing.files.push(Listed { path, stamp: stamp(&meta) });
            }
        }
    }
    listing.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(listing)
}

fn stamp(meta: &fs::Metadata) -> Stamp {
    let nanoseconds = |s: i64, ns: i64| s.saturating_mul(1_000_000_000).saturating_add(ns);
    Stamp {
        size: meta.len(),
        mtime: nanoseconds(meta.mtime(), meta.mtime_nsec()),
        ctime: nanoseconds(meta.ctime(), meta.ctime_nsec()),
        inode: meta.ino(),
    }
}

/// The absolute path of a listed file.
pub(super) fn absolute(root: &Path, path: &[u8]) -> PathBuf {
    root.join(std::ffi::OsString::from_vec(path.to_vec()))
}
