//! Output of commands on the terminal outside a run: text, JSON, tables, errors.
//!
//! All output is sanitized ([`sanitize`]) here and only here, so that no command can forget it.

mod environment;
mod excerpt;
mod glyphs;
mod json;
mod lines;
mod progress;
mod shortened;
mod spinner;
pub mod streams;
mod table;
mod text;
mod text_style;
mod watch;
mod wrap;

pub use environment::{Environment, decide};
pub use glyphs::Glyphs;
pub use json::{ErrorKind, ErrorObject, append_line};
pub use lines::{JsonPath, Lines, shown};
pub use progress::{Done, Now, Progress};
pub use shortened::{LEAST, shortened};
pub use spinner::Spinner;
pub use table::{First, table};
pub use text::Text;
pub use text_style::{HANG, TextStyle, columns};
pub use watch::{Watch, quit_typed};

use crate::model::hint::addressed;
use crate::model::sanitize;
use console::{Style, measure_text_width};
use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Color {
    /// If the stream is a terminal and the environment does not disable them.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The settings for the output of a command.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ui {
    /// When to use colours.
    pub color: Color,
    /// Whether only errors and warnings are printed.
    pub quiet: bool,
    /// Whether more details are printed.
    pub verbose: bool,
    /// Whether standard output has JSON lines instead of text.
    pub json: bool,
    /// The start of a command line for the same configuration and state directory; empty: `pdb-sync`.
    pub again: &'static str,
    /// Whether a command continues its work after standard output has failed. [`streams`] records that output was lost.
    pub goes_on: bool,
    /// The command as typed: `clean plan`. Empty if the command line is invalid.
    pub command: &'static str,
    /// Whether GitHub Actions reads the output.
    pub github: bool,
}

