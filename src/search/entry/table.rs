//! Reads the tables of a CIF block. Only wanted tables are kept.

use super::cif::{Token, Tokens};
use memchr::memchr;
use std::borrow::Cow;

/// A category in lower case, with the underscore and without the dot, and its wanted items in lower case. Without items, only whether the
/// category occurs is kept.
pub type Wanted = (&'static str, &'static [&'static str]);

/// A category: its items, and the rows of their values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table<'a> {
    /// The items that may be requested.
    wanted: &'static [&'static str],
    names: Vec<&'static str>,
    /// The values, row by row.
    cells: Vec<Option<&'a [u8]>>,
    /// Whether the table was a loop with other than one row. No further item can then be added to it.
    closed: bool,
}

/// A data block, reduced to the wanted tables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Block<'a> {
    /// The name after `data_`; `None` if the text has no `data_`.
    pub name: Option<&'a [u8]>,
    /// Whether a text field or a quoted string had no end.
    pub unterminated: bool,
    tables: Vec<(&'static str, Table<'a>)>,
}

impl<'a> Block<'a> {
    /// Reads the first block. Later blocks are ignored.
    pub fn read(bytes: &'a [u8], wanted: &[Wanted]) -> Self {
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
                Token::Save(b"") => tokens.next(),
                Token::Save(_) => behind_frame(&mut tokens),
                Token::Loop => block.read_loop(&mut tokens, &mut names),
                Token::Name(name) => match names.find(name) {
                    Some((category, item)) => match tokens.next() {
                        Some(Token::Value(value)) => {
                            block.table(category).set(item, value);
                            tokens.behind_values()
                        }
                        other => other,
                    },
                    None => tokens.behind_values(),
                },
                // A value without a name.
                Token::Value(_) => tokens.behind_values(),
            };
        }
        block.unterminated = tokens.unterminated;
        block
    }

    /// Returns the first token after the loop.
    fn read_loop(&mut self, tokens: &mut Tokens<'a>, names: &mut Names<'a, '_>) -> Option<Token<'a>> {
        // All items of a loop are of one category. Unwanted loops are skipped.
        let mut category = None;
        let mut columns = Vec::new();
        let mut next = tokens.next();
        while let Some(Token::Name(name)) = next {
            let found = names.find(name);
            category = category.or(found.map(|(category, _)| category));
            columns.push(found.and_then(|(of, item)| item.filter(|_| category == Some(of))));
            next = tokens.next();
        }
        let skip = |tokens: &mut Tokens<'a>| match next {
            Some(Token::Value(_)) => tokens.behind_values(),
            other => other,
        };
        let Some(category) = category else { return skip(tokens) };
        if category.1.is_empty() {
            self.table(category);
            return skip(tokens);
        }
        let mut table = Table { wanted: category.1, ..Table::default() };
        table.names.extend(columns.iter().flatten());
        let mut values = 0;
        while let Some(Token::Value(value)) = next {
            if columns[values % columns.len()].is_some() {
                table.cells.push(value);
            }
            values += 1;
            next = tokens.next();
        }
        // An incomplete last row is dropped.
        let rows = values / columns.len();
        table.cells.truncate(rows * table.names.len());
        table.closed = rows != 1;
        *self.table(category) = table;
        next
    }

    fn table(&mut self, (category, wanted): Wanted) -> &mut Table<'a> {
        let at = self.tables.iter().position(|(known, _)| *known == category).unwrap_or_else(|| {
            self.tables.push((category, Table { wanted, ..Table::default() }));
            self.tables.len() - 1
        });
        &mut self.tables[at].1
    }

    /// Returns the rows of a category; none if it does not occur.
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

    /// Whether all these categories occur, and begin in this order.
    pub fn has_in_order(&self, categories: &[&str]) -> bool {
        let mut known = self.tables.iter();
        categories.iter().all(|category| known.any(|(name, _)| name == category))
    }

    /// Returns an item of the first row.
    pub fn one(&self, category: &str, item: &str) -> Option<String> {
        self.rows(category).next()?.get(item)
    }
}

