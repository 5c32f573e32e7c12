//! Wraps lines to the width of a terminal: between words, without separating what belongs together.

use super::{Text, excerpt};
use console::Style;

/// A word that fits on no line starts on the current line if this many columns are left.
const WORTHWHILE: usize = 12;

/// A character, and the index of its part in the text.
#[derive(Clone, Copy)]
struct Glyph {
    c: char,
    part: usize,
}

impl Text {
    /// Returns the lines, none wider than `width` columns. A line that is too wide is continued on further lines, which are indented by
    /// `hang` columns more than the first. Lines are broken between words; if possible not after a number, within a time, or within a
    /// command in backticks. A word that fits on no line is broken after a `/` or anywhere. Excerpts of a file are cut instead, around
    /// their mark.
    pub fn wrapped(&self, width: usize, hang: usize) -> Vec<Text> {
        let styles: Vec<_> = self.parts().iter().map(|(_, style)| style).collect();
        let glyphs: Vec<Glyph> = self
            .parts()
            .iter()
            .enumerate()
            .flat_map(|(part, (text, _))| text.chars().map(move |c| Glyph { c, part }))
            .collect();
        let mut lines: Vec<Text> = Vec::new();
        let mut own = glyphs.split(|glyph| glyph.c == '\n').peekable();
        while let Some(line) = own.next() {
            let marked = own.peek().and_then(|mark| excerpt::fitted(&plain(line), &plain(mark), width));
            if let Some(marked) = marked {
                lines.extend(marked.map(Text::from));
                own.next();
            } else if columns(line) <= width {
                lines.push(text(line, 0, &styles));
            } else {
                fold(line, width.max(8), hang, |line, margin| lines.push(text(line, margin, &styles)));
            }
        }
        lines
    }
}

/// Passes the lines of a line that is too wide to `out`, each with its indentation.
fn fold(line: &[Glyph], width: usize, hang: usize, mut out: impl FnMut(&[Glyph], usize)) {
    let line = &line[..line.iter().rposition(|glyph| glyph.c != ' ').map_or(0, |last| last + 1)];
    let indent = spaces(line);
    let below = (indent + hang).min(width / 2);
    let (mut rest, mut margin, mut quoted) = (line, 0, false);
    while columns(rest) > width - margin {
        let (head, tail) = rest.split_at(end(rest, quoted, width - margin, width - below));
        out(head, margin);
        quoted ^= is_in_quotes(head);
        rest = &tail[spaces(tail)..];
        margin = below;
    }
    if !rest.is_empty() || line.is_empty() {
        out(rest, margin);
    }
}

/// Returns how many characters stay on the current line, which has `room` columns; the next one has `full` columns. `quoted`: the line
/// starts within backticks.
fn end(line: &[Glyph], quoted: bool, room: usize, full: usize) -> usize {
    let indent = spaces(line);
    let gaps: Vec<usize> = (indent..line.len())
        .filter(|at| line[*at].c == ' ' && line[at - 1].c != ' ')
        .take_while(|at| columns(&line[..*at]) <= room)
        .collect();
    let loose =
        |at: &usize| line[*at].c == ' ' && line[at - 1].c != ' ' && !holds_together(line, quoted, *at);
    // A group that should stay together but fits on no line is broken at any space.
    let fits = |at: &&usize| {
        let next = (**at + 1..line.len()).find(loose).unwrap_or(line.len());
        columns(&line[**at + 1..next]) <= full
    };
    let gap = gaps.iter().rev().find(|at| loose(at)).filter(fits).or(gaps.last()).copied();
    // The first word that does not fit.
    let begin = gaps.last().map_or(indent, |at| at + spaces(&line[*at..]));
    let word = line[begin..].split(|glyph| glyph.c == ' ').next().unwrap_or_default();
    let left = room.saturating_sub(columns(&line[..begin]));
    if let Some(gap) = gap
        && (columns(word) <= full || left < WORTHWHILE)
    {
        return gap;
    }
    let mut fits = 0;
    while fits < word.len() && columns(&word[..=fits]) <= left {
        fits += 1;
    }
    match (word[..fits].iter().rposition(|glyph| glyph.c == '/'), gap) {
        (Some(slash), _) if slash > 0 => begin + slash + 1,
        (_, Some(gap)) if word.iter().any(|glyph| glyph.c == '/') => gap,
        // The indentation alone fills the line.
        _ if fits == 0 && begin > 0 => begin,
        _ => begin + fits.max(1),
    }
}

/// Whether the text before and after this space belongs together: a number and its unit, the parts of a time, a command.
fn holds_together(line: &[Glyph], quoted: bool, at: usize) -> bool {
    if quoted != is_in_quotes(&line[..at]) {
        return true;
    }
    let Some(next) = line.get(at + 1).map(|glyph| glyph.c) else { return false };
    let begin =
        line[..at].iter().rposition(|glyph| matches!(glyph.c, ' ' | '(')).map_or(0, |space| space + 1);
    let word = plain(&line[begin..at]);
    let figures = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | ':' | '-'))
    };
    let span = word.strip_suffix(['d', 'h', 'm']).is_some_and(figures) && next.is_ascii_digit();
    span || (figures(&word)
        && !word.ends_with([',', '.', ':'])
        && (next.is_alphanumeric() || matches!(next, '%' | '+' | '-')))
}

