//! The names in a directory, sorted.

use rustix::fs::FileType;
use rustix::io::Errno;
use std::os::fd::AsFd;

/// How much of a directory the kernel gives at once.
const BUFFER: usize = 64 * 1024;

/// Names and what the directory says that they are. Kept and used again, so that a directory costs no allocation.
#[derive(Debug, Default)]
pub(super) struct Listing {
    names: Vec<u8>,
    index: Vec<(u32, u16, FileTypeByte)>,
    buffer: Vec<u8>,
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
    /// Reads a directory. Names for which `skip` holds are left out. An error in the middle leaves what came before.
    pub(super) fn read(
        &mut self,
        dir: impl AsFd,
        mut skip: impl FnMut(&[u8], FileTypeByte) -> bool,
    ) -> Result<(), Errno> {
        self.names.clear();
        self.index.clear();
        let (names, index) = (&mut self.names, &mut self.index);
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
            index.push((names.len() as u32, name.len() as u16, kind));
            names.extend_from_slice(name);
        });
        let name =
            |(at, len, _): &(u32, u16, FileTypeByte)| &names[*at as usize..*at as usize + usize::from(*len)];
        index.sort_unstable_by(|a, b| name(a).cmp(name(b)));
        read
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) fn get(&self, n: usize) -> (&[u8], FileTypeByte) {
        let (at, len, kind) = self.index[n];
        (&self.names[at as usize..at as usize + usize::from(len)], kind)
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
