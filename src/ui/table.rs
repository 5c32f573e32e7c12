//! Columns of text, aligned by what a terminal shows rather than by bytes.

use console::{Alignment, measure_text_width, pad_str, truncate_str};

const GAP: &str = "  ";
/// How far lines are indented that go on with a row.
const INDENT: usize = 4;
/// The last column is wrapped beside the others where it has so much room, and otherwise has a line of its own.
const LEGIBLE: usize = 24;

/// Rows as lines, each column as wide as its widest cell, the last one ragged. With `width` (a terminal's columns) no line is
/// longer than that: rows go on in further lines, indented, and what is too long for a line is wrapped. Nothing is left out but
/// further lines of a row that tell nothing. Rows may be of different lengths; the first is the heading.
pub fn table(rows: &[Vec<String>], width: Option<usize>) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let natural =
        |c: usize| rows.iter().filter_map(|row| row.get(c)).map(|cell| measure_text_width(cell)).max();
    let mut widths: Vec<usize> = (0..columns).map(|c| natural(c).unwrap_or(0)).collect();
    let Some(width) = width else { return rows.iter().map(|row| line(row, &widths)).collect() };
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
    row: &[String],
    groups: &[(usize, Vec<usize>)],
    widths: &[usize],
    width: usize,
    heading: bool,
) -> Vec<String> {
    let mut lines = Vec::new();
    for (n, (indent, columns)) in groups.iter().enumerate() {
        let cells: Vec<Vec<String>> = columns
            .iter()
            .map(|c| row.get(*c).map_or_else(Vec::new, |cell| wrapped(cell, widths[*c])))
            .collect();
        let plain = |cell: &String| matches!(cell.trim(), "" | "-");
        if n > 0 && !heading && cells.iter().flatten().all(plain) {
            continue;
        }
        for part in 0..cells.iter().map(Vec::len).max().unwrap_or(0).max(usize::from(n == 0)) {
            let shown: Vec<String> =
                cells.iter().map(|cell| cell.get(part).cloned().unwrap_or_default()).collect();
            let own: Vec<usize> = columns.iter().map(|c| widths[*c]).collect();
            let text = " ".repeat(*indent) + &line(&shown, &own);
            lines.push(truncate_str(text.trim_end(), width, "…").into_owned());
        }
    }
    lines
}

/// A cell in lines of at most that width, broken between words where there are any. A word that is too long is broken anywhere;
/// text with escape sequences is cut instead, so that none is torn.
fn wrapped(cell: &str, width: usize) -> Vec<String> {
    if measure_text_width(cell) <= width {
        return vec![cell.to_owned()];
    }
    if cell.contains('\u{1b}') {
        return vec![truncate_str(cell, width, "…").into_owned()];
    }
    let (mut lines, mut now, mut used) = (Vec::new(), String::new(), 0);
    for word in cell.split(' ') {
        let wide = measure_text_width(word);
        if used > 0 && used + 1 + wide > width {
            lines.push(std::mem::take(&mut now));
            used = 0;
        }
        if used > 0 {
            now.push(' ');
            used += 1;
        }
        for c in word.chars() {
            let one = measure_text_width(c.encode_utf8(&mut [0; 4]));
            if used > 0 && used + one > width {
                lines.push(std::mem::take(&mut now));
                used = 0;
            }
            now.push(c);
            used += one;
        }
    }
    lines.push(now);
    lines
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells: Vec<_> = row
        .iter()
        .zip(widths)
        .enumerate()
        .map(|(i, (cell, width))| match i + 1 == row.len() {
            true => cell.as_str().into(),
            false => pad_str(cell, *width, Alignment::Left, None),
        })
        .collect();
    cells.join(GAP).trim_end().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|cell| cell.to_string()).collect()).collect()
    }

    #[test]
    fn columns_align_by_display_width() {
        let rows = rows(&[&["NAME", "HOST", "AGE"], &["蛋白", "a", "3d"], &["\u{1b}[31mx\u{1b}[0m", "", ""]]);
        assert_eq!(table(&rows, None), ["NAME  HOST  AGE", "蛋白  a     3d", "\u{1b}[31mx\u{1b}[0m"]);
        assert_eq!(table(&rows, Some(15)), table(&rows, None));
    }

    #[test]
    fn what_does_not_fit_goes_on_below() {
        let table_ = rows(&[
            &["JOB", "STATUS", "FILES", "REASON"],
            &["mmcif", "failed", "12", "rsync could not reach the host at all"],
            &["emdb", "ok", "-", ""],
        ]);
        assert_eq!(
            table(&table_, Some(47)),
            [
                "JOB    STATUS  FILES  REASON",
                "mmcif  failed  12     rsync could not reach the",
                "                      host at all",
                "emdb   ok      -",
            ]
        );
        assert_eq!(
            table(&table_, Some(20)),
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
        assert!(table(&[], Some(1)).is_empty());
    }

    proptest! {
        #[test]
        fn every_word_is_shown_and_no_line_is_too_long(
            rows in proptest::collection::vec(proptest::collection::vec("([a-z蛋]{1,9}( [a-z]{1,30}){0,4})?", 1..7), 1..5),
            width in 12usize..100,
        ) {
            let lines = table(&rows, Some(width));
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
