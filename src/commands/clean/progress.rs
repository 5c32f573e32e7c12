//! Shows the progress of a run on a terminal.

use crate::clean::removal::ApplyProgress;
use crate::commands::scan::{bytes, grouped};
use crate::output::terminal::Ui;
use crate::output::units;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Does `work` and shows its progress on a terminal.
pub(super) fn watched<T: Send>(ui: &Ui, meter: &ApplyProgress, total: u64, work: impl FnOnce() -> T) -> T {
    let spinner = ui.spinner();
    if !spinner.is_visible() {
        return work();
    }
    let (done, started) = (AtomicBool::new(false), Instant::now());
    std::thread::scope(|scope| {
        let ticker = scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                let entries = meter.entries.load(Ordering::Relaxed);
                let elapsed = started.elapsed();
                let mut parts = vec![format!("{} of {}", grouped(entries), grouped(total))];
                if let Some(left) = units::left(entries, total, elapsed) {
                    parts.push(format!("{}/s", units::pace(entries as f64 / elapsed.as_secs_f64())));
                    parts.push(bytes(meter.bytes.load(Ordering::Relaxed)));
                    parts.push(format!("{} left", units::whole(left)));
                }
                spinner.set(&parts.join(", "));
                std::thread::park_timeout(Duration::from_millis(200));
            }
        });
        let result = work();
        done.store(true, Ordering::Release);
        ticker.thread().unpark();
        // Joining fails only if the thread panicked, which was reported already.
        let _ = ticker.join();
        spinner.clear();
        result
    })
}
