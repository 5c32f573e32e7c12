//! The tables of a CIF block: only those that are wanted are kept.

use super::cif::{Token, Tokens};

/// One category: its items, and a row of values for each time it occurs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table<'a> {
    names: Vec<&'a [u8]>,
    /// Row by row.
    cells: Vec<Option<&'a [u8]>>,
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
        let mut names = Names { wanted, last: None };
        let mut next = tokens.next();
        while let Some(token) = next {
            next = match token {
                Token::Data(name) if block.name.is_none() => {
                    block.name = Some(name);
                    tokens.next()
                }
                Token::Data(_) => break,
                Token::Loop => block.read_loop(&mut tokens, &mut names),
                Token::Name(name) => match names.find(name) {
                    Some((category, item)) => match tokens.next() {
                        Some(Token::Value(value)) => {
                            block.table(category).set(item, value);
                            tokens.next()
                        }
                        other => other,
                    },
                    None => tokens.behind_values(),
                },
                // A value that belongs to no name.
                Token::Value(_) => tokens.behind_values(),
            };
        }
        block.unterminated = tokens.unterminated;
        block
    }

    /// Returns the first word that does not belong to the loop any more.
    fn read_loop(&mut self, tokens: &mut Tokens<'a>, names: &mut Names<'a, '_>) -> Option<Token<'a>> {
        // A loop has one category; what is not wanted is passed by.
        let mut category = None;
        let mut items = Vec::new();
        let mut next = tokens.next();
        while let Some(Token::Name(name)) = next {
            let found = names.find(name);
            items.push(found.map_or(&b""[..], |(_, item)| item));
            category = category.or(found.map(|(category, _)| category));
            next = tokens.next();
        }
        let (Some(category), Some(Token::Value(first))) = (category, next) else {
            if let Some(category) = category {
                *self.table(category) = Table { names: items, cells: Vec::new() };
            }
            return match next {
                Some(Token::Value(_)) => tokens.behind_values(),
                other => other,
            };
        };
        let mut cells = vec![first];
        next = tokens.next();
        while let Some(Token::Value(value)) = next {
            cells.push(value);
            next = tokens.next();
        }
        // The rest of a row that was cut off is no row.
        cells.truncate(cells.len() - cells.len() % items.len());
        *self.table(category) = Table { names: items, cells };
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
        table.into_iter().flat_map(|table| {
            table.cells.chunks_exact(table.names.len().max(1)).map(move |cells| Row { table, cells })
        })
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
    fn set(&mut self, item: &'a [u8], value: Option<&'a [u8]>) {
        let known = self.names.iter().any(|name| name.eq_ignore_ascii_case(item));
        if !known && self.cells.len() == self.names.len() {
            self.names.push(item);
            self.cells.push(value);
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
        let at = self.table.names.iter().position(|name| name.eq_ignore_ascii_case(item.as_bytes()))?;
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

/// Finds out to which category a name belongs.
struct Names<'a, 'w> {
    wanted: &'w [&'static str],
    /// The category before, and what it was found to be: names of one stand together.
    last: Option<(&'a [u8], Option<&'static str>)>,
}

impl<'a> Names<'a, '_> {
    /// Category and item of a name, if the category is wanted. Names have no case.
    fn find(&mut self, name: &'a [u8]) -> Option<(&'static str, &'a [u8])> {
        let (category, item) = name.split_at(memchr::memchr(b'.', name)?);
        let known = match self.last {
            Some((last, known)) if last == category => known,
            _ => self.wanted.iter().copied().find(|wanted| wanted.as_bytes().eq_ignore_ascii_case(category)),
        };
        self.last = Some((category, known));
        Some((known?, &item[1..]))
    }
}
