//! Command lines that messages name.

use std::borrow::Cow;

/// The command line that brings back what a run took away; `again` as for [`addressed`].
pub fn undo(again: &str, run: &str) -> String {
    format!("{} clean undo {run}", if again.is_empty() { "pdb-sync" } else { again })
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
    use super::addressed;

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
