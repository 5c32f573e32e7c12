//! The tables of a CIF block: only those that are wanted are kept.

use super::cif::{Token, Tokens};

/// One category: its items, and a row of values for each time it occurs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table<'a> {
    names: Vec<String>,
    rows: Vec<Vec<Option<&'a [u8]>>>,
}

/// A data block, reduced to the categories that were wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Block<'a> {
    /// Behind `data_`; `None` if the text has no such word.
    pub name: Option<&'a [u8]>,
    /// Whether a text field or a quoted string had no end.
    pub unterminated: bool,
    tables: Vec<(&'static str, Table<'a>)>,
}

impl<'a> Block<'a> {
    /// Reads one block; a second one is not looked at. Categories are named in lower case, with the underscore, without the dot.
    pub fn read(bytes: &'a [u8], wanted: &[&'static str]) -> Self {
        let mut tokens = Tokens::new(bytes);
        let mut block = Block::default();
        let mut next = tokens.next();
        while let Some(token) = next {
            next = match token {
                Token::Data(name) if block.name.is_none() => {
                    block.name = Some(name);
                    tokens.next()
                }
                Token::Data(_) => break,
                Token::Loop => block.read_loop(&mut tokens, wanted),
                Token::Name(name) => match tokens.next() {
                    Some(Token::Value(value)) => {
                        if let Some((category, item)) = find(name, wanted) {
                            block.table(category).set(item, value);
                        }
                        tokens.next()
                    }
                    other => other,
                },
                // A value that belongs to no name.
                Token::Value(_) => tokens.next(),
            };
        }
        block.unterminated = tokens.unterminated;
        block
    }

    /// Returns the first word that does not belong to the loop any more.
    fn read_loop(&mut self, tokens: &mut Tokens<'a>, wanted: &[&'static str]) -> Option<Token<'a>> {
        let mut names = Vec::new();
        let mut next = tokens.next();
        while let Some(Token::Name(name)) = next {
            names.push(find(name, wanted));
            next = tokens.next();
        }
        // A loop has one category; what is not wanted is passed by.
        let category = names.iter().flatten().map(|(category, _)| *category).next();
        let mut cells = Vec::new();
        while let Some(Token::Value(value)) = next {
            if category.is_some() {
                cells.push(value);
            }
            next = tokens.next();
        }
        if let Some(category) = category {
            let table = self.table(category);
            table.names =
                names.iter().map(|name| name.map(|(_, item)| lower(item)).unwrap_or_default()).collect();
            // The rest of a row that was cut off is no row.
            table.rows = cells.chunks_exact(names.len()).map(<[_]>::to_vec).collect();
        }
        next
    }

    fn table(&mut self, category: &'static str) -> &mut Table<'a> {
        let at = self.tables.iter().position(|(known, _)| *known == category).unwrap_or_else(|| {
            self.tables.push((category, Table::default()));
            self.tables.len() - 1
        });
        &mut self.tables[at].1
    }

    /// The rows of a category; none if it does not occur.
    pub fn rows(&self, category: &str) -> impl Iterator<Item = Row<'_, 'a>> {
        let table = self.tables.iter().find(|(known, _)| *known == category).map(|(_, table)| table);
        table.into_iter().flat_map(|table| table.rows.iter().map(move |cells| Row { table, cells }))
    }

    /// Whether a category occurs.
    pub fn has(&self, category: &str) -> bool {
        self.tables.iter().any(|(known, _)| *known == category)
    }

    /// An item of the first row.
    pub fn one(&self, category: &str, item: &str) -> Option<String> {
        self.rows(category).next()?.get(item)
    }
}

impl<'a> Table<'a> {
    /// An item outside of a loop: the category has one row.
    fn set(&mut self, item: &[u8], value: Option<&'a [u8]>) {
        let name = lower(item);
        if self.rows.is_empty() {
            self.rows.push(Vec::new());
        }
        if !self.names.contains(&name) && self.rows.len() == 1 && self.rows[0].len() == self.names.len() {
            self.names.push(name);
            self.rows[0].push(value);
        }
    }
}

/// A row of a table.
#[derive(Debug, Clone, Copy)]
pub struct Row<'t, 'a> {
    table: &'t Table<'a>,
    cells: &'t [Option<&'a [u8]>],
}

impl Row<'_, '_> {
    /// The value of an item, blanks joined; `None` if it is unknown, empty or not there. What is not UTF-8 is taken for Latin-1.
    pub fn get(&self, item: &str) -> Option<String> {
        let at = self.table.names.iter().position(|name| name == item)?;
        Some(clean(self.cells.get(at).copied()??)).filter(|text| !text.is_empty())
    }

    /// The same as a number.
    pub fn number<T: std::str::FromStr>(&self, item: &str) -> Option<T> {
        self.get(item)?.parse().ok()
    }
}

/// Text with single blanks and without control characters.
pub(super) fn clean(bytes: &[u8]) -> String {
    let decoded: std::borrow::Cow<'_, str> = match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.iter().map(|b| char::from(*b)).collect::<String>().into(),
    };
    let mut out = String::with_capacity(decoded.len());
    for word in decoded.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

fn lower(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).to_ascii_lowercase()
}

/// Category and item of a name, if the category is wanted. Names have no case.
fn find<'n>(name: &'n [u8], wanted: &[&'static str]) -> Option<(&'static str, &'n [u8])> {
    let dot = memchr::memchr(b'.', name)?;
    let category = wanted.iter().find(|category| category.as_bytes().eq_ignore_ascii_case(&name[..dot]))?;
    Some((category, &name[dot + 1..]))
}
