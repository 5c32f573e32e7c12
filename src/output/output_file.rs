//! The only way to write a file that an option names. A regular file is replaced as a whole. Symlinks are followed, and stay. Character
//! devices and FIFOs are written to. Everything else is refused, in particular block devices.

use crate::model::sanitize;
use crate::output::terminal::streams;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Maximum number of symlinks to follow, as in Linux.
const LINKS: usize = 40;
/// Maximum time that a reader of a FIFO may read nothing.
const PATIENCE: Timespec = Timespec { tv_sec: 30, tv_nsec: 0 };

/// The resolved location of an output file.
#[derive(Debug)]
pub struct OutputFile {
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// A regular file, which need not exist; the path is not a symlink.
    File(PathBuf, Option<Metadata>),
    /// A character device or a FIFO.
    Stream(PathBuf),
    /// `/dev/stdout`, `/dev/fd/N`: an inherited descriptor. With `>file` it is a regular file that others write to as well, so it is not
    /// replaced.
    Descriptor(u32),
}

impl OutputFile {
    /// Follows the symlinks of a path. Refuses everything except files, character devices and FIFOs. Creates and opens nothing.
    pub fn find(path: &Path) -> io::Result<Self> {
        let mut path = std::path::absolute(path)?;
        for _ in 0..LINKS {
            let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else { return Err(directory()) };
            if path.as_os_str().as_bytes().ends_with(b"/") {
                return Err(directory());
            }
            let dir = match dir.canonicalize() {
                Ok(dir) => dir,
                // The caller decides whether the file is created.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Place::File(path, None).into());
                }
                Err(error) => return Err(in_directory(dir, error)),
            };
            if let Some(number) = name.to_str().and_then(|name| name.parse().ok())
                && is_descriptors(&dir)
            {
                return Ok(Place::Descriptor(number).into());
            }
            let real = dir.join(name);
            let meta = match fs::symlink_metadata(&real) {
                Ok(meta) => meta,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Place::File(real, None).into());
                }
                Err(error) => return Err(in_directory(&dir, error)),
            };
            let kind = meta.file_type();
            if kind.is_symlink() {
                path = dir.join(fs::read_link(&real)?);
            } else if kind.is_file() {
                return Ok(Place::File(real, Some(meta)).into());
            } else if kind.is_dir() {
                return Err(directory());
            } else if kind.is_char_device() || kind.is_fifo() {
                return Ok(Place::Stream(real).into());
            } else if kind.is_block_device() {
                // Writing to a disk would destroy its contents.
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "it is a disk, which would be overwritten",
                ));
            } else {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a socket"));
            }
        }
        Err(Errno::LOOP.into())
    }

    /// Returns a hint for an error of this file, for commands that do not create directories.
    pub fn hint(error: &io::Error) -> Option<&'static str> {
        match error.kind() {
            io::ErrorKind::NotFound => Some("make that directory, or name a file in one that is there"),
            io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => Some("name a file in a directory"),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Some("name a file in a directory that this user may write in")
            }
            _ => None,
        }
    }

    /// Creates the parent directory of a new file.
    pub fn make_directory(self) -> io::Result<Self> {
        if let Place::File(path, None) = &self.place {
            fs::create_dir_all(parent(path)).map_err(|error| {
                let text = format!("cannot make the directory {}: {error}", sanitize::path(parent(path)));
                io::Error::new(error.kind(), text)
            })?;
        }
        Ok(self)
    }

    /// Whether this is our standard output.
    pub fn is_stdout(&self) -> bool {
        matches!(self.place, Place::Descriptor(1))
    }

    /// Writes what `fill` writes. Readers of a file see either the old or the new contents. A new file gets `mode`, less the umask; a
    /// replaced file keeps its mode and, if permitted, its owner.
    pub fn replace<T>(&self, mode: u32, fill: impl FnOnce(&mut dyn Write) -> io::Result<T>) -> io::Result<T> {
        match &self.place {
            Place::File(path, old) => replace(path, old.as_ref(), mode, fill),
            Place::Stream(path) => through(Stream(open(path)?), fill),
            Place::Descriptor(number) => through(descriptor(*number)?, fill),
        }
    }

    /// Appends to the file.
    pub fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let append = |out: &mut dyn Write| out.write_all(bytes);
        match &self.place {
            Place::File(path, _) => {
                let file = File::options().append(true).create(true).open(path);
                file.map_err(|error| in_directory(parent(path), error))?.write_all(bytes)
            }
            Place::Stream(path) => through(Stream(open(path)?), append),
            Place::Descriptor(number) => through(descriptor(*number)?, append),
        }
    }

    /// Creates a file that must not exist; `AlreadyExists` if it does. A symlink counts as existing, whatever its target, unless the target
    /// is a device or a FIFO.
    pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
        let found = OutputFile::find(path)?;
        let Place::File(..) = &found.place else { return found.append(bytes) };
        let file = File::options().write(true).create_new(true).open(path);
        let mut file = file.map_err(|error| in_directory(parent(path), error))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).inspect_err(|_| {
            // A partial file would block the next attempt. The first error is returned.
            let _ = fs::remove_file(path);
        })
    }
}

