//! The language of `search`. Parses a query into a tree of conditions, or an error with its column. Pure.
//!
//! Text → tokens (`lex`) → [`Node`]s ([`parse`]). Each value is parsed for its field: numbers, dates, IDs in both forms, methods by their
//! short names.

mod error;
mod field;
mod lex;
mod mirrored;
mod node;
mod operator;
mod parse;
mod person;
#[cfg(test)]
mod tests;
mod value;
mod words;

pub use error::QueryError;
pub use field::{Field, FieldType};
pub use node::{Bound, Node};
pub use parse::parse;
pub use value::METHODS;

/// Returns the fields with an example each, for help texts; lines without line ends.
pub fn help() -> Vec<String> {
    let mut lines = Vec::new();
    for field in Field::ALL {
        lines.push(format!("  {:<13} {:<30} {}", field.name(), field.example(), field.about()));
    }
    lines
}
