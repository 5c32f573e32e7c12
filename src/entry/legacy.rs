//! Legacy PDB files: columns of 80 characters, the header before the coordinates.

use super::date::Date;
use super::id;
use super::model::{Adder, Entry, Kind, Ligand, MOST_VALUES};
use std::collections::{BTreeMap, HashSet};

/// A record that begins a file of this format.
pub(super) fn is_legacy(bytes: &[u8]) -> bool {
    [
        &b"HEADER    "[..],
        b"OBSLTE    ",
        b"TITLE     ",
        b"COMPND    ",
        b"REMARK   ",
        b"CRYST1",
        b"ATOM  ",
        b"MODEL     ",
    ]
    .iter()
    .any(|record| bytes.starts_with(record))
}

/// Whether the header ends with this line.
pub(super) fn ends_header(line: &[u8]) -> bool {
    [&b"ATOM  "[..], b"HETATM", b"MODEL ", b"CRYST1", b"END"].iter().any(|record| line.starts_with(record))
}

/// Understands a header, a line an element of `lines`.
pub(super) fn entry<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Entry {
    let mut entry = Entry { kind: Kind::Structure, ..Entry::default() };
    // Continued records, joined.
    let mut long: BTreeMap<String, String> = BTreeMap::new();
    let mut hetero: BTreeMap<String, String> = BTreeMap::new();
    let mut chains: BTreeMap<char, u64> = BTreeMap::new();
    let (mut keywords, mut uniprot) = (Adder::to(&mut entry.keywords), Adder::to(&mut entry.uniprot));
    for line in lines {
        let line: String = line.iter().map(|b| char::from(*b)).filter(|c| !c.is_control()).collect();
        let Some(record) = columns(&line, 1, 6) else { continue };
        match record.trim_end() {
            "HEADER" => {
                keywords.add(columns(&line, 11, 50).unwrap_or_default().trim());
                entry.deposited = columns(&line, 51, 59).and_then(Date::legacy);
                entry.id = columns(&line, 63, 66).and_then(id::normal);
            }
            name @ ("TITLE" | "COMPND" | "SOURCE" | "KEYWDS" | "EXPDTA" | "AUTHOR") => {
                join(long.entry(name.into()).or_default(), columns(&line, 11, 80).unwrap_or_default());
            }
            "JRNL" => {
                let part = columns(&line, 13, 16).unwrap_or_default().trim();
                join(
                    long.entry(format!("JRNL {part}")).or_default(),
                    columns(&line, 20, 79).unwrap_or_default(),
                );
                if part == "REF" && entry.citation.year.is_none() {
                    entry.citation.year = columns(&line, 63, 66).and_then(|year| year.trim().parse().ok());
                }
            }
            "REVDAT" if columns(&line, 11, 12).is_some_and(|part| part.trim().is_empty()) => {
                let date = columns(&line, 14, 22).and_then(Date::legacy);
                entry.released = match (entry.released, date) {
                    (Some(known), Some(date)) => Some(known.min(date)),
                    (known, date) => known.or(date),
                };
                entry.revised = entry.revised.max(date);
            }
            "REMARK" => {
                if let Some(text) = line.strip_prefix("REMARK   2 RESOLUTION.") {
                    let number = text.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
                    entry.resolution = number.filter(|r| r.is_finite() && *r > 0.0);
                }
            }
            "DBREF" if columns(&line, 27, 32).is_some_and(|name| name.trim() == "UNP") => {
                uniprot.add(columns(&line, 34, 41).unwrap_or_default().trim().to_uppercase());
            }
            "DBREF2" => uniprot.add(columns(&line, 19, 40).unwrap_or_default().trim().to_uppercase()),
            "HETNAM" => {
                let code = columns(&line, 12, 14).unwrap_or_default().trim().to_uppercase();
                join(hetero.entry(code).or_default(), columns(&line, 16, 70).unwrap_or_default());
            }
            "SEQRES" => {
                let chain = line.chars().nth(11).unwrap_or(' ');
                let count = columns(&line, 14, 17).and_then(|n| n.trim().parse().ok());
                chains.insert(chain, count.unwrap_or(0));
            }
            _ => {}
        }
    }
    fill(&mut entry, &long);
    if !chains.is_empty() {
        entry.chains = Some(chains.len() as u64);
    }
    for (code, name) in hetero {
        if entry.ligands.len() < MOST_VALUES
            && !code.is_empty()
            && !matches!(code.as_str(), "HOH" | "DOD" | "UNK")
        {
            entry.ligands.push(Ligand { code, name: Some(name).filter(|name| !name.is_empty()) });
        }
    }
    entry
}

