//! Reads the records of a header.

use super::super::date::Date;
use super::super::details::{self, reference};
use super::super::id;
use super::super::model::{Entry, Kind, Ligand, MOST_VALUES, add};
use super::super::{components, residue};
use super::assembly::Assemblies;
use super::chains::Chains;
use super::{remarks, texts};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The maximum length of a continued record in bytes. The rest is cut off.
const LONGEST: usize = 1 << 16;

/// The header as read so far.
pub(super) struct Header {
    entry: Entry,
    /// Continued records, joined.
    long: BTreeMap<String, String>,
    /// Components by code, with their names if known.
    hetero: BTreeMap<String, String>,
    /// Residues listed in `MODRES`.
    modified: Vec<String>,
    chains: Chains,
    assemblies: Assemblies,
    /// The database of the last `DBREF1` of a chain.
    databases: BTreeMap<char, String>,
    sequences: bool,
}

impl Header {
    pub(super) fn new(sequences: bool) -> Self {
        Header {
            entry: Entry { kind: Kind::Structure, ..Entry::default() },
            long: BTreeMap::new(),
            hetero: BTreeMap::new(),
            modified: Vec::new(),
            chains: Chains::default(),
            assemblies: Assemblies::default(),
            databases: BTreeMap::new(),
            sequences,
        }
    }

    /// Adds a line with this record.
    pub(super) fn line(&mut self, record: &str, line: &[u8]) {
        let text = match std::str::from_utf8(line) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => line.iter().map(|byte| char::from(*byte)).collect(),
        };
        let mut line: String = text.chars().filter(|c| !c.is_control()).collect();
        self.cut_tail(&mut line);
        let entry = &mut self.entry;
        match record {
            "HEADER" => {
                add(&mut entry.keywords, field(&line, 11, 50));
                entry.deposited = columns(&line, 51, 59).and_then(Date::legacy);
                entry.id = columns(&line, 63, 66).and_then(id::normal);
            }
            "OBSLTE" => details::replaced_by(field(&line, 32, 75), field(&line, 22, 25), entry),
            "SPRSDE" => details::replaced_by(field(&line, 22, 25), field(&line, 32, 75), entry),
            "TITLE" | "COMPND" | "SOURCE" | "KEYWDS" | "EXPDTA" | "AUTHOR" => {
                join(self.long.entry(record.into()).or_default(), field(&line, 11, 80));
            }
            "JRNL" => {
                let part = field(&line, 13, 16);
                join(self.long.entry(format!("JRNL {part}")).or_default(), field(&line, 20, 79));
                if part == "REF" && entry.citation.year.is_none() {
                    entry.citation.year = columns(&line, 63, 66).and_then(|year| year.trim().parse().ok());
                }
            }
            "REVDAT" if field(&line, 11, 12).is_empty() => {
                let date = columns(&line, 14, 22).and_then(Date::legacy);
                entry.released = match (entry.released, date) {
                    (Some(known), Some(date)) => Some(known.min(date)),
                    (known, date) => known.or(date),
                };
                entry.revised = entry.revised.max(date);
            }
            "REMARK" => remarks::line(&line, &mut self.assemblies, entry),
            "DBREF" => reference(entry, &field(&line, 27, 32).to_uppercase(), field(&line, 34, 41)),
            "DBREF1" if self.databases.len() < MOST_VALUES => {
                self.databases.insert(chain(&line), field(&line, 27, 32).to_uppercase());
            }
            "DBREF2" => {
                let database = self.databases.get(&chain(&line)).cloned().unwrap_or_default();
                reference(entry, &database, field(&line, 19, 40));
            }
            "SEQADV" if details::is_mutation(field(&line, 50, 70)) => {
                let [from, place, to] = [(40, 42), (19, 22), (13, 15)].map(|(a, b)| field(&line, a, b));
                details::mutation(from, place, to, entry);
            }
            "MODRES" => {
                add(&mut self.modified, field(&line, 13, 15).to_uppercase());
                self.chains.was(field(&line, 13, 15), field(&line, 25, 27));
            }
            "HET" => self.component(field(&line, 8, 10), field(&line, 31, 70), false),
            "HETNAM" => self.component(field(&line, 12, 14), field(&line, 16, 70), true),
            "SEQRES" => self.chains.line(chain(&line), field(&line, 14, 17), columns(&line, 20, 70)),
            "CRYST1" => crystal(&line, entry),
            _ => {}
        }
    }

    /// Removes what files from before 1996 repeat after column 72: their ID and the line number.
    fn cut_tail(&self, line: &mut String) {
        let tail = columns(line, 73, 76).unwrap_or_default();
        if let Some(id) = &self.entry.id
            && tail.eq_ignore_ascii_case(id)
            && let Some((at, _)) = line.char_indices().nth(72)
        {
            line.truncate(at);
        }
    }

    /// Adds the name of a component. A name from `HETNAM` may continue over several lines. The text of `HET` is used if there is no other
    /// name.
    fn component(&mut self, code: &str, name: &str, named: bool) {
        let code = code.to_uppercase();
        if code.is_empty() || self.hetero.len() >= MOST_VALUES && !self.hetero.contains_key(&code) {
            return;
        }
        let known = self.hetero.entry(code).or_default();
        if named {
            // The first line of a name replaces the text of `HET`.
            if known.starts_with('\u{1}') {
                known.clear();
            }
            join(known, name);
        } else if known.is_empty() && !name.is_empty() {
            *known = format!("\u{1}{name}");
        }
    }

    /// Returns the entry of the header.
    pub(super) fn entry(self) -> Entry {
        let mut entry = self.entry;
        texts::fill(&mut entry, &self.long);
        let polymers = self.chains.fill(&mut entry, self.sequences);
        self.assemblies.fill(|name| self.chains.may_be(name), &mut entry);
        // Residues that are described nowhere else.
        let mut hetero = self.hetero;
        for code in self.modified.iter().chain(&polymers).take(MOST_VALUES) {
            hetero.entry(code.trim_start_matches('+').to_owned()).or_default();
        }
        for (code, name) in hetero {
            if code.is_empty() || components::is_common(&code) {
                continue;
            }
            let name = Some(name.trim_start_matches('\u{1}').to_owned()).filter(|name| !name.is_empty());
            let in_chain = self.modified.contains(&code)
                || polymers.contains(&code)
                || polymers.contains(&format!("+{code}"));
            // Without sequences to search, the code alone decides.
            if in_chain || polymers.is_empty() && residue::is_modified(&code) {
                entry.modified.push(Ligand { code, name });
            } else {
                entry.ligands.push(Ligand { code, name });
            }
        }
        entry
    }
}

