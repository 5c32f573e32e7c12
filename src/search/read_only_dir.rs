//! A directory of an index that can be opened with read permission only. tantivy locks it while it opens files, in a way that needs write
//! permission.

use crate::platform;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tantivy::directory::error::{DeleteError, LockError, OpenDirectoryError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    Directory, DirectoryLock, FileHandle, Lock, META_LOCK, MmapDirectory, WatchCallback, WatchHandle,
    WritePtr,
};

/// [`MmapDirectory`], except for the lock of readers.
#[derive(Debug, Clone)]
pub(super) struct Readable {
    inner: MmapDirectory,
    path: PathBuf,
}

impl Readable {
    pub(super) fn open(path: &Path) -> Result<Self, OpenDirectoryError> {
        Ok(Readable { inner: MmapDirectory::open(path)?, path: path.into() })
    }
}

impl Directory for Readable {
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
        match self.inner.acquire_lock(lock) {
            Err(LockError::IoError(_)) if lock.filepath == META_LOCK.filepath => {
                // A file that can be read can be locked. If there is no such file or it cannot be locked, either no process deletes files,
                // or opening fails with an error.
                let file = platform::open_regular(&self.path.join(&lock.filepath)).ok();
                let locked = file.filter(|file| file.lock().is_ok());
                Ok(DirectoryLock::from(Box::new(locked)))
            }
            acquired => acquired,
        }
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.inner.watch(callback)
    }
}
