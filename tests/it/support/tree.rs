//! What a directory holds, for comparison.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// One entry below a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// Bytes; 0 for a directory, whose size is the file system's business.
    pub(crate) size: u64,
    /// Seconds since the epoch; 0 for a directory, which changes with what is in it.
    pub(crate) mtime: i64,
    /// Of a file's contents or a link's target.
    pub(crate) hash: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Dir,
    Symlink,
    Other,
}

/// Everything below `root` by relative path; empty if `root` does not exist. Links are not followed.
pub(crate) fn tree(root: &Path) -> BTreeMap<PathBuf, Entry> {
    let mut entries = BTreeMap::new();
    walk(root, root, &mut entries);
    entries
}

/// Whether anything has come into a destination. Whether it folds names is tried out before, with a directory of our own.
pub(crate) fn holds_something(dest: &Path) -> bool {
    let comes =
        |entry: std::io::Result<fs::DirEntry>| entry.is_ok_and(|entry| entry.file_name() != ".pdb-sync");
    fs::read_dir(dest).is_ok_and(|mut entries| entries.any(comes))
}

fn walk(root: &Path, dir: &Path, entries: &mut BTreeMap<PathBuf, Entry>) {
    for item in fs::read_dir(dir).into_iter().flatten() {
        let path = item.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        let mut hasher = DefaultHasher::new();
        let kind = if meta.is_dir() {
            walk(root, &path, entries);
            Kind::Dir
        } else if meta.is_symlink() {
            fs::read_link(&path).unwrap().hash(&mut hasher);
            Kind::Symlink
        } else if meta.is_file() {
            fs::read(&path).unwrap().hash(&mut hasher);
            Kind::File
        } else {
            Kind::Other
        };
        let (size, mtime) = if meta.is_dir() { (0, 0) } else { (meta.len(), meta.mtime()) };
        let relative = path.strip_prefix(root).unwrap().to_owned();
        entries.insert(relative, Entry { kind, size, mtime, hash: hasher.finish() });
    }
}

/// A gzip file of this text.
pub(crate) fn packed(text: &str) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

/// The entry of a directory that has no other.
#[track_caller]
pub(crate) fn only_entry(dir: &Path) -> PathBuf {
    let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.remove(0)
}
