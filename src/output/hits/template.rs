//! `--format`: one line per hit, by a template of the user.

use super::Row;
use std::borrow::Cow;

/// A template such as `{id}\t{title}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Name(&'static str),
}

const NAMES: [&str; 28] = [
    "id",
    "title",
    "kind",
    "method",
    "resolution",
    "organism",
    "released",
    "deposited",
    "revised",
    "ligands",
    "modified",
    "uniprot",
    "emdb",
    "gene",
    "ec",
    "taxonomy",
    "authors",
    "journal",
    "space_group",
    "r_free",
    "plddt",
    "weight",
    "doi",
    "error",
    "score",
    "job",
    "path",
    "file",
];

impl Template {
    /// Parses a template. `{{` and `}}` are braces; `\t`, `\n`, `\0` and `\\` have their usual meaning. The error is the problem and a
    /// hint.
    pub fn parse(text: &str) -> Result<Self, (String, Option<String>)> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '{' if letters.next_if_eq(&'{').is_some() => plain.push('{'),
                '}' if letters.next_if_eq(&'}').is_some() => plain.push('}'),
                '{' => {
                    let mut name = String::new();
                    loop {
                        match letters.next() {
                            Some('}') => break,
                            Some(letter) => name.push(letter),
                            None => {
                                return Err((format!("{{{name} is never closed"), Some("add a }".into())));
                            }
                        }
                    }
                    let Some(known) = NAMES.into_iter().find(|known| *known == name) else {
                        return Err((
                            format!("unknown name {{{name}}}"),
                            Some(format!("known are {}", NAMES.join(", "))),
                        ));
                    };
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                    parts.push(Part::Name(known));
                }
                '\\' => match letters.next() {
                    Some('t') => plain.push('\t'),
                    Some('n') => plain.push('\n'),
                    Some('0') => plain.push('\0'),
                    Some(other) => plain.push(other),
                    None => plain.push('\\'),
                },
                letter => plain.push(letter),
            }
        }
        parts.push(Part::Text(plain));
        Ok(Template(parts))
    }

    /// Fills in the values of a row. `shown` converts a value to the form that is printed.
    pub(super) fn fill(&self, row: &Row, shown: impl Fn(&[u8]) -> Cow<'_, [u8]>) -> Vec<u8> {
        let mut out = Vec::new();
        for part in &self.0 {
            let mut name = |name: &[u8]| out.extend_from_slice(&shown(name));
            match part {
                // Text from the command line is not sanitized: tabs and line ends in it are intended.
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Name("path") => name(row.places.first().map_or(&[], |place| &place.1)),
                Part::Name("file") => name(row.places.first().map_or(&[], |place| &place.2)),
                Part::Name(other) => name(row.value(other).as_bytes()),
            }
        }
        out
    }
}