impl<'a> Table<'a> {
    /// Sets an item outside a loop, if it is wanted. Such a category has one row.
    fn set(&mut self, item: Option<&'static str>, value: Option<&'a [u8]>) {
        if let Some(item) = item.filter(|item| !self.closed && !self.names.contains(item)) {
            self.names.push(item);
            self.cells.push(value);
        }
    }
}

/// Skips a save frame, which is not part of the block, and returns the token after it.
fn behind_frame<'a>(tokens: &mut Tokens<'a>) -> Option<Token<'a>> {
    loop {
        match tokens.behind_values()? {
            Token::Save(b"") => return tokens.next(),
            data @ Token::Data(_) => return Some(data),
            _ => {}
        }
    }
}

/// A row of a table.
#[derive(Debug, Clone, Copy)]
pub struct Row<'t, 'a> {
    table: &'t Table<'a>,
    cells: &'t [Option<&'a [u8]>],
}

impl<'a> Row<'_, 'a> {
    /// Returns the value of an item with white space reduced to single blanks; `None` if it is unknown, empty or missing. Bytes that are
    /// not UTF-8 are read as Latin-1.
    pub fn get(&self, item: &str) -> Option<String> {
        Some(self.text(item)?.into_owned())
    }

    /// Returns the same as a number. A standard uncertainty in parentheses, as in `1.85(3)`, is ignored.
    pub fn number<T: std::str::FromStr>(&self, item: &str) -> Option<T> {
        measured(&self.text(item)?).parse().ok()
    }

    /// Returns the same, borrowed if it needs no cleaning.
    pub(super) fn text(&self, item: &str) -> Option<Cow<'a, str>> {
        debug_assert!(self.table.wanted.contains(&item), "{item} is not read");
        let at = self.table.names.iter().position(|name| *name == item)?;
        Some(cleaned(self.cells.get(at).copied()??)).filter(|text| !text.is_empty())
    }
}

/// Removes the standard uncertainty of a number: `1.85(3)`, `1.85 (3)` and `1.85` become `1.85`.
pub(super) fn measured(text: &str) -> &str {
    match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        Some((number, digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => number.trim_end(),
        _ => text,
    }
}

/// Returns the text with single blanks and without control characters.
pub(super) fn clean(bytes: &[u8]) -> String {
    cleaned(bytes).into_owned()
}

fn cleaned(bytes: &[u8]) -> Cow<'_, str> {
    let decoded: Cow<'_, str> = match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.iter().map(|b| char::from(*b)).collect::<String>().into(),
    };
    let single = |bytes: &[u8]| {
        bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
            && !bytes.starts_with(b" ")
            && !bytes.ends_with(b" ")
            && bytes.windows(2).all(|two| two != b"  ")
    };
    if single(bytes) {
        return decoded;
    }
    let mut out = String::with_capacity(decoded.len());
    for word in decoded.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out.into()
}

/// Finds the category of a name.
struct Names<'a, 'w> {
    wanted: &'w [Wanted],
    /// The previous category and its result, since the names of a category are usually adjacent.
    last: Option<(&'a [u8], Option<Wanted>)>,
}

impl<'a> Names<'a, '_> {
    /// Returns the category of a name and its item, if they are wanted. Case is ignored.
    fn find(&mut self, name: &'a [u8]) -> Option<(Wanted, Option<&'static str>)> {
        let (category, item) = name.split_at(memchr(b'.', name)?);
        let same = |known: &str, name: &[u8]| known.as_bytes().eq_ignore_ascii_case(name);
        let known = match self.last {
            Some((last, known)) if last == category => known,
            _ => self.wanted.iter().copied().find(|(known, _)| same(known, category)),
        };
        self.last = Some((category, known));
        let (_, items) = known?;
        Some((known?, items.iter().copied().find(|known| same(known, &item[1..]))))
    }
}