fn fill(entry: &mut Entry, long: &BTreeMap<String, String>) {
    let get = |key: &str| long.get(key).map(String::as_str).unwrap_or_default();
    let some = |key: &str| Some(get(key).to_owned()).filter(|text| !text.is_empty());
    entry.title = some("TITLE");
    let (mut keywords, mut methods) = (Adder::to(&mut entry.keywords), Adder::to(&mut entry.methods));
    let (mut authors, mut molecules) = (Adder::to(&mut entry.authors), Adder::to(&mut entry.molecules));
    let (mut enzymes, mut organisms) = (Adder::to(&mut entry.enzymes), Adder::to(&mut entry.organisms));
    let (mut common_names, mut numbers) = (Adder::to(&mut entry.common_names), HashSet::new());
    for word in get("KEYWDS").split(',') {
        keywords.add(word.trim());
    }
    for method in get("EXPDTA").split(';') {
        methods.add(method.trim().to_lowercase());
    }
    for name in get("AUTHOR").split(',').chain(get("JRNL AUTH").split(',')) {
        authors.add(person(name.trim()));
    }
    // `MOL_ID: 1; MOLECULE: …; CHAIN: A;`
    for specification in get("COMPND").split(';').chain(get("SOURCE").split(';')) {
        let Some((key, value)) = specification.split_once(':') else { continue };
        let value = value.trim();
        match key.trim() {
            "MOLECULE" => molecules.add(value),
            "EC" => value.split(',').for_each(|class| enzymes.add(class.trim())),
            "ORGANISM_SCIENTIFIC" => value.split(',').for_each(|name| organisms.organism(name.trim())),
            "ORGANISM_COMMON" => common_names.add(value),
            "ORGANISM_TAXID" => {
                for number in value.split(',').filter_map(|number| number.trim().parse().ok()) {
                    if entry.taxonomy.len() < MOST_VALUES && numbers.insert(number) {
                        entry.taxonomy.push(number);
                    }
                }
            }
            _ => {}
        }
    }
    entry.citation.title = some("JRNL TITL");
    // The volume, page and year stand in the same record, from column 50 on.
    entry.citation.journal =
        some("JRNL REF").map(|text| text.split("   ").next().unwrap_or_default().to_owned());
    entry.citation.doi = some("JRNL DOI").map(|doi| doi.to_lowercase());
    entry.citation.pubmed = get("JRNL PMID").trim().parse().ok();
}

/// `M.R.SAWAYA` → `SAWAYA, M.R.`, as mmCIF has it.
fn person(name: &str) -> String {
    match name.rfind('.') {
        Some(dot) if dot + 1 < name.len() => format!("{}, {}", name[dot + 1..].trim(), &name[..=dot]),
        _ => name.to_owned(),
    }
}

/// Columns as the format counts them, from 1; as many of them as the line has.
fn columns(line: &str, first: usize, last: usize) -> Option<&str> {
    let start = line.char_indices().nth(first - 1)?.0;
    let end = line.char_indices().nth(last).map_or(line.len(), |(at, _)| at);
    line.get(start..end)
}

/// A continuation begins where the first line ended; a hyphen at the end joins without a blank.
fn join(text: &mut String, more: &str) {
    let more = more.trim();
    if !text.is_empty() && !text.ends_with('-') && !more.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}
