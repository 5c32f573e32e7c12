//! How far one long deed is.

use crate::sanitize;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar, or nothing where nobody wants to see one.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(super) fn new(label: &str, wanted: bool) -> Self {
        let target = if wanted { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target).with_prefix(sanitize::line(label).into_owned());
        if let Ok(style) = ProgressStyle::with_template(
            "[{prefix}] {human_pos}/{human_len} files, {per_sec}, {eta} left {wide_bar}",
        ) {
            bar.set_style(style);
        }
        Progress { bar }
    }

    /// So many of so many; a total of 0 is not known yet.
    pub fn set(&mut self, done: u64, total: u64) {
        if total > 0 {
            self.bar.set_length(total);
            self.bar.set_position(done);
        }
    }

    /// Takes it away.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}
