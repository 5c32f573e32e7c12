//! What a query asks for.

use super::field::Field;

/// A condition. Words are as they were typed; what they are compared with decides how they are broken up.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Everything.
    All,
    /// All of these; never empty.
    And(Vec<Node>),
    /// At least one of these; never empty.
    Or(Vec<Node>),
    /// Not this.
    Not(Box<Node>),
    /// A word anywhere, or in a field of text.
    Word(Option<Field>, String),
    /// A word with at most so many letters wrong (1 or 2).
    Fuzzy(Option<Field>, String, u8),
    /// The beginning of a word.
    Prefix(Option<Field>, String),
    /// Words in this order with at most so many others between them; the last may be only a beginning.
    Phrase {
        /// Anywhere if `None`.
        field: Option<Field>,
        /// The text between the quotes.
        text: String,
        /// Words that may stand between.
        slop: u32,
        /// Whether more may follow the last word.
        prefix: bool,
    },
    /// `organism:homo sapiens kinase`: as many of the words as make sense together belong to the field, the rest stand for themselves.
    Run(Field, Vec<String>),
    /// Exactly this value, lower case.
    Is(Field, String),
    /// Exactly one of these values, lower case.
    OneOf(Field, Vec<String>),
    /// Values that begin so, lower case.
    StartsWith(Field, String),
    /// Numbers and days between bounds.
    Range(Field, Bound, Bound),
    /// A run of residues, upper case, at least three.
    Residues(String),
    /// The field has a value.
    Exists(Field),
}

/// An end of a range: days are digits such as `20260305`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// No bound.
    Open,
    /// This value too.
    At(f64),
    /// Not this value.
    Past(f64),
}
