//! Parses values for their field: numbers, dates, IDs, methods, words of a fixed set.

use super::error::Wrong;
use super::field::{Field, FieldType};
use super::node::{Bound, Node};
use super::words;
use crate::config::nearest;
use crate::search::entry::{Date, normal};

/// Common names of organisms that many of their entries do not have.
const ORGANISMS: [(&str, &str); 10] = [
    ("human", "homo sapiens"),
    ("mouse", "mus musculus"),
    ("rat", "rattus norvegicus"),
    ("yeast", "saccharomyces cerevisiae"),
    ("cow", "bos taurus"),
    ("bovine", "bos taurus"),
    ("chicken", "gallus gallus"),
    ("pig", "sus scrofa"),
    ("zebrafish", "danio rerio"),
    ("e.coli", "escherichia coli"),
];

/// Experimental methods: the archive's names in lower case, each with its short names.
pub const METHODS: &[(&str, &[&str])] = &[
    (
        "x-ray diffraction",
        &["xray", "x-ray", "xrd", "mx", "crystal", "crystallography", "x-ray crystallography", "diffraction"],
    ),
    ("electron microscopy", &["em", "cryo-em", "cryoem", "3dem", "microscopy", "cryo-electron microscopy"]),
    ("solution nmr", &["nmr", "sol-nmr"]),
    ("solid-state nmr", &["nmr", "ssnmr", "ss-nmr", "solid state nmr"]),
    ("neutron diffraction", &["neutron", "neutrons"]),
    ("electron crystallography", &["microed", "micro-ed", "ed", "electron diffraction"]),
    ("fiber diffraction", &["fiber", "fibre", "fibre diffraction"]),
    ("powder diffraction", &["powder"]),
    ("solution scattering", &["saxs", "sans", "scattering"]),
    ("epr", &["esr"]),
    ("fluorescence transfer", &["fret", "fluorescence"]),
    ("infrared spectroscopy", &["ir", "infrared", "ftir"]),
    ("theoretical model", &["model", "theoretical"]),
];

/// Parses a bare or quoted value of a field that is not text.
pub(super) fn exact(field: Field, text: &str, quoted: bool) -> Result<Node, Wrong> {
    if !quoted && text == "*" {
        return Ok(Node::Exists(field));
    }
    match field.is() {
        FieldType::Id => id(text, quoted),
        FieldType::Method => methods(text),
        FieldType::Number | FieldType::Count | FieldType::Date => number(field, text),
        FieldType::Sequence => residues(text),
        FieldType::Cell => words::cell(text),
        FieldType::Word => words::word(field, text, quoted),
        FieldType::Text => Ok(Node::Word(Some(field), text.into())),
    }
}

/// Parses one value, or two with `..`, a hyphen or a dash between them.
fn number(field: Field, text: &str) -> Result<Node, Wrong> {
    if let Some((low, high)) = text.split_once("..") {
        return range(field, (low, true), (high, true));
    }
    let one = span(field, text);
    if one.is_err() {
        let ends = text.char_indices().filter(|(_, c)| matches!(c, '-' | '\u{2013}'));
        for (at, dash) in ends {
            let (low, high) = (text[..at].trim_end(), text[at + dash.len_utf8()..].trim_start());
            if span(field, low).is_ok() && span(field, high).is_ok() {
                return range(field, (low, true), (high, true));
            }
        }
    }
    let (low, high) = one?;
    Ok(Node::Range(field, Bound::At(low), Bound::At(high)))
}

fn id(text: &str, quoted: bool) -> Result<Node, Wrong> {
    if let Some(id) = normal(text) {
        return Ok(Node::Is(Field::Id, id));
    }
    let lower = text.to_lowercase();
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if let Some(stem) = lower.strip_suffix('*').filter(|stem| !quoted && plain(stem) && !stem.is_empty()) {
        let short = stem.strip_prefix("pdb_0000").filter(|short| !short.is_empty());
        return Ok(Node::StartsWith(Field::Id, short.unwrap_or(stem).into()));
    }
    if plain(&lower) && !lower.is_empty() && lower.len() <= 16 {
        return Ok(Node::Is(Field::Id, lower));
    }
    let hint = "write 1abc or pdb_00001abc, or 1a* for all that begin so".to_owned();
    Err((format!("{text:?} is not an ID"), Some(hint)))
}

