//! Looking at the names of a wide directory while the rest of them is still being read.
//!
//! To list a directory of hundreds of thousands of names takes one thread as long as to look at them takes two. So names are
//! offered as they come to whoever has nothing else to do; what nobody has looked at by the end is looked at afterwards.

use super::directory::{entry_stat, look};
use super::listing::{FileTypeByte, Fresh};
use crate::scan::inventory::Stat;
use rustix::fs::FileType;
use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Never more names of a directory than these, for what is learned ahead has to be kept: about 60 bytes each.
const MOST: usize = 128 * 1024;

/// What is offered of one directory, in the order in which its names came.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    chunks: Vec<Arc<Chunk>>,
    fd: Option<Arc<OwnedFd>>,
    offered: usize,
    over: Arc<AtomicBool>,
}

/// Some names that were read one after the other.
#[derive(Debug)]
pub(super) struct Chunk {
    fd: Arc<OwnedFd>,
    follow: bool,
    over: Arc<AtomicBool>,
    /// The names, each with a NUL behind it; gone when they have been looked at.
    names: Mutex<Vec<u8>>,
    /// Where the first of them is in the listing.
    first: u32,
    /// Where the others are, and what the directory says that they are.
    places: Vec<(u32, FileTypeByte)>,
    /// What each of them is; `None`: a directory, or nothing was learned.
    looked: OnceLock<Vec<Option<Stat>>>,
}

impl Ahead {
    /// Names that have just been read from `fd`, to be looked at by another thread. `None`: enough was offered.
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

    /// All names are known: what nobody has begun to look at is looked at with the rest.
    pub(super) fn end(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.fd = None;
    }

    /// What was learned about the name at this place of the listing.
    pub(super) fn get(&self, at: u32) -> Option<&Stat> {
        let chunk = self.chunks.partition_point(|chunk| chunk.first <= at).checked_sub(1)?;
        let chunk = self.chunks.get(chunk)?;
        let looked = chunk.looked.get()?;
        let n = chunk.places.binary_search_by_key(&at, |(place, _)| *place).ok()?;
        looked.get(n)?.as_ref()
    }
}

impl Chunk {
    /// Looks at the names, unless it is too late or `stopped`.
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
        // Nobody else has this chunk.
        let _ = self.looked.set(all);
    }

    /// An error is met again, and told then.
    fn one(&self, name: &CStr, kind: FileTypeByte) -> Option<Stat> {
        let (raw, through) = look(&self.fd, name, kind, self.follow).ok()?;
        match FileType::from_raw_mode(raw.st_mode) {
            FileType::Directory => None,
            kind => Some(entry_stat(&raw, kind, through)),
        }
    }
}
