//! Shortens paths that are too long for their column.

use console::measure_text_width;

/// Minimum number of columns for a shortened path; with less it is useless.
pub const LEAST: usize = 12;

/// Shortens text to at most this many columns by replacing its middle by `mark`. The end gets two thirds of the space, since the end of a
/// path is more informative than its start.
pub fn shortened(text: &str, columns: usize, mark: &str) -> String {
    if measure_text_width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(measure_text_width(mark));
    let head = fitting(text.chars(), room / 3);
    let tail: Vec<char> = fitting(text.chars().rev(), room - room / 3);
    head.into_iter().chain(mark.chars()).chain(tail.into_iter().rev()).collect()
}

/// Returns as many of the characters as fit into this many columns.
fn fitting(chars: impl Iterator<Item = char>, columns: usize) -> Vec<char> {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += measure_text_width(c.encode_utf8(&mut [0; 4]));
            used <= columns
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_goes_and_both_ends_stay() {
        assert_eq!(shortened("/srv/mirrors/pdb/mmCIF", 22, "…"), "/srv/mirrors/pdb/mmCIF");
        assert_eq!(shortened("/srv/mirrors/pdb/mmCIF", 13, "…"), "/srv…db/mmCIF");
        assert_eq!(shortened("/srv/mirrors/pdb/mmCIF", 15, "..."), "/srv...db/mmCIF");
        for columns in 0..30 {
            let wide = shortened("/蛋白/蛋白蛋白蛋白/mm蛋白", columns.max(1), "…");
            assert!(measure_text_width(&wide) <= columns.max(1), "{columns}: {wide}");
        }
    }
}