impl From<Place> for OutputFile {
    fn from(place: Place) -> Self {
        OutputFile { place }
    }
}

/// Changes an error of creating a file if the directory is missing, so that the message names the directory.
fn in_directory(dir: &Path, error: io::Error) -> io::Error {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::NotADirectory => "is not a directory".to_owned(),
        _ => return error,
    };
    io::Error::new(error.kind(), format!("the directory {} {why}", sanitize::path(dir)))
}

fn directory() -> io::Error {
    io::Error::new(io::ErrorKind::IsADirectory, "it is a directory")
}

/// Whether this is the directory of our own descriptors, after resolving symlinks.
fn is_descriptors(dir: &Path) -> bool {
    let own = ["/proc/self/fd", "/proc/thread-self/fd"];
    own.iter().any(|own| fs::canonicalize(own).is_ok_and(|own| own == dir))
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

fn replace<T>(
    path: &Path,
    old: Option<&Metadata>,
    mode: u32,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<T>,
) -> io::Result<T> {
    // We open the file ourselves, so that an error does not contain its temporary name, which the user did not choose.
    let open = |new: &Path| File::options().read(true).write(true).create_new(true).mode(mode).open(new);
    let file = tempfile::Builder::new().prefix(".pdb-sync-").make_in(parent(path), open);
    let file = file.map_err(|error| in_directory(parent(path), error))?;
    let filled = through(file.as_file(), fill)?;
    if let Some(old) = old {
        let new = file.as_file().metadata()?;
        if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
            // Only root may change the owner; otherwise the file belongs to the current user.
            let _ = std::os::unix::fs::fchown(file.as_file(), Some(old.uid()), Some(old.gid()));
        }
        file.as_file().set_permissions(fs::Permissions::from_mode(old.mode() & 0o777))?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(filled)
}

fn through<T>(out: impl Write, fill: impl FnOnce(&mut dyn Write) -> io::Result<T>) -> io::Result<T> {
    let mut out = BufWriter::new(out);
    let filled = fill(&mut out)?;
    out.flush()?;
    Ok(filled)
}

/// Opens an inherited descriptor. Our own descriptors, all close-on-exec, are refused.
fn descriptor(number: u32) -> io::Result<File> {
    match number {
        0..=2 if streams::was_closed(number) => {
            Err(io::Error::new(io::ErrorKind::NotFound, format!("descriptor {number} is not open")))
        }
        1 => {
            io::stdout().flush()?;
            Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
        }
        2 => Ok(File::from(io::stderr().as_fd().try_clone_to_owned()?)),
        _ => {
            let not_open =
                || io::Error::new(io::ErrorKind::NotFound, format!("descriptor {number} is not open"));
            let info = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).map_err(|_| not_open())?;
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
            let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
            if flags.is_none_or(|flags| flags & OFlags::CLOEXEC.bits() != 0) {
                return Err(not_open());
            }
            let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
            File::options().append(true).custom_flags(flags).open(format!("/proc/self/fd/{number}"))
        }
    }
}

/// Opens a device or a FIFO without waiting for a reader.
fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let file = File::options().write(true).custom_flags(flags).open(path).map_err(|error| {
        let fifo = fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_fifo());
        match error.raw_os_error() {
            Some(code) if fifo && code == Errno::NXIO.raw_os_error() => {
                io::Error::new(io::ErrorKind::NotConnected, "it is a FIFO without a reader")
            }
            _ => error,
        }
    })?;
    if file.metadata()?.is_file() {
        return Err(io::Error::other("it was replaced by a file meanwhile"));
    }
    Ok(file)
}

/// A non-blocking device or FIFO, which is waited for with a time limit.
struct Stream(File);

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
            if poll(&mut [PollFd::new(&self.0, PollFlags::OUT)], Some(&PATIENCE))? == 0 {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the output is not read"));
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
