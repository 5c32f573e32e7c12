//! Reads whole files with a size limit. A path may also be a device, a FIFO, or a file of any size.

use crate::model::host_facts::NamedFor;
use rustix::fs::{FileType, Mode, OFlags, Stat, fcntl_getfl, fcntl_setfl, fstat, open};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Files of our own that are read into memory are smaller than this. Bytes.
pub const OWN: u64 = 64 << 20;

/// For [`std::fs::File::options`] when a file of ours is opened for writing: a FIFO without a reader is then an error instead of a wait.
pub const WITHOUT_WAITING: i32 = OFlags::NONBLOCK.bits() as i32;

/// Opens a regular file for reading. Never waits, for example for a FIFO without a writer. Anything but a regular file is an error of kind
/// `InvalidInput`.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let (file, stat) = look(path)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(file),
        kind => Err(another(kind)),
    }
}

/// Opens a file that the user has named. It may also be an open pipe that was passed on purpose (`/dev/stdin`, `<(…)`), or `/dev/null`.
/// Anything else is an error of kind `InvalidInput`. Never waits, since a FIFO may never get a writer.
pub fn open_named(path: &Path) -> io::Result<File> {
    let (file, stat) = look(path)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        kind if kind != FileType::Directory && (is_handed_over(path) || is_null(&stat)) => {
            // A pipe is read as data arrives.
            fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
        }
        kind => return Err(another(kind)),
    }
    Ok(file)
}

/// Why another program could not use the file at a path; `None` if it can. Never waits.
pub fn unusable_file(path: &Path, named_for: NamedFor) -> Option<String> {
    let opened = match named_for {
        NamedFor::Reading => open_named(path).map(drop),
        NamedFor::Writing if is_fifo(path) => {
            let opened = File::options().write(true).custom_flags(WITHOUT_WAITING).open(path);
            opened.map(drop).map_err(|_| io::Error::other("it is a FIFO without a reader"))
        }
        NamedFor::Writing => Ok(()),
    };
    opened.err().map(|error| error.to_string())
}

fn is_fifo(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.file_type().is_fifo())
}

/// Opens a file of any kind, without waiting.
fn look(path: &Path) -> io::Result<(File, Stat)> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match open(path, flags, Mode::empty()) {
        Ok(file) => {
            let stat = fstat(&file)?;
            Ok((file.into(), stat))
        }
        // Sockets cannot be opened.
        Err(Errno::NXIO) => Err(another(FileType::Socket)),
        Err(error) => Err(error.into()),
    }
}

fn another(kind: FileType) -> io::Error {
    let what = match kind {
        FileType::Directory => "a directory",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "something else",
    };
    io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}, not a regular file"))
}

/// Whether a path is one of our own descriptors.
fn is_handed_over(path: &Path) -> bool {
    let number = ["/dev/fd", "/proc/self/fd"].iter().find_map(|dir| path.strip_prefix(dir).ok());
    path == Path::new("/dev/stdin")
        || number.is_some_and(|number| number.to_string_lossy().parse::<u32>().is_ok())
}

fn is_null(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice
        && rustix::fs::stat("/dev/null").is_ok_and(|null| null.st_rdev == stat.st_rdev)
}

/// Reads a whole regular file. A file of more than `most` bytes is an error of kind `FileTooLarge`.
pub fn read_regular(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    whole(open_regular(path)?, most)
}

/// Reads a whole file that the user has named ([`open_named`]), with the same limit.
pub fn read_named(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    whole(open_named(path)?, most)
}

/// Reads standard input to its end, with the same limit.
pub fn read_stdin(most: u64) -> io::Result<Vec<u8>> {
    whole(io::stdin().lock(), most)
}

fn whole(file: impl Read, most: u64) -> io::Result<Vec<u8>> {
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
        let socket = dir.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (odd, what) in
            [(&*fifo, "a FIFO"), (zero, "a device"), (dir.path(), "a directory"), (&socket, "a socket")]
        {
            for error in [open_regular(odd).unwrap_err(), open_named(odd).unwrap_err()] {
                assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{odd:?}");
                assert_eq!(error.to_string(), format!("it is {what}, not a regular file"));
            }
        }
    }

    #[test]
    fn what_was_handed_over_is_read_to_its_end() {
        use std::io::Write;
        use std::os::fd::AsRawFd;
        let (reader, mut writer) = io::pipe().unwrap();
        let path = format!("/dev/fd/{}", reader.as_raw_fd());
        let reading = std::thread::spawn(move || read_named(Path::new(&path), 8));
        writer.write_all(b"one ").unwrap();
        writer.write_all(b"two").unwrap();
        drop(writer);
        assert_eq!(reading.join().unwrap().unwrap(), b"one two");
        assert_eq!(read_named(Path::new("/dev/null"), 8).unwrap(), b"");
    }
}
