//! The biological assemblies of `REMARK 350`.

use super::super::model::{Entry, add};
use super::super::normal_forms::chains_of_state;

/// What was read of the assemblies.
#[derive(Default)]
pub(super) struct Assemblies {
    /// The number of assemblies that have begun.
    begun: u32,
    /// The number of chains of the first assembly, by its oligomeric state.
    stated: Option<u64>,
    /// Groups of chains of the first assembly, each with the number of its operators.
    groups: Vec<(Vec<char>, u64)>,
}

impl Assemblies {
    /// Reads a line without its record name and number.
    pub(super) fn line(&mut self, text: &str, entry: &mut Entry) {
        let state = ["BIOLOGICAL UNIT:", "QUATERNARY STRUCTURE:"].iter().find_map(|key| {
            let (by, state) = text.split_once(key)?;
            by.trim_end().ends_with("DETERMINED").then_some(state)
        });
        if let Some(state) = state {
            let state = state.trim().to_lowercase();
            if self.begun <= 1 {
                self.stated = self.stated.or_else(|| chains_of_state(&state));
            }
            add(&mut entry.oligomers, state);
        } else if text.starts_with("BIOMOLECULE:") {
            self.begun += 1;
        } else if self.begun <= 1 {
            self.first(text);
        }
    }

    fn first(&mut self, text: &str) {
        if let Some(chains) = text.strip_prefix("APPLY THE FOLLOWING TO CHAINS:") {
            self.groups.push((names(chains).collect(), 0));
        } else if let Some((chains, operators)) = self.groups.last_mut() {
            if let Some(more) = text.strip_prefix("AND CHAINS:") {
                chains.extend(names(more));
            } else if text.starts_with("BIOMT1") {
                *operators += 1;
            }
        }
    }

    /// Sets the number of polymer chains of the first assembly. `is_polymer`: chains without a sequence are ligands and water.
    pub(super) fn fill(&self, is_polymer: impl Fn(char) -> bool, entry: &mut Entry) {
        let copies = |(chains, operators): &(Vec<char>, u64)| {
            operators * chains.iter().filter(|chain| is_polymer(**chain)).count() as u64
        };
        let counted = self.groups.iter().map(copies).sum();
        entry.assembly = self.stated.or(Some(counted).filter(|chains| *chains > 0));
    }
}

/// Returns the names of the chains in a list such as `A, B`. A chain without a name is `NULL`.
fn names(text: &str) -> impl Iterator<Item = char> {
    text.split([',', ' ']).filter_map(|name| if name == "NULL" { Some(' ') } else { name.chars().next() })
}
