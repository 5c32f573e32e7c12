//! Reads the metadata of names in a large directory while the rest of the directory is still being listed.
//!
//! One thread needs as long to list a directory of several hundred thousand names as two threads need to read their metadata. So names are
//! offered to idle threads as they are listed. Names that no thread has taken by the end are processed afterwards.

use super::listing::{FileTypeByte, Fresh};
use super::look::{entry_stat, look};
use crate::scan::inventory::Stat;
use rustix::fs::FileType;
use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The maximum number of names of a directory to read ahead, since the results must be stored: about 60 bytes each.
const MOST: usize = 128 * 1024;

/// The names offered of one directory, in the order of the listing.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    chunks: Vec<Arc<Chunk>>,
    fd: Option<Arc<OwnedFd>>,
    offered: usize,
    over: Arc<AtomicBool>,
}

/// Consecutive names.
#[derive(Debug)]
pub(super) struct Chunk {
    fd: Arc<OwnedFd>,
    follow: bool,
    over: Arc<AtomicBool>,
    /// The names, each followed by a NUL; empty after they were processed.
    names: Mutex<Vec<u8>>,
    /// Offset of the first name in the listing.
    first: u32,
    /// Offset and type from the directory of each name.
    places: Vec<(u32, FileTypeByte)>,
    /// The metadata of each name; `None` for a directory or if it could not be read.
    looked: OnceLock<Vec<Option<Stat>>>,
}

impl Ahead {
    /// Takes names just read from `fd`, for another thread to process. `None` if enough names were offered.
    pub(super) fn offer(&mut self, fd: &OwnedFd, fresh: Fresh<'_>, follow: bool) -> Option<Arc<Chunk>> {
        if self.offered >= MOST {
            return None;
        }
        let fd = match &self.fd {
            Some(fd) => fd.clone(),
            None => self.fd.insert(Arc::new(fd.try_clone().ok()?)).clone(),
        };
        let places: Vec<_> = fresh.places().collect();
        let first = places.first()?.0;
        self.offered += places.len();
        let chunk = Arc::new(Chunk {
            fd,
            follow,
            over: self.over.clone(),
            names: Mutex::new(fresh.names_from(first).into()),
            first,
            places,
            looked: OnceLock::new(),
        });
        self.chunks.push(chunk.clone());
        Some(chunk)
    }

    /// Called when all names are listed. Names that no thread has begun are processed with the rest.
    pub(super) fn end(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.fd = None;
    }

    /// Returns the metadata of the name at this offset of the listing, if it was read ahead.
    pub(super) fn get(&self, at: u32) -> Option<&Stat> {
        let chunk = self.chunks.partition_point(|chunk| chunk.first <= at).checked_sub(1)?;
        let chunk = self.chunks.get(chunk)?;
        let looked = chunk.looked.get()?;
        let n = chunk.places.binary_search_by_key(&at, |(place, _)| *place).ok()?;
        looked.get(n)?.as_ref()
    }
}

impl Chunk {
    /// Reads the metadata of the names, unless the listing has ended before or `stopped` returns true.
    pub(super) fn look(&self, stopped: impl Fn() -> bool) {
        let names = std::mem::take(&mut *self.names.lock().unwrap_or_else(PoisonError::into_inner));
        let mut all = Vec::with_capacity(self.places.len());
        for (at, kind) in &self.places {
            if self.over.load(Ordering::Relaxed) && all.is_empty() || stopped() {
                return;
            }
            let name = names.get((at - self.first) as usize..).unwrap_or_default();
            all.push(match CStr::from_bytes_until_nul(name) {
                Ok(name) if *kind != FileTypeByte::Directory => self.one(name, *kind),
                _ => None,
            });
        }
        // No other thread has this chunk.
        let _ = self.looked.set(all);
    }

    /// An error is ignored here; it occurs again later and is reported then.
    fn one(&self, name: &CStr, kind: FileTypeByte) -> Option<Stat> {
        let (raw, through) = look(&self.fd, name, kind, self.follow).ok()?;
        match FileType::from_raw_mode(raw.st_mode) {
            FileType::Directory => None,
            kind => Some(entry_stat(&raw, kind, through)),
        }
    }
}
