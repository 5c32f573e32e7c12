//! `cache = "drop"`: gives back the page cache that a transfer fills, while it goes on and at its end.

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

/// The least time between two sweeps …
const PAUSE: Duration = Duration::from_secs(2);
/// … and the least in multiples of what a sweep takes: looking through the tree must not be felt.
const SHARE: u32 = 20;

/// Sweeps a destination.
pub(super) struct CacheDropper {
    dest: PathBuf,
    since: Timestamp,
    freed: Arc<AtomicU64>,
}

impl CacheDropper {
    /// For what comes from now on.
    pub(super) fn new(dest: PathBuf) -> Self {
        CacheDropper { dest, since: Timestamp::now(), freed: Arc::default() }
    }

    /// Sweeps again and again, until it is dropped.
    pub(super) async fn meanwhile(&self, stop: &Stop) -> Infallible {
        let (mut since, mut pause) = (self.since, PAUSE);
        loop {
            tokio::time::sleep(pause).await;
            let (now, begun) = (Timestamp::now(), Instant::now());
            let asked = Asked::default();
            let order =
                ReclaimRequest { since: seconds(since), stop: asked.0.clone(), ..ReclaimRequest::default() };
            // What could not be swept now is swept at the end, which tells what went wrong.
            let _ = self.sweep(order, stop).await;
            pause = PAUSE.max(begun.elapsed() * SHARE);
            // Once more from where this one began: what was not on the disk yet was only sent on its way.
            since = now.checked_sub(pause).unwrap_or(now).max(self.since);
        }
    }

    /// The last sweep, of everything that came, and what came of all of them; `None` if nothing did.
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
                let text =
                    format!("cache: gave back {freed} of {came} that came; {kept} of it stay in memory");
                Some((Level::Debug, text))
            }
            Ok(Reclaimed { files, freed: None, .. }) => {
                let came = count(files);
                let text =
                    format!("cache: asked the kernel to forget {came}; it does not tell what came of it");
                Some((Level::Info, text))
            }
            Err(error) => Some((Level::Debug, format!("cache: nothing was given back: {error}"))),
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

/// File systems may keep times in whole seconds.
fn seconds(time: Timestamp) -> Option<i64> {
    Some(time.as_second().saturating_sub(1).saturating_mul(1_000_000_000))
}

/// Ends a sweep that nobody waits for any more.
#[derive(Default)]
struct Asked(scan::Stop);

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.stop();
    }
}
