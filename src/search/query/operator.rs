//! The operators of comparisons.

/// Operators as typed, and their normal forms. Longer ones come first.
const OPERATORS: [(&str, &str); 12] = [
    ("<=", "<="),
    (">=", ">="),
    ("=<", "<="),
    ("=>", ">="),
    ("==", "="),
    ("!=", "!="),
    ("<", "<"),
    (">", ">"),
    ("=", "="),
    ("\u{2264}", "<="),
    ("\u{2265}", ">="),
    ("\u{2260}", "!="),
];

/// Returns the operator at the beginning of a text: as typed, and its normal form.
pub(super) fn operator_at(text: &str) -> Option<(&'static str, &'static str)> {
    OPERATORS.into_iter().find(|(typed, _)| text.starts_with(typed))
}

/// Whether a word is an operator with numbers or nothing beside it: `<`, `<2`, `2>`. Nobody searches for such a word as text.
pub(super) fn is_comparison(word: &str) -> bool {
    let number = |text: &str| text.is_empty() || text.parse::<f64>().is_ok();
    let mut places = word.char_indices().map(|(at, _)| at);
    places
        .find_map(|at| Some((at, operator_at(&word[at..])?)))
        .is_some_and(|(at, (typed, _))| number(&word[..at]) && number(&word[at + typed.len()..]))
}
