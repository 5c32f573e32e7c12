//! A line on standard error that shows how far something is, while people watch; nothing anywhere else.

use super::{Environment, Ui};
use crate::sanitize;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};

/// See the module. Cheap to clone; all clones are one line.
#[derive(Debug, Clone)]
pub struct Spinner(ProgressBar);

impl Ui {
    /// A spinner if standard error is a terminal that people watch, and an invisible one otherwise.
    pub fn spinner(&self) -> Spinner {
        let env = Environment::read();
        let watched = io::stderr().is_terminal() && !env.dumb && !env.ci && !self.quiet && !self.json;
        if !watched {
            return Spinner(ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()));
        }
        let bar = ProgressBar::new_spinner();
        // A template that does not parse would be ours; the default style is then better than none.
        let style = ProgressStyle::with_template("{spinner} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Spinner(bar)
    }
}

impl Spinner {
    /// Whether anybody sees it.
    pub fn is_visible(&self) -> bool {
        !self.0.is_hidden()
    }

    /// Shows this text.
    pub fn set(&self, text: &str) {
        self.0.set_message(sanitize::line(text).into_owned());
        self.0.tick();
    }

    /// Takes the line away while something else is printed.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }

    /// Takes the line away.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}