/// Whether the text after `before` is within backticks.
fn is_in_quotes(before: &[Glyph]) -> bool {
    before.iter().filter(|glyph| glyph.c == '`').count() % 2 == 1
}

/// Returns the number of leading spaces.
fn spaces(glyphs: &[Glyph]) -> usize {
    glyphs.iter().take_while(|glyph| glyph.c == ' ').count()
}

fn plain(glyphs: &[Glyph]) -> String {
    glyphs.iter().map(|glyph| glyph.c).collect()
}

fn columns(glyphs: &[Glyph]) -> usize {
    let one = |c: char| match c {
        // The maximum width of a tab.
        '\t' => 8,
        c => console::measure_text_width(c.encode_utf8(&mut [0; 4])),
    };
    glyphs.iter().map(|glyph| one(glyph.c)).sum()
}

fn text(line: &[Glyph], margin: usize, styles: &[&Option<Style>]) -> Text {
    let mut text = Text::from(" ".repeat(margin));
    for run in line.chunk_by(|a, b| a.part == b.part) {
        let part = plain(run);
        text += match styles[run[0].part] {
            Some(style) => Text::styled(&part, style.clone()),
            None => part.into(),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn folded(text: &str, width: usize, hang: usize) -> Vec<String> {
        Text::from(text).wrapped(width, hang).iter().map(|line| line.render(false)).collect()
    }

    #[test]
    fn words_stay_whole_and_go_on_below() {
        assert_eq!(
            folded("  hint: is port 33444 blocked by a firewall?\nshort", 24, 2),
            ["  hint: is port", "    33444 blocked by a", "    firewall?", "short"]
        );
        assert_eq!(folded("a   b", 80, 2), ["a   b"]);
        assert_eq!(folded("", 80, 2), [""]);
        assert_eq!(folded("          ", 8, 2), [""]);
    }

    #[test]
    fn what_belongs_together_stays_together() {
        for (text, lines) in [
            ("memory available: 25.3 GB", ["memory available:", "  25.3 GB"]),
            ("the time left is 3m 20s", ["the time left is", "  3m 20s"]),
            ("just over half: 42 %", ["just over half:", "  42 %"]),
            ("`aaaa bbb` writes `ccc dd`", ["`aaaa bbb` writes", "  `ccc dd`"]),
            ("it began 2026-11-22 06:59", ["it began", "  2026-11-22 06:59"]),
        ] {
            assert_eq!(folded(text, lines[0].len().max(lines[1].len()) + 1, 2), lines);
        }
        assert_eq!(
            folded("as `aaaa bbbb cccc dddd` does", 14, 2),
            ["as `aaaa bbbb", "  cccc dddd`", "  does"]
        );
        // If there is no better place, the line is broken anyway.
        assert_eq!(folded("1 2 3 4 5 6 7 8", 10, 0), ["1 2 3 4 5", "6 7 8"]);
    }

    #[test]
    fn a_word_that_fits_no_line_is_broken_after_a_slash_or_anywhere() {
        assert_eq!(
            folded("plan: /home/ada/.local/state/pdb-sync/plans/x.ndjson", 30, 2),
            ["plan: /home/ada/.local/state/", "  pdb-sync/plans/x.ndjson"]
        );
        assert_eq!(
            folded("hash: 0123456789abcdef0123456789", 20, 2),
            ["hash: 0123456789abcd", "  ef0123456789"]
        );
    }

    #[test]
    fn an_indentation_that_fills_the_line_leaves_no_line_too_wide() {
        let lines = folded("\n        a", 8, 0);
        assert!(lines.iter().all(|line| line.len() <= 8) && lines.concat().trim() == "a", "{lines:?}");
    }

    #[test]
    fn colours_go_on_below() {
        let red = |text: &str| Text::styled(text, Style::new().red()).render(true);
        let lines = Text::from("an ").with(Text::styled("error in red", Style::new().red())).wrapped(9, 0);
        let lines: Vec<_> = lines.iter().map(|line| line.render(true)).collect();
        assert_eq!(lines, [format!("an {}", red("error")), red("in red")]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_line_is_too_wide(
            text in "( {0,3}[a-z0-9/`(.蛋]{0,30}){0,9}(\n[ a-z]{0,40}){0,2}",
            width in 8usize..70,
            hang in 0usize..9,
        ) {
            let lines = folded(&text, width, hang);
            prop_assert!(lines.iter().all(|line| console::measure_text_width(line) <= width), "{lines:#?}");
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
