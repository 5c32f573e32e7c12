//! One writer a destination, across processes.
//!
//! The lock is `flock` on the destination directory itself: it leaves no file, whoever mirrors there meets it whatever
//! state directory they use, and the kernel frees it when its holder dies. Where directories cannot be locked (NFS),
//! a file in the state directory stands in.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A lock that is held; dropping it frees it.
#[derive(Debug)]
pub struct Lock {
    directory: File,
    stand_in: Option<File>,
    note: Option<PathBuf>,
}

/// The outcome of trying.
#[derive(Debug)]
pub enum Tried {
    /// It is ours.
    Held(Lock),
    /// It is another's; the text names the holder as well as it is known.
    Busy(String),
}

/// Tries to lock `dest`, which is made if it does not exist. `state` takes the note that names us to others.
pub fn try_lock(dest: &Path, state: &Path, run: &str) -> io::Result<Tried> {
    fs::create_dir_all(dest)?;
    let directory = File::open(dest)?;
    let meta = directory.metadata()?;
    if !meta.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let locks = state.join("locks");
    let name = format!("{:x}-{:x}", meta.dev(), meta.ino());
    let note = locks.join(format!("{name}.holder"));
    let busy = || Ok(Tried::Busy(holder(&note)));
    let mut stand_in = None;
    match directory.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return busy(),
        Err(TryLockError::Error(_)) => {
            fs::create_dir_all(&locks)?;
            let path = locks.join(format!("{name}.lock"));
            let file = File::options().create(true).truncate(false).write(true).open(path)?;
            match file.try_lock() {
                Ok(()) => stand_in = Some(file),
                Err(TryLockError::WouldBlock) => return busy(),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
    // The note only serves messages: that it cannot be written is no reason not to run.
    let text = format!(
        "{} {run} {}\n",
        std::process::id(),
        jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default()
    );
    let written = fs::create_dir_all(&locks).and_then(|()| fs::write(&note, text)).is_ok();
    Ok(Tried::Held(Lock { directory, stand_in, note: written.then_some(note) }))
}

impl Lock {
    /// The destination, open for as long as it is locked.
    pub fn directory(&self) -> &File {
        &self.directory
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // First the note, while it is surely ours.
        if let Some(note) = &self.note {
            // A note that stays behind is recognised by its pid.
            let _ = fs::remove_file(note);
        }
        // Closing would do, were there not the copy that a child holds between its fork and its exec.
        for file in [Some(&self.directory), self.stand_in.as_ref()].into_iter().flatten() {
            let _ = file.unlock();
        }
    }
}

/// Who holds it, from the note: `pid 123, run 01J…, since 2026-…`.
fn holder(note: &Path) -> String {
    let text = fs::read_to_string(note).unwrap_or_default();
    let mut words = text.split_whitespace();
    let (pid, run, since) = (words.next(), words.next(), words.next());
    let alive = pid
        .and_then(|p| p.parse().ok())
        .and_then(rustix::process::Pid::from_raw)
        .is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH));
    match (pid, run, since) {
        (Some(pid), Some(run), Some(since)) if alive => format!("pid {pid}, run {run}, since {since}"),
        _ => "another process, which uses another state directory".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_was_first_and_a_dropped_lock_is_free() {
        let (dest, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = try_lock(dest.path(), state.path(), "RUN1").unwrap();
        assert!(matches!(first, Tried::Held(_)));
        let Tried::Busy(holder) = try_lock(dest.path(), state.path(), "RUN2").unwrap() else {
            panic!("locked twice")
        };
        assert!(holder.contains(&format!("pid {}, run RUN1", std::process::id())), "{holder}");
        let elsewhere = tempfile::tempdir().unwrap();
        let Tried::Busy(holder) = try_lock(dest.path(), elsewhere.path(), "RUN3").unwrap() else {
            panic!("another state directory must meet the same lock")
        };
        assert!(holder.contains("another process"), "{holder}");
        drop(first);
        assert!(matches!(try_lock(dest.path(), state.path(), "RUN4").unwrap(), Tried::Held(_)));
        assert_eq!(fs::read_dir(dest.path()).unwrap().count(), 0);
    }
}
