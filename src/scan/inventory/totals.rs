//! Sums over the entries directly in a directory, and over everything at any depth.

use super::{Kind, Stat};
use std::ops::AddAssign;

/// Sums over the entries directly in a directory, except directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Own {
    /// Number of regular files.
    pub files: u32,
    /// Number of symbolic links.
    pub symlinks: u32,
    /// Number of sockets, FIFOs and devices.
    pub other: u32,
    /// Number of entries that have other names (hard links).
    pub linked: u32,
    /// Number of entries whose names are not UTF-8.
    pub odd: u32,
    /// Apparent size of the regular files in bytes.
    pub bytes: u64,
    /// Disk usage in bytes of entries without other names.
    pub disk: u64,
}

impl Own {
    /// Adds an entry.
    pub fn add(&mut self, name: &[u8], stat: &Stat) {
        match stat.kind {
            Kind::File => {
                self.files += 1;
                self.bytes += stat.size;
            }
            Kind::Symlink => self.symlinks += 1,
            Kind::Other => self.other += 1,
        }
        if stat.linked {
            self.linked += 1;
        } else {
            self.disk += stat.disk;
        }
        self.odd += u32::from(!name.is_ascii() && std::str::from_utf8(name).is_err());
    }

    /// Number of entries.
    pub fn entries(&self) -> u64 {
        u64::from(self.files) + u64::from(self.symlinks) + u64::from(self.other)
    }
}

impl AddAssign for Own {
    fn add_assign(&mut self, more: Own) {
        self.files += more.files;
        self.symlinks += more.symlinks;
        self.other += more.other;
        self.linked += more.linked;
        self.odd += more.odd;
        self.bytes += more.bytes;
        self.disk += more.disk;
    }
}

/// Sums over everything in a directory at any depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Number of names of regular files: a file with two names is counted twice.
    pub files: u64,
    /// Number of directories, itself included.
    pub dirs: u64,
    /// Number of symbolic links.
    pub symlinks: u64,
    /// Number of sockets, FIFOs and devices.
    pub other: u64,
    /// Number of entries whose names are not UTF-8, except directories.
    pub odd: u64,
    /// Apparent size of the regular files in bytes: what reading every name yields.
    pub bytes: u64,
    /// Disk usage in bytes, directories included. A file with several names counts once, at its first name.
    pub disk: u64,
}

impl Totals {
    /// Number of entries, directories included.
    pub fn entries(&self) -> u64 {
        self.files + self.dirs + self.symlinks + self.other
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, more: Totals) {
        self.files = self.files.saturating_add(more.files);
        self.dirs = self.dirs.saturating_add(more.dirs);
        self.symlinks = self.symlinks.saturating_add(more.symlinks);
        self.other = self.other.saturating_add(more.other);
        self.odd = self.odd.saturating_add(more.odd);
        self.bytes = self.bytes.saturating_add(more.bytes);
        self.disk = self.disk.saturating_add(more.disk);
    }
}
