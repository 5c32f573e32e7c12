//! Continued records: titles, molecules, sources, authors, the article.

use super::super::details;
use super::super::method;
use super::super::model::{Entry, MOST_VALUES, add, add_organism};
use std::collections::BTreeMap;

/// Fills in fields from the joined records.
pub(super) fn fill(entry: &mut Entry, long: &BTreeMap<String, String>) {
    let get = |key: &str| long.get(key).map(String::as_str).unwrap_or_default();
    let some = |key: &str| Some(get(key).to_owned()).filter(|text| !text.is_empty());
    entry.title = some("TITLE");
    for word in get("KEYWDS").split(',') {
        add(&mut entry.keywords, word.trim());
    }
    for text in get("EXPDTA").split(';').filter(|text| !text.trim().is_empty()) {
        add(&mut entry.methods, method::named(text));
    }
    for name in get("AUTHOR").split(',').chain(get("JRNL AUTH").split(',')) {
        add(&mut entry.authors, person(name.trim()));
    }
    molecules(get("COMPND"), entry);
    sources(get("SOURCE"), entry);
    let predicted = entry.methods.is_empty() && get("TITLE").to_uppercase().contains("ALPHAFOLD");
    entry.methodology = method::methodology(&entry.methods, predicted);
    entry.citation.title = some("JRNL TITL");
    // The volume, page and year are in the same record, from column 50 on.
    entry.citation.journal =
        some("JRNL REF").map(|text| text.split("   ").next().unwrap_or_default().to_owned());
    // A DOI has no blanks. A blank in a long one is where its line ended.
    let doi = get("JRNL DOI").split_whitespace().collect::<String>().to_lowercase();
    entry.citation.doi = Some(doi).filter(|doi| !doi.is_empty());
    entry.citation.pubmed = get("JRNL PMID").trim().parse().ok();
}

/// Parses `MOL_ID: 1; MOLECULE: …; CHAIN: A;` into keys and values. Each may continue over several lines.
fn specifications(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(';').filter_map(|part| part.split_once(':')).map(|(key, value)| (key.trim(), value.trim()))
}

/// Whether a record has the form with keys, introduced in 1996. Before that it was plain text.
fn has_keys(text: &str, keys: &[&str]) -> bool {
    specifications(text).any(|(key, _)| keys.contains(&key))
}

fn molecules(text: &str, entry: &mut Entry) {
    if !has_keys(text, &["MOL_ID", "MOLECULE", "CHAIN"]) {
        add(&mut entry.molecules, text);
        return classes(text).for_each(|class| add(&mut entry.enzymes, class));
    }
    for (key, value) in specifications(text) {
        match key {
            "MOLECULE" => add(&mut entry.molecules, value),
            "EC" => value.split(',').for_each(|class| add(&mut entry.enzymes, class.trim())),
            // `ENGINEERED: YES` says that the molecule was made by recombination or synthesis, not that it has mutations.
            "MUTATION" => details::mutations(value, &mut entry.mutations),
            _ => {}
        }
    }
}

/// Returns the enzyme classes in a free text: `LYSOZYME (E.C.3.2.1.17)`.
fn classes(text: &str) -> impl Iterator<Item = &str> {
    let marks = ["E.C.", "EC"].into_iter().flat_map(|mark| text.match_indices(mark));
    let marks = marks.filter(|(at, _)| !text[..*at].ends_with(char::is_alphanumeric));
    marks.filter_map(|(at, mark)| {
        let rest = text[at + mark.len()..].trim_start_matches([' ', ':', '.']);
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let class = rest[..end].trim_end_matches('.');
        class.contains('.').then_some(class)
    })
}

