//! How far a run is, for people who watch.

use crate::commands::scan::{bytes, grouped};
use crate::sweep::Meter;
use crate::ui::Ui;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Does it, and shows how far it is to people who watch.
pub(super) fn watched<T: Send>(ui: &Ui, meter: &Meter, total: u64, work: impl FnOnce() -> T) -> T {
    let spinner = ui.spinner();
    if !spinner.is_visible() {
        return work();
    }
    let (done, started) = (AtomicBool::new(false), Instant::now());
    std::thread::scope(|scope| {
        let ticker = scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                let entries = meter.entries.load(Ordering::Relaxed);
                let rate = entries as f64 / started.elapsed().as_secs_f64().max(0.001);
                let left = Duration::from_secs((total.saturating_sub(entries) as f64 / rate.max(1.0)) as u64);
                spinner.set(&format!(
                    "{} of {}, {}/s, {}, {} left",
                    grouped(entries),
                    grouped(total),
                    grouped(rate as u64),
                    bytes(meter.bytes.load(Ordering::Relaxed)),
                    humantime::format_duration(left)
                ));
                std::thread::park_timeout(Duration::from_millis(200));
            }
        });
        let result = work();
        done.store(true, Ordering::Release);
        ticker.thread().unpark();
        // It only fails to end if it panicked, which has been said by then.
        let _ = ticker.join();
        spinner.clear();
        result
    })
}