fn methods(text: &str) -> Result<Node, Wrong> {
    if let Some(how) = words::methodology(&text.to_lowercase()) {
        return Ok(Node::Is(Field::Methodology, how.into()));
    }
    let named = methods_named(text);
    if !named.is_empty() {
        return Ok(Node::OneOf(Field::Method, named.into_iter().map(str::to_owned).collect()));
    }
    let hint = match nearest(text, method_names()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => "known are xray, em, nmr, neutron, microed, fiber, powder, saxs, epr, fret, ir, model".into(),
    };
    Err((format!("unknown method {text:?}"), Some(hint)))
}

fn residues(text: &str) -> Result<Node, Wrong> {
    let upper = text.to_uppercase();
    if upper.len() >= 3 && upper.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(Node::Residues(upper));
    }
    Err((
        format!("{text:?} is not a run of residues"),
        Some("write at least three one-letter codes, such as KTWGR".into()),
    ))
}

/// Parses `<2.0` and similar conditions.
pub(super) fn compare(field: Field, operator: &str, text: &str) -> Result<Node, Wrong> {
    if operator == "!=" {
        // A hit without the field would be surprising, and so would be its absence.
        let hint = format!("write -{0}:{text}, or {0}:* -{0}:{text} for entries that have it", field.name());
        return Err(("\"!=\" is not an operator here".into(), Some(hint)));
    }
    ordered(field, operator)?;
    let (low, high) = span(field, text)?;
    let (low, high) = match operator {
        "<" => (Bound::Open, Bound::Past(low)),
        "<=" => (Bound::Open, Bound::At(high)),
        ">" => (Bound::Past(high), Bound::Open),
        ">=" => (Bound::At(low), Bound::Open),
        _ => (Bound::At(low), Bound::At(high)),
    };
    Ok(Node::Range(field, low, high))
}

/// Parses a range. Each end may be `*` or empty. `true` means that the end is included.
pub(super) fn range(field: Field, low: (&str, bool), high: (&str, bool)) -> Result<Node, Wrong> {
    ordered(field, "a range")?;
    let open = |text: &str| text.is_empty() || text == "*";
    let bound = |value: f64, included: bool| if included { Bound::At(value) } else { Bound::Past(value) };
    let from = if open(low.0) {
        Bound::Open
    } else {
        let (first, last) = span(field, low.0)?;
        bound(if low.1 { first } else { last }, low.1)
    };
    let to = if open(high.0) {
        Bound::Open
    } else {
        let (first, last) = span(field, high.0)?;
        bound(if high.1 { last } else { first }, high.1)
    };
    if let (Bound::At(a) | Bound::Past(a), Bound::At(b) | Bound::Past(b)) = (from, to)
        && a > b
    {
        let hint = format!("write {}:{}..{}", field.name(), high.0, low.0);
        return Err((format!("no value is between {} and {}", low.0, high.0), Some(hint)));
    }
    if from == Bound::Open && to == Bound::Open {
        return Ok(Node::Exists(field));
    }
    Ok(Node::Range(field, from, to))
}

fn ordered(field: Field, operator: &str) -> Result<(), Wrong> {
    if field.is_ordered() {
        return Ok(());
    }
    let fields: Vec<&str> = Field::ALL.iter().filter(|f| f.is_ordered()).map(|f| f.name()).collect();
    let what = if operator == "a range" { operator.into() } else { format!("{operator:?}") };
    let hint = format!("they are for {}", fields.join(", "));
    Err((format!("{} is not a number, so {what} does not apply to it", field.name()), Some(hint)))
}

/// Returns the units of a field, in lower case, longer names first.
fn units(field: Field) -> &'static [&'static str] {
    use Field as F;
    match field {
        F::Resolution | F::CellA | F::CellB | F::CellC => {
            &["angstroms", "angstrom", "\u{e5}ngstr\u{f6}m", "\u{e5}", "a"]
        }
        F::CellAlpha | F::CellBeta | F::CellGamma => &["degrees", "degree", "deg", "\u{b0}"],
        F::Weight => &["kilodaltons", "kilodalton", "kda"],
        _ => &[],
    }
}

/// Whether a word is the unit of the field before it.
pub(super) fn is_unit(field: Field, word: &str) -> bool {
    units(field).contains(&word.to_lowercase().as_str())
}

/// Whether a text is a value of an ordered field.
pub(super) fn is_value(field: Field, text: &str) -> bool {
    span(field, text).is_ok()
}

