//! The only module that makes foreign text safe for a terminal: file names, output of children, answers of servers, contents of files,
//! arguments.
//!
//! A character that does something other than display itself is replaced by an escape (`\u{1b}`, `\r`), and a byte that is not UTF-8 by
//! `\xff`. Sanitized text stays unchanged if it is sanitized again.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;

/// Sanitizes a name or a path for one line: line ends and tabs are replaced too.
pub fn name(bytes: &[u8]) -> Cow<'_, str> {
    escaped(bytes, |_| false)
}

/// Sanitizes a path of this machine. Messages show paths in this form only. ([`Path::display`] may show two names that are not UTF-8 in the
/// same way, and it keeps line ends.)
pub fn path<P: AsRef<Path> + ?Sized>(path: &P) -> Cow<'_, str> {
    name(path.as_ref().as_os_str().as_encoded_bytes())
}

/// Sanitizes a sentence for one line. Quoted lines of a child are joined with spaces.
pub fn line(text: &str) -> Cow<'_, str> {
    match text.contains(['\n', '\t', '\r']) {
        false => name(text.as_bytes()),
        true => name(text.trim_end_matches(['\n', '\r']).replace(['\n', '\t', '\r'], " ").as_bytes())
            .into_owned()
            .into(),
    }
}

/// Sanitizes text of any number of lines: line ends and tabs are kept.
pub fn lines(bytes: &[u8]) -> Cow<'_, str> {
    escaped(bytes, |c| matches!(c, '\n' | '\t'))
}

/// Replaces rsync's own escapes (`\#033`) by ours, so that there is only one form.
pub fn rsync(printed: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memmem::find(printed, b"\\#").is_none() {
        return printed.into();
    }
    let mut out = Vec::with_capacity(printed.len() + 16);
    let mut rest = printed;
    while let Some((&first, more)) = rest.split_first() {
        match rest {
            [b'\\', b'#', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', more @ ..] => {
                // Control characters, and a backslash that would look like an escape of this kind.
                out.extend(name(&[(a - b'0') << 6 | (b - b'0') << 3 | (c - b'0')]).bytes());
                rest = more;
            }
            _ => {
                out.push(first);
                rest = more;
            }
        }
    }
    out.into()
}

/// Converts sanitized text for a terminal that shows only ASCII. An ellipsis, which comes from us, becomes three dots; any other character
/// becomes its escape, since a name with a dash differs from one with a hyphen. An old terminal could interpret bytes of UTF-8 as control
/// characters.
pub fn ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '…' => out.push_str("..."),
            c if c.is_ascii() => out.push(c),
            c => out.extend(c.escape_unicode()),
        }
    }
    out.into()
}

/// Sanitizes lines of JSON with JSON's own escapes, which keep their meaning. `ascii`: the terminal shows only ASCII. (Outside strings JSON
/// is plain ASCII.)
pub fn json(text: &str, ascii: bool) -> Cow<'_, str> {
    let bad = |c: char| (steers(c) && c != '\n') || (ascii && !c.is_ascii());
    if is_plain(text.as_bytes()) || !text.contains(bad) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if bad(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}"); // a String takes everything
            }
        } else {
            out.push(c);
        }
    }
    out.into()
}

/// Whether a character affects the terminal or the surrounding text: control characters, line separators, characters that change the
/// writing direction, and characters without width (joiners, fillers, variation selectors, tags), with which two names would look the same.
/// Combining marks belong to letters of many languages and are kept.
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| matches!(b, b'\n' | b'\t' | 0x20..=0x7e))
}

fn escaped(bytes: &[u8], stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let bad = |c: char| steers(c) && !stays(c);
    if let Ok(text) = std::str::from_utf8(bytes)
        && (bytes.iter().all(|b| matches!(b, 0x20..=0x7e) || stays(char::from(*b))) || !text.contains(bad))
    {
        return text.into();
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if bad(c) { out.extend(c.escape_default()) } else { out.push(c) }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}"); // a String takes everything
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_safe(text: &str, stays: &[char]) -> bool {
        text.chars().all(|c| !steers(c) || stays.contains(&c))
    }

    proptest! {
        #[test]
        fn nothing_that_steers_gets_through_and_twice_is_once(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let (name, lines) = (name(&bytes), lines(&bytes));
            prop_assert!(is_safe(&name, &[]));
            prop_assert!(is_safe(&lines, &['\n', '\t']));
            prop_assert_eq!(&super::name(name.as_bytes()), &name);
            prop_assert_eq!(&super::lines(lines.as_bytes()), &lines);
            let ends = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'\n').count();
            prop_assert_eq!(ends(lines.as_bytes()), ends(&bytes));
        }

        #[test]
        fn a_sentence_is_one_safe_line(text in any::<String>()) {
            prop_assert!(is_safe(&line(&text), &[]));
        }

        #[test]
        fn json_says_the_same(text in any::<String>()) {
            let plain = serde_json::to_string(&text).unwrap();
            let safe = json(&plain, false);
            let bare = json(&plain, true);
            prop_assert!(bare.is_ascii() && is_safe(&bare, &[]));
            prop_assert_eq!(&serde_json::from_str::<String>(&bare).unwrap(), &text);
            prop_assert!(is_safe(&safe, &[]));
            prop_assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
        }
    }

    #[test]
    fn what_rsync_escapes_is_shown_as_everything_else() {
        for (printed, shown) in [
            ("a/new\\#012line", "a/new\\nline"),
            ("\\#033[31m", "\\u{1b}[31m"),
            ("lit\\#134#012eral", "lit\\#012eral"),
            ("\\#12 \\##012 \\", "\\#12 \\##012 \\"),
            ("plain", "plain"),
        ] {
            assert_eq!(rsync(printed.as_bytes()), shown.as_bytes());
        }
    }

    #[test]
    fn what_steers_is_shown_as_a_number_and_text_is_left_alone() {
        assert_eq!(name(b"a/\xffb\x1b]0;t\x07\n\t\r"), "a/\\xffb\\u{1b}]0;t\\u{7}\\n\\t\\r");
        assert_eq!(name("Å \u{9b}1m\u{202e}\u{2028}".as_bytes()), "Å \\u{9b}1m\\u{202e}\\u{2028}");
        for c in ['\u{200b}', '\u{200d}', '\u{2066}', '\u{feff}', '\u{ad}', '\u{e0041}', '\u{7f}', '\u{85}'] {
            assert_eq!(name(c.to_string().as_bytes()), c.escape_default().to_string());
        }
        for text in ["plain", "Ångström", "e\u{301}", "蛋白", "👍", "a b"] {
            assert!(matches!(name(text.as_bytes()), Cow::Borrowed(same) if same == text));
        }
        assert_eq!(lines(b"one\n\ttwo\r\n"), "one\n\ttwo\\r\n");
        assert_eq!(line("a\nb\u{1b}[0m\n"), "a b\\u{1b}[0m");
        let object = "{\"a\":\"\u{202e}\u{e0041}\u{7f}\"}\n";
        assert_eq!(json(object, false), "{\"a\":\"\\u202e\\udb40\\udc41\\u007f\"}\n");
    }
}
