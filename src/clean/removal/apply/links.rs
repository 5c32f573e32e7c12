//! Files with several names: whoever takes one of them moves the change time of the others.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

const STRIPES: usize = 64;

/// Inodes whose change time has moved by our own hand, or may have. One name of a file is taken at a time, or else the
/// second would be compared while the first one moves.
pub(super) struct Links(Vec<Mutex<HashSet<u64>>>);

impl Links {
    pub(super) fn new() -> Self {
        Links((0..STRIPES).map(|_| Mutex::default()).collect())
    }

    /// Holds the file until the guard is dropped.
    pub(super) fn hold(&self, inode: u64) -> MutexGuard<'_, HashSet<u64>> {
        let stripe = usize::try_from(inode % STRIPES as u64).unwrap_or(0);
        self.0[stripe].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