/// Parses one or two conditions on a field. Each is an operator, a value, and its byte in the query, which an error has too.
pub(super) fn both(
    field: Field,
    conditions: &[(&'static str, String, usize)],
) -> Result<Node, (usize, Wrong)> {
    let mut nodes = Vec::new();
    for (operator, text, at) in conditions {
        if text.is_empty() {
            return Err((*at, missing(field)));
        }
        nodes.push(compare(field, operator, text).map_err(|wrong| (*at, wrong))?);
    }
    let (low, high) = match nodes[..] {
        [Node::Range(_, low, Bound::Open), Node::Range(_, Bound::Open, high)]
        | [Node::Range(_, Bound::Open, high), Node::Range(_, low, Bound::Open)] => (low, high),
        [_] => return Ok(nodes.remove(0)),
        _ => return Ok(Node::And(nodes)),
    };
    if let (Bound::At(a) | Bound::Past(a), Bound::At(b) | Bound::Past(b)) = (low, high)
        && a > b
    {
        let text = format!("no {} is above {a} and below {b}", field.name());
        return Err((conditions[1].2, (text, Some("exchange the values, or write OR".into()))));
    }
    Ok(Node::Range(field, low, high))
}

/// Returns the error of a field without a value.
pub(super) fn missing(field: Field) -> Wrong {
    (
        format!("a value for {} is missing here", field.name()),
        Some(format!("write for example {}", field.example())),
    )
}

/// Returns the error of an unknown field.
pub(super) fn unknown(name: &str) -> Wrong {
    let last = name.rsplit('.').next().unwrap_or(name);
    let names = || Field::ALL.iter().map(|field| field.name());
    let aliases = Field::ALL.iter().flat_map(|field| field.aliases().iter().copied());
    let hint = match nearest(name, names().chain(aliases)).or_else(|| nearest(last, names())) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("known are {}", names().collect::<Vec<_>>().join(", ")),
    };
    (format!("unknown field {name:?}"), Some(hint))
}

/// Returns the first and the last value of a text: a year is all its days.
fn span(field: Field, text: &str) -> Result<(f64, f64), Wrong> {
    let name = field.name();
    match field.is() {
        FieldType::Date => days(text).ok_or_else(|| {
            let hint = format!("write {name}:2020, {name}:2020-03, {name}:2020-03-25 or {name}:>=2020");
            (format!("{text:?} is not a date"), Some(hint))
        }),
        FieldType::Count => {
            let number = text.parse::<u64>().map_err(|_| {
                (
                    format!("{text:?} is not a whole number"),
                    Some(format!("write for example {}", field.example())),
                )
            })?;
            Ok((number as f64, number as f64))
        }
        _ => {
            let lower = text.to_lowercase();
            let plain =
                units(field).iter().find_map(|unit| lower.strip_suffix(unit)).unwrap_or(&lower).trim_end();
            let number = plain.parse::<f64>().ok().filter(|n| n.is_finite()).ok_or_else(|| {
                (format!("{text:?} is not a number"), Some(format!("write for example {}", field.example())))
            })?;
            Ok((number, number))
        }
    }
}

fn days(text: &str) -> Option<(f64, f64)> {
    let day = |y: u32, m: u32, d: u32| Date::new(y, m, d).map(|date| f64::from(date.number()));
    let parts: Option<Vec<u32>> = text
        .split('-')
        .map(|part| part.parse().ok().filter(|_| part.bytes().all(|b| b.is_ascii_digit())))
        .collect();
    match parts?[..] {
        [year] if text.len() == 4 => Some((day(year, 1, 1)?, day(year, 12, 31)?)),
        [year, month] => {
            Some((day(year, month, 1)?, (28..=31).rev().find_map(|last| day(year, month, last))?))
        }
        [year, month, date] => {
            let date = day(year, month, date)?;
            Some((date, date))
        }
        _ => None,
    }
}

/// Returns the scientific name of an organism by its common name.
pub(super) fn organism(text: &str) -> Option<&'static str> {
    let known = ORGANISMS.iter().find(|(common, _)| common.eq_ignore_ascii_case(text));
    known.map(|(_, scientific)| *scientific)
}

/// Returns the methods that a name stands for.
fn methods_named(text: &str) -> Vec<&'static str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    let wanted = plain(text);
    let means = |names: &[&str]| names.iter().any(|name| plain(name) == wanted);
    METHODS
        .iter()
        .filter(|(name, short)| plain(name) == wanted || means(short))
        .map(|(name, _)| *name)
        .collect()
}

/// Returns all names that a query may use.
fn method_names() -> impl Iterator<Item = &'static str> + Clone {
    METHODS.iter().flat_map(|(name, short)| std::iter::once(*name).chain(short.iter().copied()))
}
