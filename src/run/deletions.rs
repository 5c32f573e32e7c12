//! The list of what a dry run counted for deletion: a file of its own, so that millions of names need no memory, and so
//! that people can look at it when the guard refuses.

use crate::clean::Stamp;
use crate::event::Tally;
use crate::expiry;
use crate::inventory::nanoseconds;
use crate::rsync::output::{Change, ChangeKind, Count, Stats, unescape};
use jiff::Timestamp;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Longest name that is read back, in bytes; rsync's own limit is `PATH_MAX`, escaped at most fivefold.
const LONGEST: usize = 5 * 4096 + 2;

/// So many lists of earlier runs that were refused stay for people to look at.
const KEPT: usize = 10;

/// Collects changes of a dry run; what goes is written down.
#[derive(Debug)]
pub(super) struct Deletions {
    path: PathBuf,
    file: BufWriter<File>,
    failed: Option<io::Error>,
    /// What would be removed.
    pub(super) deleted: Tally,
    /// What would be new, with bytes.
    pub(super) created: Tally,
    /// What would change, with bytes.
    pub(super) updated: Tally,
    /// Directories that are not listed themselves, with something in them that is.
    emptied: HashSet<Vec<u8>>,
    make_room: HashSet<Vec<u8>>,
}

/// One entry of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Relative to the destination, as on disk.
    pub(super) name: Vec<u8>,
    /// Whether it is a directory.
    pub(super) dir: bool,
}

impl Deletions {
    /// Starts an empty list at `path`, replacing an older one.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
            expiry::prune(parent, "deletions", KEPT, "", Timestamp::now());
        }
        let known = Tally { bytes: Some(0), ..Tally::default() };
        Ok(Deletions {
            path: path.into(),
            file: BufWriter::new(File::create(path)?),
            failed: None,
            deleted: Tally::default(),
            created: known,
            updated: known,
            emptied: HashSet::new(),
            make_room: HashSet::new(),
        })
    }

    /// Takes one change of the dry run.
    pub(super) fn note(&mut self, change: &Change<'_>) {
        let tally = match change.kind {
            ChangeKind::Created => &mut self.created,
            ChangeKind::Updated => &mut self.updated,
            ChangeKind::Deleted => &mut self.deleted,
        };
        if change.dir {
            tally.dirs += 1;
        } else {
            tally.files += 1;
            // A change of attributes moves no contents.
            let size = if change.contents { change.size } else { 0 };
            tally.bytes = tally.bytes.map(|b| b.saturating_add(size));
        }
        match change.kind {
            ChangeKind::Deleted => {
                self.write(change);
                self.leave(change);
            }
            // rsync empties a directory before it comes to the file that takes its place, and does not list it itself.
            ChangeKind::Created if !change.dir && self.emptied.contains(change.name) => {
                self.make_room.insert(unescape(change.name));
            }
            ChangeKind::Created | ChangeKind::Updated => {}
        }
    }

    fn write(&mut self, change: &Change<'_>) {
        let end: &[u8] = if change.dir { b"/\n" } else { b"\n" };
        if let Err(error) = self.file.write_all(change.name).and_then(|()| self.file.write_all(end)) {
            self.failed.get_or_insert(error);
        }
    }

    /// Remembers whose parent is emptied; contents come before their directory.
    fn leave(&mut self, change: &Change<'_>) {
        if change.dir {
            self.emptied.remove(change.name);
        }
        if let Some(at) = memchr::memrchr(b'/', change.name)
            && !self.emptied.contains(&change.name[..at])
        {
            self.emptied.insert(change.name[..at].to_vec());
        }
    }

    /// The list is complete: makes sure that it is on disk.
    pub(super) fn finish(mut self) -> io::Result<Counted> {
        self.file.flush()?;
        match self.failed {
            Some(error) => Err(error),
            None => Ok(Counted {
                path: self.path,
                deleted: self.deleted,
                created: self.created,
                updated: self.updated,
                make_room: self.make_room,
            }),
        }
    }
}

/// A complete list.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    /// Where it is.
    /// Empty after a dry run whose output itself names them.
    pub(super) path: PathBuf,
    /// What would be removed.
    pub(super) deleted: Tally,
    /// What would be new.
    pub(super) created: Tally,
    /// What would change.
    pub(super) updated: Tally,
    /// Directories that have to go before the transfer, because a file takes their place.
    pub(super) make_room: HashSet<Vec<u8>>,
}

impl Counted {
    /// Whether the dry run found nothing to do at all.
    pub(super) fn is_nothing(&self) -> bool {
        [self.deleted, self.created, self.updated].iter().all(|t| t.files == 0 && t.dirs == 0)
    }

    /// For a dry run whose changes were shown and not read: what rsync itself counted.
    pub(super) fn take_figures(&mut self, stats: &Stats) {
        let tally = |count: Option<Count>| {
            count.map_or(Tally::default(), |c| Tally { files: c.files(), dirs: c.dirs, bytes: None })
        };
        (self.created, self.deleted) = (tally(stats.created), tally(stats.deleted));
        // A list that stays behind does no harm.
        let _ = fs::remove_file(&self.path);
        self.path = PathBuf::new();
    }

    /// The entries, contents before their directories.
    pub(super) fn entries(&self) -> io::Result<impl Iterator<Item = io::Result<Entry>> + use<>> {
        let mut reader = BufReader::new(File::open(&self.path)?);
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

    /// Who the entries are now, in their order; `None` for one that is not there. Also the bytes of the files.
    pub(super) fn stamps(&self, root: &Path) -> io::Result<(Vec<Option<Mark>>, u64)> {
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

    /// Whether this entry stands where a file of the source will be.
    pub(super) fn is_in_the_way(&self, name: &[u8]) -> bool {
        let above = memchr::memchr_iter(b'/', name).map(|at| &name[..at]);
        !self.make_room.is_empty() && above.chain([name]).any(|dir| self.make_room.contains(dir))
    }
}

/// Who an entry of the list was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// As it was looked at.
    pub(super) stamp: Stamp,
    /// Whether it is a file with several names.
    pub(super) linked: bool,
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

fn entry(line: &[u8]) -> io::Result<Entry> {
    let Some(name) = line.strip_suffix(b"\n") else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the list of deletions is cut short"));
    };
    let (name, dir) = name.strip_suffix(b"/").map_or((name, false), |name| (name, true));
    Ok(Entry { name: unescape(name), dir })
}
