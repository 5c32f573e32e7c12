//! The lock of a mirror whose directories cannot be locked (NFS): the file `DEST/.pdb-sync/lock`, which everybody who may write there can
//! open. It contains a note of its holder.
//!
//! The lock uses `fcntl`, not `flock`: file servers keep the two apart, and NFS clients use the former. It belongs to the open file
//! description, so nothing else in this process can lose it. The file is never removed, since caches of network file systems would let
//! hosts disagree on whether it exists, and two of them hold the lock.

use super::lock_note::LockNote;
use crate::clean::path::OURS;
use crate::clean::removal::open_below::open_below;
use crate::clean::removal::{LOCK, make_ours, mtime_of, set_mtime};
use crate::platform::follow;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, openat, statat};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A longer note is not one of ours. Bytes.
const LONGEST: u64 = 4096;
/// How often the file is opened again if it was replaced in between.
const TRIES: usize = 5;

/// The locked file. Closing it frees the lock.
#[derive(Debug)]
pub(super) struct LockFile {
    file: File,
    /// The previous holder, if it did not remove its note.
    pub(super) left: Option<Box<LockNote>>,
}

/// The result of trying to lock.
#[derive(Debug)]
pub(super) enum Locked {
    /// It is ours.
    Ours(LockFile),
    /// Another process holds it. Its note, if the file can be read.
    Theirs(Option<LockNote>),
    /// The file does not exist.
    Missing,
    /// The file cannot be opened for writing, which locking requires.
    Closed(Errno),
}

/// Locks the file in the mirror `root`. Without `make`, only if it exists. An error is one of locking.
pub(super) fn lock(root: &File, make: bool) -> io::Result<Locked> {
    for _ in 0..TRIES {
        let file = match open(root, make) {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(Locked::Missing),
            Err(error) => return Ok(Locked::Closed(error)),
        };
        if !try_lock(&file)? {
            return Ok(Locked::Theirs(read(&file)));
        }
        if is_current(root, &file) {
            let left = read(&file).map(Box::new);
            return Ok(Locked::Ours(LockFile { file, left }));
        }
    }
    Err(io::Error::other("the file was replaced repeatedly"))
}

/// Like [`lock`], for a file elsewhere, which only processes with the same state directory use.
pub(super) fn lock_at(path: &Path) -> io::Result<Locked> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
    Ok(match try_lock(&file)? {
        true => Locked::Ours(LockFile { left: read(&file).map(Box::new), file }),
        false => Locked::Theirs(read(&file)),
    })
}

impl LockFile {
    /// Writes a note of the holder for others. Notes serve messages only, so a failed write is not an error.
    pub(super) fn note(&self, note: &LockNote) {
        let _ = self.file.set_len(0).and_then(|()| self.file.write_all_at(note.line().as_bytes(), 0));
    }

    /// Frees the lock, also if a child still has a copy of the descriptor.
    pub(super) fn free(&self) {
        let _ = self.file.set_len(0);
        unlock(&self.file);
    }
}

fn open(root: &File, make: bool) -> Result<Option<File>, Errno> {
    let stat = fstat(root)?;
    let (ours, create) = match open_below(root, OURS) {
        Ok(dir) => (dir, if make { OFlags::CREATE } else { OFlags::empty() }),
        Err(Errno::NOENT) if make => {
            let made = make_ours(root, root, OURS)?;
            // The mtime of the root is that of the source.
            set_mtime(root, mtime_of(&stat));
            (made, OFlags::CREATE)
        }
        // A file that we may not look for cannot be checked.
        Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::XDEV | Errno::ACCESS) if !make => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | create;
    let file = match openat(&ours, LOCK, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) if !make => return Ok(None),
        Err(error) => return Err(error),
    };
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(Errno::INVAL);
    }
    follow(&file, &stat);
    Ok(Some(file))
}

/// Whether it is still the file at that path.
fn is_current(root: &File, file: &File) -> bool {
    let path = [OURS, b"/", LOCK.as_bytes()].concat();
    let there = statat(root, std::ffi::OsStr::from_bytes(&path), AtFlags::SYMLINK_NOFOLLOW);
    match (there, fstat(file)) {
        (Ok(there), Ok(ours)) => (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino),
        _ => false,
    }
}

fn read(file: &File) -> Option<LockNote> {
    let mut text = String::new();
    // Reads from the beginning, since nothing was read through this descriptor before.
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    LockNote::read(&text)
}

/// False if another process holds the lock.
#[cfg(target_os = "linux")]
fn try_lock(file: &File) -> io::Result<bool> {
    match set(file, libc::F_WRLCK) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(target_os = "linux")]
fn unlock(file: &File) {
    let _ = set(file, libc::F_UNLCK);
}

#[cfg(target_os = "linux")]
fn set(file: &File, kind: libc::c_int) -> io::Result<()> {
    use nix::fcntl::{FcntlArg, fcntl};
    // From the beginning, to the end, of no process, as required.
    let (l_type, l_whence) = (kind as libc::c_short, libc::SEEK_SET as libc::c_short);
    let lock = libc::flock { l_type, l_whence, l_start: 0, l_len: 0, l_pid: 0 };
    fcntl(file, FcntlArg::F_OFD_SETLK(&lock))?;
    Ok(())
}

/// False if another process holds the lock.
#[cfg(not(target_os = "linux"))]
fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(std::fs::TryLockError::WouldBlock) => Ok(false),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(not(target_os = "linux"))]
fn unlock(file: &File) {
    let _ = file.unlock();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn root() -> (tempfile::TempDir, File) {
        let dir = tempfile::tempdir().unwrap();
        let root = File::open(dir.path()).unwrap();
        (dir, root)
    }

    #[test]
    fn one_has_it_and_the_others_read_who_that_is() {
        let (dir, root) = root();
        assert!(matches!(lock(&root, false).unwrap(), Locked::Missing));
        let Locked::Ours(first) = lock(&root, true).unwrap() else { panic!("not ours") };
        assert_eq!(first.left, None);
        assert!(matches!(lock(&root, true).unwrap(), Locked::Theirs(None)));
        let note = LockNote::own("RUN1");
        first.note(&note);
        // Reading the file does not free the lock.
        assert!(fs::read_to_string(dir.path().join(".pdb-sync/lock")).unwrap().contains("RUN1"));
        let Locked::Theirs(Some(read)) = lock(&root, false).unwrap() else { panic!("not theirs") };
        assert_eq!(read, note);
        first.free();
        let Locked::Ours(second) = lock(&root, false).unwrap() else { panic!("not ours") };
        assert_eq!(second.left, None);
        second.note(&note);
        unlock(&second.file);
        drop(second);
        let Locked::Ours(third) = lock(&root, true).unwrap() else { panic!("not ours") };
        assert_eq!(third.left.as_deref(), Some(&note), "of one that was killed");
    }

    #[test]
    fn what_cannot_be_the_file_is_not_locked() {
        let (dir, root) = root();
        fs::write(dir.path().join(".pdb-sync"), "").unwrap();
        assert!(matches!(lock(&root, true).unwrap(), Locked::Closed(Errno::NOTDIR)));
        assert!(matches!(lock(&root, false).unwrap(), Locked::Missing));
        fs::remove_file(dir.path().join(".pdb-sync")).unwrap();
        fs::create_dir_all(dir.path().join(".pdb-sync/lock")).unwrap();
        assert!(matches!(lock(&root, true).unwrap(), Locked::Closed(Errno::ISDIR)));
    }
}
