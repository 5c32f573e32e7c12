//! `cache = "drop"`: drops the page cache that a transfer fills, during the transfer and at its end.

use super::blocking::off_thread;
use super::stop::Stop;
use crate::model::event::Level;
use crate::scan::{self, ScanError};
use crate::system::reclaim::{self, ReclaimRequest, Reclaimed};
use bytesize::ByteSize;
use jiff::Timestamp;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The least time between two sweeps.
const PAUSE: Duration = Duration::from_secs(2);
/// The least time between two sweeps, in multiples of the last sweep's duration, so that walking the tree costs little.
const SHARE: u32 = 20;

/// Sweeps a destination.
pub(super) struct CacheDropper {
    dest: PathBuf,
    since: Timestamp,
    freed: Arc<AtomicU64>,
}

impl CacheDropper {
    /// Sweeps files that change from now on.
    pub(super) fn new(dest: PathBuf) -> Self {
        CacheDropper { dest, since: Timestamp::now(), freed: Arc::default() }
    }

    /// Sweeps repeatedly until the future is dropped.
    pub(super) async fn meanwhile(&self, stop: &Stop) -> Infallible {
        let (mut since, mut pause) = (self.since, PAUSE);
        loop {
            tokio::time::sleep(pause).await;
            let (now, begun) = (Timestamp::now(), Instant::now());
            let asked = Asked::default();
            let order =
                ReclaimRequest { since: seconds(since), stop: asked.0.clone(), ..ReclaimRequest::default() };
            // What this sweep could not drop is left to the last one, which reports errors.
            let _ = self.sweep(order, stop).await;
            pause = PAUSE.max(begun.elapsed() * SHARE);
            // The next sweep covers the files of this one again: pages that were not on the disk yet were only queued for writing.
            since = now.checked_sub(pause).unwrap_or(now).max(self.since);
        }
    }

    /// The last sweep, over everything that arrived. Returns a report on all sweeps; `None` if nothing arrived.
    pub(super) async fn finish(self, stop: &Stop) -> Option<(Level, String)> {
        let order =
            ReclaimRequest { since: seconds(self.since), write_first: true, ..ReclaimRequest::default() };
        let swept = self.sweep(order, stop).await?;
        let freed = ByteSize(self.freed.load(Ordering::Relaxed)).display().si();
        match swept {
            Ok(Reclaimed { files: 0, .. }) => None,
            Ok(Reclaimed { files, freed: Some(_), kept, .. }) => {
                let kept = ByteSize(kept.unwrap_or(0)).display().si();
                let came = count(files);
                let text = format!("cache: released {freed} of {came} that arrived; {kept} stay in memory");
                Some((Level::Debug, text))
            }
            Ok(Reclaimed { files, freed: None, .. }) => {
                let came = count(files);
                let text =
                    format!("cache: asked the kernel to drop {came}; the kernel does not report the result");
                Some((Level::Info, text))
            }
            Err(error) => Some((Level::Debug, format!("cache: nothing was released: {error}"))),
        }
    }

    async fn sweep(&self, order: ReclaimRequest, stop: &Stop) -> Option<Result<Reclaimed, ScanError>> {
        let (dest, total) = (self.dest.clone(), self.freed.clone());
        let work = move || {
            let swept = reclaim::sweep(&dest, &order);
            if let Ok(Reclaimed { freed: Some(freed), .. }) = &swept {
                total.fetch_add(*freed, Ordering::Relaxed);
            }
            swept
        };
        off_thread(stop, work).await
    }
}

fn count(files: u64) -> String {
    if files == 1 { "1 file".into() } else { format!("{files} files") }
}

/// Nanoseconds since 1970, rounded down by at least a second, since file systems may store times in whole seconds.
fn seconds(time: Timestamp) -> Option<i64> {
    Some(time.as_second().saturating_sub(1).saturating_mul(1_000_000_000))
}

/// Stops a sweep when its future is dropped.
#[derive(Default)]
struct Asked(scan::Stop);

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.stop();
    }
}
