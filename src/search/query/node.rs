//! The tree of a query.

use super::field::Field;

/// A condition. Words are as typed. How they are split depends on the field they are compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Matches everything.
    All,
    /// All of these conditions; never empty.
    And(Vec<Node>),
    /// At least one of these conditions; never empty.
    Or(Vec<Node>),
    /// Not this condition.
    Not(Box<Node>),
    /// A word anywhere, or in a field of text.
    Word(Option<Field>, String),
    /// A word with at most this number of wrong letters (1 or 2).
    Fuzzy(Option<Field>, String, u8),
    /// The beginning of a word.
    Prefix(Option<Field>, String),
    /// Words in this order. The last one may be a prefix.
    Phrase {
        /// `None` means any field.
        field: Option<Field>,
        /// The text between the quotes.
        text: String,
        /// The maximum number of words between them.
        slop: u32,
        /// Whether the last word is a prefix.
        prefix: bool,
    },
    /// `organism:homo sapiens kinase`: the longest run of leading words that occurs together in a document belongs to the field. The remaining
    /// words are searched for in any field.
    Run(Field, Vec<String>),
    /// Exactly this value, in lower case.
    Is(Field, String),
    /// Exactly one of these values, in lower case.
    OneOf(Field, Vec<String>),
    /// Values with this prefix, in lower case.
    StartsWith(Field, String),
    /// Numbers or dates between bounds.
    Range(Field, Bound, Bound),
    /// Consecutive residues, in upper case; at least three.
    Residues(String),
    /// The field has a value.
    Exists(Field),
}

/// An end of a range. Dates are decimal numbers such as `20260305`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// No bound.
    Open,
    /// Including this value.
    At(f64),
    /// Excluding this value.
    Past(f64),
}
