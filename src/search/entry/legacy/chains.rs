//! Chains, their residues, and their kinds of polymers.

use super::super::model::{Entry, MOST_VALUES, add};
use super::super::residue::{self, Made};
use std::collections::{BTreeMap, BTreeSet};

/// The maximum number of residues of a chain. The rest is cut off. The largest chains of the archive have about 5,000 residues.
const LONGEST: usize = 1 << 16;

/// The `SEQRES` records of a header.
#[derive(Default)]
pub(super) struct Chains {
    chains: BTreeMap<char, Chain>,
    /// The standard residue of each modified one, from `MODRES`.
    parents: BTreeMap<String, String>,
}

#[derive(Default)]
struct Chain {
    /// The number of residues that the record states.
    stated: u64,
    residues: Vec<String>,
}

impl Chains {
    /// Adds a modified residue and its standard residue.
    pub(super) fn was(&mut self, code: &str, parent: &str) {
        if !parent.is_empty() && self.parents.len() < MOST_VALUES {
            self.parents.insert(code.to_uppercase(), parent.to_uppercase());
        }
    }

    /// Adds a line of a chain.
    pub(super) fn line(&mut self, name: char, stated: &str, residues: Option<&str>) {
        if self.chains.len() >= MOST_VALUES && !self.chains.contains_key(&name) {
            return;
        }
        let chain = self.chains.entry(name).or_default();
        chain.stated = chain.stated.max(stated.parse().unwrap_or(0));
        let room = LONGEST.saturating_sub(chain.residues.len());
        let residues = residues.unwrap_or_default().split_whitespace().take(room);
        chain.residues.extend(residues.map(str::to_uppercase));
    }

    /// Whether a chain is a polymer. If no sequences are known, each may be one.
    pub(super) fn may_be(&self, name: char) -> bool {
        self.chains.is_empty() || self.chains.contains_key(&name)
    }

    /// Fills in chains, residues, polymers and sequences. Returns the codes that occur in chains.
    pub(super) fn fill(&self, entry: &mut Entry, sequences: bool) -> BTreeSet<String> {
        let mut codes = BTreeSet::new();
        // Chains with the same residues are one molecule.
        let mut seen: BTreeSet<&[String]> = BTreeSet::new();
        for chain in self.chains.values() {
            entry.chains = Some(entry.chains.unwrap_or(0) + 1);
            if !chain.residues.is_empty() && !seen.insert(&chain.residues) {
                continue;
            }
            let length = if chain.residues.is_empty() { chain.stated } else { chain.residues.len() as u64 };
            entry.residues = Some(entry.residues.unwrap_or(0) + length);
            if chain.residues.is_empty() {
                continue;
            }
            codes.extend(chain.residues.iter().cloned());
            add(&mut entry.polymers, self.made(&chain.residues));
            if sequences {
                entry.sequences.push(chain.residues.iter().map(|code| self.letter(code)).collect());
            }
        }
        codes
    }

    fn known(&self, code: &str) -> Option<(char, Made)> {
        residue::known(code).or_else(|| residue::known(self.parents.get(code)?))
    }

    fn letter(&self, code: &str) -> char {
        self.known(code).map_or('X', |(letter, _)| letter)
    }

    fn made(&self, residues: &[String]) -> &'static str {
        let has =
            |what: Made| residues.iter().any(|code| self.known(code).is_some_and(|(_, made)| made == what));
        match () {
            () if has(Made::Protein) => "protein",
            () if has(Made::Dna) && has(Made::Rna) => "hybrid",
            () if has(Made::Dna)
                && has(Made::Either)
                && residues.iter().any(|code| code.starts_with('D')) =>
            {
                "hybrid"
            }
            () if has(Made::Dna) => "dna",
            () if has(Made::Rna) || has(Made::Either) => "rna",
            () => "other",
        }
    }
}
