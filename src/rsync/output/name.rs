//! File names as printed by rsync.

/// Undoes rsync's `\#ooo` escapes.
///
/// With `-8` rsync escapes control characters other than the tab, and a backslash that would itself look like an escape (`\#` and three
/// digits). It prints everything else, including other backslashes, unchanged.
pub fn unescape(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        plain.extend_from_slice(&rest[..at]);
        match rest[at..] {
            [_, b'#', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
                plain.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = &rest[at + 5..];
            }
            _ => {
                plain.push(b'\\');
                rest = &rest[at + 1..];
            }
        }
    }
    plain.extend_from_slice(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// rsync's escaping with `-8`, as observed with 3.5.0.
    fn escape(name: &[u8]) -> Vec<u8> {
        let mut printed = Vec::new();
        for (at, byte) in name.iter().enumerate() {
            let looks_escaped = matches!(name[at..], [b'\\', b'#', a, b, c, ..]
                if [a, b, c].iter().all(u8::is_ascii_digit));
            if looks_escaped || (*byte < b' ' && *byte != b'\t') {
                printed.extend(format!("\\#{byte:03o}").bytes());
            } else {
                printed.push(*byte);
            }
        }
        printed
    }

    #[test]
    fn names_that_the_real_rsync_printed() {
        for (printed, name) in [
            (&b"new\\#012line"[..], &b"new\nline"[..]),
            (b"lit\\#134#012eral", b"lit\\#012eral"),
            (b"\\#134#134", b"\\#134"),
            (b"\\#134#999x", b"\\#999x"),
            (b"\\\\#134#012", b"\\\\#012"),
            (b"\\#12", b"\\#12"),
            (b"\\##012", b"\\##012"),
            (b"\\", b"\\"),
            (b"back\\slash", b"back\\slash"),
            (b"\x80\\#037", b"\x80\x1f"),
            (b"t\tx\x7f", b"t\tx\x7f"),
        ] {
            assert_eq!(unescape(printed), name);
            assert_eq!(escape(name), printed);
        }
    }

    proptest! {
        #[test]
        fn undoes_the_escape(name in proptest::collection::vec(
            prop_oneof![Just(b'\\'), Just(b'#'), b'0'..=b'9', any::<u8>()], 0..40)) {
            prop_assert_eq!(unescape(&escape(&name)), name);
        }
    }
}
