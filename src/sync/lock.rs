//! One writer per destination, across processes, users and hosts.
//!
//! The lock is a `flock` on the destination directory itself. It leaves no file, works for any choice of state directories, and is freed by
//! the kernel when its holder ends. Where directories cannot be locked (NFS), a file in `.pdb-sync` is locked instead
//! ([`super::lock_file`]). A process that can lock the directory also locks that file, if it exists, since another host may hold it.

use super::lock_file::{self, LockFile, Locked};
use super::lock_note::LockNote;
use super::lock_owners::LockOwners;
use crate::clean::path::OURS;
use crate::clean::removal::{LOCK, refusal_of_file};
use crate::model::result::Reason;
use crate::model::sanitize;
use crate::platform::{FileLock, flock_holder, group_name, user_name};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A held lock. Dropping it frees it.
#[derive(Debug)]
pub(crate) struct Lock {
    directory: File,
    lock_file: Option<LockFile>,
    lock_owners: Arc<LockOwners>,
    name: String,
    unsure: Option<Box<Reason>>,
    news: Option<String>,
}

/// The result of trying to lock.
#[derive(Debug)]
pub(crate) enum Tried {
    /// It is ours.
    Held(Lock),
    /// Another process holds it. The text describes the holder as far as known.
    Busy(String),
}

/// Tries to lock `dest`, which is created if missing. `lock_owners` records for other processes that we hold it.
pub(crate) fn try_lock(dest: &Path, lock_owners: &Arc<LockOwners>) -> io::Result<Tried> {
    fs::create_dir_all(dest)?;
    let directory = File::open(dest)?;
    let meta = directory.metadata()?;
    if !meta.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let name = format!("{:x}-{:x}", meta.dev(), meta.ino());
    let found = match directory.try_lock() {
        Ok(()) => beside(&directory, dest, lock_file::lock(&directory, false)),
        Err(TryLockError::WouldBlock) => Found::Busy(holder(&directory, &name, lock_owners)),
        Err(TryLockError::Error(error)) => instead(&directory, dest, &name, lock_owners, error)?,
    };
    let (lock_file, unsure, news) = match found {
        Found::Free => (None, None, None),
        Found::Busy(text) => {
            // Unlocked explicitly: a child between its fork and its exec may have a copy of the descriptor.
            let _ = directory.unlock();
            return Ok(Tried::Busy(text));
        }
        Found::Stood(lock_file) => {
            let news = lock_file.left.as_ref().map(|left| {
                format!(
                    "{left} ended without releasing the lock of {}: it was killed, or its host went down",
                    sanitize::path(&dest)
                )
            });
            lock_file.note(&lock_owners.note());
            (Some(lock_file), None, news)
        }
        Found::Unsure(lock_file, reason) => (lock_file, Some(Box::new(reason)), None),
        Found::Alone(lock_file, text) => (Some(lock_file), None, Some(text)),
    };
    lock_owners.add(&name);
    Ok(Tried::Held(Lock { directory, lock_file, lock_owners: lock_owners.clone(), name, unsure, news }))
}

/// The state of the locks besides that of the directory.
enum Found {
    /// There is no other lock.
    Free,
    /// Another process holds the lock.
    Busy(String),
    /// The lock file in the mirror is locked instead.
    Stood(LockFile),
    /// Others may hold a lock that we cannot check.
    Unsure(Option<LockFile>, Reason),
    /// Neither directories nor files can be locked there. A file in our state directory is locked.
    Alone(LockFile, String),
}

/// The directory is locked. Evaluates the lock file, which other hosts may use.
fn beside(directory: &File, dest: &Path, locked: io::Result<Locked>) -> Found {
    match locked {
        Ok(Locked::Ours(lock_file)) => Found::Stood(lock_file),
        Ok(Locked::Theirs(note)) => Found::Busy(of_another(note, dest)),
        Ok(Locked::Missing) => Found::Free,
        Ok(Locked::Closed(error)) => Found::Unsure(None, closed(directory, dest, error)),
        // The lock file was created on a system where files can be locked. This error is reported there.
        Err(_) => Found::Free,
    }
}

