//! Ligands and modified residues of polymers.

use super::model::{Entry, Ligand, MOST_VALUES};
use super::residue;
use super::table::{Block, Row};
use std::collections::BTreeSet;

/// Amino acids, bases and water, which occur in every entry.
const COMMON: &str = " ALA ARG ASN ASP CYS GLN GLU GLY HIS ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL ASX GLX UNK \
 A C G U I N T DA DC DG DT DU DI DN HOH DOD WAT H2O OH2 ";

/// Whether a component is an amino acid, a base or water.
pub(super) fn is_common(code: &str) -> bool {
    COMMON.contains(&format!(" {code} "))
}

/// Returns the codes in parentheses of the sequences: modified residues and caps of the ends, such as `(ACE)`.
fn in_polymers(block: &Block<'_>) -> BTreeSet<String> {
    let sugar = |row: &Row<'_, '_>| row.text("type").is_some_and(|kind| kind.contains("saccharide"));
    let sequences = block.rows("_entity_poly").filter(|row| !sugar(row));
    let mut codes = BTreeSet::new();
    for sequence in sequences.filter_map(|row| row.get("pdbx_seq_one_letter_code")) {
        let pieces = sequence.split('(').skip(1).filter_map(|piece| piece.split_once(')'));
        let new = pieces.map(|(code, _)| code.replace(' ', "").to_uppercase());
        codes.extend(new.take(MOST_VALUES));
    }
    codes
}

/// Sorts the components of a block into ligands and modified residues.
pub(super) fn fill(block: &Block<'_>, entry: &mut Entry) {
    let codes = |category: &str, item: &str| -> BTreeSet<String> {
        let codes = block.rows(category).filter_map(|row| row.get(item));
        codes.take(MOST_VALUES).map(|code| code.to_uppercase()).collect()
    };
    let free = codes("_pdbx_entity_nonpoly", "comp_id");
    let bound = codes("_pdbx_struct_mod_residue", "label_comp_id");
    let in_polymers = in_polymers(block);
    let mut known = BTreeSet::new();
    for row in block.rows("_chem_comp") {
        let Some(code) = row.get("id").map(|code| code.to_uppercase()) else { continue };
        if known.len() >= MOST_VALUES {
            break;
        }
        if is_common(&code) || !known.insert(code.clone()) {
            continue;
        }
        // Sugars are linking components too, but count as ligands.
        let links = match row.get("type").map(|kind| kind.to_lowercase()) {
            Some(kind) => ["peptide linking", "dna linking", "rna linking", "terminus"]
                .iter()
                .any(|word| kind.contains(word)),
            None => residue::is_modified(&code),
        };
        let component = Ligand { name: row.get("name"), code };
        let is_free = free.contains(&component.code);
        let is_bound = bound.contains(&component.code) || in_polymers.contains(&component.code);
        if is_bound || links && !is_free {
            entry.modified.push(component.clone());
        }
        if is_free || !links && !is_bound {
            entry.ligands.push(component);
        }
    }
}
