//! How one stream wants its text.

use super::{Color, Environment, Text, decide, streams};
use crate::model::sanitize;
use console::Term;
use std::borrow::Cow;
use std::io::{self, IsTerminal};

/// How far in, beyond its beginning, a line of ours goes on below if it is too wide.
pub const HANG: usize = 2;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextStyle {
    /// Colours.
    pub color: bool,
    /// Columns, if it is a terminal: whoever reads a pipe wants everything as it is.
    pub columns: Option<usize>,
    /// It is a terminal that shows no more than ASCII.
    pub ascii: bool,
}

impl TextStyle {
    /// Of a terminal of so many columns, or of another stream.
    pub fn new(color: Color, columns: Option<usize>, env: &Environment) -> Self {
        TextStyle {
            color: decide(color, columns.is_some(), env),
            columns,
            ascii: columns.is_some() && !env.utf8,
        }
    }

    /// Of standard output, now.
    pub fn stdout(color: Color) -> Self {
        let columns = streams::is_terminal().then(|| columns(&Term::stdout()));
        TextStyle::new(color, columns, &Environment::read())
    }

    /// Of standard error, now.
    pub fn stderr(color: Color) -> Self {
        let columns = io::stderr().is_terminal().then(|| columns(&Term::stderr()));
        TextStyle::new(color, columns, &Environment::read())
    }

    /// Whether people look at it directly.
    pub fn is_terminal(&self) -> bool {
        self.columns.is_some()
    }

    /// In characters that it can show.
    pub fn plain(&self, text: Text) -> Text {
        if self.ascii { text.ascii() } else { text }
    }

    /// The same of text that is safe already ([`sanitize`]).
    pub fn plain_str<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.ascii { sanitize::ascii(text) } else { text.into() }
    }

    /// Text in lines that fit ([`Text::wrapped`]).
    pub fn lines(&self, text: &Text, hang: usize) -> Vec<Text> {
        match self.columns {
            Some(columns) => self.plain(text.clone()).wrapped(columns, hang),
            None => vec![text.clone()],
        }
    }

    /// The same, ready to be written.
    pub fn render(&self, text: &Text, hang: usize) -> String {
        let lines: Vec<_> = self.lines(text, hang).iter().map(|line| line.render(self.color)).collect();
        lines.join("\n")
    }
}

/// Columns of a terminal.
pub fn columns(term: &Term) -> usize {
    usize::from(term.size().1)
}
