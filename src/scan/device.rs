//! The storage of a tree: what kind of drive, which disk or server, and how many threads it has work for.

use super::sysfs;
use crate::platform::{self, Mount};
use std::fmt;
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
/// tmpfs and ramfs.
#[cfg(target_os = "linux")]
const MEMORY: [i64; 2] = [0x0102_1994, 0x8584_58F6];

/// The maximum number of threads, however long they wait.
const MOST_THREADS: usize = 32;
/// The maximum number of threads that wait for one spinning disk. More do not shorten the way of its heads.
const MOST_ON_A_SPINNING_DISK: usize = 8;
/// The minimum number of threads for removals on a file system that answers late: there they wait, and need no core.
const LEAST_ON_A_NETWORK: usize = 8;

/// The kind of a drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drive {
    /// A spinning disk.
    Rotational,
    /// A solid-state drive.
    Ssd,
    /// One on the NVMe bus.
    Nvme,
    /// A disk of a virtual machine. What it says about itself tells nothing about the disk below.
    Virtual,
    /// A file system of another machine, or in user space.
    Network,
    /// Memory.
    Memory,
    /// Unknown.
    Unknown,
}

/// The storage of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// Device number of the file system.
    pub device: u64,
    /// The kind of drive.
    pub drive: Drive,
    /// The name of the disk, or of the server; empty if it is unknown.
    pub unit: String,
    /// Whether two scans at the same time would slow each other down.
    pub one_at_a_time: bool,
}

impl Storage {
    /// Whether it is on another machine. Then clock and times are those of that machine.
    pub fn is_network(&self) -> bool {
        self.drive == Drive::Network
    }

    /// The maximum number of threads that read a tree. Threads beyond the cores are started while they wait for the drive.
    pub fn most_scan_threads(&self, cores: usize) -> usize {
        match self.drive {
            Drive::Rotational => cores.clamp(MOST_ON_A_SPINNING_DISK, MOST_THREADS),
            // Nobody waits there.
            Drive::Memory => cores.min(MOST_THREADS),
            Drive::Ssd | Drive::Nvme | Drive::Virtual | Drive::Network | Drive::Unknown => MOST_THREADS,
        }
    }

    /// The number of threads that remove files.
    pub fn removal_threads(&self, cores: usize) -> usize {
        if self.is_network() { cores.max(LEAST_ON_A_NETWORK) } else { cores }
    }

    /// The number of threads that read whole files. A spinning disk reads one file after another fastest; two keep it busy.
    pub fn read_threads(&self, cores: usize) -> usize {
        if self.drive == Drive::Rotational { cores.min(2) } else { cores }
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.drive {
            Drive::Rotational => "a spinning disk",
            Drive::Ssd => "a solid-state drive",
            Drive::Nvme => "an NVMe drive",
            Drive::Virtual => "a disk of a virtual machine",
            Drive::Network => "a network or user-space file system",
            Drive::Memory => "memory",
            Drive::Unknown => "a drive of unknown kind",
        })?;
        if self.unit.is_empty() { Ok(()) } else { write!(f, " ({})", self.unit) }
    }
}

/// Returns the storage of a path. `None` if its metadata cannot be read.
pub fn storage(path: &Path) -> Option<Storage> {
    let device = fs::metadata(path).ok()?.dev();
    let magic = magic(path);
    if is_network(magic) {
        let unit = path.canonicalize().ok().and_then(|path| platform::mount_of(&path));
        let unit = unit.as_ref().map(server).unwrap_or_default();
        return Some(Storage { device, drive: Drive::Network, unit, one_at_a_time: true });
    }
    if is_memory(magic) {
        return Some(Storage { device, drive: Drive::Memory, unit: String::new(), one_at_a_time: false });
    }
    // Some file systems have a device number of their own; their mount names the disk.
    let disk = sysfs::disk(device).or_else(|| {
        let mount = platform::mount_of(&path.canonicalize().ok()?)?;
        let source = Path::new(&mount.source);
        sysfs::disk(source.is_absolute().then(|| fs::metadata(source).ok()).flatten()?.rdev())
    });
    let Some(disk) = disk else {
        return Some(Storage { device, drive: Drive::Unknown, unit: String::new(), one_at_a_time: false });
    };
    Some(Storage { device, drive: drive(&disk), unit: disk.name, one_at_a_time: disk.rotational })
}

