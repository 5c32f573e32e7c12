//! How far a scan is: counters that anybody may read at any time; the latest value is the only one.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Called now and then with how far a scan is.
pub type Callback = Box<dyn Fn(&Snapshot) + Send + Sync>;

/// Counts what a scan has seen so far.
pub struct ScanProgress {
    entries: AtomicU64,
    bytes: AtomicU64,
    dirs: AtomicU64,
    current: Mutex<Vec<u8>>,
    started: Instant,
    callback: Option<Callback>,
}

/// How far a scan is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Entries that are known, directories included.
    pub entries: u64,
    /// Their apparent size.
    pub bytes: u64,
    /// Directories that were read or taken over.
    pub dirs: u64,
    /// The directory that was begun last, relative to the root.
    pub current: Vec<u8>,
    /// Since the meter was made.
    pub elapsed: Duration,
}

impl Default for ScanProgress {
    fn default() -> Self {
        ScanProgress {
            entries: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            dirs: AtomicU64::new(0),
            current: Mutex::default(),
            started: Instant::now(),
            callback: None,
        }
    }
}

impl std::fmt::Debug for ScanProgress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.snapshot().fmt(f)
    }
}

impl ScanProgress {
    /// A meter that also calls back about ten times a second, from the thread that waits for the scan.
    pub fn with_callback(callback: Callback) -> Self {
        ScanProgress { callback: Some(callback), ..ScanProgress::default() }
    }

    /// How far the scan is now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            entries: self.entries.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            dirs: self.dirs.load(Ordering::Relaxed),
            current: self.current.lock().map(|current| current.clone()).unwrap_or_default(),
            elapsed: self.started.elapsed(),
        }
    }

    pub(super) fn add(&self, entries: u64, bytes: u64, dirs: u64) {
        self.entries.fetch_add(entries, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.dirs.fetch_add(dirs, Ordering::Relaxed);
    }

    /// Skipped when somebody else is at it: the next directory comes soon.
    pub(super) fn enter(&self, path: &[u8]) {
        if let Ok(mut current) = self.current.try_lock() {
            current.clear();
            current.extend_from_slice(path);
        }
    }

    pub(super) fn call_back(&self) {
        if let Some(callback) = &self.callback {
            callback(&self.snapshot());
        }
    }
}
