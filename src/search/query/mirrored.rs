//! Comparisons that begin with their value, as people type them: `2 > resolution`, `1.5 <= resolution < 2`.

use super::field::Field;
use super::operator::operator_at;
use super::value;

/// The maximum length of the value in bytes. No number or date with its unit is longer.
const LONGEST: usize = 40;

/// A comparison that begins with its value.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Mirrored {
    /// The name of the field, which may be unknown.
    pub(super) name: String,
    /// The byte at which the name begins.
    pub(super) at: usize,
    /// One or two conditions as if the field came first: an operator, a value, and the byte at which the value begins.
    pub(super) conditions: Vec<(&'static str, String, usize)>,
}

/// Reads such a comparison at the byte `start`. Returns it with the byte after it; `None` if there is none.
pub(super) fn read(query: &str, start: usize) -> Option<(Mirrored, usize)> {
    let rest = &query[start..];
    if !rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let mut ends = rest
        .char_indices()
        .map_while(|(at, c)| (at <= LONGEST && !matches!(c, '(' | ')' | '"' | '\\')).then_some(at));
    let (low_end, (typed, operator)) = ends.find_map(|at| Some((at, operator_at(&rest[at..])?)))?;
    let low = rest[..low_end].trim_end();
    let mut at = start + low_end + typed.len();
    skip_blanks(query, &mut at);
    let letter = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    let name = take(query, &mut at, letter);
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return None;
    }
    let is_value = match Field::find(name) {
        Some(field) if field.is_ordered() => value::is_value(field, low),
        // These are errors. An equals sign between other words is text.
        Some(_) => operator != "=" && low.parse::<f64>().is_ok(),
        None => operator != "=" && name.len() > 2 && low.parse::<f64>().is_ok(),
    };
    if !is_value {
        return None;
    }
    let mut found = Mirrored { name: name.into(), at: at - name.len(), conditions: Vec::new() };
    found.conditions.push((flipped(operator), low.into(), start));
    let mut next = at;
    skip_blanks(query, &mut next);
    if let Some((typed, operator)) = operator_at(&query[next..]) {
        next += typed.len();
        skip_blanks(query, &mut next);
        let begin = next;
        let high = take(query, &mut next, |c| !c.is_whitespace() && !matches!(c, '(' | ')' | '"'));
        found.conditions.push((operator, high.into(), begin));
        at = next;
    }
    Some((found, at))
}

/// Returns the operator for the same condition with its sides exchanged.
fn flipped(operator: &'static str) -> &'static str {
    match operator {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        other => other,
    }
}

fn skip_blanks(query: &str, at: &mut usize) {
    *at += query[*at..].len() - query[*at..].trim_start().len();
}

fn take<'q>(query: &'q str, at: &mut usize, belongs: impl Fn(char) -> bool) -> &'q str {
    let rest = &query[*at..];
    let end = rest.find(|c: char| !belongs(c)).unwrap_or(rest.len());
    *at += end;
    &rest[..end]
}
