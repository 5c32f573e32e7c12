//! The sorted names of a directory.

use rustix::fs::FileType;
use rustix::io::Errno;
use std::ffi::CStr;
use std::os::fd::AsFd;

/// Size in bytes of the buffer for one `getdents` call.
#[cfg(target_os = "linux")]
const BUFFER: usize = 64 * 1024;

/// A directory with more names is divided among threads. Names beyond this number are passed on while the directory is being read.
pub(super) const MANY: usize = 4_096;
/// Number of names passed on at once.
const CHUNK: usize = 1_024;

/// Names that have just been read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fresh<'a> {
    names: &'a [u8],
    index: &'a [Place],
}

impl Fresh<'_> {
    /// Returns the offset of each name, ascending, and its type from the directory.
    pub(super) fn places(&self) -> impl Iterator<Item = (u32, FileTypeByte)> {
        self.index.iter().map(|place| (place.at, place.kind))
    }

    /// Returns all names from this offset, each followed by a NUL.
    pub(super) fn names_from(&self, at: u32) -> &[u8] {
        self.names.get(at as usize..).unwrap_or_default()
    }
}

/// Names and their types from the directory. The buffers are reused, so that a directory needs no allocation.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Each name is followed by a NUL, as system calls require.
    names: Vec<u8>,
    index: Vec<Place>,
    buffer: Vec<u8>,
}

/// The location of a name.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The first eight bytes of the name, which suffice to sort most names.
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

/// Returns the first eight bytes, the first one as the most significant. Names contain no zero byte, so shorter ones are padded.
fn head(name: &[u8]) -> u64 {
    let mut head = [0; 8];
    let len = name.len().min(8);
    head[..len].copy_from_slice(&name[..len]);
    u64::from_be_bytes(head)
}

/// A compact [`FileType`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileTypeByte {
    Directory,
    Symlink,
    /// Any type that needs only `stat`.
    Plain,
    /// The directory does not give the type.
    Unknown,
}

impl Listing {
    /// Reads a directory. Names for which `skip` returns true are left out. After an error, the names read before remain. `fresh` is called
    /// with names of very large directories while these are being read.
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

    /// Returns the name as a C string.
    pub(super) fn c_name(&self, n: usize) -> &CStr {
        let place = &self.index[n];
        let (from, len) = (place.at as usize, usize::from(place.len));
        // The kernel terminates names with a NUL, and they contain none.
        CStr::from_bytes_with_nul(&self.names[from..=from + len]).unwrap_or_default()
    }

    /// Returns the offset of the name, as [`Fresh`] has it.
    pub(super) fn place(&self, n: usize) -> u32 {
        self.index[n].at
    }

    /// Moves the names out, without spare capacity.
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
            // The directory was removed while it was being read, so it is empty.
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
