//! Problems of a configuration and their positions. All problems are collected; no problem hides another.

use super::given::Span;
use crate::model::job::mask_passwords;
use crate::model::sanitize;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One problem of a configuration. As a warning, something suspicious in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, under the name given by the user; `None` for the command line.
    pub file: Option<PathBuf>,
    /// The position in the file; `None` if the problem has no single position.
    pub place: Option<Place>,
    /// A lower-case fragment: what is wrong, with the offending text.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A position in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// The line without control characters, shortened around the column if it is long.
    pub excerpt: String,
    /// Number of terminal columns of the excerpt before the offending text.
    pub indent: usize,
    /// Number of terminal columns of the offending text, at least 1.
    pub width: usize,
}

/// All problems of a configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

/// Maximum number of problems that are shown; the others are only counted.
pub(super) const MOST_PROBLEMS: usize = 100;

impl Problems {
    /// Sorts the problems in the order of the files and limits their number. `found` may contain problems that are only counted: see
    /// [`Text::next_problem`].
    pub(super) fn of(mut found: Vec<Problem>, texts: &Texts<'_>) -> Self {
        let all = found.len();
        found.truncate(MOST_PROBLEMS);
        found.sort_by_cached_key(|problem| {
            let file = problem.file.as_deref();
            let file = texts.0.iter().position(|text| Some(text.file) == file);
            (file, problem.place.as_ref().map(|place| (place.line, place.column)))
        });
        if all > found.len() {
            let (file, more) = (found[0].file.clone(), all - found.len());
            let text = match more {
                1 => "1 more problem is not listed".to_owned(),
                more => format!("{more} more problems are not listed"),
            };
            found.push(Problem { file, place: None, text, hint: Some("correct these first".into()) });
        }
        Problems(found)
    }
}

/// The text of a file that problems and warnings refer to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
}

/// The files of the configuration: itself, and those that it includes.
pub(super) struct Texts<'a>(pub(super) Vec<Text<'a>>);

impl Texts<'_> {
    /// Like [`Text::next_problem`].
    pub(super) fn next_problem(
        &self,
        found: &mut Vec<Problem>,
        span: Span,
        text: String,
        hint: Option<String>,
    ) {
        self.0[span.file].next_problem(found, span.start..span.end, text, hint);
    }

    /// The line of a position, as told at another position: `line 5`, with the file if it is another.
    pub(super) fn line(&self, of: Span, told_at: Span) -> String {
        match of.file == told_at.file {
            true => format!("line {}", of.line),
            false => format!("line {} of {}", of.line, sanitize::path(&self.0[of.file].file)),
        }
    }
}

/// Decodes the text of a file, which must be UTF-8; a byte order mark is removed.
pub fn decode(mut bytes: Vec<u8>, file: &Path) -> Result<String, Problems> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes());
        let text = Text { file, text: &text };
        let hint = Some("save the file as UTF-8".into());
        Problems(vec![text.problem(good..good + 1, "not valid UTF-8, as TOML must be", hint)])
    })
}

/// Number of characters that an excerpt shows before the start of the offending text, and after it.
const EXCERPT: usize = 60;

impl Text<'_> {
    /// Adds a problem at a byte range. Beyond the maximum number, problems are only counted, since finding the line of a problem reads the
    /// whole file.
    pub(super) fn next_problem(
        self,
        found: &mut Vec<Problem>,
        span: Range<usize>,
        text: impl Into<String>,
        hint: Option<String>,
    ) {
        found.push(match found.len() < MOST_PROBLEMS {
            true => self.problem(span, text, hint),
            false => Problem { file: None, place: None, text: String::new(), hint: None },
        });
    }

    /// Creates a problem at a byte range.
    pub(super) fn problem(
        self,
        span: Range<usize>,
        text: impl Into<String>,
        hint: Option<String>,
    ) -> Problem {
        let place = Some(self.place(span));
        Problem { file: Some(self.file.into()), place, text: text.into(), hint }
    }

    /// Never fails: a range outside the text, or inside a character, is moved to the nearest valid position.
    pub(super) fn place(self, span: Range<usize>) -> Place {
        let start = floor(self.text, span.start);
        let end = floor(self.text, span.end).max(start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |n| n + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |n| start + n);
        let line = self.text[..line_start].matches('\n').count() + 1;
        let before = &self.text[line_start..start];
        let offending = &self.text[start..end.min(line_end)];
        let after = &self.text[start + offending.len()..line_end];

        let column = before.chars().count() + 1;
        let (before, offending, after) = match self.is_private(line_start) {
            true => without_value(before, offending, after),
            false => (before, offending, after),
        };
        let [before, offending, after] = [before, offending, after].map(mask_passwords);
        let (before, offending, after) = (before.as_str(), offending.as_str(), after.as_str());
        let (cut, before) = match before.char_indices().rev().nth(EXCERPT) {
            Some((at, _)) => ("…", &before[at..]),
            None => ("", before),
        };
        let before = format!("{cut}{}", sanitize::line(before));
        let (offending, more) = head(offending, EXCERPT);
        let offending = sanitize::line(offending);
        let (after, rest) = if more { ("", false) } else { head(after, EXCERPT) };
        let dots = if more || rest { "…" } else { "" };
        Place {
            line,
            column,
            indent: console::measure_text_width(&before),
            width: console::measure_text_width(offending.trim_end()).max(1),
            excerpt: format!("{before}{offending}{}{dots}", sanitize::line(after)).trim_end().into(),
        }
    }
}

