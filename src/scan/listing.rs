//! The names in a directory, sorted.

use rustix::fs::FileType;
use rustix::io::Errno;
use std::ffi::CStr;
use std::os::fd::AsFd;

/// How much of a directory the kernel gives at once.
#[cfg(target_os = "linux")]
const BUFFER: usize = 64 * 1024;

/// A directory with more names is shared out among threads; those that follow are told of while they are read.
pub(super) const MANY: usize = 4_096;
/// So many at a time.
const CHUNK: usize = 1_024;

/// Names that have just been read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fresh<'a> {
    names: &'a [u8],
    index: &'a [Place],
}

impl Fresh<'_> {
    /// Where each of them is, in ascending order, and what the directory says that it is.
    pub(super) fn places(&self) -> impl Iterator<Item = (u32, FileTypeByte)> {
        self.index.iter().map(|place| (place.at, place.kind))
    }

    /// All names from there on, each with a NUL behind it.
    pub(super) fn names_from(&self, at: u32) -> &[u8] {
        self.names.get(at as usize..).unwrap_or_default()
    }
}

/// Names and what the directory says that they are. Kept and used again, so that a directory costs no allocation.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Each with a NUL behind it, so that the kernel takes it as it is.
    names: Vec<u8>,
    index: Vec<Place>,
    buffer: Vec<u8>,
}

/// Where a name is.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// How the name begins: enough to sort most of them without looking at the names.
    head: u64,
    at: u32,
    len: u16,
    kind: FileTypeByte,
}

impl Place {
    fn name<'a>(&self, names: &'a [u8]) -> &'a [u8] {
        &names[self.at as usize..self.at as usize + usize::from(self.len)]
    }
}

/// The first eight bytes, the first of all in front; no name has a zero in it.
fn head(name: &[u8]) -> u64 {
    let mut head = [0; 8];
    let len = name.len().min(8);
    head[..len].copy_from_slice(&name[..len]);
    u64::from_be_bytes(head)
}

/// A [`FileType`] that is easy to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileTypeByte {
    Directory,
    Symlink,
    /// Anything that `stat` alone need tell about.
    Plain,
    /// The directory does not say.
    Unknown,
}

impl Listing {
    /// Reads a directory. Names for which `skip` holds are left out. An error in the middle leaves what came before. `fresh`
    /// is told of the names of a directory with very many while they come.
    pub(super) fn read(
        &mut self,
        dir: impl AsFd,
        mut skip: impl FnMut(&[u8], FileTypeByte) -> bool,
        mut fresh: impl FnMut(Fresh<'_>),
    ) -> Result<(), Errno> {
        self.names.clear();
        self.index.clear();
        let (names, index) = (&mut self.names, &mut self.index);
        let mut told = MANY;
        let read = each(dir, &mut self.buffer, |name, kind| {
            let kind = match kind {
                FileType::Directory => FileTypeByte::Directory,
                FileType::Symlink => FileTypeByte::Symlink,
                FileType::Unknown => FileTypeByte::Unknown,
                _ => FileTypeByte::Plain,
            };
            if name == b"." || name == b".." || skip(name, kind) {
                return;
            }
            index.push(Place { head: head(name), at: names.len() as u32, len: name.len() as u16, kind });
            names.extend_from_slice(name);
            names.push(0);
            if index.len() >= told + CHUNK {
                fresh(Fresh { names, index: &index[told..] });
                told = index.len();
            }
        });
        index.sort_unstable_by(|a, b| a.head.cmp(&b.head).then_with(|| a.name(names).cmp(b.name(names))));
        read
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) fn get(&self, n: usize) -> (&[u8], FileTypeByte) {
        let place = &self.index[n];
        (place.name(&self.names), place.kind)
    }

    /// The same name for the kernel.
    pub(super) fn c_name(&self, n: usize) -> &CStr {
        let place = &self.index[n];
        let (from, len) = (place.at as usize, usize::from(place.len));
        // The kernel gave it with a NUL behind and none within.
        CStr::from_bytes_with_nul(&self.names[from..=from + len]).unwrap_or_default()
    }

    /// Where the name is among all: what [`Fresh`] told of it.
    pub(super) fn place(&self, n: usize) -> u32 {
        self.index[n].at
    }

    /// Gives the names away, with nothing to spare.
    pub(super) fn take(&mut self) -> Listing {
        let mut taken = Listing {
            names: std::mem::take(&mut self.names),
            index: std::mem::take(&mut self.index),
            buffer: Vec::new(),
        };
        taken.names.shrink_to_fit();
        taken.index.shrink_to_fit();
        taken
    }
}

#[cfg(target_os = "linux")]
fn each(dir: impl AsFd, buffer: &mut Vec<u8>, mut tell: impl FnMut(&[u8], FileType)) -> Result<(), Errno> {
    buffer.clear();
    buffer.reserve(BUFFER);
    let mut entries = rustix::fs::RawDir::new(dir, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        match entry {
            Ok(entry) => tell(entry.file_name().to_bytes(), entry.file_type()),
            // The directory was removed while it was read: it is empty now.
            Err(Errno::NOENT) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn each(dir: impl AsFd, _buffer: &mut Vec<u8>, mut tell: impl FnMut(&[u8], FileType)) -> Result<(), Errno> {
    for entry in rustix::fs::Dir::read_from(dir)? {
        let entry = entry?;
        tell(entry.file_name().to_bytes(), entry.file_type());
    }
    Ok(())
}
