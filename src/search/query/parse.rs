//! Parses tokens into a tree.

use super::error::{QueryError, Wrong};
use super::field::{Field, FieldType};
use super::lex::{Lexeme, TokenKind, lex};
use super::mirrored::Mirrored;
use super::node::Node;
use super::operator::is_comparison;
use super::person;
use super::value;

/// The maximum depth of a query. No real query is deeper.
const DEEPEST: usize = 64;
/// The maximum length of a query in bytes. No real query is longer.
const LONGEST: usize = 10_000;

/// Parses a query. Adjacent conditions must all hold. `OR` binds weaker than `AND`. An empty query matches everything.
pub fn parse(query: &str) -> Result<Node, QueryError> {
    if query.len() > LONGEST {
        return Err(QueryError::new(query, 0, format!("the query is longer than {LONGEST} bytes"), None));
    }
    let words = lex(query)?;
    let mut parser = Parser { query, words, at: 0, depth: 0 };
    if parser.words.is_empty() {
        return Ok(Node::All);
    }
    let node = parser.any(None)?;
    match parser.peek() {
        None => Ok(node),
        Some(word) => {
            let at = word.at;
            Err(parser.mistake(at, "this parenthesis was never opened", Some("remove it, or add a (".into())))
        }
    }
}

struct Parser<'q> {
    query: &'q str,
    words: Vec<Lexeme>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Lexeme> {
        self.words.get(self.at)
    }

    fn mistake(&self, at: usize, text: impl Into<String>, hint: Option<String>) -> QueryError {
        QueryError::new(self.query, at, text, hint)
    }

    fn wrong(&self, at: usize, (text, hint): Wrong) -> QueryError {
        self.mistake(at, text, hint)
    }

    /// Returns the byte after the last token, for errors about something missing there.
    fn end(&self) -> usize {
        self.peek().map_or(self.query.len(), |word| word.at)
    }

    fn any(&mut self, field: Option<Field>) -> Result<Node, QueryError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.mistake(self.end(), "the query is nested too deeply", None));
        }
        let mut nodes = vec![self.all(field)?];
        while matches!(self.peek().map(|w| &w.what), Some(TokenKind::Or)) {
            self.at += 1;
            nodes.push(self.all(field)?);
        }
        self.depth -= 1;
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Or(nodes) })
    }

    fn all(&mut self, field: Option<Field>) -> Result<Node, QueryError> {
        let mut nodes = vec![self.condition(field)?];
        loop {
            match self.peek().map(|w| &w.what) {
                None | Some(TokenKind::Or | TokenKind::Close) => break,
                Some(TokenKind::And) => {
                    self.at += 1;
                    nodes.push(self.condition(field)?);
                }
                Some(_) => nodes.push(self.condition(field)?),
            }
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::And(nodes) })
    }

    fn condition(&mut self, field: Option<Field>) -> Result<Node, QueryError> {
        let Some(word) = self.peek().cloned() else {
            let hint = Some("add one, or remove the last word".into());
            return Err(self.mistake(self.end(), "a condition is missing here", hint));
        };
        self.at += 1;
        match word.what {
            TokenKind::Not | TokenKind::MustNot => {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(self.mistake(word.at, "the query is nested too deeply", None));
                }
                let node = self.condition(field)?;
                self.depth -= 1;
                Ok(Node::Not(Box::new(node)))
            }
            TokenKind::Must => {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(self.mistake(word.at, "the query is nested too deeply", None));
                }
                let node = self.condition(field)?;
                self.depth -= 1;
                Ok(node)
            }
            TokenKind::Open => {
                if matches!(self.peek().map(|w| &w.what), Some(TokenKind::Close)) {
                    return Err(self.mistake(word.at, "there is nothing between these parentheses", None));
                }
                let node = self.any(field)?;
                match self.peek().map(|w| &w.what) {
                    Some(TokenKind::Close) => {
                        self.at += 1;
                        Ok(node)
                    }
                    _ => {
                        Err(self.mistake(word.at, "this parenthesis is never closed", Some("add a )".into())))
                    }
                }
            }
            TokenKind::Field(name) => self.field(&name, word.at),
            TokenKind::Mirrored(found) => self.mirrored(&found),
            TokenKind::And | TokenKind::Or | TokenKind::Close => {
                let hint = Some("quote AND, OR and NOT to search for the words".into());
                Err(self.mistake(word.at, "a condition is missing here", hint))
            }
            TokenKind::Compare(_)
            | TokenKind::Range { .. }
            | TokenKind::Word(_)
            | TokenKind::Quoted { .. } => self.value(field, word.what, word.at),
        }
    }

    fn field(&mut self, name: &str, at: usize) -> Result<Node, QueryError> {
        let Some(field) = Field::find(name) else {
            return Err(self.wrong(at, value::unknown(name)));
        };
        let Some(next) = self.peek().cloned() else {
            return Err(self.wrong(self.end(), value::missing(field)));
        };
        // `field: value` means `field:value`.
        self.at += 1;
        match next.what {
            TokenKind::Open => {
                self.at -= 1;
                self.condition(Some(field))
            }
            TokenKind::Compare(operator) => match self.peek().cloned().map(|w| (w.at, w.what)) {
                Some((at, what @ (TokenKind::Word(_) | TokenKind::Quoted { .. })))
                    if operator == "=" && !field.is_ordered() =>
                {
                    self.at += 1;
                    self.value(Some(field), what, at)
                }
                Some((at, TokenKind::Word(text) | TokenKind::Quoted { text, .. })) => {
                    self.at += 1;
                    self.skip_unit(field);
                    value::compare(field, operator, &text).map_err(|wrong| self.wrong(at, wrong))
                }
                _ => Err(self.wrong(self.end(), value::missing(field))),
            },
            TokenKind::Word(text) if field == Field::SpaceGroup => {
                let group = self.more(text, is_axis);
                self.value(Some(field), TokenKind::Word(group), next.at)
            }
            TokenKind::Word(_) if field == Field::Author => self.person(next.at),
            TokenKind::Word(ref text) if matches!(field, Field::Organism | Field::Host) && plain(text) => {
                let mut words = vec![text.clone()];
                if let Some(scientific) = value::organism(text) {
                    let phrase =
                        Node::Phrase { field: Some(field), text: scientific.into(), slop: 0, prefix: false };
                    return Ok(Node::Or(vec![phrase, Node::Word(Some(field), text.clone())]));
                }
                while let Some(TokenKind::Word(more)) = self.peek().map(|w| &w.what)
                    && plain(more)
                {
                    words.push(more.clone());
                    self.at += 1;
                }
                Ok(if words.len() == 1 {
                    Node::Word(Some(field), words.remove(0))
                } else {
                    Node::Run(field, words)
                })
            }
            TokenKind::Word(_) | TokenKind::Quoted { .. } | TokenKind::Range { .. } => {
                let node = self.value(Some(field), next.what, next.at);
                self.skip_unit(field);
                node
            }
            _ => Err(self.wrong(next.at, value::missing(field))),
        }
    }

    /// Parses a comparison that begins with its value.
    fn mirrored(&mut self, found: &Mirrored) -> Result<Node, QueryError> {
        let Some(field) = Field::find(&found.name) else {
            return Err(self.wrong(found.at, value::unknown(&found.name)));
        };
        let both = value::both(field, &found.conditions);
        let node = both.map_err(|(at, wrong)| self.wrong(at, wrong))?;
        // `2 > resolution` has the unit before the operator.
        if found.conditions.len() > 1 {
            self.skip_unit(field);
        }
        Ok(node)
    }

    /// Parses the name of a person, which begins at the token before the current one.
    fn person(&mut self, at: usize) -> Result<Node, QueryError> {
        let words = self.words[self.at - 1..].iter().map_while(|word| match &word.what {
            TokenKind::Word(text) => Some(text.clone()),
            _ => None,
        });
        let words: Vec<String> = words.collect();
        let (sure, possible) = person::length(&words.iter().map(String::as_str).collect::<Vec<_>>());
        self.at += possible - 1;
        let name = |words: &[String]| TokenKind::Word(words.join(" "));
        let node = self.value(Some(Field::Author), name(&words[..sure]), at)?;
        if possible == sure {
            return Ok(node);
        }
        let others = words[sure..possible].iter().map(|word| Node::Word(None, word.clone()));
        let apart = Node::And(std::iter::once(node).chain(others).collect());
        Ok(Node::Or(vec![self.value(Some(Field::Author), name(&words[..possible]), at)?, apart]))
    }

    /// Skips the unit after a number: `2.0 Å`.
    fn skip_unit(&mut self, field: Field) {
        if let Some(TokenKind::Word(word)) = self.peek().map(|w| &w.what)
            && value::is_unit(field, word)
        {
            self.at += 1;
        }
    }

    /// Joins a word with the words after it that belong to it.
    fn more(&mut self, first: String, belongs: impl Fn(&str) -> bool) -> String {
        let mut words = vec![first];
        while let Some(TokenKind::Word(word)) = self.peek().map(|w| &w.what)
            && belongs(word)
        {
            words.push(word.clone());
            self.at += 1;
        }
        words.join(" ")
    }

    fn value(&self, field: Option<Field>, what: TokenKind, at: usize) -> Result<Node, QueryError> {
        let understood = match (field, what) {
            (Some(field), TokenKind::Range { low, low_in, high, high_in }) => {
                value::range(field, (&low, low_in), (&high, high_in))
            }
            (Some(field), TokenKind::Word(text)) if !field.is_text() => value::exact(field, &text, false),
            (Some(field), TokenKind::Quoted { text, .. }) if !field.is_text() => {
                value::exact(field, &text, true)
            }
            (Some(field), TokenKind::Word(text)) if text == "*" => Ok(Node::Exists(field)),
            (
                Some(Field::Author),
                TokenKind::Word(text) | TokenKind::Quoted { text, slop: 0, prefix: false },
            ) if person::family_first(&text).is_some() => Ok(author(&text)),
            (Some(Field::Keywords), TokenKind::Quoted { text, slop: 0, prefix: false })
                if text.contains(',') =>
            {
                Ok(keywords(&text))
            }
            (Some(Field::Keywords), TokenKind::Word(text)) if lists(&text) => Ok(keywords(&text)),
            (field, TokenKind::Quoted { text, slop, prefix }) => {
                Ok(Node::Phrase { field, text, slop, prefix })
            }
            (None, TokenKind::Word(text)) if text == "*" => Ok(Node::All),
            (None, TokenKind::Word(text)) if is_comparison(&text) => Err((
                format!("{text:?} compares no field"),
                Some(
                    "write for example resolution:<2.0; for the number as text, leave the operator out"
                        .into(),
                ),
            )),
            (None, TokenKind::Word(text)) if text.contains('.') && person::family_first(&text).is_some() => {
                Ok(Node::Or(vec![Node::Word(None, text.clone()), author(&text)]))
            }
            (field, TokenKind::Word(text)) => bare(field, text),
            (_, TokenKind::Compare(operator)) => Err((
                format!("{operator:?} needs a field before it"),
                Some("write for example resolution:<2.0".into()),
            )),
            _ => Err(("a value is missing here".into(), None)),
        };
        let node = understood.map_err(|wrong| self.wrong(at, wrong))?;
        if let Node::Phrase { text, .. }
        | Node::Word(_, text)
        | Node::Fuzzy(_, text, _)
        | Node::Prefix(_, text) = &node
            && !text.chars().any(char::is_alphanumeric)
        {
            return Err(self.mistake(
                at,
                format!("{text:?} holds no letter and no digit to search for"),
                None,
            ));
        }
        Ok(node)
    }
}

