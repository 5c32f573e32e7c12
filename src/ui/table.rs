//! Columns of text, aligned by what a terminal shows rather than by bytes.

use console::{Alignment, measure_text_width, pad_str, truncate_str};

const GAP: &str = "  ";

/// Rows as lines, each column as wide as its widest cell, the last one ragged. With `width` (a terminal's columns) no
/// line is longer than that: what does not fit ends in `…`. Rows may be of different lengths.
pub fn table(rows: &[Vec<String>], width: Option<usize>) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|c| {
            rows.iter().filter_map(|row| row.get(c)).map(|cell| measure_text_width(cell)).max().unwrap_or(0)
        })
        .collect();
    rows.iter().map(|row| line(row, &widths, width)).collect()
}

fn line(row: &[String], widths: &[usize], width: Option<usize>) -> String {
    let cells: Vec<_> = row
        .iter()
        .zip(widths)
        .enumerate()
        .map(|(i, (cell, width))| match i + 1 == row.len() {
            true => cell.as_str().into(),
            false => pad_str(cell, *width, Alignment::Left, None),
        })
        .collect();
    let text = cells.join(GAP);
    match width {
        Some(width) => truncate_str(text.trim_end(), width, "…").into_owned(),
        None => text.trim_end().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|cell| cell.to_string()).collect()).collect()
    }

    #[test]
    fn columns_align_by_display_width() {
        let rows = rows(&[&["NAME", "HOST", "AGE"], &["蛋白", "a", "3d"], &["\u{1b}[31mx\u{1b}[0m", "", ""]]);
        assert_eq!(table(&rows, None), ["NAME  HOST  AGE", "蛋白  a     3d", "\u{1b}[31mx\u{1b}[0m"]);
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        let rows = rows(&[&["a-rather-long-name", "rsync://host/module/path"], &["b"]]);
        assert_eq!(table(&rows, Some(24)), ["a-rather-long-name  rsy…", "b"]);
        assert!(table(&[], Some(1)).is_empty());
    }
}
