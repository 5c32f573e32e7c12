//! Directories that are kept open during a walk, within a limit.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A directory that is kept open while there is work in it, within a limit.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) fd: OwnedFd,
    /// The counter for the limit, if the directory counts against it.
    counted: Option<Arc<AtomicUsize>>,
}

impl Held {
    /// Keeps the directory open if the limit allows it; returns it otherwise.
    pub(super) fn try_hold(fd: OwnedFd, open: &Arc<AtomicUsize>, limit: usize) -> Result<Arc<Held>, OwnedFd> {
        if open.fetch_add(1, Ordering::Relaxed) >= limit {
            open.fetch_sub(1, Ordering::Relaxed);
            return Err(fd);
        }
        Ok(Arc::new(Held { fd, counted: Some(open.clone()) }))
    }

    /// Keeps the directory open in any case.
    pub(super) fn hold(fd: OwnedFd) -> Arc<Held> {
        Arc::new(Held { fd, counted: None })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(open) = &self.counted {
            open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The maximum number of directories to keep open: a small share of the process limit.
pub(super) fn limit() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(8_192);
    usize::try_from(limit / 8).unwrap_or(usize::MAX).clamp(4, 512)
}
