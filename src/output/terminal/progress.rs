//! The progress of a long operation.

use super::{Environment, Glyphs};
use crate::model::sanitize;
use crate::output::units;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// A progress bar, or nothing if bars are not shown.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    started: Instant,
}

fn text(done: u64, total: u64, elapsed: Duration) -> String {
    let mut text = format!("{}/{} files", units::grouped(done), units::grouped(total));
    if let Some(left) = units::left(done, total, elapsed) {
        let pace = units::pace(done as f64 / elapsed.as_secs_f64());
        text += &format!(", {pace}/s, {} left", units::whole(left));
    }
    text
}

impl Progress {
    pub(super) fn new(label: &str, wanted: bool) -> Self {
        let target = if wanted { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target).with_prefix(sanitize::line(label).into_owned());
        if let Ok(style) = ProgressStyle::with_template("[{prefix}] {msg} {wide_bar}") {
            bar.set_style(style.progress_chars(Glyphs::of(Environment::read().utf8).bar));
        }
        Progress { bar, started: Instant::now() }
    }

    /// Sets the progress. A total of 0 is unknown, and nothing is shown.
    pub fn set(&mut self, done: u64, total: u64) {
        if total == 0 {
            return;
        }
        self.bar.set_message(text(done, total, self.started.elapsed()));
        self.bar.update(|state| {
            state.set_len(total);
            state.set_pos(done);
        });
    }

    /// Removes the bar.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_and_a_rest_are_shown_once_they_are_known() {
        assert_eq!(text(0, 3_199, Duration::from_secs(9)), "0/3,199 files");
        assert_eq!(text(6_398, 12_796, Duration::from_secs(2)), "6,398/12,796 files, 3,199/s, 2s left");
    }
}
