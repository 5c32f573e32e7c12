//! The language of `search`: from what people type to a tree of conditions, or a mistake with its column. Pure.
//!
//! TEXT → words (`lex`) → [`Node`]s ([`parse`]), with every value understood for its field: numbers, dates, IDs in both forms,
//! methods by their short names.

mod error;
mod field;
mod lex;
mod method;
mod node;
mod parse;
mod person;
#[cfg(test)]
mod tests;
mod value;
mod words;

pub use error::QueryError;
pub use field::{Field, FieldType};
pub use method::METHODS;
pub use node::{Bound, Node};
pub use parse::parse;

/// The fields with an example each, for help texts; lines without an end.
pub fn help() -> Vec<String> {
    let mut lines = Vec::new();
    for field in Field::ALL {
        lines.push(format!("  {:<13} {:<30} {}", field.name(), field.example(), field.about()));
    }
    lines
}
