//! Reads the metadata of one name.

use super::listing::FileTypeByte;
use crate::scan::inventory::{DirStat, Kind, Stat, nanoseconds};
use rustix::fs::{AtFlags, FileType, Stat as RawStat, statat};
use rustix::io::Errno;
use std::ffi::CStr;
use std::os::fd::AsFd;

/// Reads metadata. The second value is whether a symlink was followed.
pub(super) fn look(
    dir: impl AsFd,
    name: &CStr,
    kind: FileTypeByte,
    follow: bool,
) -> Result<(RawStat, bool), Errno> {
    if follow && matches!(kind, FileTypeByte::Symlink | FileTypeByte::Unknown) {
        // A symlink that cannot be resolved counts as a symlink.
        if let Ok(stat) = statat(&dir, name, AtFlags::empty()) {
            let through = kind == FileTypeByte::Symlink || is_symlink(&dir, name);
            return Ok((stat, through));
        }
    }
    statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| (stat, false))
}

fn is_symlink(dir: impl AsFd, name: &CStr) -> bool {
    statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

/// Converts the metadata that is stored.
pub(super) fn entry_stat(raw: &RawStat, kind: FileType, through: bool) -> Stat {
    Stat {
        kind: match kind {
            FileType::RegularFile => Kind::File,
            FileType::Symlink => Kind::Symlink,
            _ => Kind::Other,
        },
        size: u64::try_from(raw.st_size).unwrap_or(0),
        mtime: nanoseconds(raw.st_mtime, raw.st_mtime_nsec as i64),
        ctime: nanoseconds(raw.st_ctime, raw.st_ctime_nsec as i64),
        inode: raw.st_ino,
        disk: u64::try_from(raw.st_blocks).unwrap_or(0).saturating_mul(512),
        // The target of a symlink may also be found under its own name.
        linked: through || raw.st_nlink > 1,
    }
}

/// The metadata of a directory itself.
#[expect(clippy::unnecessary_cast, reason = "the widths differ between systems")]
pub(super) fn dir_stat(raw: &RawStat) -> DirStat {
    DirStat {
        dev: raw.st_dev as u64,
        inode: raw.st_ino,
        mtime: nanoseconds(raw.st_mtime, raw.st_mtime_nsec as i64),
        ctime: nanoseconds(raw.st_ctime, raw.st_ctime_nsec as i64),
        disk: u64::try_from(raw.st_blocks).unwrap_or(0).saturating_mul(512),
    }
}
