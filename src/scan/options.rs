//! How to scan, and how to stop it.

use super::{Excludes, ScanProgress};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How to scan a tree.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Threads; 0 starts one a core, and adds more while they wait for the disk.
    pub threads: usize,
    /// Directories at this depth are listed and not read; the root is at 0.
    pub max_depth: Option<u32>,
    /// Passes by everything whose name begins with a dot.
    pub skip_hidden: bool,
    /// Takes symlinks for what they lead to.
    pub follow: bool,
    /// Lists directories on other file systems, but does not read them.
    pub one_file_system: bool,
    /// Passes these by, and does not read the directories among them.
    pub exclude: Excludes,
    /// Ends the scan after so long, with what is known by then. It cannot interrupt a system call that hangs.
    pub timeout: Option<Duration>,
    /// Ends the scan when asked.
    pub stop: Stop,
    /// Where progress is read.
    pub meter: Arc<ScanProgress>,
}

impl Options {
    /// What decides which entries are seen, in words: part of a cache's identity.
    pub fn fingerprint(&self) -> Vec<u8> {
        let depth = self.max_depth.map_or_else(|| "-".into(), |depth| depth.to_string());
        let mut text = format!("depth {depth}\n");
        for (on, word) in [
            (self.skip_hidden, "skip hidden\n"),
            (self.follow, "follow\n"),
            (self.one_file_system, "one file system\n"),
        ] {
            text.push_str(if on { word } else { "" });
        }
        for pattern in self.exclude.patterns() {
            text.push_str("exclude ");
            text.push_str(pattern);
            text.push('\n');
        }
        text.into_bytes()
    }
}

/// Asks a scan to end.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends it soon; what is known by then stays.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to end.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
