//! Files with several names: removing one name changes the change time, which all names share.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

const STRIPES: usize = 64;

/// Inodes whose change time we have changed or may have changed. Only one name of a file is removed at a time, so that none is compared
/// while another one changes the time.
pub(super) struct Links(Vec<Mutex<HashSet<u64>>>);

impl Links {
    pub(super) fn new() -> Self {
        Links((0..STRIPES).map(|_| Mutex::default()).collect())
    }

    /// Locks the file until the guard is dropped.
    pub(super) fn hold(&self, inode: u64) -> MutexGuard<'_, HashSet<u64>> {
        let stripe = usize::try_from(inode % STRIPES as u64).unwrap_or(0);
        self.0[stripe].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