/// Matches a name as typed, or as the index has it.
fn author(text: &str) -> Node {
    let phrase =
        |text: &str| Node::Phrase { field: Some(Field::Author), text: text.into(), slop: 0, prefix: false };
    let name = person::family_first(text).unwrap_or_default();
    Node::Or(vec![phrase(&name), phrase(text)])
}

/// Matches keywords that are separated by commas, as in `HYDROLASE, MEMBRANE PROTEIN`, each on its own.
fn keywords(text: &str) -> Node {
    let parts = text.split(',').map(str::trim).filter(|part| part.chars().any(char::is_alphanumeric));
    let mut nodes: Vec<Node> = parts
        .map(|part| Node::Phrase { field: Some(Field::Keywords), text: part.into(), slop: 0, prefix: false })
        .collect();
    match nodes.len() {
        0 => Node::Word(Some(Field::Keywords), text.into()),
        1 => nodes.remove(0),
        _ => Node::And(nodes),
    }
}

/// Whether commas separate words. Commas in names of compounds are between digits.
fn lists(text: &str) -> bool {
    let between = |at: usize| {
        let ends = |text: &str, end: fn(&str) -> Option<char>| end(text).is_some_and(char::is_alphabetic);
        ends(&text[..at], |text| text.chars().next_back())
            && ends(&text[at + 1..], |text| text.chars().next())
    };
    !text.contains(['*', '~']) && text.contains(',') && text.match_indices(',').all(|(at, _)| between(at))
}

