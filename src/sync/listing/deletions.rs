//! The entries that the source lacks. They are in a file of their own, so that millions of names need no memory, and so that users can read
//! the list when a guard refuses.

use crate::clean::Stamp;
use crate::model::event::Tally;
use crate::model::sanitize;
use crate::platform;
use crate::retention;
use crate::rsync::output::{Change, unescape};
use crate::scan::inventory::nanoseconds;
use jiff::Timestamp;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Maximum length of a name that is read back, in bytes. rsync's own limit is `PATH_MAX`; escapes make a name at most five times longer.
const LONGEST: usize = 5 * 4096 + 2;

/// How many lists of refused deletions are kept for users to read.
const KEPT: usize = 10;

/// Writes the list. Entries are counted even if they cannot be written.
#[derive(Debug)]
pub(in crate::sync) struct DeletionWriter {
    path: PathBuf,
    file: io::Result<BufWriter<File>>,
    tally: Tally,
    /// Directories that are not listed themselves but hold a listed entry, by their key (see [`DeletionWriter::key`]).
    emptied: HashMap<Vec<u8>, Vec<u8>>,
    folds: bool,
    make_room: HashSet<Vec<u8>>,
}

/// One entry of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sync) struct Deletion {
    /// Relative to the destination, as on disk.
    pub(in crate::sync) name: Vec<u8>,
    /// Whether it is a directory.
    pub(in crate::sync) dir: bool,
}

impl DeletionWriter {
    /// Creates an empty list at `path`, replacing an older one.
    pub(in crate::sync) fn create(path: &Path, folds: bool) -> Self {
        let file = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
            path.parent()
                .into_iter()
                .for_each(|dir| retention::prune(dir, "deletions", KEPT, "", Timestamp::now()));
            File::create(path).map(BufWriter::new)
        });
        let (emptied, make_room) = (HashMap::new(), HashSet::new());
        DeletionWriter { path: path.into(), file, tally: Tally::default(), emptied, folds, make_room }
    }

    /// The key of a name: equal for names that the destination treats as equal.
    fn key<'n>(&self, name: &'n [u8]) -> Cow<'n, [u8]> {
        if self.folds { super::folding::key(name).into() } else { name.into() }
    }

    /// Adds an entry that the source lacks. Contents come before their directory.
    pub(in crate::sync) fn push(&mut self, change: &Change<'_>) {
        *if change.dir { &mut self.tally.dirs } else { &mut self.tally.files } += 1;
        if let Ok(file) = &mut self.file {
            let end: &[u8] = if change.dir { b"/\n" } else { b"\n" };
            if let Err(error) = file.write_all(change.name).and_then(|()| file.write_all(end)) {
                self.file = Err(error);
            }
        }
        if change.dir {
            let key = self.key(change.name);
            self.emptied.remove(&*key);
        }
        if let Some(at) = memchr::memrchr(b'/', change.name) {
            let key = self.key(&change.name[..at]);
            if !self.emptied.contains_key(&*key) {
                self.emptied.insert(key.into_owned(), change.name[..at].to_vec());
            }
        }
    }

    /// Records a new entry of the source that is no directory. If it replaces a directory, rsync lists the directory's contents as deleted
    /// before it reaches the new entry, but not the directory itself.
    pub(in crate::sync) fn created(&mut self, name: &[u8]) {
        if let Some(dir) = self.emptied.get(&*self.key(name)) {
            self.make_room.insert(unescape(dir));
        }
    }

    /// Ends the list.
    pub(in crate::sync) fn finish(self) -> Deletions {
        let DeletionWriter { path, file, tally, make_room, .. } = self;
        let written = file.and_then(|mut file| file.flush());
        let unwritten = written.err().map(|error| format!("{}: {error}", sanitize::path(&path)));
        Deletions { path, unwritten, tally, make_room }
    }
}

/// A complete list.
#[derive(Debug, Clone, Default)]
pub(in crate::sync) struct Deletions {
    /// Path of the list.
    pub(in crate::sync) path: PathBuf,
    /// Why the list could not be written; then only the tally is known.
    pub(in crate::sync) unwritten: Option<String>,
    /// The number of entries.
    pub(in crate::sync) tally: Tally,
    /// Directories that must be removed before the transfer because a file replaces them.
    pub(in crate::sync) make_room: HashSet<Vec<u8>>,
}

