//! Columns of text, aligned by what a terminal shows rather than by bytes.

use super::Text;

const GAP: &str = "  ";

/// Rows as lines, each column as wide as its widest cell, the last one ragged. With `width` (a terminal's columns) no
/// line is longer than that: what does not fit ends in `…`. Rows may be of different lengths.
pub fn table<C: Clone + Into<Text>>(rows: &[Vec<C>], width: Option<usize>) -> Vec<Text> {
    let rows: Vec<Vec<Text>> =
        rows.iter().map(|row| row.iter().map(|cell| cell.clone().into().one_line()).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|c| rows.iter().filter_map(|row| row.get(c)).map(Text::width).max().unwrap_or(0))
        .collect();
    rows.into_iter().map(|row| line(row, &widths, width)).collect()
}

fn line(row: Vec<Text>, widths: &[usize], width: Option<usize>) -> Text {
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
    let text = text.trim_end();
    match width {
        Some(width) => text.cut(width),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use console::Style;

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
    }

    #[test]
    fn a_cell_is_one_line_that_steers_nothing() {
        let rows = rows(&[&["a\u{1b}[1m\nb", "x"], &["", "y"]]);
        assert_eq!(shown(&rows, None), ["a\\u{1b}[1m b  x", "              y"]);
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        let rows = rows(&[&["a-rather-long-name", "rsync://host/module/path"], &["b"]]);
        assert_eq!(shown(&rows, Some(24)), ["a-rather-long-name  rsy…", "b"]);
        assert!(table::<String>(&[], Some(1)).is_empty());
    }
}
