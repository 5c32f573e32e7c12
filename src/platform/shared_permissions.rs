//! Permissions of files that several users share: they follow those of the shared directory.

use rustix::fs::{FileType, Gid, Mode, Stat, Uid, fchmod, fchown, fstat};
use rustix::process::geteuid;
use std::os::fd::AsFd;

/// Read and execute for others.
const OTHERS: u32 = 0o005;
const GROUP: u32 = 0o070;
const SETGID: u32 = 0o2000;

/// Gives an open file or directory of ours the group and the permissions of the directory `above`: users who may read or write there may do
/// the same here. Our files are never writable for others than the group, regardless of `above`, and never have a sticky bit, so that any
/// member of the group can continue a run. The umask has no effect. If root creates the file, it gets the owner of `above`. If the system
/// refuses a change, permissions stay as they are, which never gives anybody more rights.
pub fn follow(made: impl AsFd, above: &Stat) {
    let Ok(stat) = fstat(&made) else { return };
    let us = geteuid();
    if stat.st_uid != us.as_raw() && !us.is_root() {
        return;
    }
    if us.is_root() && stat.st_uid == 0 && above.st_uid != 0 {
        let _ = fchown(&made, Some(Uid::from_raw(above.st_uid)), None);
    }
    // Before the mode, since a change of the group may clear the setgid bit.
    let same_group =
        stat.st_gid == above.st_gid || fchown(&made, None, Some(Gid::from_raw(above.st_gid))).is_ok();
    let wanted = wanted(&stat, above, same_group);
    if mode_of(&stat) != wanted {
        let _ = fchmod(&made, Mode::from_raw_mode(wanted as _));
    }
}

/// Whether a file or directory has the group and the permissions that [`follow`] would give it, or more.
pub fn follows(stat: &Stat, above: &Stat) -> bool {
    let wanted = wanted(stat, above, true);
    stat.st_gid == above.st_gid && mode_of(stat) & wanted == wanted
}

/// The wanted mode. If the entry has another group than `above`, its group gets the permissions of others there.
fn wanted(stat: &Stat, above: &Stat, same_group: bool) -> u32 {
    let above = mode_of(above);
    let others = above & OTHERS;
    let group = if same_group { above & GROUP } else { others << 3 };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => 0o700 | group | others | if same_group { above & SETGID } else { 0 },
        _ => (0o600 | group | others) & 0o666,
    }
}

#[expect(clippy::unnecessary_cast, reason = "the widths differ between systems")]
fn mode_of(stat: &Stat) -> u32 {
    (stat.st_mode & 0o7777) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    /// The modes that a directory and a file get below one with this mode.
    fn modes(above: u32) -> (u32, u32) {
        let top = tempfile::tempdir().unwrap();
        fs::set_permissions(top.path(), Permissions::from_mode(above)).unwrap();
        let (dir, file) = (top.path().join("d"), top.path().join("f"));
        fs::create_dir(&dir).unwrap();
        fs::write(&file, "").unwrap();
        let above = fstat(File::open(top.path()).unwrap()).unwrap();
        [&dir, &file]
            .map(|path| {
                fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
                follow(File::open(path).unwrap(), &above);
                assert_eq!(fs::metadata(path).unwrap().gid(), above.st_gid);
                assert!(follows(&fstat(File::open(path).unwrap()).unwrap(), &above));
                fs::metadata(path).unwrap().mode() & 0o7777
            })
            .into()
    }

    #[test]
    fn what_is_made_is_for_those_who_may_use_the_directory_and_never_writable_for_the_world() {
        assert_eq!(modes(0o700), (0o700, 0o600));
        assert_eq!(modes(0o755), (0o755, 0o644));
        assert_eq!(modes(0o2770), (0o2770, 0o660));
        assert_eq!(modes(0o2775), (0o2775, 0o664));
        assert_eq!(modes(0o3775), (0o2775, 0o664));
        assert_eq!(modes(0o1777), (0o775, 0o664));
        assert_eq!(modes(0o500), (0o700, 0o600), "its owner can use it");
    }

    #[test]
    fn a_group_that_is_none_of_the_directory_gets_what_others_have_there() {
        let file = tempfile::tempfile().unwrap();
        let stat = fstat(&file).unwrap();
        let top = tempfile::tempdir().unwrap();
        fs::set_permissions(top.path(), Permissions::from_mode(0o2770)).unwrap();
        let above = fstat(File::open(top.path()).unwrap()).unwrap();
        assert_eq!(wanted(&stat, &above, false), 0o600);
        assert_eq!(wanted(&above, &above, false), 0o700);
        fs::set_permissions(top.path(), Permissions::from_mode(0o2775)).unwrap();
        let above = fstat(File::open(top.path()).unwrap()).unwrap();
        assert_eq!(wanted(&above, &above, false), 0o755);
    }
}
