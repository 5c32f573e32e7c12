//! Names with a meaning of their own at the root of a mirror or of a file system.

/// The name of our directory in a mirror, as a literal for `concat!`.
macro_rules! ours {
    () => {
        ".pdb-sync"
    };
}
pub(crate) use ours;

/// The name of our directory in a mirror.
pub const OURS: &str = ours!();

/// The directory of the quarantines of all runs, relative to the root of a mirror.
pub const QUARANTINE: &str = concat!(ours!(), "/quarantine");

/// Names that file systems and operating systems reserve at the root of a file system. A `*` at the end stands for any suffix. The list is
/// also passed to rsync as patterns, so an entry must not contain any other wildcard of rsync.
pub const OF_FILE_SYSTEMS: [&str; 20] = [
    // ext2 to ext4, XFS after a repair, and quota files.
    "lost+found",
    "aquota.user",
    "aquota.group",
    "quota.user",
    "quota.group",
    // Snapshots of NFS servers, GPFS and btrfs (snapper); ZFS.
    ".snapshot",
    ".snapshots",
    ".zfs",
    // Gluster bricks, where every file has a second name, and Lustre.
    ".glusterfs",
    ".lustre",
    // Desktops.
    ".Trash",
    ".Trash-*",
    // Windows; older versions spell the recycle bin in two ways.
    "System Volume Information",
    "$RECYCLE.BIN",
    "$Recycle.Bin",
    // macOS.
    ".Trashes",
    ".fseventsd",
    ".Spotlight-V100",
    ".DocumentRevisions-V100",
    ".TemporaryItems",
];

/// Whether a path is, or lies in, an entry that a file system reserves at its root. The path is relative to that root; elsewhere these
/// names have no special meaning.
pub fn is_of_a_file_system(path: &[u8]) -> bool {
    let first = path.split(|b| *b == b'/').next().unwrap_or(path);
    OF_FILE_SYSTEMS.iter().any(|name| match name.strip_suffix('*') {
        Some(start) => first.starts_with(start.as_bytes()),
        None => first == name.as_bytes(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_system_keeps_is_known_by_its_first_name() {
        for path in [
            "lost+found",
            "lost+found/#12",
            ".Trash-1000/files/x",
            "$RECYCLE.BIN/a",
            "System Volume Information",
        ] {
            assert!(is_of_a_file_system(path.as_bytes()), "{path}");
        }
        for path in ["a/lost+found", "lost+found2", ".Trash-", ".snapshots2/x", "", "Lost+Found"] {
            assert_eq!(is_of_a_file_system(path.as_bytes()), path == ".Trash-", "{path}");
        }
    }
}
