//! What commands say on the terminal outside of a run: text, JSON, tables, errors.
//!
//! Everything goes through [`sanitize`] on its way, here and nowhere else, so that a command cannot forget to.

mod environment;
mod excerpt;
mod glyphs;
mod json;
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
pub use json::{ErrorKind, ErrorObject, JsonLine};
pub use progress::Progress;
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
    /// Errors and warnings only.
    pub quiet: bool,
    /// More.
    pub verbose: bool,
    /// JSON lines instead of text on standard output.
    pub json: bool,
    /// What a command line about the same configuration and state begins with; empty: `pdb-sync`.
    pub again: &'static str,
    /// Whether a command does its work to the end though standard output takes nothing more. That it has not told everything is
    /// remembered by [`streams`].
    pub goes_on: bool,
    /// The command, as people type it: `clean plan`. Empty if the command line was not understood.
    pub command: &'static str,
    /// GitHub Actions reads what we say.
    pub github: bool,
}

impl Ui {
    /// A text of ours in which the command lines that it names have the options that were given ([`addressed`]).
    pub fn addressed<'a>(&self, text: &'a str) -> Cow<'a, str> {
        addressed(text, self.again)
    }

    /// A command line about the same configuration and state, ready to be copied.
    pub fn command(&self, words: &str) -> String {
        let again = if self.again.is_empty() { "pdb-sync" } else { self.again };
        format!("{again} {words}")
    }

    /// A line of text, or several, on standard output. A reader that went away is an error of kind `BrokenPipe`.
    pub fn line(&self, text: &str) -> io::Result<()> {
        self.text(&text.into())
    }

    /// The same with colours of ours.
    pub fn text(&self, text: &Text) -> io::Result<()> {
        self.hanging(text, HANG)
    }

    /// The same; what goes on below is so many columns further in than its line began.
    pub fn hanging(&self, text: &Text, hang: usize) -> io::Result<()> {
        self.write((self.look().render(text, hang) + "\n").as_bytes())
    }

    /// The same for a command that [goes on](Ui::goes_on), or does not.
    #[must_use]
    pub fn that_goes_on(self, goes_on: bool) -> Self {
        Ui { goes_on, ..self }
    }

    /// Text that is ours from end to end, with colours and without; its lines stay as they are.
    pub fn own(&self, colored: &str, plain: &str) -> io::Result<()> {
        let look = self.look();
        self.write(look.plain_str(if look.color { colored } else { plain }).as_bytes())
    }

    /// Whole lines without colours, as many as there are; they stay as they are.
    pub fn lines(&self, lines: &str) -> io::Result<()> {
        self.write(self.look().plain_str(&sanitize::lines(lines.as_bytes())).as_bytes())
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        streams::write(bytes).or_else(|error| if self.goes_on { Ok(()) } else { Err(error) })
    }

    /// How standard output wants its text, now.
    pub fn look(&self) -> TextStyle {
        TextStyle::stdout(self.color)
    }

    /// Rows whose last column holds paths: as much of each as lets a row be one line, where that tells anything. With `-v`, and where no
    /// terminal reads, all of it.
    pub fn with_short_paths(&self, mut rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
        let look = self.look();
        let Some(columns) = look.columns.filter(|_| !self.verbose) else { return rows };
        let widths =
            |column: usize| rows.iter().filter_map(|row| Some(measure_text_width(row.get(column)?))).max();
        let last = rows.iter().map(Vec::len).max().unwrap_or(0).saturating_sub(1);
        let used: usize = (0..last).filter_map(widths).sum();
        let mark = if look.ascii { "..." } else { "…" };
        // Columns are set apart by two spaces, or by one where that is needed.
        let room = [2, 1].map(|gap| columns.saturating_sub(used + gap * last));
        let Some(room) = room.into_iter().find(|room| *room >= LEAST) else { return rows };
        for cell in rows.iter_mut().filter_map(|row| row.get_mut(last)) {
            *cell = shortened(&sanitize::line(cell), room, mark);
        }
        rows
    }

    /// Rows in aligned columns, as lines that fit standard output.
    pub fn rows<C: Clone + Into<Text>>(&self, rows: &[Vec<C>], first: First) -> Vec<Text> {
        let look = self.look();
        let plain = |row: &Vec<C>| row.iter().map(|cell| look.plain(cell.clone().into())).collect();
        let rows: Vec<Vec<Text>> = rows.iter().map(plain).collect();
        table(&rows, first, look.columns)
    }

    /// The same on standard output, with a heading.
    pub fn table<C: Clone + Into<Text>>(&self, rows: &[Vec<C>]) -> io::Result<()> {
        self.write_rows(rows, First::Heading)
    }

    /// The same without a heading.
    pub fn columns<C: Clone + Into<Text>>(&self, rows: &[Vec<C>]) -> io::Result<()> {
        self.write_rows(rows, First::Row)
    }

    fn write_rows<C: Clone + Into<Text>>(&self, rows: &[Vec<C>], first: First) -> io::Result<()> {
        let colored = self.look().color;
        let lines: String = self.rows(rows, first).iter().map(|line| line.render(colored) + "\n").collect();
        self.write(lines.as_bytes())
    }

    /// What scripts read, on standard output: byte by byte as it is, unless that is a terminal.
    pub fn raw(&self, bytes: &[u8]) -> io::Result<()> {
        let look = self.look();
        match look.is_terminal() {
            true => self.write(look.plain_str(&sanitize::lines(bytes)).as_bytes()),
            false => self.write(bytes),
        }
    }

    /// A name for [`Ui::raw`]: on a terminal, a line end in it is none.
    pub fn raw_name<'a>(&self, name: &'a [u8]) -> Cow<'a, [u8]> {
        match streams::is_terminal() {
            true => sanitize::name(name).into_owned().into_bytes().into(),
            false => name.into(),
        }
    }

    /// Whether people watch standard error for how far something is.
    fn is_watched(&self) -> bool {
        let env = Environment::read();
        io::stderr().is_terminal() && !env.dumb && !env.ci && !self.quiet && !self.json
    }

    /// A bar on standard error, if that is a terminal and people want to see one.
    pub fn progress(&self, label: &str) -> Progress {
        Progress::new(label, self.is_watched())
    }

    /// Something that people should know, on standard error, on one line; not with `-q`.
    pub fn note(&self, text: &str) {
        self.note_lines(&one_line(text));
    }

    /// The same on several lines, each of which is ours.
    pub fn note_lines(&self, text: &str) {
        if !self.quiet {
            self.complain(&self.addressed(text).into_owned().into());
        }
    }

    /// A line about how something went, on standard output; not with `-q`. What somebody asks a command for is told by
    /// [`Ui::line`].
    pub fn outcome(&self, text: &str) -> io::Result<()> {
        if self.quiet { Ok(()) } else { self.line(&self.addressed(text)) }
    }

    /// Something that is not as it should be, on standard error, on one line: what it quotes ends none.
    pub fn warning(&self, text: &str) {
        self.warning_with_hint(text, None);
    }

    /// The same, and what to do about it.
    pub fn warning_with_hint(&self, text: &str, hint: Option<&str>) {
        let hint = hint.map(|hint| format!("\n  hint: {}", one_line(hint))).unwrap_or_default();
        self.warning_lines(&format!("{}{hint}", one_line(text)));
    }

    /// The same on several lines, each of which is ours.
    pub fn warning_lines(&self, text: &str) {
        self.complain(&warning(&self.addressed(text)));
    }

    /// The same; commands of the user that it quotes stay as they are.
    pub fn warning_as_is(&self, text: &str) {
        self.complain(&warning(text));
    }

    /// A line that a command of the user has written to its standard error.
    pub fn passed_on(&self, line: &str) {
        let line = TextStyle::stderr(self.color).plain(line.into());
        let _ = io::stderr().lock().write_all((line.render(false) + "\n").as_bytes());
    }

    /// An error and what to do about it, a line each, on standard error; with `--json` also as an object.
    pub fn error(&self, text: &str, hint: Option<&str>) {
        self.error_of(ErrorKind::Failed, text, hint);
    }

    /// The same of another kind.
    pub fn error_of(&self, kind: ErrorKind, text: &str, hint: Option<&str>) {
        self.error_text(&one_line(text), hint.map(one_line).as_deref());
        self.error_object(&ErrorObject { hint, ..ErrorObject::new(kind, text) });
    }

    /// The same for people only, on any number of lines, each of which is ours.
    pub fn error_text(&self, text: &str, hint: Option<&str>) {
        self.complain(&error(&self.addressed(text), hint.map(|hint| self.addressed(hint)).as_deref()));
    }

    /// There is nobody left to tell when standard error itself fails.
    fn complain(&self, text: &Text) {
        let text = TextStyle::stderr(self.color).render(text, HANG) + "\n";
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

/// Text of which no line is forged by what it quotes.
fn one_line(text: &str) -> Cow<'_, str> {
    sanitize::name(text.as_bytes())
}

/// `warning: text`
pub fn warning(text: &str) -> Text {
    Text::styled("warning:", Style::new().yellow().bold()).with(" ").with(text)
}

/// `error: text`, and a line with the hint.
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
