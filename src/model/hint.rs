//! Command lines in messages.

use crate::model::sanitize;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

/// Quotes a word of a command line for a shell: unchanged, in quotes, or as `$'…'` if it contains bytes that a terminal would not show.
pub fn quoted<W: AsRef<OsStr> + ?Sized>(word: &W) -> Cow<'_, str> {
    let bytes = word.as_ref().as_bytes();
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(sanitize::steers) => shell_words::quote(text),
        _ => in_escapes(bytes).into(),
    }
}

/// Joins words to a command line, quoted.
pub fn joined<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> String {
    words.into_iter().map(|word| quoted(&word).into_owned()).collect::<Vec<_>>().join(" ")
}

/// Returns `$'…'`, with octal escapes for the bytes that a terminal would not show. Every shell with `$'…'` supports octal escapes.
fn in_escapes(word: &[u8]) -> String {
    let mut out = "$'".to_owned();
    let bytes = |out: &mut String, bytes: &[u8]| {
        for byte in bytes {
            let _ = write!(out, "\\{byte:03o}"); // a String takes everything
        }
    };
    for chunk in word.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\\' | '\'' => out.extend(['\\', c]),
                c if sanitize::steers(c) => bytes(&mut out, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => out.push(c),
            }
        }
        bytes(&mut out, chunk.invalid());
    }
    out.push('\'');
    out
}

/// Returns the command line that restores what a run removed; `again` as for [`addressed`].
pub fn undo(again: &str, run: &str) -> String {
    format!("{} clean undo {run}", if again.is_empty() { "pdb-sync" } else { again })
}

/// Returns a command line for a message, in backticks and quoted for the shell: `` `pdb-sync index '/a b'` ``. [`addressed`] adds the
/// options.
pub fn command<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> String {
    format!("`pdb-sync {}`", joined(words))
}

/// Adds the options that select the configuration and the state directory to each command line (`` `pdb-sync … ``) in a text. `again` is
/// the start of such a line: `pdb-sync`, followed by `-c` and `--state-dir` if they were given. Lines that already have these options stay
/// unchanged.
pub fn addressed<'a>(text: &'a str, again: &str) -> Cow<'a, str> {
    const PLAIN: &str = "`pdb-sync ";
    if again.len() < PLAIN.len() || !text.contains(PLAIN) {
        return text.into();
    }
    let full = format!("`{again} ");
    let mut told = String::with_capacity(text.len() + full.len());
    let mut rest = text;
    while let Some(at) = rest.find(PLAIN) {
        told.push_str(&rest[..at]);
        let known = if rest[at..].starts_with(&full) { full.len() } else { PLAIN.len() };
        told.push_str(&full);
        rest = &rest[at + known..];
    }
    (told + rest).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::process::Command;

    #[test]
    fn words_are_quoted_as_they_need_it() {
        for (word, written) in [
            (&b"plain/a-b.gz"[..], "plain/a-b.gz"),
            (b"a b", "'a b'"),
            (b"", "''"),
            (b"a'b\x1b[31m\\", "$'a\\'b\\033[31m\\\\'"),
            (b"n\nt\t\xff", "$'n\\nt\\t\\377'"),
            ("\u{202e}".as_bytes(), "$'\\342\\200\\256'"),
        ] {
            assert_eq!(quoted(OsStr::from_bytes(word)), written);
            assert_eq!(sanitize::line(written), written, "nothing is left to be made safe");
        }
        assert_eq!(joined(["a", "b c"]), "a 'b c'");
        let told = command(["index", "/a b", "--rebuild"]);
        assert_eq!(told, "`pdb-sync index '/a b' --rebuild`");
        assert_eq!(addressed(&told, "pdb-sync -c f"), "`pdb-sync -c f index '/a b' --rebuild`");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_shell_reads_what_was_meant(word in proptest::collection::vec(
            prop_oneof![1u8..=255, Just(b'\''), Just(b'\\'), Just(b'0'), Just(b'\n')], 0..30)) {
            let word = OsString::from_vec(word);
            let line = format!("printf %s {}", quoted(&word));
            // Skipped without bash.
            if let Ok(output) = Command::new("bash").arg("-c").arg(line).output() {
                prop_assert_eq!(OsString::from_vec(output.stdout), word);
            }
        }
    }

    #[test]
    fn command_lines_get_the_options_once() {
        let text = "`pdb-sync list` shows them, `pdb-sync config init` writes one";
        assert_eq!(addressed(text, "pdb-sync"), text);
        assert_eq!(addressed(text, ""), text);
        let told = "`pdb-sync -c f list` shows them, `pdb-sync -c f config init` writes one";
        assert_eq!(addressed(text, "pdb-sync -c f"), told);
        assert_eq!(addressed(told, "pdb-sync -c f"), told);
        assert_eq!(addressed("a newer pdb-sync wrote it", "pdb-sync -c f"), "a newer pdb-sync wrote it");
    }
}
