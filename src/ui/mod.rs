//! What commands say on the terminal outside of a run: text, JSON, tables, errors.

mod environment;
mod progress;
mod spinner;
mod table;
mod watch;

pub use environment::{Environment, decide};
pub use progress::Progress;
pub use spinner::Spinner;
pub use table::table;
pub use watch::{Watch, quit_typed};

use console::{Style, Term};
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

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
    /// GitHub Actions reads what we say.
    pub github: bool,
}

impl Ui {
    /// A line of text on standard output. A reader that went away is an error of kind `BrokenPipe`.
    pub fn line(&self, text: &str) -> io::Result<()> {
        writeln!(io::stdout().lock(), "{text}")
    }

    /// Columns of standard output; `None` if it is no terminal: whoever reads a pipe wants everything.
    pub fn width(&self) -> Option<usize> {
        io::stdout().is_terminal().then(|| usize::from(Term::stdout().size().1))
    }

    /// Rows in aligned columns on standard output; cut to the terminal's width if it is one.
    pub fn table(&self, rows: &[Vec<String>]) -> io::Result<()> {
        let width = self.width();
        let mut out = io::stdout().lock();
        for line in table(rows, width) {
            writeln!(out, "{line}")?;
        }
        Ok(())
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

    /// Whether standard output gets colours.
    pub fn is_colored(&self) -> bool {
        decide(self.color, io::stdout().is_terminal(), &Environment::read())
    }

    /// The text in this style if standard output gets colours.
    pub fn styled(&self, text: &str, style: Style) -> String {
        style.force_styling(self.is_colored()).apply_to(text).to_string()
    }

    /// Text on standard output as it is, without a line end of ours.
    pub fn raw(&self, bytes: &[u8]) -> io::Result<()> {
        io::stdout().lock().write_all(bytes)
    }

    /// A bar on standard error, if that is a terminal and people want to see one.
    pub fn progress(&self, label: &str) -> Progress {
        let wanted =
            !self.quiet && !self.json && io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        Progress::new(label, wanted)
    }

    /// Something that people should know, on standard error; not with `-q`.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.complain(text);
        }
    }

    /// Something that is not as it should be, on standard error; not with `-q`.
    pub fn warning(&self, text: &str) {
        if !self.quiet {
            let colored = decide(self.color, io::stderr().is_terminal(), &Environment::read());
            let word = Style::new().yellow().bold().force_styling(colored).apply_to("warning:");
            self.complain(&format!("{word} {text}"));
        }
    }

    /// An error and what to do about it, on standard error.
    pub fn error(&self, text: &str, hint: Option<&str>) {
        let colored = decide(self.color, io::stderr().is_terminal(), &Environment::read());
        self.complain(&error_text(text, hint, colored));
    }

    /// There is nobody left to tell when standard error itself fails.
    fn complain(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

fn error_text(text: &str, hint: Option<&str>, colored: bool) -> String {
    let word = Style::new().red().bold().force_styling(colored).apply_to("error:");
    match hint {
        Some(hint) => format!("{word} {text}\n  hint: {hint}"),
        None => format!("{word} {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_red_only_where_colours_are_wanted() {
        assert_eq!(error_text("no job \"x\"", Some("try y"), false), "error: no job \"x\"\n  hint: try y");
        assert_eq!(error_text("bad", None, true), "\u{1b}[31m\u{1b}[1merror:\u{1b}[0m bad");
    }
}
