//! Splits a query into tokens with their positions.

use super::error::QueryError;
use super::field::Field;
use super::mirrored::{self, Mirrored};
use super::operator::operator_at;

/// A token and the byte at which it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lexeme {
    pub(super) at: usize,
    /// Whether there is no blank before it.
    pub(super) joined: bool,
    pub(super) what: TokenKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    Open,
    Close,
    /// `+` or `-` before a condition.
    Must,
    MustNot,
    And,
    Or,
    Not,
    /// `name:`
    Field(String),
    /// A bare word.
    Word(String),
    /// `"…"`, with what follows the closing quote: `~2` or `*`.
    Quoted {
        text: String,
        slop: u32,
        prefix: bool,
    },
    /// `[a TO b]`, `{a TO b}` and mixtures.
    Range {
        low: String,
        low_in: bool,
        high: String,
        high_in: bool,
    },
    /// `<`, `<=`, `>`, `>=`, `=` or `!=` before a value.
    Compare(&'static str),
    /// A comparison that begins with the value: `2 > resolution`.
    Mirrored(Mirrored),
}

pub(super) fn lex(query: &str) -> Result<Vec<Lexeme>, QueryError> {
    let mut found: Vec<Lexeme> = Vec::new();
    let mut at = 0;
    let mut joined = false;
    while let Some(c) = query[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            joined = false;
            continue;
        }
        let start = at;
        let rest = &query[at..];
        let operator = operator_at(rest);
        if operator.is_some() {
            before_operator(&mut found);
        }
        let after_field = matches!(found.last().map(|l| &l.what), Some(TokenKind::Field(_)));
        // The value of a field may begin with an operator: -5, >=2.
        let compare = operator.filter(|_| after_field);
        let is_value = after_field || matches!(found.last().map(|l| &l.what), Some(TokenKind::Compare(_)));
        let mirrored = if is_value { None } else { mirrored::read(query, at) };
        let what = match c {
            _ if compare.is_some() => {
                let (typed, op) = compare.unwrap_or_default();
                at += typed.len();
                // Blanks after the operator are allowed: `>= 2` is one condition.
                at += query[at..].len() - query[at..].trim_start().len();
                TokenKind::Compare(op)
            }
            '(' => {
                at += 1;
                TokenKind::Open
            }
            ')' => {
                at += 1;
                TokenKind::Close
            }
            '"' => quoted(query, &mut at)?,
            '[' | '{' if after_field => range(query, &mut at)?,
            '+' | '-' if !joined && rest[1..].starts_with(|n: char| !n.is_whitespace()) => {
                at += 1;
                if c == '+' { TokenKind::Must } else { TokenKind::MustNot }
            }
            _ if mirrored.is_some() => {
                let (comparison, end) = mirrored.unwrap_or_default();
                at = end;
                TokenKind::Mirrored(comparison)
            }
            _ => {
                let group = matches!(found.last().map(|l| &l.what), Some(TokenKind::Field(name)) if Field::find(name) == Some(Field::SpaceGroup));
                word(query, &mut at, after_field, group)
            }
        };
        found.push(Lexeme { at: start, joined, what });
        joined = true;
    }
    Ok(found)
}

/// Turns a word into a field, as in `resolution < 2`: the word is the name of a field of numbers or dates, an operator follows, and there
/// is no field before it.
fn before_operator(found: &mut [Lexeme]) {
    let (last, before) = match found {
        [.., before, last] => (last, Some(&before.what)),
        [last] => (last, None),
        [] => return,
    };
    if let TokenKind::Word(name) = &last.what
        && !matches!(before, Some(TokenKind::Field(_) | TokenKind::Compare(_)))
        && Field::find(name).is_some_and(Field::is_ordered)
    {
        last.what = TokenKind::Field(name.clone());
    }
}

/// Whether an operator after this word compares a field: `resolution<2`, `method=xray`. Also true for `rsolution<2`, which is an error.
fn compared(name: &str, rest: &str) -> bool {
    let Some((typed, _)) = operator_at(rest) else { return false };
    let number = rest[typed.len()..].trim_start().starts_with(|c: char| c.is_ascii_digit());
    Field::find(name).is_some() || typed != "=" && number && name.len() > 2
}

