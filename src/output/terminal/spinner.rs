//! A line on standard error that shows how far something is, while people watch; nothing anywhere else.

use super::{Environment, Glyphs, TextStyle, Ui};
use crate::model::sanitize;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// See the module. Cheap to clone; all clones are one line.
#[derive(Debug, Clone)]
pub struct Spinner {
    bar: ProgressBar,
    look: TextStyle,
}

impl Ui {
    /// A spinner if standard error is a terminal that people watch, and an invisible one otherwise.
    pub fn spinner(&self) -> Spinner {
        let look = TextStyle::stderr(self.color);
        if !self.is_watched() {
            return Spinner { bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()), look };
        }
        let bar = ProgressBar::new_spinner();
        // A template that does not parse would be ours; the default style is then better than none.
        let style = ProgressStyle::with_template("{spinner} {wide_msg}");
        let glyphs = Glyphs::of(Environment::read().utf8);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()).tick_chars(glyphs.spinner));
        Spinner { bar, look }
    }
}

impl Spinner {
    /// Whether anybody sees it.
    pub fn is_visible(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Shows this text.
    pub fn set(&self, text: &str) {
        self.bar.set_message(self.look.plain_str(&sanitize::line(text)).into_owned());
        self.bar.tick();
    }

    /// Takes the line away while something else is printed.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Takes the line away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
