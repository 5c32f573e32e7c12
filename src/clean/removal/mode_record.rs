//! Record of modes that are changed temporarily: `STATE/journal/HASH.modes.ndjson`, one per tree. It exists only while modes are changed,
//! or after a kill; then the next run that locks the tree restores them.

use super::journals::{Journal, directory};
use super::mode::{change, changed, loses_setgid, mode_of};
use super::open_below::open_below;
use super::planner::root_of;
use super::stamp::look_for;
use crate::clean::{ModeLine, ModesLeft, OldMode, RootPrint, Stamp};
use crate::model::sanitize;
use crate::platform::{self, FileLock};
use rustix::fs::fstat;
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

const ENDING: &str = ".modes.ndjson";

/// The record of one tree. The lock of the tree is held, so nothing else writes to the record.
#[derive(Debug)]
pub(super) struct ModeRecord {
    state: PathBuf,
    print: RootPrint,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// Created on first use.
    file: Option<(Journal, Option<FileLock>)>,
    /// Directories whose mode is changed.
    dirs: BTreeSet<Vec<u8>>,
}

impl ModeRecord {
    /// Writes nothing yet.
    pub(super) fn new(print: RootPrint, state: &Path) -> Self {
        ModeRecord { state: state.into(), print, open: Mutex::default() }
    }

    /// The file name. It depends on the inode, so another directory at the same path has another record.
    fn name(&self) -> String {
        let path = self.print.path_base64.as_ref().unwrap_or(&self.print.path);
        let hash = blake3::hash(format!("{}\n{path}", self.print.ino).as_bytes()).to_hex();
        format!("{}{ENDING}", &hash.as_bytes()[..32].escape_ascii())
    }

    /// Records that a mode is about to be changed. The record is on disk when this returns.
    pub(super) fn changes(&self, old: &OldMode) -> io::Result<()> {
        let mut open = self.open();
        let (file, _) = match &mut open.file {
            Some(file) => file,
            none => none.insert(self.create()?),
        };
        let mut line = Vec::new();
        ModeLine::Changed(old.clone()).write(&mut line);
        file.append(&line).and_then(|()| file.sync())?;
        open.dirs.insert(old.path.clone());
        Ok(())
    }

    /// Records that the mode of a directory was restored.
    pub(super) fn is_back(&self, path: &[u8]) {
        let mut open = self.open();
        open.dirs.remove(path);
        let mut line = Vec::new();
        ModeLine::Back(path.into()).write(&mut line);
        // If this cannot be written, the next run finds that the mode is restored.
        let _ = open.file.as_ref().map(|(file, _)| file.append(&line));
    }

    fn create(&self) -> io::Result<(Journal, Option<FileLock>)> {
        let path = directory(&self.state).join(self.name());
        let known = match platform::read_regular(&path, platform::OWN) {
            Ok(text) => ModesLeft::read(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(in_file(&path, error)),
        };
        if known.as_ref().is_some_and(|known| known.newer) {
            let text = "a newer version of pdb-sync has written it";
            return Err(in_file(&path, io::Error::other(text)));
        }
        if known.is_none() {
            // Not a record of ours, or truncated before the first change of a mode.
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(in_file(&path, error)),
                _ => {}
            }
        }
        let cannot = |error| in_file(&path, error);
        let file = Journal::open_file(&self.state, &self.name()).map_err(cannot)?;
        let lock = file.lock();
        if known.is_none() {
            let mut line = Vec::new();
            ModeLine::tree(self.print.clone()).write(&mut line);
            file.append(&line).map_err(cannot)?;
            // The file name must survive a crash too. Some file systems cannot sync directories.
            let _ = File::open(directory(&self.state)).and_then(|dir| dir.sync_all());
        }
        Ok((file, lock))
    }

