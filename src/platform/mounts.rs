//! Mounted file systems, and the one of a path.

use rustix::fs::{AtFlags, Mode, OFlags, fstat, statat};
use rustix::io::Errno;
use std::ffi::OsString;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// A mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Its number, as in `mnt_id` of `/proc/self/fdinfo`.
    pub id: String,
    /// The mount point.
    pub point: PathBuf,
    /// Its type, such as `ext4`.
    pub kind: String,
    /// What is mounted: a device, or `HOST:/PATH`. Any text for a file system without one.
    pub source: String,
    /// Whether this mount, or the file system itself, is read-only.
    pub read_only: bool,
    /// Its device, `MAJOR:MINOR`.
    pub device: String,
    /// The directory of the file system that is mounted.
    pub root: PathBuf,
}

impl Mount {
    /// Whether it is a network file system.
    pub fn is_network(&self) -> bool {
        let kinds =
            ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "lustre", "beegfs", "gpfs", "fuse.sshfs"];
        kinds.contains(&self.kind.as_str())
    }
}

/// The file system that holds an absolute path without symbolic links; `None` if the kernel does not report it.
pub fn mount_of(path: &Path) -> Option<Mount> {
    holding(&table(), path).cloned()
}

/// All mounts that this process sees; empty if the kernel does not report them.
pub(super) fn table() -> Vec<Mount> {
    std::fs::read("/proc/self/mountinfo").map(|text| parse(&text)).unwrap_or_default()
}

/// Whether a directory is the root of a file system, or of a part of one that is mounted on its own (a bind mount, a subvolume). True for a
/// directory that cannot be read, false for a missing one.
pub fn is_root_of_a_file_system(path: &Path) -> bool {
    // On other systems, only a user who may read a directory can open it.
    #[cfg(target_os = "linux")]
    let kind = OFlags::PATH;
    #[cfg(not(target_os = "linux"))]
    let kind = OFlags::RDONLY | OFlags::NONBLOCK;
    let flags = kind | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(dir) => is_root(&dir).unwrap_or(true),
        Err(Errno::NOENT | Errno::NOTDIR) => false,
        Err(_) => true,
    }
}

/// The same for an open directory.
pub fn is_root(dir: impl AsFd) -> Result<bool, Errno> {
    if is_mount_root(&dir) {
        return Ok(true);
    }
    let (own, above) = (fstat(&dir)?, statat(&dir, "..", AtFlags::empty())?);
    Ok(own.st_dev != above.st_dev || own.st_ino == above.st_ino)
}

