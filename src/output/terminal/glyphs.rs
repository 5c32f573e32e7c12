//! The characters of bars and spinners.

/// The characters of bars and spinners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    /// Characters of a bar: the done part, its end, the rest.
    pub bar: &'static str,
    /// Characters of a spinner, in order; the last one is shown when it has ended.
    pub spinner: &'static str,
    /// The mark for omitted text.
    pub ellipsis: &'static str,
}

impl Glyphs {
    /// Returns the characters for a terminal with or without UTF-8.
    pub fn of(utf8: bool) -> Self {
        match utf8 {
            true => Glyphs { bar: "━╸─", spinner: "⠁⠂⠄⡀⢀⠠⠐⠈ ", ellipsis: "…" },
            false => Glyphs { bar: "=>-", spinner: "|/-\\ ", ellipsis: "..." },
        }
    }
}
