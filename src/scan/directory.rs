//! Reads the metadata of names in an open directory.

use super::listing::{FileTypeByte, Listing};
use super::look::{entry_stat, look};
use super::parallel_lookup::Ahead;
use super::{Trouble, TroubleKind};
use crate::scan::inventory::{Own, Stat, encode_record};
use rustix::fs::FileType;
use rustix::io::Errno;
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
