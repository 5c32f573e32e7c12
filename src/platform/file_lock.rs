//! A lock on an open file or directory (`flock`), for one process at a time.

use std::fs::{File, TryLockError};
use std::io;
use std::ops::Deref;

/// An exclusive lock, which is released when this is dropped.
///
/// Closing the file would not be enough: a child of another thread that is between its fork and its exec has a copy of the descriptor, and
/// the kernel keeps the lock until the last copy is closed.
#[derive(Debug)]
pub struct FileLock(File);

impl FileLock {
    /// Locks without waiting. `WouldBlock` if another one has the lock, another error if files cannot be locked there.
    pub fn new(file: File) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(FileLock(file))
    }

    /// Locks, and waits for it.
    pub fn wait(file: File) -> io::Result<Self> {
        file.lock()?;
        Ok(FileLock(file))
    }
}

impl Deref for FileLock {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_lock_is_free_although_a_child_has_a_copy_of_the_descriptor() {
        let dir = tempfile::tempdir().unwrap();
        let open = || File::open(dir.path()).unwrap();
        let lock = FileLock::new(open()).unwrap();
        let copy = lock.try_clone().unwrap();
        assert!(matches!(FileLock::new(open()), Err(TryLockError::WouldBlock)));
        drop(lock);
        assert!(FileLock::new(open()).is_ok());
        drop(copy);
    }
}
