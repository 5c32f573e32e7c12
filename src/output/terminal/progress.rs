//! The progress of work whose amount is known.

use super::Spinner;
use crate::output::units::{bytes, grouped, left, pace, whole};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// The interval of updates.
const TICK: Duration = Duration::from_millis(200);

/// What is done.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// The number of files or entries that are done.
    pub things: u64,
    /// The number of all of them; 0 while it is unknown.
    pub of: u64,
    /// The size of those that are done in bytes; 0 if it is not counted.
    pub bytes: u64,
}

fn text(label: &str, done: Done, elapsed: Duration) -> String {
    let Done { things, of, bytes: size } = done;
    if of == 0 {
        return label.into();
    }
    let mut text = format!("{label}: {} of {}", grouped(things), grouped(of));
    if size > 0 {
        text += &format!(", {}", bytes(size));
    }
    if let Some(left) = left(things, of, elapsed) {
        let pace = pace(things as f64 / elapsed.as_secs_f64());
        text += &format!(", {pace}/s, {} left", whole(left));
    }
    text
}

impl Spinner {
    /// Does `work` and shows meanwhile what is done. Removes the line at the end.
    pub fn watch<T>(&self, label: &str, done: impl Fn() -> Done + Send, work: impl FnOnce() -> T) -> T {
        if !self.is_visible() {
            return work();
        }
        let (over, ended) = mpsc::channel::<()>();
        thread::scope(|scope| {
            // Dropped at the end of the work, also if it panics.
            let _over = over;
            scope.spawn(move || {
                let started = Instant::now();
                while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    self.set(&text(label, done(), started.elapsed()));
                }
                self.clear();
            });
            work()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_and_a_rest_are_shown_once_they_are_known() {
        let shown =
            |things, of, bytes, seconds| text("a", Done { things, of, bytes }, Duration::from_secs(seconds));
        assert_eq!(shown(0, 0, 0, 9), "a");
        assert_eq!(shown(0, 3_199, 0, 9), "a: 0 of 3,199");
        assert_eq!(shown(6_398, 12_796, 1_000_000, 2), "a: 6,398 of 12,796, 1.0 MB, 3,199/s, 2s left");
    }
}
