//! Shows the progress of a scan on a terminal.

use crate::output::terminal::{Spinner, shown};
use crate::output::units::{bytes, grouped, left, pace, whole};
use crate::scan::{Callback, Snapshot};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The time over which the speed is measured.
const WINDOW: Duration = Duration::from_secs(10);

/// Returns a callback that shows each snapshot. `known` is the number of entries of the previous scan. Without it, only a count is shown,
/// since a percentage would be a guess.
pub(super) fn callback(spinner: Spinner, label: String, known: Option<u64>) -> Callback {
    let speed = Mutex::new(Speed::default());
    Box::new(move |now| {
        let rate = speed.lock().unwrap_or_else(PoisonError::into_inner).rate(now.elapsed, now.entries);
        spinner.set(&text(&label, now, rate, known));
    })
}

fn text(label: &str, now: &Snapshot, rate: Option<f64>, known: Option<u64>) -> String {
    let mut parts = vec![format!("{label}: {} entries", grouped(now.entries)), bytes(now.bytes)];
    if let Some(rate) = rate {
        parts.push(format!("{}/s", pace(rate)));
    }
    if let Some(known) = known.filter(|known| *known > now.entries) {
        parts.push(format!("{}%", now.entries * 100 / known));
        if let Some(left) = left(now.entries, known, now.elapsed) {
            parts.push(format!("{} left", whole(left)));
        }
    }
    parts.push(shown(&now.current));
    parts.join(", ")
}

/// Measures the recent speed.
#[derive(Default)]
struct Speed(VecDeque<(Duration, u64)>);

impl Speed {
    /// Returns entries per second over the last [`WINDOW`]; `None` until there is a second sample.
    fn rate(&mut self, at: Duration, entries: u64) -> Option<f64> {
        while self.0.front().is_some_and(|(first, _)| at.saturating_sub(*first) > WINDOW) {
            self.0.pop_front();
        }
        self.0.push_back((at, entries));
        let (first, before) = *self.0.front()?;
        let time = at.saturating_sub(first).as_secs_f64();
        (time > 0.0).then(|| entries.saturating_sub(before) as f64 / time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_only_told_when_something_is_known() {
        let now =
            Snapshot { entries: 2_500, bytes: 1_000_000, current: b"ab".to_vec(), ..Snapshot::default() };
        let early = text("x", &now, Some(500.0), Some(10_000));
        assert_eq!(early, "x: 2,500 entries, 1.0 MB, 500/s, 25%, ab", "nobody can know yet");
        let now = Snapshot { elapsed: Duration::from_secs(5), ..now };
        assert_eq!(text("x", &now, None, None), "x: 2,500 entries, 1.0 MB, ab");
        assert_eq!(
            text("x", &now, Some(500.0), Some(10_000)),
            "x: 2,500 entries, 1.0 MB, 500/s, 25%, 15s left, ab"
        );
        assert_eq!(text("x", &now, Some(500.0), Some(2_000)), "x: 2,500 entries, 1.0 MB, 500/s, ab");
    }

    #[test]
    fn the_speed_is_that_of_the_last_seconds() {
        let mut speed = Speed::default();
        assert_eq!(speed.rate(Duration::ZERO, 0), None);
        assert_eq!(speed.rate(Duration::from_secs(5), 5_000), Some(1_000.0));
        assert_eq!(speed.rate(Duration::from_secs(15), 5_100), Some(10.0));
    }
}
