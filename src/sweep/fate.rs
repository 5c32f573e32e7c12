//! What is done with an entry that was captured and is the right one.

use super::below::make_below;
use super::hand::{look, rename_new, set_mtime};
use crate::clean::{Did, Kind, Stamp};
use rustix::fs::{AtFlags, Mode, OFlags, openat, readlinkat, symlinkat, unlinkat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What is done with entries.
#[derive(Debug)]
pub enum Fate {
    /// They stay in the quarantine.
    Quarantine,
    /// They are removed for good.
    Delete,
    /// They go into a directory, which may lie on another file system.
    Backup(Backup),
    /// They go into the desktop's trash.
    Trash(Trash),
}

impl Fate {
    /// As in the configuration.
    pub fn word(&self) -> &'static str {
        match self {
            Fate::Quarantine => "quarantine",
            Fate::Delete => "delete",
            Fate::Backup(_) => "backup",
            Fate::Trash(_) => "trash",
        }
    }

    /// Where we have to write apart from the tree.
    pub fn elsewhere(&self) -> Option<&Path> {
        match self {
            Fate::Quarantine | Fate::Delete => None,
            Fate::Backup(backup) => Some(&backup.path),
            Fate::Trash(trash) => Some(&trash.path),
        }
    }

    /// Does it with `name` in `hold`, which came from the directory `from` and is the one that was meant. After an error it
    /// is still there.
    pub(super) fn commit(
        &self,
        hold: &OwnedFd,
        name: &[u8],
        from: &[u8],
        stamp: &Stamp,
    ) -> Result<Did, String> {
        let cannot = |what: &'static str| move |error: io::Error| format!("cannot {what}: {error}");
        match self {
            Fate::Quarantine => Ok(Did::Quarantined),
            Fate::Delete => {
                let done = unlinkat(hold, OsStr::from_bytes(name), AtFlags::empty());
                done.map(|()| Did::Deleted).map_err(|error| cannot("delete it")(error.into()))
            }
            Fate::Backup(backup) => {
                let to = make_below(&backup.dir, from, Mode::RWXU, |_| ());
                let to = to.map_err(|error| cannot("make its directory in the backup")(error.into()))?;
                move_to(hold, name, &to, name, stamp).map_err(cannot("move it to the backup"))?;
                Ok(Did::Backup)
            }
            Fate::Trash(trash) => {
                trash.put(hold, name, from, stamp).map_err(cannot("move it to the trash"))?;
                Ok(Did::Trashed)
            }
        }
    }
}

/// A directory that takes what is removed, under its own paths.
#[derive(Debug)]
pub struct Backup {
    path: PathBuf,
    dir: File,
}

impl Backup {
    /// Makes the directory if it is missing. It must not lie in the tree.
    pub fn open(path: &Path, root: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let path = path.canonicalize()?;
        if path.starts_with(root) {
            let text = "the backup directory lies in the tree that is cleaned";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let dir = File::open(&path)?;
        Ok(Backup { path, dir })
    }
}

/// The trash of the freedesktop specification: the home's, which is copied to if it lies on another file system.
#[derive(Debug)]
pub struct Trash {
    path: PathBuf,
    files: File,
    info: File,
    root: PathBuf,
}

impl Trash {
    /// Makes what is missing of the trash at `path` (`~/.local/share/Trash`).
    pub fn open(path: &Path, root: &Path) -> io::Result<Self> {
        for part in ["files", "info"] {
            fs::create_dir_all(path.join(part))?;
            fs::set_permissions(path.join(part), fs::Permissions::from_mode(0o700))?;
        }
        let (files, info) = (File::open(path.join("files"))?, File::open(path.join("info"))?);
        Ok(Trash { path: path.into(), files, info, root: root.into() })
    }

    /// The note first, as the specification wants it: its exclusive creation reserves the name.
    fn put(&self, hold: &OwnedFd, name: &[u8], from: &[u8], stamp: &Stamp) -> io::Result<()> {
        let original = [self.root.as_os_str().as_bytes(), b"/", &super::tree::join(from, name)].concat();
        let now = jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let note = format!("[Trash Info]\nPath={}\nDeletionDate={now}\n", percent(&original));
        for n in 0..10_000u32 {
            let number = if n == 0 { String::new() } else { format!(".{n}") };
            // Room for the ending, within what a name may have.
            let cut = &name[..name.len().min(230)];
            let new = [cut, number.as_bytes()].concat();
            let info = [&new[..], b".trashinfo"].concat();
            let info = OsStr::from_bytes(&info);
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match openat(&self.info, info, flags, Mode::RUSR | Mode::WUSR) {
                Ok(file) => {
                    let done = File::from(file).write_all(note.as_bytes());
                    let done = done.and_then(|()| move_to(hold, name, &self.files, &new, stamp));
                    if done.is_err() {
                        // Nothing lies behind the note.
                        let _ = unlinkat(&self.info, info, AtFlags::empty());
                    }
                    match done {
                        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                        done => return done,
                    }
                }
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::Error::other("the trash has ten thousand of that name"))
    }
}

fn percent(path: &[u8]) -> String {
    let mut text = String::new();
    for byte in path {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(*byte))
            }
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// Moves within a file system, or copies, compares and then removes. Never over anything.
fn move_to(hold: &OwnedFd, name: &[u8], to: impl AsFd, new: &[u8], stamp: &Stamp) -> io::Result<()> {
    match rename_new(hold, &to, name, new) {
        Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
        other => return other.map_err(Into::into),
    }
    let (kind, now) = look(hold, name)?;
    if !now.same_but_ctime(stamp) {
        return Err(io::Error::other("it changed while it was copied"));
    }
    let (from, target) = (OsStr::from_bytes(name), OsStr::from_bytes(new));
    match kind {
        Kind::Symlink => {
            let link = readlinkat(hold, from, Vec::new())?;
            symlinkat(link, &to, target)?;
        }
        Kind::File => {
            let copied = copy(hold, from, &to, target);
            let whole = copied.and_then(|()| match look(hold, name)? {
                (Kind::File, after) if after == now => Ok(()),
                _ => Err(io::Error::other("it changed while it was copied")),
            });
            if let Err(error) = whole {
                // Not what was there before, which was an error of its own.
                if error.kind() != io::ErrorKind::AlreadyExists {
                    let _ = unlinkat(&to, target, AtFlags::empty());
                }
                return Err(error);
            }
        }
        Kind::Dir | Kind::Other => {
            return Err(io::Error::other("only files and links go to another file system"));
        }
    }
    rustix::fs::fsync(&to)?;
    unlinkat(hold, from, AtFlags::empty())?;
    Ok(())
}

fn copy(hold: &OwnedFd, from: &OsStr, to: impl AsFd, target: &OsStr) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let mut source = File::from(openat(hold, from, flags, Mode::empty())?);
    let stat = rustix::fs::fstat(&source)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut copy = File::from(openat(&to, target, flags, Mode::RUSR | Mode::WUSR)?);
    let mut hash = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let n = source.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
        copy.write_all(&buffer[..n])?;
    }
    copy.set_permissions(fs::Permissions::from_mode(stat.st_mode & 0o7777))?;
    set_mtime(&copy, super::hand::mtime_of(&stat));
    copy.sync_all()?;
    // What the disk gives back is what counts.
    io::Seek::rewind(&mut copy)?;
    let mut again = blake3::Hasher::new();
    io::copy(&mut copy, &mut again)?;
    if again.finalize() != hash.finalize() {
        return Err(io::Error::other("the copy is not the same as the file"));
    }
    Ok(())
}