/// Whether the system reports mount points that device numbers do not show. Where it does not, [`is_root`] uses device numbers only.
pub fn knows_mount_points() -> bool {
    let root = rustix::fs::open("/", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    root.is_ok_and(is_mount_root)
}

/// Detects what device numbers do not show: a bind mount within one file system. Supported by Linux since 5.8.
#[cfg(target_os = "linux")]
fn is_mount_root(dir: impl AsFd) -> bool {
    use rustix::fs::{StatxAttributes, StatxFlags, statx};
    statx(dir, "", AtFlags::EMPTY_PATH, StatxFlags::empty())
        .is_ok_and(|stat| stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(not(target_os = "linux"))]
fn is_mount_root(_dir: impl AsFd) -> bool {
    false
}

pub(super) fn holding<'a>(table: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    // If there are several mounts at one point, the last one is visible.
    table
        .iter()
        .filter(|mount| path.starts_with(&mount.point))
        .max_by_key(|mount| mount.point.components().count())
}

/// Parses a mountinfo file. Never fails; skips lines that it cannot parse.
pub fn parse(mountinfo: &[u8]) -> Vec<Mount> {
    let mut table = Vec::new();
    for line in mountinfo.split(|byte| *byte == b'\n') {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let Some(dash) = fields.iter().position(|field| *field == b"-") else { continue };
        let [id, _, device, root, point, options, ..] = fields[..] else { continue };
        let Some(kind) = fields.get(dash + 1) else { continue };
        let read_only = |options: &[u8]| options.split(|byte| *byte == b',').any(|option| option == b"ro");
        table.push(Mount {
            id: String::from_utf8_lossy(id).into_owned(),
            point: OsString::from_vec(unescape(point)).into(),
            root: OsString::from_vec(unescape(root)).into(),
            device: String::from_utf8_lossy(device).into_owned(),
            kind: String::from_utf8_lossy(kind).into_owned(),
            source: fields
                .get(dash + 2)
                .map_or_else(String::new, |source| String::from_utf8_lossy(&unescape(source)).into_owned()),
            read_only: read_only(options) || fields.get(dash + 3).is_some_and(|options| read_only(options)),
        });
    }
    table
}

/// Replaces the octal escapes of mount tables: space, tab, newline and backslash.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let octal = after
            .get(..3)
            .filter(|_| *first == b'\\')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        match octal {
            Some(byte) => {
                out.push(byte);
                rest = &after[3..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

/// Mount points in `/etc/fstab` that are mounted at every boot; empty if there are none.
fn expected_mounts() -> Vec<PathBuf> {
    let text = std::fs::read("/etc/fstab").unwrap_or_default();
    fstab(&text)
}

/// The mount point in `/etc/fstab` that should hold this path but is not mounted now; `None` if there is none or it is unknown. Resolves
/// symbolic links of the path.
pub fn is_unmounted(path: &Path) -> Option<PathBuf> {
    let mount = mount_of(path)?;
    let points = expected_mounts().into_iter().filter(|point| path.starts_with(point));
    points.max_by_key(|point| point.components().count()).filter(|point| !mount.point.starts_with(point))
}

fn fstab(text: &[u8]) -> Vec<PathBuf> {
    let text = String::from_utf8_lossy(text);
    let points = text.lines().filter(|line| !line.trim_start().starts_with('#')).filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (point, _, options) = (fields.next()?, fields.next()?, fields.next().unwrap_or(""));
        let by_hand = options.split(',').any(|option| option == "noauto");
        let point = PathBuf::from(OsString::from_vec(unescape(point.as_bytes())));
        (point.is_absolute() && !by_hand).then_some(point)
    });
    points.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_holds_a_path() {
        let text = br"24 30 0:22 / / rw,relatime shared:5 - ext4 /dev/sda1 rw
36 24 98:0 / /srv/my\040disk rw,noatime master:1 - xfs /dev/sdb rw
39 24 98:2 / /srv/my\134x rw,nosuid - xfs /dev/sdd rw
37 24 98:1 / /srv/old ro,noatime - vfat /dev/sdc rw
38 24 0:50 / /srv/nfs rw - nfs4 host:/x ro
odd line
";
        let of = |path: &str| holding(&parse(text), Path::new(path)).cloned().unwrap();
        assert_eq!((of("/etc").kind, of("/srv/my disk/a").kind), ("ext4".into(), "xfs".into()));
        assert_eq!(of("/srv/my").point, Path::new("/"));
        assert_eq!(of(r"/srv/my\x").point, Path::new(r"/srv/my\x"));
        assert!(of("/srv/old").read_only && of("/srv/nfs/x").read_only && !of("/srv").read_only);
        assert_eq!((of("/srv/nfs/x").source, of("/etc").source), ("host:/x".into(), "/dev/sda1".into()));
        assert!(of("/srv/nfs").is_network() && !of("/srv/old").is_network());
    }

    #[test]
    fn what_should_be_mounted_is_read_from_fstab() {
        let text = b"# comment\nUUID=1 / ext4 defaults 0 1\n/dev/sdb /srv/a\\040b xfs defaults,noatime 0 2\n\
                     /dev/sdc /mnt vfat noauto,user 0 0\n/swap none swap sw 0 0\n\n";
        assert_eq!(fstab(text), [Path::new("/"), Path::new("/srv/a b")]);
    }

    #[test]
    fn a_plain_directory_is_no_root() {
        let dir = tempfile::tempdir().unwrap();
        assert!(
            !is_root_of_a_file_system(dir.path()) && !is_root_of_a_file_system(&dir.path().join("missing"))
        );
        assert!(is_root_of_a_file_system(Path::new("/")));
        if cfg!(target_os = "linux") {
            assert!(
                is_root_of_a_file_system(Path::new("/proc")) && is_root_of_a_file_system(Path::new("/dev/"))
            );
        }
    }

    #[test]
    fn this_machine_has_a_root() {
        if cfg!(target_os = "linux") {
            assert_eq!(mount_of(Path::new("/")).unwrap().point, Path::new("/"));
        }
    }
}
