//! The kind and the identity of an entry.

use super::tree::kind_of;
use crate::clean::{Kind, Stamp};
use crate::scan::inventory::nanoseconds;
use rustix::fs::{AtFlags, FileType, Stat, statat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Returns the identity of an entry.
#[expect(clippy::unnecessary_cast, reason = "the widths differ between systems")]
pub fn stamp_of(stat: &Stat) -> Stamp {
    let (dev, ino) = (stat.st_dev as u64, stat.st_ino as u64);
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        return Stamp { dev, ino, size: 0, mtime: 0, ctime: 0 };
    }
    Stamp {
        dev,
        ino,
        size: stat.st_size as u64,
        mtime: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        ctime: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
    }
}

/// Reads the kind and the identity of an entry. Does not follow links.
pub fn look(dir: impl AsFd, name: &[u8]) -> Result<(Kind, Stamp), Errno> {
    let stat = statat(dir, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW)?;
    Ok((kind_of(FileType::from_raw_mode(stat.st_mode)), stamp_of(&stat)))
}

/// What a file is now, if it is the one of the stamp and has other names, by which it may have been changed.
pub(super) fn stamp_by_other_names(dir: impl AsFd, name: &[u8], stamp: &Stamp) -> Option<Stamp> {
    let stat = statat(dir, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW).ok()?;
    let now = stamp_of(&stat);
    (stat.st_nlink > 1 && (now.dev, now.ino) == (stamp.dev, stamp.ino)).then_some(now)
}

/// Whether each look at a directory gives the same inode number. Some network file systems invent them.
pub fn keeps_inodes(dir: &Path) -> bool {
    let inode = || std::fs::symlink_metadata(dir).map(|meta| meta.ino()).ok();
    let first = inode();
    first.is_some() && (0..2).all(|_| inode() == first)
}

/// Reads the kind and the identity of an entry that is expected to have this stamp. Some network file systems invent inode numbers: where
/// each call gives another number, the number of the stamp is returned.
pub fn look_for(dir: impl AsFd, name: &[u8], stamp: &Stamp) -> Result<(Kind, Stamp), Errno> {
    let (kind, first) = look(&dir, name)?;
    if first.ino == stamp.ino {
        return Ok((kind, first));
    }
    let (_, second) = look(&dir, name)?;
    let (kind, third) = look(&dir, name)?;
    let invented = first.ino != second.ino && second.ino != third.ino && first.ino != third.ino;
    Ok((kind, Stamp { ino: if invented { stamp.ino } else { third.ino }, ..third }))
}