/// Reads a quoted text. The position is after the opening quote. `\"` and `\\` are escapes.
fn quoted(query: &str, at: &mut usize) -> Result<TokenKind, QueryError> {
    let start = *at;
    let mut text = String::new();
    let mut letters = query[start + 1..].char_indices();
    let open = || QueryError::new(query, start, "this quote is never closed", Some("add a \"".into()));
    let end = loop {
        match letters.next() {
            Some((n, '"')) => break start + 1 + n + 1,
            Some((_, '\\')) => match letters.next() {
                Some((_, c)) => text.push(c),
                None => return Err(open()),
            },
            Some((_, c)) => text.push(c),
            None => return Err(open()),
        }
    };
    *at = end;
    let rest = &query[end..];
    if rest.starts_with('*') {
        *at = end + 1;
        return Ok(TokenKind::Quoted { text, slop: 0, prefix: true });
    }
    let digits = rest
        .strip_prefix('~')
        .map(|d| &d[..d.len() - d.trim_start_matches(|c: char| c.is_ascii_digit()).len()]);
    if let Some(digits) = digits {
        let slop = digits.parse().ok().filter(|slop| *slop <= 100).ok_or_else(|| {
            let hint = "write \"two words\"~3 for at most three words between them";
            QueryError::new(query, end, "expected a number up to 100 after ~", Some(hint.into()))
        })?;
        *at = end + 1 + digits.len();
        return Ok(TokenKind::Quoted { text, slop, prefix: false });
    }
    Ok(TokenKind::Quoted { text, slop: 0, prefix: false })
}

fn range(query: &str, at: &mut usize) -> Result<TokenKind, QueryError> {
    let start = *at;
    let rest = &query[start..];
    let wrong =
        |text: &str| Err(QueryError::new(query, start, text, Some("write [1.5 TO 2.0], or 1.5..2.0".into())));
    let Some(end) = rest.find([']', '}']) else { return wrong("this range is never closed") };
    let words: Vec<&str> = rest[1..end].split_whitespace().collect();
    let [low, to, high] = words[..] else { return wrong("expected two values with TO between them") };
    if !to.eq_ignore_ascii_case("to") {
        return wrong("expected two values with TO between them");
    }
    *at = start + end + 1;
    Ok(TokenKind::Range {
        low: low.into(),
        low_in: rest.starts_with('['),
        high: high.into(),
        high_in: rest[end..].starts_with(']'),
    })
}

/// Reads up to a blank, a parenthesis or a quote. A colon after a name makes it a field, except after another field, since DOIs and titles
/// contain colons too. `group`: the word is a space group, in which parentheses are axes: `P2(1)`.
fn word(query: &str, at: &mut usize, after_field: bool, group: bool) -> TokenKind {
    let start = *at;
    let mut text = String::new();
    let mut letters = query[start..].char_indices().peekable();
    while let Some((n, c)) = letters.next() {
        let escaped = c == '\\';
        let c = match letters.peek() {
            Some((_, next)) if escaped => {
                let next = *next;
                letters.next();
                next
            }
            _ => c,
        };
        let name = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !escaped && c == ':' && !after_field && name(&text) {
            *at = start + n + 1;
            return TokenKind::Field(text);
        }
        if !escaped && !after_field && name(&text) && compared(&text, &query[start + n..]) {
            *at = start + n;
            return TokenKind::Field(text);
        }
        let axis = |at: usize| {
            let inside = query.as_bytes().get(at..at + 3).unwrap_or_default();
            group && matches!(inside, [b'(', b'1'..=b'6', b')'])
        };
        let is_axis = c == '(' && axis(start + n) || c == ')' && n >= 2 && axis(start + n - 2);
        if !escaped && !is_axis && (c.is_whitespace() || matches!(c, '(' | ')' | '"')) {
            *at = start + n;
            return keyword(text, after_field);
        }
        text.push(c);
    }
    *at = query.len();
    keyword(text, after_field)
}

fn keyword(text: String, after_field: bool) -> TokenKind {
    match text.as_str() {
        "AND" | "&&" if !after_field => TokenKind::And,
        "OR" | "||" if !after_field => TokenKind::Or,
        "NOT" | "!" if !after_field => TokenKind::Not,
        _ => TokenKind::Word(text),
    }
}
