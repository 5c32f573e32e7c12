//! Columns of text, aligned by what a terminal shows rather than by bytes.

use super::Text;
use console::measure_text_width;

const GAP: &str = "  ";
/// How far lines are indented that go on with a row.
const INDENT: usize = 4;
/// The last column is wrapped beside the others where it has so much room, and otherwise has a line of its own.
const LEGIBLE: usize = 24;

/// Rows as lines, each column as wide as its widest cell, the last one ragged. With `width` (a terminal's columns) no line is
/// longer than that: rows go on in further lines, indented, and what is too long for a line is wrapped. Nothing is left out but
/// further lines of a row that tell nothing. Rows may be of different lengths; the first is the heading.
pub fn table<C: Clone + Into<Text>>(rows: &[Vec<C>], width: Option<usize>) -> Vec<Text> {
    let rows: Vec<Vec<Text>> =
        rows.iter().map(|row| row.iter().map(|cell| cell.clone().into().one_line()).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let natural = |c: usize| rows.iter().filter_map(|row| row.get(c)).map(Text::width).max();
    let mut widths: Vec<usize> = (0..columns).map(|c| natural(c).unwrap_or(0)).collect();
    let Some(width) = width else { return rows.into_iter().map(|row| line(row, &widths)).collect() };
    let width = width.max(INDENT + 2);
    let groups = groups(&mut widths, width);
    rows.iter().enumerate().flat_map(|(n, row)| folded(row, &groups, &widths, width, n == 0)).collect()
}

/// The columns of each line of a row, and how far the line is indented. Columns that are too wide are made as wide as a line.
fn groups(widths: &mut [usize], width: usize) -> Vec<(usize, Vec<usize>)> {
    let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut used = usize::MAX / 2;
    let last = widths.len().saturating_sub(1);
    for (column, wide) in widths.iter_mut().enumerate() {
        let room = width.saturating_sub(used + GAP.len());
        if let Some((_, columns)) = groups.last_mut()
            && (*wide <= room || (column == last && room >= LEGIBLE))
        {
            *wide = (*wide).min(room);
            columns.push(column);
            used += GAP.len() + *wide;
            continue;
        }
        let indent = if groups.is_empty() { 0 } else { INDENT };
        *wide = (*wide).min(width - indent);
        groups.push((indent, vec![column]));
        used = indent + *wide;
    }
    groups
}

/// The lines of a row.
fn folded(
    row: &[Text],
    groups: &[(usize, Vec<usize>)],
    widths: &[usize],
    width: usize,
    heading: bool,
) -> Vec<Text> {
    let mut lines = Vec::new();
    for (n, (indent, columns)) in groups.iter().enumerate() {
        let cells: Vec<Vec<Text>> = columns
            .iter()
            .map(|c| row.get(*c).map_or_else(Vec::new, |cell| wrapped(cell, widths[*c])))
            .collect();
        let plain = |cell: &Text| matches!(cell.render(false).trim(), "" | "-");
        if n > 0 && !heading && cells.iter().flatten().all(plain) {
            continue;
        }
        for part in 0..cells.iter().map(Vec::len).max().unwrap_or(0).max(usize::from(n == 0)) {
            let shown: Vec<Text> =
                cells.iter().map(|cell| cell.get(part).cloned().unwrap_or_default()).collect();
            let own: Vec<usize> = columns.iter().map(|c| widths[*c]).collect();
            lines.push(Text::from(" ".repeat(*indent)).with(line(shown, &own)).trim_end().cut(width));
        }
    }
    lines
}

/// A cell in lines of at most that width, broken between words where there are any. A word that is too long is broken anywhere;
/// text with colours is cut instead.
fn wrapped(cell: &Text, width: usize) -> Vec<Text> {
    if cell.width() <= width {
        return vec![cell.clone()];
    }
    let Some(cell) = cell.plain() else { return vec![cell.clone().cut(width)] };
    let (mut lines, mut now, mut used) = (Vec::new(), String::new(), 0);
    for word in cell.split(' ') {
        let wide = measure_text_width(word);
        if used > 0 && used + 1 + wide > width {
            lines.push(Text::from(std::mem::take(&mut now)));
            used = 0;
        }
        if used > 0 {
            now.push(' ');
            used += 1;
        }
        for c in word.chars() {
            let one = measure_text_width(c.encode_utf8(&mut [0; 4]));
            if used > 0 && used + one > width {
                lines.push(Text::from(std::mem::take(&mut now)));
                used = 0;
            }
            now.push(c);
            used += one;
        }
    }
    lines.push(now.into());
    lines
}

fn line(row: Vec<Text>, widths: &[usize]) -> Text {
    let last = row.len().saturating_sub(1);
    let mut text = Text::new();
    for (column, (cell, width)) in row.into_iter().zip(widths).enumerate() {
        if column == last {
            text += cell;
        } else {
            text += cell.pad(*width);
            text += GAP;
        }
    }
    text.trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use console::Style;
    use proptest::prelude::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|cell| cell.to_string()).collect()).collect()
    }

    fn shown(rows: &[Vec<impl Clone + Into<Text>>], width: Option<usize>) -> Vec<String> {
        table(rows, width).iter().map(|line| line.render(true)).collect()
    }

    #[test]
    fn columns_align_by_display_width() {
        let row = |cells: [&str; 3]| cells.map(Text::from).to_vec();
        let mut rows = vec![row(["NAME", "HOST", "AGE"]), row(["蛋白", "a", "3d"]), row(["", "", ""])];
        rows[2][0] = Text::styled("x", Style::new().red());
        assert_eq!(shown(&rows, None), ["NAME  HOST  AGE", "蛋白  a     3d", "\u{1b}[31mx\u{1b}[0m"]);
        assert_eq!(shown(&rows, Some(15)), shown(&rows, None));
    }

    #[test]
    fn a_cell_is_one_line_that_steers_nothing() {
        let rows = rows(&[&["a\u{1b}[1m\nb", "x"], &["", "y"]]);
        assert_eq!(shown(&rows, None), ["a\\u{1b}[1m b  x", "              y"]);
    }

    #[test]
    fn what_does_not_fit_goes_on_below() {
        let table_ = rows(&[
            &["JOB", "STATUS", "FILES", "REASON"],
            &["mmcif", "failed", "12", "rsync could not reach the host at all"],
            &["emdb", "ok", "-", ""],
        ]);
        assert_eq!(
            shown(&table_, Some(47)),
            [
                "JOB    STATUS  FILES  REASON",
                "mmcif  failed  12     rsync could not reach the",
                "                      host at all",
                "emdb   ok      -",
            ]
        );
        assert_eq!(
            shown(&table_, Some(20)),
            [
                "JOB    STATUS  FILES",
                "    REASON",
                "mmcif  failed  12",
                "    rsync could not",
                "    reach the host",
                "    at all",
                "emdb   ok      -",
            ]
        );
        assert!(table::<String>(&[], Some(1)).is_empty());
    }

    proptest! {
        #[test]
        fn every_word_is_shown_and_no_line_is_too_long(
            rows in proptest::collection::vec(proptest::collection::vec("([a-z蛋]{1,9}( [a-z]{1,30}){0,4})?", 1..7), 1..5),
            width in 12usize..100,
        ) {
            let lines = shown(&rows, Some(width));
            prop_assert!(lines.iter().all(|line| measure_text_width(line) <= width), "{lines:#?}");
            let letters = |text: String| {
                let mut letters: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
                letters.sort_unstable();
                letters
            };
            prop_assert_eq!(letters(lines.concat()), letters(rows.concat().concat()));
        }
    }
}
