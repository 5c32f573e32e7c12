//! Options of a scan, and how to stop it.

use super::{Excludes, ScanProgress};
use crate::model::system_names::OURS;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Options of a scan.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Number of threads. 0 starts one per core, and adds more while they wait for the drive, as many as it has work for.
    pub threads: usize,
    /// Directories at this depth are listed but not read; the root has depth 0.
    pub max_depth: Option<u32>,
    /// Skips everything whose name begins with a dot.
    pub skip_hidden: bool,
    /// Follows symlinks.
    pub follow: bool,
    /// Lists directories on other file systems but does not read them.
    pub one_file_system: bool,
    /// Skips matching entries, and does not read matching directories.
    pub exclude: Excludes,
    /// Ends the scan after this time, with what is known then. It cannot interrupt a system call that hangs.
    pub timeout: Option<Duration>,
    /// Ends the scan on request.
    pub stop: Stop,
    /// Receives the progress.
    pub meter: Arc<ScanProgress>,
}

impl Options {
    /// Returns a description of the options that decide which entries are found. It is part of the identity of a cache file.
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

impl Options {
    /// Whether a scan reads in the directory at this path below its root what a scan of that directory would read, as far as names and depth
    /// decide.
    pub fn enters(&self, below: &[u8]) -> bool {
        let same_everywhere = self.max_depth.is_none() && !self.exclude.is_about_paths();
        let leads_there = below.split(|byte| *byte == b'/').enumerate().all(|(depth, name)| {
            !(self.skip_hidden && name.starts_with(b".")
                || depth == 0 && name == OURS.as_bytes()
                || self.exclude.holds(b"", name))
        });
        same_everywhere && leads_there
    }
}

/// Requests the end of a scan.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends the scan soon; what is known then is kept.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether a stop was requested.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
