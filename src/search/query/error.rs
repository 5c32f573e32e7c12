//! The error of a query, with its column.

use crate::model::sanitize;
use std::fmt;

/// The error of a value, and what to write instead.
pub(super) type Wrong = (String, Option<String>);

/// The error of a query, with its column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// The column in characters, from 1.
    pub column: usize,
    /// The message; begins in lower case.
    pub text: String,
    /// How to correct the query.
    pub hint: Option<String>,
}

impl QueryError {
    pub(super) fn new(query: &str, at: usize, text: impl Into<String>, hint: Option<String>) -> Self {
        let before = query.get(..at).unwrap_or(query);
        QueryError { column: before.chars().count() + 1, text: text.into(), hint }
    }

    /// Returns two lines: the query, and a caret below the column.
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
