//! What commands say on the terminal outside of a run: text, JSON, errors.

use serde::Serialize;
use std::io::{self, Write};

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Color {
    /// If the stream is a terminal and the environment does not object.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

/// How to speak.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ui {
    /// Colours.
    pub color: Color,
    /// Errors only.
    pub quiet: bool,
    /// More.
    pub verbose: bool,
    /// JSON lines instead of text on standard output.
    pub json: bool,
}

impl Ui {
    /// A line of text on standard output. A reader that went away is an error of kind `BrokenPipe`.
    pub fn line(&self, text: &str) -> io::Result<()> {
        writeln!(io::stdout().lock(), "{text}")
    }

    /// One JSON object a line on standard output; `event` names it, `time` is added.
    pub fn json(&self, event: &str, body: &impl Serialize) -> io::Result<()> {
        let mut value = serde_json::to_value(body)?;
        if let Some(object) = value.as_object_mut() {
            object.insert("event".into(), event.into());
            object.insert("time".into(), jiff::Timestamp::now().to_string().into());
        }
        writeln!(io::stdout().lock(), "{value}")
    }

    /// Something that people should know, on standard error; not with `-q`.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.to_stderr(text);
        }
    }

    /// An error and what to do about it, on standard error.
    pub fn error(&self, text: &str, hint: Option<&str>) {
        self.to_stderr(&format!("error: {text}"));
        if let Some(hint) = hint {
            self.to_stderr(&format!("  hint: {hint}"));
        }
    }

    /// There is nobody left to tell when standard error itself fails.
    fn to_stderr(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}