    /// Restores the modes that earlier runs left changed in this tree, in a tree that contains it, or in one below it. Returns a message
    /// for each mode that could not be restored.
    pub(super) fn put_back(&self, root: &File) -> Vec<String> {
        let mut troubles = Vec::new();
        let entries = match fs::read_dir(directory(&self.state)) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return troubles;
            }
            Err(error) => {
                let dir = directory(&self.state);
                return vec![format!("cannot look for modes to restore: {}", in_file(&dir, error))];
            }
        };
        let names = entries.flatten().map(|entry| entry.path());
        for path in names.filter(|path| path.as_os_str().as_bytes().ends_with(ENDING.as_bytes())) {
            if let Err(error) = self.put_back_one(root, &path, &mut troubles) {
                troubles
                    .push(format!("cannot process a record of modes to restore: {}", in_file(&path, error)));
            }
        }
        troubles
    }

    fn put_back_one(&self, root: &File, path: &Path, troubles: &mut Vec<String>) -> io::Result<()> {
        let mut file = match platform::open_regular(path) {
            Ok(file) => file,
            // Another process has already removed the record.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut text = Vec::new();
        (&mut file).take(platform::OWN).read_to_end(&mut text)?;
        let Some(left) = ModesLeft::read(&text) else { return Ok(()) };
        let ours = path.file_name() == Some(OsStr::new(&self.name()));
        if !ours && !self.is_related(&left.root) {
            return Ok(());
        }
        if left.newer {
            return Err(io::Error::other("a newer version of pdb-sync has written it"));
        }
        let _lock = match FileLock::new(file) {
            Ok(lock) => Some(lock),
            // The lock of the tree is held, so no other process writes to its record.
            Err(_) if ours => None,
            // The writer of the record is working in a tree that contains this one or lies in it.
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return Ok(()),
        };
        let other;
        let root = if ours {
            root
        } else {
            let Some(opened) = open_root(&left.root) else { return Ok(()) };
            other = opened;
            &other
        };
        let (mut stay, mut lines) = (BTreeSet::new(), Vec::new());
        // Children first: the mode of a parent may deny access to them.
        for old in left.dirs.iter().rev() {
            match put_back(root, old) {
                Ok(()) => ModeLine::Back(old.path.clone()).write(&mut lines),
                Err(why) => {
                    troubles.push(not_back(&old.path, old.mode, &why));
                    stay.insert(old.path.clone());
                }
            }
        }
        if ours && stay.is_empty() {
            return fs::remove_file(path);
        }
        if ours {
            self.open().dirs.extend(stay);
        }
        // The record of another tree is only appended to: its writer may be starting.
        if lines.is_empty() { Ok(()) } else { append(path, &lines) }
    }

    /// Whether the other tree contains this one or lies in it.
    fn is_related(&self, other: &RootPrint) -> bool {
        match (root_of(&self.print), root_of(other)) {
            (Some(own), Some(other)) => own.starts_with(&other) || other.starts_with(&own),
            _ => false,
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ModeRecord {
    fn drop(&mut self) {
        let open = self.open.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some((file, _)) = &open.file
            && open.dirs.is_empty()
        {
            // A record that cannot be removed names no changed modes.
            let _ = fs::remove_file(file.path());
        }
    }
}

/// Opens the tree of a record, if it is still the same directory.
fn open_root(print: &RootPrint) -> Option<File> {
    let root = File::open(root_of(print)?).ok()?;
    let ino = std::os::unix::fs::MetadataExt::ino(&root.metadata().ok()?);
    (ino == print.ino).then_some(root)
}

/// Restores one mode. Does nothing if the directory is gone, or its mode is not the temporary one.
fn put_back(root: &File, old: &OldMode) -> Result<(), String> {
    let words = |error: Errno| io::Error::from(error).to_string();
    let dir: OwnedFd = match open_below(root, &old.path) {
        Ok(dir) => dir,
        // Another entry has taken its place.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => return Ok(()),
        Err(error) => return Err(words(error)),
    };
    let stat = fstat(&dir).map_err(words)?;
    let stamp = Stamp { dev: 0, ino: old.ino, size: 0, mtime: 0, ctime: 0 };
    let (_, now) = look_for(&dir, b".", &stamp).map_err(words)?;
    if now.ino != old.ino || mode_of(&stat) != changed(old.mode) {
        return Ok(());
    }
    if loses_setgid(old.mode, stat.st_gid) {
        return Err(format!(
            "that would lose its setgid bit, since this user is not in its group {}",
            stat.st_gid
        ));
    }
    change(&dir, old.mode).map_err(words)
}

/// Appends complete lines. First ends a line that may be truncated.
fn append(path: &Path, lines: &[u8]) -> io::Result<()> {
    File::options().append(true).open(path)?.write_all(&[b"\n", lines].concat())
}

fn in_file(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", sanitize::path(&path)))
}

/// A message about a mode that was not restored.
pub(super) fn not_back(path: &[u8], mode: u32, why: &str) -> String {
    let name = if path.is_empty() { ".".into() } else { sanitize::name(path) };
    format!(
        "cannot restore the mode {mode:04o} of the directory {name}, which was changed temporarily: {why}; the next run tries again"
    )
}
