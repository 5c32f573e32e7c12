//! Values with a form of their own: space groups, enzyme classes, states, IDs of other entries.

use super::error::Wrong;
use super::field::Field;
use super::node::{Bound, Node};
use crate::config::nearest;
use crate::search::entry::{Kind, chains_of_state, compact_group, map_code, normal, state_of_chains};

const POLYMERS: [&str; 8] =
    ["protein", "dna", "rna", "hybrid", "sugar", "peptide nucleic acid", "nucleic acid", "other"];

/// Parses a value of a field whose values are compared as a whole.
pub(super) fn word(field: Field, text: &str, quoted: bool) -> Result<Node, Wrong> {
    let lower = text.trim().to_lowercase();
    let is = |value: String| Ok(Node::Is(field, value));
    match field {
        Field::Enzyme => {
            let class = lower.strip_prefix("e.c").or(lower.strip_prefix("ec")).unwrap_or(&lower);
            return Ok(enzyme(class.trim_start_matches([' ', ':', '-', '.']), quoted));
        }
        Field::Obsolete => return obsolete(&lower),
        Field::Related => return Ok(related(&lower, quoted)),
        Field::Methodology if methodology(&lower).is_some() => {
            return is(methodology(&lower).unwrap_or_default().into());
        }
        Field::Oligomer => {
            if let Some(state) = state(&lower) {
                return is(state);
            }
        }
        Field::Kind => {
            if let Some(kind) = Kind::named(&lower) {
                return is(kind.word().into());
            }
        }
        _ => {}
    }
    let form = |text: &str| match field {
        Field::SpaceGroup => compact_group(text),
        Field::SupersededBy | Field::Supersedes => normal(text).unwrap_or_else(|| text.into()),
        Field::Emdb => map_code(text).to_lowercase(),
        Field::Doi => {
            let plain = text.trim_start_matches("https://").trim_start_matches("http://");
            plain.trim_start_matches("dx.").trim_start_matches("doi.org/").trim_start_matches("doi:").into()
        }
        _ => text.to_owned(),
    };
    let stem = lower.strip_suffix('*').filter(|_| !quoted);
    if let Some(stem) = stem.map(|stem| stem.trim_end_matches('.')).filter(|stem| !stem.is_empty()) {
        return Ok(Node::StartsWith(field, form(stem)));
    }
    one_of_set(field, &lower)?;
    is(form(&lower))
}

/// Parses an enzyme class: `3.4` and `3.4.*` are a class and all below it; `3.4.21.7*` is all classes with this prefix.
fn enzyme(text: &str, quoted: bool) -> Node {
    let stem = text.trim_end_matches(['.', '-']);
    match stem.strip_suffix('*').filter(|_| !quoted) {
        Some(stem) if stem.ends_with('.') => {
            Node::Is(Field::Enzyme, stem.trim_end_matches(['.', '-', '*']).into())
        }
        Some(stem) if !stem.is_empty() => Node::StartsWith(Field::Enzyme, stem.into()),
        _ => Node::Is(Field::Enzyme, stem.into()),
    }
}

/// Parses a related entry: `4zhm`, `EMD-1234`, `BMRB:15555`, or only the database. A number may be of EMDB or of another database.
fn related(text: &str, quoted: bool) -> Node {
    let (text, is_stem) = match text.strip_suffix('*').filter(|stem| !quoted && !stem.is_empty()) {
        Some(stem) => (stem, true),
        None => (text, false),
    };
    let node = |value: String| {
        if is_stem { Node::StartsWith(Field::Related, value) } else { Node::Is(Field::Related, value) }
    };
    match text.split_once(':') {
        Some((database, "")) if !is_stem => node(database.trim().into()),
        Some((database, code)) => {
            let (database, code) = (database.trim(), code.trim());
            let code = match database {
                "emdb" => map_code(code).to_lowercase(),
                "pdb" => normal(code).unwrap_or_else(|| code.into()),
                _ => code.into(),
            };
            node(format!("{database}:{code}"))
        }
        None => {
            let code = normal(text).unwrap_or_else(|| text.into());
            let map = map_code(text).to_lowercase();
            match map.starts_with("emd-") && map != code {
                false => node(code),
                true if is_stem => Node::Or(vec![node(code), node(map)]),
                true => Node::OneOf(Field::Related, vec![code, map]),
            }
        }
    }
}

/// Parses yes or no. Most files do not say whether they are obsolete; these count as not obsolete.
fn obsolete(text: &str) -> Result<Node, Wrong> {
    let yes = Node::Is(Field::Obsolete, "yes".into());
    match text {
        "yes" | "true" | "1" => Ok(yes),
        "no" | "false" | "0" => Ok(Node::Not(Box::new(yes))),
        _ => {
            Err((format!("{text:?} is neither yes nor no"), Some("write obsolete:yes or obsolete:no".into())))
        }
    }
}

/// Returns how a structure was determined, by common names.
pub(super) fn methodology(text: &str) -> Option<&'static str> {
    match text {
        "experimental" | "experiment" => Some("experimental"),
        "integrative" | "integrative/hybrid" | "hybrid" | "ihm" => Some("integrative"),
        "predicted" | "prediction" | "computational" | "computed" | "alphafold" => Some("predicted"),
        _ => None,
    }
}

/// Returns the state for `dimer`, `dimeric` or `2`.
fn state(text: &str) -> Option<String> {
    let plain = text.trim_start_matches("homo").trim_start_matches("hetero").trim_start_matches('-');
    let chains = text.parse().ok().filter(|chains| *chains > 0).or_else(|| chains_of_state(plain));
    chains.map(state_of_chains)
}

/// Parses `61,62,63`, optionally with angles. Each value matches within one percent.
pub(super) fn cell(text: &str) -> Result<Node, Wrong> {
    const SIDES: [Field; 6] =
        [Field::CellA, Field::CellB, Field::CellC, Field::CellAlpha, Field::CellBeta, Field::CellGamma];
    let numbers: Option<Vec<f64>> = text
        .split([',', ' ', ';'])
        .filter(|word| !word.is_empty())
        .map(|word| word.parse().ok().filter(|n: &f64| n.is_finite() && *n > 0.0))
        .collect();
    match numbers {
        Some(numbers) if matches!(numbers.len(), 3 | 6) => {
            let near =
                |(field, n): (&Field, &f64)| Node::Range(*field, Bound::At(n * 0.99), Bound::At(n * 1.01));
            Ok(Node::And(SIDES.iter().zip(&numbers).map(near).collect()))
        }
        _ => Err((
            format!("{text:?} is not a unit cell"),
            Some("write cell:61,62,63 or cell:61,62,63,90,90,90".into()),
        )),
    }
}

/// Rejects a value outside a small fixed set, since it would find nothing.
fn one_of_set(field: Field, value: &str) -> Result<(), Wrong> {
    let known: Vec<&str> = match field {
        Field::Kind => Kind::ALL.iter().map(|kind| kind.word()).collect(),
        Field::Status => vec!["ok", "error"],
        Field::Polymer => POLYMERS.to_vec(),
        Field::Methodology => vec!["experimental", "integrative", "predicted"],
        _ => return Ok(()),
    };
    if known.contains(&value) {
        return Ok(());
    }
    let hint = match nearest(value, known.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("known are {}", known.join(", ")),
    };
    Err((format!("unknown {} {value:?}", field.name()), Some(hint)))
}