impl Deletions {
    /// Whether nothing is to be deleted.
    pub(in crate::sync) fn is_empty(&self) -> bool {
        self.tally.files == 0 && self.tally.dirs == 0
    }

    /// Path of the list; `None` if it could not be written or is empty.
    pub(in crate::sync) fn listed(&self) -> Option<&Path> {
        (self.unwritten.is_none() && !self.is_empty()).then_some(self.path.as_path())
    }

    /// The entries, contents before their directories.
    pub(in crate::sync) fn entries(&self) -> io::Result<impl Iterator<Item = io::Result<Deletion>> + use<>> {
        if let Some(why) = &self.unwritten {
            return Err(io::Error::other(why.clone()));
        }
        let mut reader = BufReader::new(platform::open_regular(&self.path)?);
        let mut line = Vec::new();
        Ok(std::iter::from_fn(move || {
            line.clear();
            match io::Read::take(&mut reader, LONGEST as u64).read_until(b'\n', &mut line) {
                Ok(0) => None,
                Ok(_) => Some(entry(&line)),
                Err(error) => Some(Err(error)),
            }
        }))
    }

    /// Removes the entries for which `stays` returns true from the list. Names are compared as rsync printed them.
    pub(in crate::sync) fn leave_out(&mut self, mut stays: impl FnMut(&Deletion) -> bool) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut file = BufWriter::new(File::create(&new)?);
        let mut tally = Tally::default();
        let mut old = BufReader::new(platform::open_regular(&self.path)?);
        let mut line = Vec::new();
        while old.read_until(b'\n', &mut line)? > 0 {
            let entry = entry(&line)?;
            if !stays(&entry) {
                *if entry.dir { &mut tally.dirs } else { &mut tally.files } += 1;
                file.write_all(&line)?;
            }
            line.clear();
        }
        file.flush()?;
        fs::rename(new, &self.path)?;
        self.tally = tally;
        Ok(())
    }

    /// The current stamps of the entries, in their order (`None` for a missing entry), and the bytes of the files.
    pub(in crate::sync) fn stamps(&self, root: &Path) -> io::Result<(Vec<Option<Mark>>, u64)> {
        let mut bytes = 0u64;
        let mut stamps = Vec::new();
        for entry in self.entries()? {
            let path = root.join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(&entry?.name));
            let meta = fs::symlink_metadata(path).ok();
            bytes += meta.as_ref().filter(|m| m.is_file()).map_or(0, MetadataExt::size);
            stamps.push(meta.map(|meta| Mark::of(&meta)));
        }
        Ok((stamps, bytes))
    }

    /// Whether this entry, or a directory above it, blocks a file of the source.
    pub(in crate::sync) fn is_in_the_way(&self, name: &[u8]) -> bool {
        let above = memchr::memchr_iter(b'/', name).map(|at| &name[..at]);
        !self.make_room.is_empty() && above.chain([name]).any(|dir| self.make_room.contains(dir))
    }
}

/// The identity of a listed entry, as last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sync) struct Mark {
    /// The stamp of the entry.
    pub(in crate::sync) stamp: Stamp,
    /// Whether it is a file with several hard links.
    pub(in crate::sync) linked: bool,
}

impl Mark {
    fn of(meta: &fs::Metadata) -> Self {
        let (dev, ino) = (meta.dev(), meta.ino());
        if meta.is_dir() {
            return Mark { stamp: Stamp { dev, ino, size: 0, mtime: 0, ctime: 0 }, linked: false };
        }
        let mtime = nanoseconds(meta.mtime(), meta.mtime_nsec());
        let ctime = nanoseconds(meta.ctime(), meta.ctime_nsec());
        Mark { stamp: Stamp { dev, ino, size: meta.size(), mtime, ctime }, linked: meta.nlink() > 1 }
    }
}

fn entry(line: &[u8]) -> io::Result<Deletion> {
    let Some(name) = line.strip_suffix(b"\n") else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the list of deletions is cut short"));
    };
    let (name, dir) = name.strip_suffix(b"/").map_or((name, false), |name| (name, true));
    Ok(Deletion { name: unescape(name), dir })
}
