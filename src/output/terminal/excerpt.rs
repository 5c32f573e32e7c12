//! Two lines that show a position in a file: the line, and a mark below it. They must not be wrapped like text, or they would no longer
//! align.

use crate::model::sanitize;
use console::{measure_text_width, truncate_str};

const CUT: &str = "...";

/// The parts of the two lines.
struct Excerpt<'a> {
    /// The text before the bars.
    margin: &'a str,
    /// A line of the file.
    text: &'a str,
    /// Number of columns before the mark.
    at: usize,
    /// Number of columns of the mark.
    marked: usize,
}

impl<'a> Excerpt<'a> {
    /// Parses the two lines; `None` if they have another form.
    fn of(line: &'a str, mark: &'a str) -> Option<Self> {
        let (margin, rest) = mark.split_once("| ")?;
        let carets = rest.trim_start();
        let is_mark = !carets.is_empty() && carets.bytes().all(|b| b == b'^') && margin.trim().is_empty();
        let text = line.strip_prefix(margin)?.strip_prefix("| ").filter(|_| is_mark)?;
        Some(Excerpt { margin, text, at: rest.len() - carets.len(), marked: carets.len() })
    }

    fn lines(&self) -> [String; 2] {
        let Excerpt { margin, text, at, marked } = self;
        [format!("{margin}| {text}"), format!("{margin}| {}{}", " ".repeat(*at), "^".repeat(*marked))]
    }
}

/// Returns the two lines, cut to `width` columns around the mark; `None` if they have another form.
pub(super) fn fitted(line: &str, mark: &str, width: usize) -> Option<[String; 2]> {
    let Excerpt { margin, text, at, marked } = Excerpt::of(line, mark)?;
    let room = width.saturating_sub(margin.len() + 2).max(2 * CUT.len() + 1);
    // Text before the mark is cut first, except immediately before it.
    let skip = (at + marked + CUT.len()).saturating_sub(room).min(at.saturating_sub(CUT.len()));
    let text = if skip > 0 { format!("{CUT}{}", without(text, skip + CUT.len())) } else { text.to_owned() };
    let marked = marked.min(room.saturating_sub(at - skip).max(1));
    Some(Excerpt { margin, text: &truncate_str(&text, room, CUT), at: at - skip, marked }.lines())
}

/// Converts text to ASCII ([`sanitize::ascii`]), and moves marks where characters become wider.
pub(super) fn ascii(text: &str) -> String {
    let mut lines = text.split('\n').peekable();
    let mut out: Vec<String> = Vec::new();
    while let Some(line) = lines.next() {
        let Some(Excerpt { margin, text, at, marked }) =
            lines.peek().and_then(|mark| Excerpt::of(line, mark))
        else {
            out.push(sanitize::ascii(line).into_owned());
            continue;
        };
        lines.next();
        let (from, to) = (without(text, at), without(text, at + marked));
        let head = sanitize::ascii(&text[..text.len() - from.len()]);
        let meant = sanitize::ascii(&from[..from.len() - to.len()]);
        let text = format!("{head}{meant}{}", sanitize::ascii(to));
        out.extend(Excerpt { margin, text: &text, at: head.len(), marked: meant.len().max(1) }.lines());
    }
    out.join("\n")
}

/// Returns the text without its first columns.
fn without(text: &str, columns: usize) -> &str {
    let mut passed = 0;
    let end = text.char_indices().find(|(_, c)| {
        let all = passed >= columns;
        passed += measure_text_width(c.encode_utf8(&mut [0; 4]));
        all
    });
    end.map_or("", |(at, _)| &text[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stays_below_what_it_marks() {
        let line = "  | source = [\"rsync://one.example/m/\", \"rsync://two.example/m/\", 7, \"more\"]";
        let mark = format!("  | {}^", " ".repeat(line.find('7').unwrap() - 4));
        assert_eq!(fitted(line, &mark, 200).unwrap(), [line, &mark]);
        for width in 20..line.len() {
            let [line, mark] = fitted(line, &mark, width).unwrap();
            assert!(line.len() <= width && mark.len() <= width, "{width}: {line}\n{mark}");
            assert_eq!(line.as_bytes()[mark.find('^').unwrap()], b'7', "{width}: {line}\n{mark}");
        }
    }

    #[test]
    fn in_ascii_the_mark_is_as_long_as_what_it_marks() {
        let text = "c.toml:1: no…\n  | …é = \"ä漢\" # é\n  |      ^^^^^\n  hint: é";
        let lines = [
            "c.toml:1: no...",
            r#"  | ...\u{e9} = "\u{e4}\u{6f22}" # \u{e9}"#,
            "  |             ^^^^^^^^^^^^^^^^",
            r"  hint: \u{e9}",
        ];
        assert_eq!(ascii(text), lines.join("\n"));
    }

    #[test]
    fn a_mark_that_is_too_long_is_cut_and_other_lines_are_none() {
        let [line, mark] = fitted("  | abcdefghijklmnop", "  | ^^^^^^^^^^^^^^^^", 15).unwrap();
        assert_eq!([line.as_str(), mark.as_str()], ["  | abcdefgh...", "  | ^^^^^^^^^^^"]);
        assert_eq!(fitted("  | x", "  hint: y", 20), None);
        assert_eq!(fitted("Total: 3 | Success: 3", "  | ^", 20), None);
    }
}
