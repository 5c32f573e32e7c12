//! The device and file system of a tree.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Network and user-space file systems, by the magic numbers of the kernel.
#[cfg(target_os = "linux")]
const NETWORK: [(i64, &str); 10] = [
    (0x6969, "NFS"),
    (0xFE53_4D42, "SMB2"),
    (0xFF53_4D42, "CIFS"),
    (0x517B, "SMB"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9P"),
    (0x0BD0_0BD0, "Lustre"),
    (0x00C3_6400, "Ceph"),
    (0x5346_414F, "AFS"),
    (0x4750_4653, "GPFS"),
];

/// The storage of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Storage {
    /// Device number.
    pub device: u64,
    /// Whether it is on another machine.
    pub network: bool,
    /// Whether it is a spinning disk, as far as the kernel knows.
    pub rotational: bool,
}

impl Storage {
    /// Whether two scans at the same time would slow each other down.
    pub fn one_at_a_time(&self) -> bool {
        self.network || self.rotational
    }
}

/// Returns the storage of a path. `None` if its metadata cannot be read.
pub fn storage(path: &Path) -> Option<Storage> {
    let device = fs::metadata(path).ok()?.dev();
    Some(Storage { device, network: is_network(path), rotational: is_rotational(device) })
}

#[cfg(target_os = "linux")]
fn is_network(path: &Path) -> bool {
    let kind = rustix::fs::statfs(path).map(|stat| stat.f_type & 0xFFFF_FFFF);
    kind.is_ok_and(|kind| NETWORK.iter().any(|(known, _)| *known == kind))
}

#[cfg(not(target_os = "linux"))]
fn is_network(_path: &Path) -> bool {
    false
}

/// A partition has the queue of its disk. Volumes over several disks have no such information, and count as fast.
#[cfg(target_os = "linux")]
fn is_rotational(device: u64) -> bool {
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let base = format!("/sys/dev/block/{major}:{minor}");
    ["queue/rotational", "../queue/rotational"]
        .iter()
        .find_map(|file| fs::read_to_string(format!("{base}/{file}")).ok())
        .is_some_and(|text| text.trim() == "1")
}

/// Other systems do not report this.
#[cfg(not(target_os = "linux"))]
fn is_rotational(_device: u64) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_directory_is_no_network() {
        let dir = tempfile::tempdir().unwrap();
        let storage = storage(dir.path()).unwrap();
        assert!(!storage.network);
        assert_eq!(storage.device, fs::metadata(dir.path()).unwrap().dev());
        assert_eq!(super::storage(&dir.path().join("missing")), None);
    }
}