fn sources(text: &str, entry: &mut Entry) {
    if !has_keys(text, &["MOL_ID", "ORGANISM_SCIENTIFIC", "ORGANISM_COMMON", "SYNTHETIC"]) {
        return free_sources(text, entry);
    }
    for (key, value) in specifications(text) {
        match key {
            "ORGANISM_SCIENTIFIC" => {
                value.split(',').for_each(|name| add_organism(&mut entry.organisms, name.trim()));
            }
            "ORGANISM_COMMON" => add(&mut entry.common_names, value),
            "ORGANISM_TAXID" => {
                for number in value.split(',').filter_map(|number| number.trim().parse().ok()) {
                    if entry.taxonomy.len() < MOST_VALUES && !entry.taxonomy.contains(&number) {
                        entry.taxonomy.push(number);
                    }
                }
            }
            "GENE" => details::genes(value, entry),
            "EXPRESSION_SYSTEM" => {
                value.split(',').for_each(|name| add_organism(&mut entry.hosts, name.trim()));
            }
            _ => {}
        }
    }
}

/// Words between parentheses that are not the name of an organism.
const OTHER_WORDS: [&str; 21] = [
    "A",
    "AND",
    "BY",
    "CELL",
    "CLONE",
    "DERIVED",
    "EXPRESSED",
    "FORM",
    "FROM",
    "GENE",
    "IN",
    "MUTANT",
    "OF",
    "PLASMID",
    "RECOMBINANT",
    "STRAIN",
    "SYNTHETIC",
    "THE",
    "TYPE",
    "VARIANT",
    "WITH",
];

/// Whether a text between parentheses is the name of an organism: two or three words.
fn is_organism(text: &str) -> bool {
    let word = |word: &str| {
        let letters = word.trim_end_matches('.');
        letters.chars().all(char::is_alphabetic) && !OTHER_WORDS.contains(&letters.to_uppercase().as_str())
    };
    (2..=3).contains(&text.split_whitespace().count()) && text.split_whitespace().all(word)
}

/// Returns the common name at the end of the text before an organism: `PANCREAS, AND RECOMBINANT HUMAN` ends with `HUMAN`.
fn common_name(before: &str) -> &str {
    let name = before.rsplit([',', ')']).next().unwrap_or(before);
    let name = name.rsplit(" AND ").next().unwrap_or(name).trim();
    ["AND ", "RECOMBINANT "].iter().fold(name, |name, word| name.strip_prefix(word).unwrap_or(name).trim())
}

/// Parses `HUMAN (HOMO SAPIENS) RECOMBINANT FORM EXPRESSED IN (ESCHERICHIA $COLI)`. A `$` marks a change to lower case.
fn free_sources(text: &str, entry: &mut Entry) {
    let text = &text.replace('$', "");
    let mut rest = text.as_str();
    let mut expressed = false;
    while let Some((before, behind)) = rest.split_once('(') {
        let (inside, more) = behind.split_once(')').unwrap_or((behind, ""));
        expressed = expressed || before.to_uppercase().contains("EXPRESSED");
        match (is_organism(inside), expressed) {
            (true, true) => add_organism(&mut entry.hosts, inside.trim()),
            (true, false) => {
                add_organism(&mut entry.organisms, inside.trim());
                add(&mut entry.common_names, common_name(before));
            }
            // The source is named, but not scientifically: `BACTERIOPHAGE T4 (MUTANT GENE)`.
            (false, false) if rest.len() == text.len() => {
                add(&mut entry.common_names, common_name(before));
            }
            (false, _) => {}
        }
        rest = more;
    }
    if entry.organisms.is_empty() && entry.common_names.is_empty() && entry.hosts.is_empty() {
        add(&mut entry.common_names, text.as_str());
    }
}

/// Converts `M.R.SAWAYA` to `SAWAYA, M.R.`, the form of mmCIF.
fn person(name: &str) -> String {
    // Initials, each of one or two letters, as in `K.-H.` or `TH.`.
    let mut end = 0;
    while let Some(dot) = name[end..].find('.') {
        let initial = name[end..end + dot].trim_matches([' ', '-']);
        if initial.chars().count() > 2 || !initial.chars().all(char::is_alphabetic) {
            break;
        }
        end += dot + 1;
    }
    let (initials, family) = name.split_at(end);
    let family = family.trim();
    if end == 0 || family.is_empty() { name.to_owned() } else { format!("{family}, {}", initials.trim()) }
}
