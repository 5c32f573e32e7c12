//! The file systems of the destinations.

use crate::model::job::Job;
use crate::platform::{FreeSpace, mount_of, resolve, room};
use std::path::{Path, PathBuf};

/// A file system and the jobs that write to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Disk {
    /// The mount point; the destination itself if the kernel does not report it.
    pub point: PathBuf,
    /// Total size, in bytes.
    pub size: u64,
    /// Free space for this user, in bytes.
    pub free: u64,
    /// The jobs whose destinations are on it.
    pub jobs: Vec<String>,
}

impl Disk {
    /// Share in use, 0 to 1.
    pub fn used(&self) -> Option<f64> {
        (self.size > 0).then(|| 1.0 - self.free as f64 / self.size as f64)
    }
}

/// One entry per file system, in the order of the jobs. For a destination that does not exist yet, the file system on which it would be
/// created.
pub(super) fn disks(jobs: &[Job]) -> Vec<Disk> {
    let mut disks: Vec<Disk> = Vec::new();
    for job in jobs {
        let Some(dest) = job.known_dest().map(resolve) else { continue };
        let point = mount_of(&dest).map_or(dest.clone(), |mount| mount.point);
        if let Some(disk) = disks.iter_mut().find(|disk| disk.point == point) {
            disk.jobs.push(job.name.clone());
            continue;
        }
        let Some(FreeSpace { size, free }) = space(&dest) else { continue };
        disks.push(Disk { point, size, free, jobs: vec![job.name.clone()] });
    }
    disks
}

/// The space; `None` if unknown, and then the file system is left out.
fn space(path: &Path) -> Option<FreeSpace> {
    let existing = path.ancestors().find(|path| path.exists())?;
    room(existing).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_on_one_file_system_share_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let jobs = [
            Job::example("a", "/s/", dir.path().join("a")),
            Job::example("b", "/s/", dir.path().join("b/later")),
        ];
        let disks = disks(&jobs);
        assert_eq!(disks.len(), 1, "{disks:?}");
        assert_eq!(disks[0].jobs, ["a", "b"]);
        assert!(disks[0].size >= disks[0].free && disks[0].used().is_some_and(|used| used <= 1.0));
    }
}