fn drive(disk: &sysfs::Disk) -> Drive {
    match disk.name.as_str() {
        name if name.starts_with("nvme") => Drive::Nvme,
        name if name.starts_with("vd") || name.starts_with("xvd") => Drive::Virtual,
        _ if disk.rotational => Drive::Rotational,
        _ => Drive::Ssd,
    }
}

/// Returns the server of a network file system: `host` of `host:/path` and of `//host/share`, else what is mounted.
fn server(mount: &Mount) -> String {
    let source = mount.source.as_str();
    if let Some(share) = source.strip_prefix("//") {
        return share.split('/').next().unwrap_or(share).into();
    }
    match source.split_once(":/") {
        Some((host, _)) if !host.is_empty() => host.into(),
        _ => format!("{} {source}", mount.kind),
    }
}

#[cfg(target_os = "linux")]
fn magic(path: &Path) -> i64 {
    rustix::fs::statfs(path).map_or(0, |stat| stat.f_type & 0xFFFF_FFFF)
}

#[cfg(not(target_os = "linux"))]
fn magic(_path: &Path) -> i64 {
    0
}

#[cfg(target_os = "linux")]
fn is_network(magic: i64) -> bool {
    NETWORK.iter().any(|(known, _)| *known == magic)
}

#[cfg(not(target_os = "linux"))]
fn is_network(_magic: i64) -> bool {
    false
}

#[cfg(target_os = "linux")]
fn is_memory(magic: i64) -> bool {
    MEMORY.contains(&magic)
}

#[cfg(not(target_os = "linux"))]
fn is_memory(_magic: i64) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_directory_is_no_network() {
        let dir = tempfile::tempdir().unwrap();
        let storage = storage(dir.path()).unwrap();
        assert!(!storage.is_network(), "{storage}");
        assert_eq!(storage.device, fs::metadata(dir.path()).unwrap().dev());
        assert_eq!(super::storage(&dir.path().join("missing")), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_is_seen() {
        let shm = Path::new("/dev/shm");
        if shm.exists() && is_memory(magic(shm)) {
            let storage = storage(shm).unwrap();
            assert_eq!((storage.drive, storage.to_string()), (Drive::Memory, "memory".into()));
        }
    }

    #[test]
    fn mounts_of_one_server_have_one_unit() {
        let mount = |source: &str, kind: &str| {
            let line = format!("36 24 0:50 / /m rw - {kind} {source} rw");
            server(&platform::parse_mounts(line.as_bytes())[0])
        };
        assert_eq!(mount("nas:/a", "nfs4"), "nas");
        assert_eq!(mount("nas:/b", "nfs"), "nas");
        assert_eq!(mount("//nas/share", "cifs"), "nas");
        assert_eq!(mount("[fe80::1]:/x", "nfs4"), "[fe80::1]");
        assert_ne!(mount("one", "fuse.x"), mount("two", "fuse.x"));
    }

    #[test]
    fn threads_follow_the_drive() {
        let of = |drive| Storage { device: 1, drive, unit: String::new(), one_at_a_time: false };
        let threads = |drive, cores: usize| {
            let storage = of(drive);
            [storage.most_scan_threads(cores), storage.removal_threads(cores), storage.read_threads(cores)]
        };
        assert_eq!(threads(Drive::Rotational, 4), [8, 4, 2]);
        assert_eq!(threads(Drive::Nvme, 4), [32, 4, 4]);
        assert_eq!(threads(Drive::Network, 4), [32, 8, 4]);
        assert_eq!(threads(Drive::Network, 64), [32, 64, 64]);
        assert_eq!(threads(Drive::Memory, 4), [4, 4, 4]);
        let kinds = [("sda", true), ("sda", false), ("nvme0n1", false), ("vda", true)];
        let drives = kinds.map(|(name, rotational)| drive(&sysfs::Disk { name: name.into(), rotational }));
        assert_eq!(drives, [Drive::Rotational, Drive::Ssd, Drive::Nvme, Drive::Virtual]);
    }
}
