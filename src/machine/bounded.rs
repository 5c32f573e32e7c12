//! Files that are read whole: what lies in their place may be a device, a FIFO, or a file that somebody has filled.

use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// What we have written ourselves, and read into memory, is smaller than this, in bytes.
pub const OWN: u64 = 64 << 20;

/// Opens a regular file for reading. Never waits, as for a FIFO that nobody writes into; anything else than a regular file is an error of
/// kind `InvalidInput`.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let file =
        open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    Ok(file.into())
}

/// All of a regular file. One of more than `most` bytes is an error of kind `FileTooLarge`.
pub fn read_regular(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    whole(open_regular(path)?, most)
}

/// All of a file that somebody has named, which may be a pipe; the same limit.
pub fn read_named(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    whole(File::open(path)?, most)
}

fn whole(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => {
            Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {} MiB", most >> 20)))
        }
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_end_is_not_read_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let (plain, fifo) = (dir.path().join("plain"), dir.path().join("fifo"));
        std::fs::write(&plain, "contents").unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
        let zero = Path::new("/dev/zero");
        assert_eq!(read_regular(&plain, 8).unwrap(), b"contents");
        assert_eq!(read_named(&plain, 8).unwrap(), b"contents");
        assert_eq!(read_regular(&plain, 7).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read_named(zero, 1 << 20).unwrap_err().to_string(), "it is larger than 1 MiB");
        for odd in [&*fifo, zero, dir.path()] {
            assert_eq!(open_regular(odd).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{odd:?}");
        }
    }
}
