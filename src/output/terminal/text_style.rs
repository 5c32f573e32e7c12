//! How text is rendered on one stream.

use super::{Color, Environment, Text, decide, streams};
use crate::model::sanitize;
use console::Term;
use std::borrow::Cow;
use std::io::{self, IsTerminal};

/// Additional indentation of the continuation lines of a wrapped line.
pub const HANG: usize = 2;

/// Colours, width and character set of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextStyle {
    /// Whether colours are used.
    pub color: bool,
    /// Width of the terminal in columns; `None` if the stream is not a terminal, so that readers of a pipe get everything unchanged.
    pub columns: Option<usize>,
    /// Whether it is a terminal that shows only ASCII.
    pub ascii: bool,
}

impl TextStyle {
    /// Returns the style of a terminal with this many columns, or of another stream.
    pub fn new(color: Color, columns: Option<usize>, env: &Environment) -> Self {
        TextStyle {
            color: decide(color, columns.is_some(), env),
            columns,
            ascii: columns.is_some() && !env.utf8,
        }
    }

    /// Returns the current style of standard output.
    pub fn stdout(color: Color) -> Self {
        let columns = streams::is_terminal().then(|| columns(&Term::stdout()));
        TextStyle::new(color, columns, &Environment::read())
    }

    /// Returns the current style of standard error.
    pub fn stderr(color: Color) -> Self {
        let columns = io::stderr().is_terminal().then(|| columns(&Term::stderr()));
        TextStyle::new(color, columns, &Environment::read())
    }

    /// Whether the stream is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.columns.is_some()
    }

    /// Converts text to the characters that the stream can show.
    pub fn plain(&self, text: Text) -> Text {
        if self.ascii { text.ascii() } else { text }
    }

    /// Like [`TextStyle::plain`], for text that is sanitized already ([`sanitize`]).
    pub fn plain_str<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.ascii { sanitize::ascii(text) } else { text.into() }
    }

    /// Breaks text into lines that fit ([`Text::wrapped`]).
    pub fn lines(&self, text: &Text, hang: usize) -> Vec<Text> {
        match self.columns {
            Some(columns) => self.plain(text.clone()).wrapped(columns, hang),
            None => vec![text.clone()],
        }
    }

    /// Like [`TextStyle::lines`], rendered for output.
    pub fn render(&self, text: &Text, hang: usize) -> String {
        let lines: Vec<_> = self.lines(text, hang).iter().map(|line| line.render(self.color)).collect();
        lines.join("\n")
    }
}

/// Returns the width of a terminal in columns.
pub fn columns(term: &Term) -> usize {
    usize::from(term.size().1)
}
