//! A line on standard error with the progress of an operation, on an interactive terminal only.

use super::{Environment, Glyphs, TextStyle, Ui};
use crate::model::sanitize;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line with a spinner. Cheap to clone; all clones share one line.
#[derive(Debug, Clone)]
pub struct Spinner {
    bar: ProgressBar,
    look: TextStyle,
}

impl Ui {
    /// Returns a spinner, which is visible only if standard error is an interactive terminal.
    pub fn spinner(&self) -> Spinner {
        let look = TextStyle::stderr(self.color);
        if !self.is_watched() {
            return Spinner { bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()), look };
        }
        let bar = ProgressBar::new_spinner();
        // An invalid template would be a bug of ours; then the default style is used.
        let style = ProgressStyle::with_template("{spinner} {wide_msg}");
        let glyphs = Glyphs::of(Environment::read().utf8);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()).tick_chars(glyphs.spinner));
        Spinner { bar, look }
    }
}

impl Spinner {
    /// Whether the spinner is visible.
    pub fn is_visible(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Shows this text, also after the line was removed. Not inside of [`Spinner::suspend`], which would wait for itself.
    pub fn set(&self, text: &str) {
        if self.bar.is_finished() {
            self.bar.reset();
        }
        self.bar.set_message(self.look.plain_str(&sanitize::line(text)).into_owned());
        self.bar.tick();
    }

    /// Hides the line while something else is printed.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Removes the line.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
