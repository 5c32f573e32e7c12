//! Progress of a scan: counters that may be read at any time. Only the latest value is kept.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Called from time to time with the progress of a scan.
pub type Callback = Box<dyn Fn(&Snapshot) + Send + Sync>;

/// Counts what a scan has found so far.
pub struct ScanProgress {
    entries: AtomicU64,
    bytes: AtomicU64,
    dirs: AtomicU64,
    errors: AtomicU64,
    /// The number of entries of the previous scan; 0 if it is unknown.
    total: AtomicU64,
    current: Mutex<Vec<u8>>,
    started: Instant,
    callback: Option<Callback>,
}

/// The progress of a scan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Number of known entries, directories included.
    pub entries: u64,
    /// Their apparent size in bytes.
    pub bytes: u64,
    /// Number of directories that were read or reused.
    pub dirs: u64,
    /// Number of directories and entries that could not be read.
    pub errors: u64,
    /// Number of entries of the previous scan of the tree, if it is known. The tree may have more or fewer by now.
    pub total: Option<u64>,
    /// The directory that was started last, relative to the root.
    pub current: Vec<u8>,
    /// Time since this counter was created.
    pub elapsed: Duration,
}

impl Default for ScanProgress {
    fn default() -> Self {
        ScanProgress {
            entries: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            dirs: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            total: AtomicU64::new(0),
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
    /// Also calls `callback` about ten times per second, from the thread that waits for the scan.
    pub fn with_callback(callback: Callback) -> Self {
        ScanProgress { callback: Some(callback), ..ScanProgress::default() }
    }

    /// Returns the current progress.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            entries: self.entries.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            dirs: self.dirs.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            total: Some(self.total.load(Ordering::Relaxed)).filter(|total| *total > 0),
            current: self.current.lock().map(|current| current.clone()).unwrap_or_default(),
            elapsed: self.started.elapsed(),
        }
    }

    /// Whether somebody watches the progress.
    pub(super) fn is_watched(&self) -> bool {
        self.callback.is_some()
    }

    /// Sets the number of entries of the previous scan.
    pub(super) fn expect(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    pub(super) fn error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add(&self, entries: u64, bytes: u64, dirs: u64) {
        self.entries.fetch_add(entries, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.dirs.fetch_add(dirs, Ordering::Relaxed);
    }

    /// Sets the current directory. Skipped while another thread holds the lock: the next directory comes soon.
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
