//! Lines of children on their way to a reader: each gets a prefix, block by block, without a copy per line.

use std::borrow::Cow;
use std::fmt::Write;

/// Appends `block`, whole lines, to `out`, each line after `prefix`. All other bytes stay as they are.
pub(super) fn prefix_lines(prefix: &[u8], block: &[u8], out: &mut Vec<u8>) {
    out.reserve(block.len() + prefix.len() * 8);
    let mut rest = block;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let (line, tail) = rest.split_at(end);
        out.extend_from_slice(prefix);
        out.extend_from_slice(line);
        rest = tail;
    }
}

/// The same bytes with control characters made visible (`\u{1b}` as `^[`), so that a child or a file name cannot
/// steer a terminal. Line ends and tabs stay; bytes that are no UTF-8 stay unless some terminal could take them for
/// control characters.
pub(super) fn visible(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.iter().all(|b| matches!(b, b'\n' | b'\t' | 0x20..=0x7e)) {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        let mut buffer = [0; 4];
        for c in chunk.valid().chars() {
            match c {
                '\n' | '\t' => out.push(c as u8),
                '\0'..='\u{1f}' | '\u{7f}' => out.extend([b'^', c as u8 ^ 0x40]),
                _ if c.is_control() => out.extend(format!("\\x{:02x}", c as u32).bytes()),
                _ => out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes()),
            }
        }
        for byte in chunk.invalid() {
            match byte {
                0x80..=0x9f => out.extend(format!("\\x{byte:02x}").bytes()),
                _ => out.push(*byte),
            }
        }
    }
    Cow::Owned(out)
}

/// A sentence of ours as one safe line: reasons quote what children said.
pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.trim_end().chars() {
        match c {
            '\n' | '\t' | '\r' => out.push(' '),
            c if c.is_ascii_control() => out.extend(['^', char::from(c as u8 ^ 0x40)]),
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02x}", c as u32); // a String takes everything
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Lines;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_block_is_prefixed_as_line_by_line(bytes in proptest::collection::vec(
            prop_oneof![3 => any::<u8>(), 1 => Just(b'\n')], 0..300)) {
            let lines = Lines::new(bytes);
            let mut naive = Vec::new();
            for line in lines.iter() {
                naive.extend_from_slice(b"[a] ");
                naive.extend_from_slice(line);
                naive.push(b'\n');
            }
            let mut block = Vec::new();
            prefix_lines(b"[a] ", lines.as_bytes(), &mut block);
            prop_assert_eq!(block, naive);
        }

        #[test]
        fn what_is_visible_steers_no_terminal(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let shown = visible(&bytes).into_owned();
            for chunk in shown.utf8_chunks() {
                prop_assert!(chunk.valid().chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
                prop_assert!(!chunk.invalid().iter().any(|b| (0x80..=0x9f).contains(b)));
            }
            prop_assert_eq!(shown.iter().filter(|b| **b == b'\n').count(),
                            bytes.iter().filter(|b| **b == b'\n').count());
        }

        #[test]
        fn a_sentence_is_one_line(text in any::<String>()) {
            prop_assert!(!one_line(&text).chars().any(char::is_control));
        }
    }

    #[test]
    fn control_characters_are_shown_and_text_is_left_alone() {
        assert_eq!(visible(b"\x1b[31mred\x07\x7f\tx\n"), b"^[[31mred^G^?\tx\n".as_slice());
        assert_eq!(visible("Å \u{9b}1m".as_bytes()), "Å \\x9b1m".as_bytes());
        assert_eq!(visible(b"caf\xe9 \x9b"), b"caf\xe9 \\x9b".as_slice());
        assert!(matches!(visible(b"plain\n"), Cow::Borrowed(_)));
        assert_eq!(one_line("a\nb\u{1b}[0m\n"), "a b^[[0m");
    }
}