/// Whether a word is an axis or a plane of a space group, as in `P 21 21 21` or `I 41/a m d`.
fn is_axis(word: &str) -> bool {
    let plain = word.strip_prefix('-').unwrap_or(word);
    let (axis, plane) = plain.split_once('/').unwrap_or((plain, ""));
    let is_plane = |text: &str| matches!(text, "a" | "b" | "c" | "d" | "m" | "n");
    let digits = (1..=2).contains(&axis.len()) && axis.bytes().all(|b| (b'1'..=b'6').contains(&b));
    (digits || is_plane(axis)) && (plane.is_empty() || is_plane(plane))
}

/// Whether a word may be part of a run such as `organism:homo sapiens`.
fn plain(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '-') && text.starts_with(char::is_alphabetic)
}

/// Parses a word of text: plain, with a star at its end, or with `~`.
fn bare(field: Option<Field>, text: String) -> Result<Node, Wrong> {
    if let Some(stem) = text.strip_suffix('*') {
        if stem.contains('*') {
            return Err((
                format!("{text:?} has a star inside"),
                Some("a star can only stand at the end of a word".into()),
            ));
        }
        return Ok(Node::Prefix(field, stem.into()));
    }
    if text.contains('*') && field.is_none_or(|field| field.is() == FieldType::Text) {
        return Err((
            format!("{text:?} has a star inside"),
            Some("a star can only stand at the end of a word".into()),
        ));
    }
    if let Some((stem, distance)) = text.rsplit_once('~') {
        return match distance {
            "" | "1" => Ok(Node::Fuzzy(field, stem.into(), 1)),
            "2" => Ok(Node::Fuzzy(field, stem.into(), 2)),
            _ => Err((
                "a word may differ by 1 or 2 letters".into(),
                Some(format!("write {stem}~1 or {stem}~2")),
            )),
        };
    }
    Ok(Node::Word(field, text))
}