impl Ui {
    /// Adds the given options to the command lines in a text of ours ([`addressed`]).
    pub fn addressed<'a>(&self, text: &'a str) -> Cow<'a, str> {
        addressed(text, self.again)
    }

    /// Returns a command line for the same configuration and state directory, ready to be copied.
    pub fn command(&self, words: &str) -> String {
        let again = if self.again.is_empty() { "pdb-sync" } else { self.again };
        format!("{again} {words}")
    }

    /// Prints one or more lines of text on standard output. If the reader has closed its end, the error has the kind `BrokenPipe`.
    pub fn line(&self, text: &str) -> io::Result<()> {
        self.text(&text.into())
    }

    /// Like [`Ui::line`], with colours.
    pub fn text(&self, text: &Text) -> io::Result<()> {
        self.hanging(text, HANG)
    }

    /// Like [`Ui::text`], with continuation lines indented by this many additional columns.
    pub fn hanging(&self, text: &Text, hang: usize) -> io::Result<()> {
        self.write((self.look().render(text, hang) + "\n").as_bytes())
    }

    /// Sets whether the command [goes on](Ui::goes_on) after standard output has failed.
    #[must_use]
    pub fn that_goes_on(self, goes_on: bool) -> Self {
        Ui { goes_on, ..self }
    }

    /// Prints text that is entirely ours, with or without colours. Its lines are not wrapped.
    pub fn own(&self, colored: &str, plain: &str) -> io::Result<()> {
        let look = self.look();
        self.write(look.plain_str(if look.color { colored } else { plain }).as_bytes())
    }

    /// Prints whole lines without colours. They are not wrapped.
    pub fn lines(&self, lines: &[u8]) -> io::Result<()> {
        self.write(self.look().plain_str(&sanitize::lines(lines)).as_bytes())
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        streams::write(bytes).or_else(|error| if self.goes_on { Ok(()) } else { Err(error) })
    }

    /// Returns the current style of standard output.
    pub fn look(&self) -> TextStyle {
        TextStyle::stdout(self.color)
    }

    /// Shortens the paths in the last column so that each row fits on one line, if enough of the path remains. With `-v`, and if the output
    /// is not a terminal, they stay unchanged.
    pub fn with_short_paths(&self, mut rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
        let look = self.look();
        let Some(columns) = look.columns.filter(|_| !self.verbose) else { return rows };
        let widths =
            |column: usize| rows.iter().filter_map(|row| Some(measure_text_width(row.get(column)?))).max();
        let last = rows.iter().map(Vec::len).max().unwrap_or(0).saturating_sub(1);
        let used: usize = (0..last).filter_map(widths).sum();
        let mark = if look.ascii { "..." } else { "…" };
        // Columns are separated by two spaces, or by one if necessary.
        let room = [2, 1].map(|gap| columns.saturating_sub(used + gap * last));
        let Some(room) = room.into_iter().find(|room| *room >= LEAST) else { return rows };
        for cell in rows.iter_mut().filter_map(|row| row.get_mut(last)) {
            *cell = shortened(&sanitize::line(cell), room, mark);
        }
        rows
    }

    /// Formats rows in aligned columns, as lines that fit standard output.
    pub fn rows<C: Clone + Into<Text>>(&self, rows: &[Vec<C>], first: First) -> Vec<Text> {
        let look = self.look();
        let plain = |row: &Vec<C>| row.iter().map(|cell| look.plain(cell.clone().into())).collect();
        let rows: Vec<Vec<Text>> = rows.iter().map(plain).collect();
        table(&rows, first, look.columns)
    }

    /// Prints rows on standard output, with a heading.
    pub fn table<C: Clone + Into<Text>>(&self, rows: &[Vec<C>]) -> io::Result<()> {
        self.write_rows(rows, First::Heading)
    }

    /// Prints rows on standard output, without a heading.
    pub fn columns<C: Clone + Into<Text>>(&self, rows: &[Vec<C>]) -> io::Result<()> {
        self.write_rows(rows, First::Row)
    }

    fn write_rows<C: Clone + Into<Text>>(&self, rows: &[Vec<C>], first: First) -> io::Result<()> {
        let colored = self.look().color;
        let lines: String = self.rows(rows, first).iter().map(|line| line.render(colored) + "\n").collect();
        self.write(lines.as_bytes())
    }

    /// Prints data for scripts on standard output: unchanged, unless it is a terminal.
    pub fn raw(&self, bytes: &[u8]) -> io::Result<()> {
        let look = self.look();
        match look.is_terminal() {
            true => self.write(look.plain_str(&sanitize::lines(bytes)).as_bytes()),
            false => self.write(bytes),
        }
    }

    /// Converts a name for [`Ui::raw`]: on a terminal a line end in it is escaped.
    pub fn raw_name<'a>(&self, name: &'a [u8]) -> Cow<'a, [u8]> {
        match streams::is_terminal() {
            true => sanitize::name(name).into_owned().into_bytes().into(),
            false => name.into(),
        }
    }

    /// Whether progress is shown on standard error.
    fn is_watched(&self) -> bool {
        let env = Environment::read();
        io::stderr().is_terminal() && !env.dumb && !env.ci && !self.quiet && !self.json
    }

    /// Prints a note on standard error, on one line; not with `-q`.
    pub fn note(&self, text: &str) {
        self.note_lines(&one_line(text));
    }

    /// Like [`Ui::note`], on several lines, all of which are our text.
    pub fn note_lines(&self, text: &str) {
        if !self.quiet {
            self.complain(&self.addressed(text).into_owned().into());
        }
    }

    /// Prints a line about the success of an operation on standard output; not with `-q`. Requested data are printed by [`Ui::line`].
    pub fn outcome(&self, text: &str) -> io::Result<()> {
        if self.quiet { Ok(()) } else { self.line(&self.addressed(text)) }
    }

    /// Prints a warning on standard error, on one line: line ends in quoted text are replaced.
    pub fn warning(&self, text: &str) {
        self.warning_with_hint(text, None);
    }

    /// Like [`Ui::warning`], with a hint.
    pub fn warning_with_hint(&self, text: &str, hint: Option<&str>) {
        let hint = hint.map(|hint| format!("\n  hint: {}", one_line(hint))).unwrap_or_default();
        self.warning_lines(&format!("{}{hint}", one_line(text)));
    }

    /// Like [`Ui::warning`], on several lines, all of which are our text.
    pub fn warning_lines(&self, text: &str) {
        self.complain(&warning(&self.addressed(text)));
    }

    /// Like [`Ui::warning_lines`]; commands of the user in it stay unchanged.
    pub fn warning_as_is(&self, text: &str) {
        self.complain(&warning(text));
    }

    /// Prints a line that a command of the user wrote to its standard error.
    pub fn passed_on(&self, line: &str) {
        let line = TextStyle::stderr(self.color).plain(line.into());
        let _ = io::stderr().lock().write_all((line.render(false) + "\n").as_bytes());
    }

    /// Prints an error and a hint on standard error, one line each; with `--json` also as an object.
    pub fn error(&self, text: &str, hint: Option<&str>) {
        self.error_of(ErrorKind::Failed, text, hint);
    }

    /// Like [`Ui::error`], for another kind of error.
    pub fn error_of(&self, kind: ErrorKind, text: &str, hint: Option<&str>) {
        self.error_text(&one_line(text), hint.map(one_line).as_deref());
        self.error_object(&ErrorObject { hint, ..ErrorObject::new(kind, text) });
    }

    /// Prints an error for people only, on any number of lines, all of which are our text.
    pub fn error_text(&self, text: &str, hint: Option<&str>) {
        self.complain(&error(&self.addressed(text), hint.map(|hint| self.addressed(hint)).as_deref()));
    }

    /// A failure of standard error itself cannot be reported, so it is ignored.
    fn complain(&self, text: &Text) {
        let text = TextStyle::stderr(self.color).render(text, HANG) + "\n";
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

/// Joins text to one line, so that quoted text cannot forge a line.
fn one_line(text: &str) -> Cow<'_, str> {
    sanitize::name(text.as_bytes())
}

/// Returns `warning: text`.
pub fn warning(text: &str) -> Text {
    Text::styled("warning:", Style::new().yellow().bold()).with(" ").with(text)
}

/// Returns `error: text`, and a line with the hint.
pub fn error(text: &str, hint: Option<&str>) -> Text {
    let error = Text::styled("error:", Style::new().red().bold()).with(" ").with(text);
    match hint {
        Some(hint) => error.with("\n  hint: ").with(hint),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_red_only_where_colours_are_wanted() {
        assert_eq!(error("no job \"x\"", Some("try y")).render(false), "error: no job \"x\"\n  hint: try y");
        assert_eq!(error("bad", None).render(true), "\u{1b}[31m\u{1b}[1merror:\u{1b}[0m bad");
    }
}