fn chain(line: &str) -> char {
    // `SEQRES` has the chain one column further to the left than `DBREF`.
    let at = if line.starts_with("SEQRES") || line.starts_with("seqres") { 11 } else { 12 };
    line.chars().nth(at).unwrap_or(' ')
}

fn crystal(line: &str, entry: &mut Entry) {
    let sides = [(7, 15), (16, 24), (25, 33), (34, 40), (41, 47), (48, 54)];
    let group = field(line, 56, 66).split_whitespace().collect::<Vec<_>>().join(" ");
    entry.space_group = Some(group).filter(|group| !group.is_empty());
    details::crystal(sides.map(|(first, last)| field(line, first, last).parse().ok()), entry);
}

/// Appends a continuation. It continues where the line before ended, without a blank after a hyphen.
fn join(text: &mut String, more: &str) {
    if text.len() > LONGEST {
        return;
    }
    if !text.is_empty() && !text.ends_with('-') && !more.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}

/// Returns columns as the format counts them, from 1. A shorter line gives fewer of them.
fn columns(line: &str, first: usize, last: usize) -> Option<&str> {
    let start = line.char_indices().nth(first - 1)?.0;
    let end = line.char_indices().nth(last).map_or(line.len(), |(at, _)| at);
    line.get(start..end)
}

/// Returns columns without surrounding blanks; empty if the line is shorter.
fn field(line: &str, first: usize, last: usize) -> &str {
    columns(line, first, last).unwrap_or_default().trim()
}