impl Text<'_> {
    /// Like [`Text::is_private`], for the line of this byte.
    pub(super) fn is_private_at(self, at: usize) -> bool {
        let at = floor(self.text, at);
        self.is_private(self.text[..at].rfind('\n').map_or(0, |n| n + 1))
    }

    /// Whether the values on this line may be secrets, which must not get into mails and logs. Addresses for notifications are.
    fn is_private(self, line_start: usize) -> bool {
        let starts = |line: &str| line.trim_start_matches(['[', ' ', '\t', '"', '\'']).starts_with("notify");
        let (above, below) = self.text.split_at(line_start);
        let header = above.lines().rev().find(|line| line.trim_start().starts_with('['));
        header.is_some_and(starts) || below.lines().next().is_some_and(starts)
    }
}

/// Splits a line, with the value replaced by an ellipsis.
fn without_value<'a>(before: &'a str, offending: &'a str, after: &'a str) -> (&'a str, &'a str, &'a str) {
    let key = |part: &'a str| part.split_once('=').map(|(key, _)| key);
    match (key(before), key(offending)) {
        (Some(_), _) => (before.split_inclusive('=').next().unwrap_or(before), "…", ""),
        (None, Some(key)) => (before, key, "= …"),
        (None, None) => (before, offending, if after.contains('=') { " = …" } else { "" }),
    }
}

/// Returns the nearest character boundary at or below `at`.
fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Returns the first `n` characters, and whether there are more.
fn head(text: &str, n: usize) -> (&str, bool) {
    text.char_indices().nth(n).map_or((text, false), |(at, _)| (&text[..at], true))
}

impl Problem {
    /// Returns `FILE:LINE:COLUMN`, as far as known; empty for the command line.
    pub fn position(&self) -> String {
        match (&self.file, &self.place) {
            (Some(file), Some(place)) => format!("{}:{}:{}", sanitize::path(&file), place.line, place.column),
            (Some(file), None) => sanitize::path(&file).to_string(),
            (None, _) => String::new(),
        }
    }
}

impl fmt::Display for Problem {
    /// Writes position and text, the line with a caret, and the hint. Several lines; the last one has no line end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = self.position();
        let colon = if position.is_empty() { "" } else { ": " };
        f.write_str(&sanitize::line(&format!("{position}{colon}{}", self.text)))?;
        if let Some(place) = &self.place
            && !place.excerpt.is_empty()
        {
            write!(f, "\n  | {}", place.excerpt)?;
            write!(f, "\n  | {:indent$}{:^<width$}", "", "", indent = place.indent, width = place.width)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {}", sanitize::line(hint))?;
        }
        Ok(())
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.0.iter().enumerate() {
            let gap = if n == 0 { "" } else { "\n" };
            write!(f, "{gap}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_caret_stands_below_the_offending_text() {
        let text = Text { file: Path::new("c.toml"), text: "a = 1\n\tnäme = \"ä漢\" # x\r\n" };
        let span = text.text.find("\"ä漢\"").unwrap();
        let problem = text.problem(span..span + 7, "no", Some("do".into()));
        assert_eq!(
            problem.to_string(),
            "c.toml:2:9: no\n  |  näme = \"ä漢\" # x\n  |         ^^^^^\n  hint: do"
        );
    }

    #[test]
    fn escape_sequences_of_a_file_do_not_reach_the_terminal() {
        let text = Text { file: Path::new("c"), text: "k = \"\u{1b}[31m\"" };
        assert!(!text.problem(0..1, "no", None).to_string().contains('\u{1b}'));
    }

    #[test]
    fn a_file_that_is_not_utf8_is_refused_with_its_place() {
        let problems = decode(b"a = 1\nb = \"\xe4\"\n".to_vec(), Path::new("c")).unwrap_err();
        assert_eq!(problems.0[0].position(), "c:2:6");
        assert_eq!(decode("ä".into(), Path::new("c")).unwrap(), "ä");
    }

    #[test]
    fn long_lines_are_shortened() {
        let long = "x".repeat(1_000);
        let place = Text { file: Path::new("c"), text: &long }.place(500..510);
        assert_eq!((place.line, place.column, place.width), (1, 501, 10));
        assert_eq!(place.excerpt.chars().count(), 1 + 61 + 10 + 60 + 1);
    }

    proptest! {
        #[test]
        fn any_range_of_any_text_has_a_place(text in "\\PC{0,20}\n?\\PC{0,200}", a in 0usize..300, b in 0usize..300) {
            let place = Text { file: Path::new("c"), text: &text }.place(a..b);
            prop_assert!(place.line >= 1 && place.line <= text.matches('\n').count() + 1);
            prop_assert!(place.column >= 1 && place.width >= 1);
        }
    }
}
