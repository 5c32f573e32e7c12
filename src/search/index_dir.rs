//! The directory of an index. It can be opened with read permission only, although tantivy locks it while it opens files, in a way that needs
//! write permission. Its locks are released explicitly ([`FileLock`]); tantivy only closes the file.

use crate::platform::{self, FileLock};
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tantivy::directory::error::{DeleteError, LockError, OpenDirectoryError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    Directory, DirectoryLock, FileHandle, Lock, META_LOCK, MmapDirectory, WatchCallback, WatchHandle,
    WritePtr,
};

/// [`MmapDirectory`], except for the locks.
#[derive(Debug, Clone)]
pub(super) struct IndexDir {
    inner: MmapDirectory,
    path: PathBuf,
}

impl IndexDir {
    pub(super) fn open(path: &Path) -> Result<Self, OpenDirectoryError> {
        Ok(IndexDir { inner: MmapDirectory::open(path)?, path: path.into() })
    }
}

impl Directory for IndexDir {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.inner.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.inner.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.inner.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        self.inner.open_write(path)
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.inner.atomic_read(path)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        self.inner.atomic_write(path, data)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.inner.sync_directory()
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        let path = self.path.join(&lock.filepath);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        if lock.filepath == META_LOCK.filepath {
            // A file that can be read can be locked. If there is no such file or it cannot be locked, either no process deletes files, or
            // opening fails with an error.
            let file = file.or_else(|_| platform::open_regular(&path)).ok();
            return Ok(DirectoryLock::from(Box::new(file.and_then(|file| FileLock::wait(file).ok()))));
        }
        match FileLock::new(file.map_err(LockError::wrap_io_error)?) {
            Ok(locked) => Ok(DirectoryLock::from(Box::new(locked))),
            Err(TryLockError::WouldBlock) => Err(LockError::LockBusy),
            Err(TryLockError::Error(error)) => Err(LockError::wrap_io_error(error)),
        }
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.inner.watch(callback)
    }
}