/// The directory cannot be locked. Locks the lock file, or else a file in the state directory.
fn instead(
    directory: &File,
    dest: &Path,
    name: &str,
    lock_owners: &LockOwners,
    no: io::Error,
) -> io::Result<Found> {
    let path = lock_owners.dir().join(format!("{name}.lock"));
    let cannot = |what: String, error: io::Error| {
        let text = format!("{what}, and {} cannot be locked instead: {error}", sanitize::path(&path));
        io::Error::new(error.kind(), text)
    };
    let at_dest = match lock_file::lock(directory, true) {
        Ok(Locked::Ours(lock_file)) => return Ok(Found::Stood(lock_file)),
        Ok(Locked::Theirs(note)) => return Ok(Found::Busy(of_another(note, dest))),
        Ok(Locked::Closed(error)) => Ok(closed(directory, dest, error)),
        Ok(Locked::Missing) => Ok(closed(directory, dest, Errno::NOENT)),
        Err(error) => Err(format!("neither directories ({no}) nor files ({error}) can be locked there")),
    };
    let what = match &at_dest {
        Ok(reason) => reason.text.clone(),
        Err(text) => text.clone(),
    };
    match lock_file::lock_at(&path).map_err(|error| cannot(what, error))? {
        Locked::Ours(lock_file) => {
            lock_file.note(&lock_owners.note());
            Ok(match at_dest {
                Ok(reason) => Found::Unsure(Some(lock_file), reason),
                Err(text) => Found::Alone(
                    lock_file,
                    format!(
                        "the lock of {} stops only other runs with this state directory: {text}",
                        sanitize::path(&dest)
                    ),
                ),
            })
        }
        Locked::Theirs(Some(note)) => Ok(Found::Busy(note.to_string())),
        Locked::Theirs(None) => Ok(Found::Busy(lock_owners.holder(name).unwrap_or_else(unknown))),
        Locked::Missing | Locked::Closed(_) => Err(cannot(String::new(), io::ErrorKind::NotFound.into())),
    }
}

/// The process that has locked the directory, according to our state directory or the kernel.
fn holder(directory: &File, name: &str, lock_owners: &LockOwners) -> String {
    lock_owners.holder(name).unwrap_or_else(|| match flock_holder(directory) {
        Some(holder) => format!("another process: {holder}, with another state directory"),
        None => unknown(),
    })
}

fn unknown() -> String {
    "another process, which neither this state directory nor this host knows: it runs on another host or in another container".into()
}

/// The process that has locked the file, and whether the note is reliable.
fn of_another(note: Option<LockNote>, dest: &Path) -> String {
    let path = stand_in_path(dest);
    let path = sanitize::path(&path);
    match note {
        None => format!("another process, which has left no note in {path}"),
        Some(note) if note.is_gone() => {
            format!(
                "{note}; that process has ended, but a child of it, or the file server, still has its lock"
            )
        }
        Some(note) if note.is_here() => note.to_string(),
        Some(note) => {
            format!("{note}; if that host is gone, and its file server does not free the lock, remove {path}")
        }
    }
}

fn stand_in_path(dest: &Path) -> PathBuf {
    dest.join(OsStr::from_bytes(OURS)).join(LOCK)
}

/// Why the lock file cannot be opened, with a hint.
fn closed(directory: &File, dest: &Path, error: Errno) -> Reason {
    let path = stand_in_path(dest);
    let cannot = format!("cannot lock {}, which replaces the lock of the directory", sanitize::path(&path));
    let denied = matches!(error, Errno::ACCESS | Errno::PERM);
    let place = [OURS, b"/", LOCK.as_bytes()].concat();
    match denied.then(|| refusal_of_file(directory, dest, &place)).flatten() {
        Some(refusal) => Reason::new(format!("{cannot}: {refusal}")).hint(&refusal.hint),
        None => {
            let hint = match error {
                Errno::NOTDIR | Errno::LOOP | Errno::XDEV | Errno::ISDIR | Errno::INVAL => format!(
                    "move it away: it has to be a regular file, in a directory on the file system of {}",
                    sanitize::path(&dest)
                ),
                _ => "is the destination writable, and its disk not full?".into(),
            };
            Reason::new(format!("{cannot}: {}", io::Error::from(error))).hint(hint)
        }
    }
}

