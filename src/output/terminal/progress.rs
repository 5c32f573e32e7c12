//! The progress of work that lasts: how much is done, how fast it went in the last seconds, where it is, and how long the rest takes if its
//! amount is known.

use super::{Spinner, shown};
use crate::output::units::{bytes, grouped, left, pace, rate, whole};
use std::collections::VecDeque;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// The interval of updates.
const TICK: Duration = Duration::from_millis(200);
/// The time over which the speed is measured.
const WINDOW: Duration = Duration::from_secs(10);

/// What is done.
#[derive(Debug, Clone, Copy, Default)]
pub struct Done {
    /// The number of files or entries that are done.
    pub things: u64,
    /// The number of all of them; 0 while it is unknown.
    pub of: u64,
    /// The size of those that are done in bytes; 0 if it is not counted.
    pub bytes: u64,
}

/// What is done, and where the work is now.
#[derive(Debug, Clone, Default)]
pub struct Now {
    /// What is done.
    pub done: Done,
    /// The current directory; may be empty.
    pub current: Vec<u8>,
}

impl From<Done> for Now {
    fn from(done: Done) -> Self {
        Now { done, current: Vec::new() }
    }
}

/// Formats the progress of one piece of work, and measures its speed.
#[derive(Debug, Default)]
pub struct Progress {
    samples: VecDeque<(Duration, Done)>,
}

impl Progress {
    /// Returns the progress as text. `elapsed`: the time since the work began.
    pub fn text(&mut self, label: &str, now: &Now, elapsed: Duration) -> String {
        let Done { things, of, bytes: size } = now.done;
        let (speed, byte_speed) = self.speed(elapsed, now.done);
        if of == 0 && things == 0 {
            return label.into();
        }
        let mut text = match of {
            0 => format!("{label}: {} entries", grouped(things)),
            // The number of all may be that of an earlier time.
            of if things > of => format!("{label}: {} entries", grouped(things)),
            of => format!("{label}: {} of {}", grouped(things), grouped(of)),
        };
        if size > 0 {
            text += &format!(", {}", bytes(size));
        }
        if let Some(speed) = speed.filter(|speed| *speed > 0.0) {
            text += &format!(", {}/s", pace(speed));
        }
        if let Some(speed) = byte_speed.and_then(rate) {
            text += &format!(", {speed}");
        }
        if let Some(left) = left(things, of, elapsed) {
            text += &format!(", {} left", whole(left));
        }
        if !now.current.is_empty() {
            text += &format!(", {}", shown(&now.current));
        }
        text
    }

    /// Returns things and bytes per second over the last [`WINDOW`]; `None` until there is a second sample.
    fn speed(&mut self, at: Duration, done: Done) -> (Option<f64>, Option<f64>) {
        while self.samples.front().is_some_and(|(first, _)| at.saturating_sub(*first) > WINDOW) {
            self.samples.pop_front();
        }
        self.samples.push_back((at, done));
        let Some((first, before)) = self.samples.front().copied() else { return (None, None) };
        let time = at.saturating_sub(first).as_secs_f64();
        let speed = |now: u64, then: u64| (time > 0.0).then(|| now.saturating_sub(then) as f64 / time);
        (speed(done.things, before.things), speed(done.bytes, before.bytes))
    }
}

impl Spinner {
    /// Does `work` and shows meanwhile what is done. Removes the line at the end.
    pub fn watch<T, N: Into<Now>>(
        &self,
        label: &str,
        done: impl Fn() -> N + Send,
        work: impl FnOnce() -> T,
    ) -> T {
        if !self.is_visible() {
            return work();
        }
        let (over, ended) = mpsc::channel::<()>();
        thread::scope(|scope| {
            // Dropped at the end of the work, also if it panics.
            let _over = over;
            scope.spawn(move || {
                let (started, mut progress) = (Instant::now(), Progress::default());
                while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    self.set(&progress.text(label, &done().into(), started.elapsed()));
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

    fn text(progress: &mut Progress, things: u64, of: u64, bytes: u64, seconds: u64) -> String {
        let done = Done { things, of, bytes };
        progress.text("a", &Now { done, current: b"x\n/y".to_vec() }, Duration::from_secs(seconds))
    }

    #[test]
    fn a_pace_and_a_rest_are_shown_once_they_are_known() {
        let mut progress = Progress::default();
        assert_eq!(progress.text("a", &Now::default(), Duration::ZERO), "a");
        assert_eq!(text(&mut Progress::default(), 0, 3_199, 0, 9), "a: 0 of 3,199, x\\n/y");
        let half = text(&mut progress, 6_398, 12_796, 1_000_000, 2);
        assert_eq!(half, "a: 6,398 of 12,796, 1.0 MB, 3,199/s, 500.0 kB/s, 2s left, x\\n/y");
    }

    #[test]
    fn there_is_no_rest_of_an_unknown_amount() {
        let mut progress = Progress::default();
        assert_eq!(text(&mut progress, 10, 0, 0, 0), "a: 10 entries, x\\n/y");
        assert_eq!(text(&mut progress, 2_500, 0, 0, 10), "a: 2,500 entries, 249/s, x\\n/y");
        // More than there were before.
        assert_eq!(text(&mut Progress::default(), 9, 8, 0, 9), "a: 9 entries, x\\n/y");
    }

    #[test]
    fn the_speed_is_that_of_the_last_seconds() {
        let mut progress = Progress::default();
        let mut speed = |seconds: u64, things: u64| {
            progress.speed(Duration::from_secs(seconds), Done { things, ..Done::default() }).0
        };
        assert_eq!(speed(0, 0), None);
        assert_eq!(speed(5, 5_000), Some(1_000.0));
        assert_eq!(speed(15, 5_100), Some(10.0));
    }
}
