//! Whether one directory is inside another, regardless of their names.

use super::mounts::{Mount, holding, table};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Whether `outer` is or contains `inner`: by name, as the same directory under another name (a bind mount, a file system that folds
/// names), or as a part of the same file system that is mounted elsewhere. Both paths are absolute with symbolic links resolved; they need
/// not exist entirely.
pub(super) fn holds(outer: &Path, inner: &Path) -> bool {
    if inner.starts_with(outer) {
        return true;
    }
    let identity = |path: &Path| std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    if let Some(own) = identity(outer)
        && inner.ancestors().any(|above| identity(above) == Some(own))
    {
        return true;
    }
    let table = table();
    let Some(inner) = located(&table, inner) else { return false };
    let below = table.iter().filter(|mount| mount.point.starts_with(outer));
    let parts = below.map(|mount| (mount.device.clone(), mount.root.clone())).chain(located(&table, outer));
    parts.into_iter().any(|(device, root)| device == inner.0 && inner.1.starts_with(root))
}

/// The device of the file system that holds a path, and the path within it.
fn located(table: &[Mount], path: &Path) -> Option<(String, PathBuf)> {
    let mount = holding(table, path)?;
    Some((mount.device.clone(), mount.root.join(path.strip_prefix(&mount.point).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_holds_itself_and_what_is_below() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(real.join("a/b")).unwrap();
        assert!(holds(&real.join("a"), &real.join("a")) && holds(&real.join("a"), &real.join("a/b/new/c")));
        assert!(!holds(&real.join("a/b"), &real.join("a")) && !holds(&real.join("a"), &real.join("ab")));
        assert!(holds(Path::new("/"), &real));
    }

    #[test]
    fn a_part_that_is_mounted_elsewhere_is_found() {
        let table = super::super::mounts::parse(
            b"24 30 8:1 / / rw - ext4 /dev/sda1 rw\n36 24 8:1 /srv/pdb/data /mnt/x rw - ext4 /dev/sda1 rw\n",
        );
        assert_eq!(located(&table, Path::new("/mnt/x/m")), Some(("8:1".into(), "/srv/pdb/data/m".into())));
        assert_eq!(located(&table, Path::new("/srv/pdb")), Some(("8:1".into(), "/srv/pdb".into())));
    }
}