/// What can be locked in a directory.
#[derive(Debug)]
pub(crate) enum Lockable {
    /// Directories, the normal case.
    Directory,
    /// Only files, with the error for directories.
    File(io::Error),
    /// Neither, with the error for files.
    Nothing(io::Error),
}

/// Tests it in a temporary directory, which is removed afterwards.
pub(crate) fn lockable(dir: &Path) -> io::Result<Lockable> {
    let own = tempfile::Builder::new().prefix(".%pdb-sync-doctor-l").tempdir_in(dir)?;
    let error = match FileLock::new(File::open(own.path())?) {
        Ok(_) | Err(TryLockError::WouldBlock) => return Ok(Lockable::Directory),
        Err(TryLockError::Error(error)) => error,
    };
    Ok(match lock_file::lock_at(&own.path().join(LOCK)) {
        Ok(_) => Lockable::File(error),
        Err(error) => Lockable::Nothing(error),
    })
}

/// A hint with the owner of a destination that this user may not create or read.
pub(super) fn who_may(dest: &Path) -> Option<String> {
    let (path, meta) = dest.ancestors().find_map(|path| Some((path, fs::metadata(path).ok()?)))?;
    let (owner, group, mode) = (user_name(meta.uid()), group_name(meta.gid()), meta.mode() & 0o7777);
    Some(format!(
        "{} belongs to {owner}, group {group}, mode {mode:04o}: run as a user who may read and write there",
        sanitize::path(&path)
    ))
}

impl Lock {
    /// The destination, open as long as it is locked.
    pub(crate) fn directory(&self) -> &File {
        &self.directory
    }

    /// Why other runs may write to the destination although this lock is held. Then nothing may be removed.
    pub(crate) fn unsure(&self) -> Option<&Reason> {
        self.unsure.as_deref()
    }

    /// A message about the lock for the user.
    pub(crate) fn news(&self) -> Option<&str> {
        self.news.as_deref()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The note is removed while the lock is still ours.
        self.lock_owners.remove(&self.name);
        // Closing alone would not free it, since a child between its fork and its exec may have a copy of the descriptor.
        if let Some(lock_file) = &self.lock_file {
            lock_file.free();
        }
        let _ = self.directory.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_was_first_and_a_dropped_lock_is_free() {
        let (dest, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = try_lock(dest.path(), &LockOwners::new(state.path(), "RUN1")).unwrap();
        assert!(matches!(first, Tried::Held(_)));
        let Tried::Busy(holder) = try_lock(dest.path(), &LockOwners::new(state.path(), "RUN2")).unwrap()
        else {
            panic!("locked twice")
        };
        assert!(holder.contains(&format!("pid {}, run RUN1", std::process::id())), "{holder}");
        let elsewhere = tempfile::tempdir().unwrap();
        let Tried::Busy(holder) = try_lock(dest.path(), &LockOwners::new(elsewhere.path(), "RUN3")).unwrap()
        else {
            panic!("another state directory must meet the same lock")
        };
        assert!(holder.starts_with("another process"), "{holder}");
        if cfg!(target_os = "linux") {
            assert!(holder.contains(&format!(": pid {} (", std::process::id())), "{holder}");
        }
        drop(first);
        assert!(matches!(
            try_lock(dest.path(), &LockOwners::new(state.path(), "RUN4")).unwrap(),
            Tried::Held(_)
        ));
        assert_eq!(fs::read_dir(dest.path()).unwrap().count(), 0);
    }
}
