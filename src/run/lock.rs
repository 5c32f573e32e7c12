//! One writer a destination, across processes.
//!
//! The lock is `flock` on the destination directory itself: it leaves no file, whoever mirrors there meets it whatever
//! state directory they use, and the kernel frees it when its holder dies. Where directories cannot be locked (NFS),
//! a file in the state directory stands in.

use super::holders::Holders;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

/// A lock that is held; dropping it frees it.
#[derive(Debug)]
pub struct Lock {
    directory: File,
    stand_in: Option<File>,
    holders: Arc<Holders>,
    name: String,
}

/// The outcome of trying.
#[derive(Debug)]
pub enum Tried {
    /// It is ours.
    Held(Lock),
    /// It is another's; the text names the holder as well as it is known.
    Busy(String),
}

/// Tries to lock `dest`, which is made if it does not exist. The holders name us to others.
pub fn try_lock(dest: &Path, holders: &Arc<Holders>) -> io::Result<Tried> {
    fs::create_dir_all(dest)?;
    let directory = File::open(dest)?;
    let meta = directory.metadata()?;
    if !meta.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let name = format!("{:x}-{:x}", meta.dev(), meta.ino());
    let busy = || Ok(Tried::Busy(holders.holder(&name)));
    let mut stand_in = None;
    match directory.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return busy(),
        Err(TryLockError::Error(_)) => {
            let path = holders.dir().join(format!("{name}.lock"));
            let file = fs::create_dir_all(holders.dir())
                .and_then(|()| File::options().create(true).truncate(false).write(true).open(&path));
            // It is not the destination that refuses.
            let file = file.map_err(|error| {
                let text = format!(
                    "directories cannot be locked there, nor can {} be made instead: {error}",
                    path.display()
                );
                io::Error::new(error.kind(), text)
            })?;
            match file.try_lock() {
                Ok(()) => stand_in = Some(file),
                Err(TryLockError::WouldBlock) => return busy(),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
    holders.add(&name);
    Ok(Tried::Held(Lock { directory, stand_in, holders: holders.clone(), name }))
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
        self.holders.remove(&self.name);
        // Closing would do, were there not the copy that a child holds between its fork and its exec.
        for file in [Some(&self.directory), self.stand_in.as_ref()].into_iter().flatten() {
            let _ = file.unlock();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_was_first_and_a_dropped_lock_is_free() {
        let (dest, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = try_lock(dest.path(), &Holders::new(state.path(), "RUN1")).unwrap();
        assert!(matches!(first, Tried::Held(_)));
        let Tried::Busy(holder) = try_lock(dest.path(), &Holders::new(state.path(), "RUN2")).unwrap() else {
            panic!("locked twice")
        };
        assert!(holder.contains(&format!("pid {}, run RUN1", std::process::id())), "{holder}");
        let elsewhere = tempfile::tempdir().unwrap();
        let Tried::Busy(holder) = try_lock(dest.path(), &Holders::new(elsewhere.path(), "RUN3")).unwrap()
        else {
            panic!("another state directory must meet the same lock")
        };
        assert!(holder.contains("another process"), "{holder}");
        drop(first);
        assert!(matches!(
            try_lock(dest.path(), &Holders::new(state.path(), "RUN4")).unwrap(),
            Tried::Held(_)
        ));
        assert_eq!(fs::read_dir(dest.path()).unwrap().count(), 0);
    }
}
