//! What the kernel says about the disk of a device, in `/sys/dev/block`. Other systems than Linux have no such directory.

use std::fs;
use std::path::{Path, PathBuf};

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Disk {
    /// Its name, such as `sda`.
    pub(super) name: String,
    /// Whether it spins, as far as the kernel knows.
    pub(super) rotational: bool,
}

/// How many layers of volumes are followed.
const LAYERS: usize = 8;

/// Returns the disk of a device: that of its partition, and that below a volume on one disk. `None` if the kernel does not report it.
pub(super) fn disk(device: u64) -> Option<Disk> {
    disk_in(Path::new("/sys/dev/block"), numbers(device)?)
}

/// Returns major and minor number of a device.
#[cfg(target_os = "linux")]
fn numbers(device: u64) -> Option<(u32, u32)> {
    Some((rustix::fs::major(device), rustix::fs::minor(device)))
}

#[cfg(not(target_os = "linux"))]
fn numbers(_device: u64) -> Option<(u32, u32)> {
    None
}

fn disk_in(blocks: &Path, (major, minor): (u32, u32)) -> Option<Disk> {
    let mut at = whole(blocks.join(format!("{major}:{minor}")).canonicalize().ok()?);
    // The kernel combines what the disks below a volume say.
    let rotational = fs::read_to_string(at.join("queue/rotational")).ok()?.trim() == "1";
    for _ in 0..LAYERS {
        let mut below =
            fs::read_dir(at.join("slaves")).into_iter().flatten().flatten().map(|entry| entry.path());
        let (Some(only), None) = (below.next(), below.next()) else { break };
        let Ok(only) = only.canonicalize() else { break };
        at = whole(only);
    }
    Some(Disk { name: at.file_name()?.to_string_lossy().into_owned(), rotational })
}

/// Returns the directory of the disk that has this partition, or that is this disk.
fn whole(device: PathBuf) -> PathBuf {
    match (device.join("partition").exists(), device.parent()) {
        (true, Some(disk)) => disk.into(),
        _ => device,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn partitions_and_volumes_lead_to_their_disk() {
        let dir = tempfile::tempdir().unwrap();
        let (blocks, devices) = (dir.path().join("block"), dir.path().join("devices"));
        fs::create_dir_all(&blocks).unwrap();
        let device = |path: &str, spins: Option<&str>, number: &str| {
            let at = devices.join(path);
            fs::create_dir_all(at.join("slaves")).unwrap();
            match spins {
                Some(spins) => {
                    fs::create_dir_all(at.join("queue")).unwrap();
                    fs::write(at.join("queue/rotational"), format!("{spins}\n")).unwrap();
                }
                None => fs::write(at.join("partition"), "1\n").unwrap(),
            }
            symlink(&at, blocks.join(number)).unwrap();
            at
        };
        device("sda", Some("1"), "8:0");
        let part = device("sda/sda1", None, "8:1");
        let nvme = device("nvme0n1", Some("0"), "259:0");
        let volume = device("dm-0", Some("1"), "253:0");
        symlink(&part, volume.join("slaves/sda1")).unwrap();
        let raid = device("md0", Some("1"), "9:0");
        symlink(&part, raid.join("slaves/sda1")).unwrap();
        symlink(&nvme, raid.join("slaves/nvme0n1")).unwrap();
        let of = |major, minor| {
            let disk = disk_in(&blocks, (major, minor))?;
            Some((disk.name, disk.rotational))
        };
        for (major, minor) in [(8, 0), (8, 1), (253, 0)] {
            assert_eq!(of(major, minor), Some(("sda".into(), true)), "{major}:{minor}");
        }
        assert_eq!(of(259, 0), Some(("nvme0n1".into(), false)));
        assert_eq!(of(9, 0), Some(("md0".into(), true)), "it is on several disks");
        assert_eq!(of(0, 22), None);
    }
}
