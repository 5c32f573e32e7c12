//! The size and free space of a file system.

use std::io;
use std::path::Path;

/// Space on a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeSpace {
    /// Total size.
    pub size: u64,
    /// Free space for this user.
    pub free: u64,
}

/// The space at an existing path. `None` if the file system does not count blocks, such as `/proc` and some file systems in user space;
/// this does not mean that nothing can be written.
pub fn room(path: &Path) -> io::Result<Option<FreeSpace>> {
    let stat = rustix::fs::statvfs(path)?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Ok((stat.f_blocks > 0).then(|| FreeSpace { size: bytes(stat.f_blocks), free: bytes(stat.f_bavail) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_without_blocks_is_not_full() {
        let dir = tempfile::tempdir().unwrap();
        assert!(room(dir.path()).unwrap().is_some_and(|room| room.size >= room.free && room.size > 0));
        assert!(room(&dir.path().join("gone")).is_err());
        if cfg!(target_os = "linux") {
            assert_eq!(room(Path::new("/proc")).unwrap(), None);
        }
    }
}
