//! What bars and spinners are drawn with.

/// Characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    /// Of a bar: done, where it ends, to do.
    pub bar: &'static str,
    /// Of a spinner, one after another; the last stays when it has ended.
    pub spinner: &'static str,
    /// Stands for what is cut off.
    pub ellipsis: &'static str,
}

impl Glyphs {
    /// For a terminal that shows UTF-8, or one that does not.
    pub fn of(utf8: bool) -> Self {
        match utf8 {
            true => Glyphs { bar: "━╸─", spinner: "⠁⠂⠄⡀⢀⠠⠐⠈ ", ellipsis: "…" },
            false => Glyphs { bar: "=>-", spinner: "|/-\\ ", ellipsis: "..." },
        }
    }
}
