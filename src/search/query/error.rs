//! What is wrong with a query, and where.

use crate::model::sanitize;
use std::fmt;

/// What is wrong with a query, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// From 1, in characters.
    pub column: usize,
    /// A lower-case fragment.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl QueryError {
    pub(super) fn new(query: &str, at: usize, text: impl Into<String>, hint: Option<String>) -> Self {
        let before = query.get(..at).unwrap_or(query);
        QueryError { column: before.chars().count() + 1, text: text.into(), hint }
    }

    /// The query with a caret below the column: two lines.
    pub fn excerpt(&self, query: &str) -> String {
        let before: String = query.chars().take(self.column - 1).collect();
        let (shown, before) = (sanitize::line(query), sanitize::line(&before));
        format!("  | {shown}\n  | {}^", " ".repeat(console::measure_text_width(&before)))
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.text)
    }
}

impl std::error::Error for QueryError {}
