//! Text in columns, aligned by terminal columns instead of bytes.

use super::Text;

/// Spaces between columns: the default, and the number used if it saves a line.
const GAPS: [usize; 2] = [2, 1];
/// Indentation of continuation lines of a row.
const INDENT: usize = 4;
/// The last column is wrapped beside the others if this many columns are left, and otherwise has its own line.
const LEGIBLE: usize = 24;

/// The type of the first row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// A heading, which is omitted if there is nothing below it.
    Heading,
    /// An ordinary row.
    Row,
}

/// Formats rows as lines. Each column is as wide as its widest cell; the last one is not padded. With `width` (the columns of a terminal)
/// no line is wider: rows are continued on indented lines, and text that is too long for a line is wrapped. Only continuation lines without
/// data are omitted, together with their headings. Rows may differ in length.
pub fn table<C: Clone + Into<Text>>(rows: &[Vec<C>], first: First, width: Option<usize>) -> Vec<Text> {
    let rows: Vec<Vec<Text>> =
        rows.iter().map(|row| row.iter().map(|cell| cell.clone().into().one_line()).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let natural = |c: usize| rows.iter().filter_map(|row| row.get(c)).map(Text::width).max();
    let mut widths: Vec<usize> = (0..columns).map(|c| natural(c).unwrap_or(0)).collect();
    let Some(width) = width else {
        return rows.into_iter().map(|row| line(row, &widths, GAPS[0])).collect();
    };
    let width = width.max(INDENT + 2);
    let gap = gap(&widths, width);
    let mut groups = groups(&mut widths, width, gap);
    let heads = usize::from(first == First::Heading);
    groups.retain(|group| {
        group.indent == 0 || rows.len() == heads || rows.iter().skip(heads).any(|row| group.tells(row))
    });
    rows.iter().enumerate().flat_map(|(n, row)| folded(row, &groups, &widths, gap, n < heads)).collect()
}

/// Returns the widest gap with which a row, or all of it except the last column, fits on one line.
fn gap(widths: &[usize], width: usize) -> usize {
    let Some((last, others)) = widths.split_last() else { return GAPS[0] };
    let used = |gap: usize| others.iter().sum::<usize>() + others.len() * gap;
    let whole = GAPS.into_iter().find(|gap| used(*gap) + last.min(&LEGIBLE) <= width);
    whole.or_else(|| GAPS.into_iter().find(|gap| used(*gap) <= width + gap)).unwrap_or(GAPS[0])
}

/// Columns that share a line.
struct Group {
    /// Indentation of the line.
    indent: usize,
    columns: Vec<usize>,
}

impl Group {
    /// Whether a row has data in these columns.
    fn tells(&self, row: &[Text]) -> bool {
        let mut cells = self.columns.iter().filter_map(|column| row.get(*column));
        cells.any(|cell| !matches!(cell.render(false).trim(), "" | "-"))
    }
}

/// Distributes the columns over lines. Columns that are too wide are limited to the width of a line.
fn groups(widths: &mut [usize], width: usize, gap: usize) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut used = usize::MAX / 2;
    let last = widths.len().saturating_sub(1);
    for (column, wide) in widths.iter_mut().enumerate() {
        let room = width.saturating_sub(used + gap);
        if let Some(group) = groups.last_mut()
            && (*wide <= room || (column == last && room >= LEGIBLE))
        {
            *wide = (*wide).min(room);
            group.columns.push(column);
            used += gap + *wide;
            continue;
        }
        let indent = if groups.is_empty() { 0 } else { INDENT };
        *wide = (*wide).min(width - indent);
        groups.push(Group { indent, columns: vec![column] });
        used = indent + *wide;
    }
    groups
}

/// Returns the lines of a row.
fn folded(row: &[Text], groups: &[Group], widths: &[usize], gap: usize, heading: bool) -> Vec<Text> {
    let mut lines = Vec::new();
    for (n, group) in groups.iter().enumerate() {
        if n > 0 && !heading && !group.tells(row) {
            continue;
        }
        let own: Vec<usize> = group.columns.iter().map(|c| widths[*c]).collect();
        let cells: Vec<Vec<Text>> = group
            .columns
            .iter()
            .map(|c| row.get(*c).map_or_else(Vec::new, |cell| cell.wrapped(widths[*c], 0)))
            .collect();
        for part in 0..cells.iter().map(Vec::len).max().unwrap_or(0).max(usize::from(n == 0)) {
            let shown = cells.iter().map(|cell| cell.get(part).cloned().unwrap_or_default()).collect();
            lines.push(Text::from(" ".repeat(group.indent)).with(line(shown, &own, gap)).trim_end());
        }
    }
    lines
}

fn line(row: Vec<Text>, widths: &[usize], gap: usize) -> Text {
    let last = row.len().saturating_sub(1);
    let mut text = Text::new();
    for (column, (cell, width)) in row.into_iter().zip(widths).enumerate() {
        text += if column == last { cell } else { cell.pad(width + gap) };
    }
    text.trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use console::{Style, measure_text_width};
    use proptest::prelude::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|cell| cell.to_string()).collect()).collect()
    }

    fn shown(rows: &[Vec<impl Clone + Into<Text>>], width: Option<usize>) -> Vec<String> {
        table(rows, First::Heading, width).iter().map(|line| line.render(true)).collect()
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
        assert!(table::<String>(&[], First::Heading, Some(1)).is_empty());
    }

    #[test]
    fn a_heading_with_nothing_below_is_left_out_and_columns_move_together_first() {
        let mut table_ = rows(&[&["JOB", "STATUS", "TIME", "REASON"], &["mmcif", "failed", "3m 20s", ""]]);
        assert_eq!(shown(&table_, Some(29)), ["JOB    STATUS  TIME    REASON", "mmcif  failed  3m 20s"]);
        assert_eq!(shown(&table_, Some(27)), ["JOB   STATUS TIME   REASON", "mmcif failed 3m 20s"]);
        assert_eq!(shown(&table_, Some(22)), ["JOB    STATUS  TIME", "mmcif  failed  3m 20s"]);
        table_[1][3] = "why".into();
        assert_eq!(
            shown(&table_, Some(22)),
            ["JOB    STATUS  TIME", "    REASON", "mmcif  failed  3m 20s", "    why"]
        );
        let rows = rows(&[&["mmcif", "of", "why"], &["emdb", "at", ""]]);
        let lines = table(&rows, First::Row, Some(10));
        let lines: Vec<_> = lines.iter().map(|line| line.render(false)).collect();
        assert_eq!(lines, ["mmcif  of", "    why", "emdb   at"]);
    }

    proptest! {
        #[test]
        fn every_word_is_shown_and_no_line_is_too_long(
            rows in proptest::collection::vec(proptest::collection::vec("([a-z蛋]{1,9}( [a-z]{1,30}){0,4})?", 1..7), 1..5),
            width in 12usize..100,
        ) {
            let lines = table(&rows, First::Row, Some(width));
            let lines: Vec<_> = lines.iter().map(|line| line.render(true)).collect();
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
