//! Command lines that messages name.

use std::borrow::Cow;

/// A command line for a message, in backticks and quoted for the shell: `` `pdb-sync index '/a b'` ``. [`addressed`] adds the options.
pub fn command<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
    format!("`pdb-sync {}`", shell_words::join(words))
}

/// A text in which each command line (`` `pdb-sync … ``) has the options that tell which configuration and which state is
/// meant. `again` is what such a line begins with: `pdb-sync`, and after it those of `-c` and `--state-dir` that were given.
/// Lines that have them already stay as they are.
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
    use super::{addressed, command};

    #[test]
    fn names_are_quoted_where_the_shell_needs_it() {
        assert_eq!(command(["index", "mmcif"]), "`pdb-sync index mmcif`");
        let told = command(["index", "/a b", "--rebuild"]);
        assert_eq!(told, "`pdb-sync index '/a b' --rebuild`");
        assert_eq!(addressed(&told, "pdb-sync -c f"), "`pdb-sync -c f index '/a b' --rebuild`");
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
