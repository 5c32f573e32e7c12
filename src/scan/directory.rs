//! Reads the metadata of names in an open directory.

use super::listing::{FileTypeByte, Listing};
use super::parallel_lookup::Ahead;
use super::{Trouble, TroubleKind};
use crate::scan::inventory::{DirStat, Kind, Own, Stat, encode_record, nanoseconds};
use rustix::fs::{AtFlags, FileType, Stat as RawStat, statat};
use rustix::io::Errno;
use std::ffi::CStr;
use std::ops::Range;
use std::os::fd::AsFd;

/// Number of names between two checks for a stop.
const STRIDE: usize = 512;

/// The metadata of some names of a directory.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// Number of records. Directories have none.
    pub(super) count: u32,
    /// The names of the records.
    pub(super) names: Vec<u8>,
    pub(super) own: Own,
    /// Directories: index in the listing, and whether the name is a symlink to one.
    pub(super) dirs: Vec<(u32, bool)>,
    /// Names whose metadata could not be read: index, kind, reason.
    pub(super) troubles: Vec<(u32, TroubleKind, String)>,
    /// Whether all names were processed.
    pub(super) whole: bool,
}

/// Some names of a directory.
pub(super) struct Names<'a> {
    pub(super) listing: &'a Listing,
    /// The range of indexes in the listing.
    pub(super) range: Range<usize>,
    /// Metadata that was read ahead.
    pub(super) ahead: Option<&'a Ahead>,
}

impl Learned {
    fn clear(&mut self) {
        self.count = 0;
        self.names.clear();
        self.own = Own::default();
        self.dirs.clear();
        self.troubles.clear();
        self.whole = true;
    }

    /// Reads the metadata of the names, and appends their records to `records`.
    pub(super) fn learn(
        &mut self,
        records: &mut Vec<u8>,
        dir: impl AsFd,
        Names { listing, range, ahead }: Names<'_>,
        follow: bool,
        stopped: impl Fn() -> bool,
    ) {
        self.clear();
        for n in range {
            if n % STRIDE == 0 && stopped() {
                self.whole = false;
                return;
            }
            let (name, kind) = listing.get(n);
            if kind == FileTypeByte::Directory {
                self.dirs.push((n as u32, false));
                continue;
            }
            if let Some(stat) = ahead.and_then(|ahead| ahead.get(listing.place(n))) {
                self.entry(records, name, stat);
                continue;
            }
            match look(&dir, listing.c_name(n), kind, follow) {
                Ok((raw, through)) => match FileType::from_raw_mode(raw.st_mode) {
                    FileType::Directory => self.dirs.push((n as u32, through)),
                    kind => self.entry(records, name, &entry_stat(&raw, kind, through)),
                },
                Err(Errno::NOENT) => self.troubles.push((n as u32, TroubleKind::Vanished, String::new())),
                Err(error) => {
                    self.whole = false;
                    self.troubles.push((n as u32, TroubleKind::Unreadable, words(error)));
                }
            }
        }
    }

    fn entry(&mut self, records: &mut Vec<u8>, name: &[u8], stat: &Stat) {
        self.own.add(name, stat);
        self.names.extend_from_slice(name);
        encode_record(stat, self.names.len() as u32, records);
        self.count += 1;
    }
}

/// The system's message for an error.
pub(super) fn words(error: Errno) -> String {
    std::io::Error::from(error).to_string()
}

pub(super) fn trouble(path: Vec<u8>, kind: TroubleKind, why: String) -> Trouble {
    Trouble { path, kind, why }
}

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
