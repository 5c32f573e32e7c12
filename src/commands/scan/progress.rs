//! Shows the progress of a scan on a terminal.

use crate::output::terminal::{Done, Now, Progress, Spinner};
use crate::scan::{Callback, ScanProgress, Snapshot};
use std::sync::{Mutex, PoisonError};

/// Returns the counters of a scan, which are shown if the spinner is visible.
pub(in crate::commands) fn meter(spinner: &Spinner, label: String) -> ScanProgress {
    match spinner.is_visible() {
        true => ScanProgress::with_callback(callback(spinner.clone(), label)),
        false => ScanProgress::default(),
    }
}

fn callback(spinner: Spinner, label: String) -> Callback {
    let progress = Mutex::new(Progress::default());
    Box::new(move |now| {
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        let label = label_with_errors(&label, now);
        spinner.set(&progress.text(&label, &shown(now), now.elapsed));
    })
}

fn label_with_errors(label: &str, now: &Snapshot) -> String {
    if now.errors > 0 { format!("{label} ({} unreadable)", now.errors) } else { label.into() }
}

fn shown(now: &Snapshot) -> Now {
    let done = Done { things: now.entries, of: now.total.unwrap_or(0), bytes: now.bytes };
    Now { done, current: now.current.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_rest_is_only_told_when_something_is_known() {
        let now = Snapshot {
            entries: 2_500,
            bytes: 1_000_000,
            current: b"ab".to_vec(),
            elapsed: Duration::from_secs(5),
            ..Snapshot::default()
        };
        let text =
            |now: &Snapshot| Progress::default().text(&label_with_errors("x", now), &shown(now), now.elapsed);
        assert_eq!(text(&now), "x: 2,500 entries, 1.0 MB, ab");
        let known = Snapshot { total: Some(10_000), errors: 2, ..now };
        assert_eq!(text(&known), "x (2 unreadable): 2,500 of 10,000, 1.0 MB, 15s left, ab");
    }
}
