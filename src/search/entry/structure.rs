//! Reads an entry or a chemical component from the tables of a block.

use super::date::Date;
use super::model::{Adder, Entry, Kind, MOST_VALUES};
use super::table::{Block, Row};
use super::{components, details, id, method, naming};
use std::collections::HashSet;

/// Facts about a block that are not in its tables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'n> {
    /// The name of the file.
    pub(super) name: &'n str,
    /// Whether the block has rows of atoms, and of reflections.
    pub(super) atoms: bool,
    pub(super) reflections: bool,
}

/// Returns the entry of a block. `sequences`: whether to keep the one-letter codes.
pub(super) fn entry(block: &Block<'_>, seen: Seen<'_>, sequences: bool) -> Entry {
    let coordinates = || ["_struct", "_exptl", "_entity_poly"].iter().any(|name| block.has(name));
    let mut entry = match block.one("_entry", "id") {
        Some(id) => structure(block, named(&id), sequences),
        None if seen.atoms => structure(block, unnamed(block, seen.name), sequences),
        None if block.has("_chem_comp") && !coordinates() => component(block),
        None if block.has("_pdbx_reference_molecule") => molecule(block),
        None if coordinates() => structure(block, unnamed(block, seen.name), sequences),
        None => other(block),
    };
    if seen.reflections && !seen.atoms && !block.has("_struct") && entry.kind == Kind::Structure {
        entry.kind = Kind::StructureFactors;
    }
    entry.tell_cut();
    if block.unterminated {
        entry.error = Some("a quoted value or a text field has no end".into());
    }
    entry
}

fn named(id: &str) -> String {
    id::normal(id).unwrap_or_else(|| id.to_lowercase())
}

/// Returns the ID of an entry without `_entry.id`: the name of the block or of the file, whichever is a PDB ID.
fn unnamed(block: &Block<'_>, file: &str) -> String {
    let name = block.name.map(super::table::clean).filter(|name| !name.is_empty());
    let known = name.as_deref().and_then(id::normal).or_else(|| id::from_name(file));
    known.or(name.map(|name| name.to_lowercase())).or_else(|| naming::stem(file)).unwrap_or_default()
}

fn other(block: &Block<'_>) -> Entry {
    let title = block.name.map(super::table::clean).filter(|name| !name.is_empty());
    Entry { kind: Kind::Text, title, ..Entry::default() }
}

fn component(block: &Block<'_>) -> Entry {
    let mut entry = Entry { kind: Kind::Component, ..Entry::default() };
    let Some(row) = block.rows("_chem_comp").next() else { return entry };
    entry.id = row.get("id").map(|code| code.to_lowercase());
    entry.title = row.get("name");
    entry.formula = row.get("formula");
    entry.weight =
        row.number::<f64>("formula_weight").filter(|w| w.is_finite()).map(|dalton| dalton / 1000.0);
    entry.deposited = row.get("pdbx_initial_date").as_deref().and_then(Date::iso);
    entry.revised = row.get("pdbx_modified_date").as_deref().and_then(Date::iso);
    for item in ["pdbx_synonyms", "type", "three_letter_code", "pdbx_type"] {
        entry.keywords.extend(row.get(item));
    }
    entry
}

fn molecule(block: &Block<'_>) -> Entry {
    let mut entry = Entry { kind: Kind::Component, ..Entry::default() };
    let Some(row) = block.rows("_pdbx_reference_molecule").next() else { return entry };
    entry.id = row.get("prd_id").map(|code| code.to_lowercase());
    entry.title = row.get("name");
    entry.formula = row.get("formula");
    entry.weight =
        row.number::<f64>("formula_weight").filter(|w| w.is_finite()).map(|dalton| dalton / 1000.0);
    for item in ["type", "class", "compound_details"] {
        entry.keywords.extend(row.get(item));
    }
    entry
}

fn structure(block: &Block<'_>, id: String, sequences: bool) -> Entry {
    let mut entry = Entry {
        kind: Kind::Structure,
        id: Some(id).filter(|id| !id.is_empty()),
        title: block.one("_struct", "title"),
        space_group: block
            .one("_symmetry", "space_group_name_h-m")
            .or_else(|| block.one("_space_group", "name_h-m_alt")),
        ..Entry::default()
    };
    let mut keywords = Adder::to(&mut entry.keywords);
    for item in ["pdbx_keywords", "text"] {
        let text = block.one("_struct_keywords", item).unwrap_or_default();
        for word in text.split(", ") {
            keywords.add(word.trim().trim_end_matches(','));
        }
    }
    let mut methods = Adder::to(&mut entry.methods);
    for row in block.rows("_exptl") {
        if let Some(text) = row.text("method") {
            methods.add(method::named(&text));
        }
    }
    entry.resolution = resolution(block);
    entry.atoms = block.rows("_refine_hist").filter_map(|row| row.number("number_atoms_total")).max();
    entities(block, &mut entry);
    sources(block, &mut entry);
    polymers(block, &mut entry, sequences);
    people(block, &mut entry);
    dates(block, &mut entry);
    components::fill(block, &mut entry);
    for row in block.rows("_struct_ref") {
        let Some(name) = row.get("db_name").map(|name| name.to_uppercase()) else { continue };
        let accession = row.get("pdbx_db_accession").or_else(|| row.get("db_code")).unwrap_or_default();
        details::reference(&mut entry, &name, &accession);
    }
    details::fill(block, &mut entry);
    entry
}

fn resolution(block: &Block<'_>) -> Option<f64> {
    let refined = block.rows("_refine").filter_map(|row| row.number::<f64>("ls_d_res_high"));
    let imaged = block.rows("_em_3d_reconstruction").filter_map(|row| row.number::<f64>("resolution"));
    let measured = block.rows("_reflns").filter_map(|row| row.number::<f64>("d_resolution_high"));
    let finest = |numbers: &mut dyn Iterator<Item = f64>| {
        numbers.filter(|r| r.is_finite() && *r > 0.0).min_by(f64::total_cmp)
    };
    finest(&mut refined.chain(imaged)).or_else(|| finest(&mut measured.into_iter()))
}

fn entities(block: &Block<'_>, entry: &mut Entry) {
    let mut dalton = None;
    let (mut molecules, mut enzymes) = (Adder::to(&mut entry.molecules), Adder::to(&mut entry.enzymes));
    for row in block.rows("_entity") {
        if row.text("type").as_deref() == Some("water") {
            continue;
        }
        molecules.add(row.get("pdbx_description").unwrap_or_default());
        for class in row.get("pdbx_ec").unwrap_or_default().split([',', ' ']) {
            enzymes.add(class);
        }
        details::mutations(&row.get("pdbx_mutation").unwrap_or_default(), &mut entry.mutations);
        let copies = row.number::<f64>("pdbx_number_of_molecules").unwrap_or(1.0);
        if let Some(weight) = row.number::<f64>("formula_weight") {
            dalton = Some(dalton.unwrap_or(0.0) + weight * copies);
        }
    }
    entry.weight = dalton.filter(|d| d.is_finite()).map(|d| (d / 10.0).round() / 100.0);
}

fn sources(block: &Block<'_>, entry: &mut Entry) {
    let mut organisms = Adder::to(&mut entry.organisms);
    let (mut common_names, mut numbers) = (Adder::to(&mut entry.common_names), HashSet::new());
    for (category, scientific, common, taxonomy) in [
        (
            "_entity_src_gen",
            "pdbx_gene_src_scientific_name",
            "gene_src_common_name",
            "pdbx_gene_src_ncbi_taxonomy_id",
        ),
        ("_entity_src_nat", "pdbx_organism_scientific", "common_name", "pdbx_ncbi_taxonomy_id"),
        ("_pdbx_entity_src_syn", "organism_scientific", "organism_common_name", "ncbi_taxonomy_id"),
        ("_ma_target_ref_db_details", "organism_scientific", "organism_common_name", "ncbi_taxonomy_id"),
    ] {
        for row in block.rows(category) {
            organisms.organism(&row.get(scientific).unwrap_or_default());
            common_names.add(row.get(common).unwrap_or_default());
            // Fusion proteins have several numbers, separated by commas.
            for number in row.get(taxonomy).unwrap_or_default().split([',', ' ']) {
                match number.parse() {
                    Ok(number) if entry.taxonomy.len() < MOST_VALUES && numbers.insert(number) => {
                        entry.taxonomy.push(number);
                    }
                    _ => {}
                }
            }
        }
    }
}

fn polymers(block: &Block<'_>, entry: &mut Entry, sequences: bool) {
    let mut polymers = Adder::to(&mut entry.polymers);
    for row in block.rows("_entity_poly") {
        if let Some(kind) = row.get("type") {
            polymers.add(polymer(&kind));
        }
        if let Some(strands) = row.get("pdbx_strand_id") {
            let strands = strands.split(',').filter(|strand| !strand.trim().is_empty()).count() as u64;
            entry.chains = Some(entry.chains.unwrap_or(0) + strands);
        }
        if let Some(mut sequence) = sequence(row) {
            let length = sequence.len() as u64;
            entry.residues = Some(entry.residues.unwrap_or(0) + length);
            if sequences {
                sequence.make_ascii_uppercase();
                entry.sequences.push(sequence);
            }
        }
    }
}

/// Returns a sequence with one letter per residue. If there is only the other form, `(MSE)` counts as one residue too.
fn sequence(row: Row<'_, '_>) -> Option<String> {
    let text = row.get("pdbx_seq_one_letter_code_can").or_else(|| row.get("pdbx_seq_one_letter_code"))?;
    let mut inside = false;
    let mut letters = String::with_capacity(text.len());
    for letter in text.chars().filter(char::is_ascii_graphic) {
        match letter {
            '(' => inside = true,
            ')' => {
                inside = false;
                letters.push('X');
            }
            _ if inside => {}
            _ => letters.push(letter),
        }
    }
    (!letters.is_empty()).then_some(letters)
}

fn polymer(kind: &str) -> &'static str {
    let kind = kind.to_lowercase();
    match () {
        () if kind.contains("hybrid") => "hybrid",
        () if kind.contains("peptide nucleic") => "peptide nucleic acid",
        () if kind.contains("polypeptide") => "protein",
        () if kind.contains("polydeoxyribo") => "dna",
        () if kind.contains("polyribo") => "rna",
        () if kind.contains("saccharide") => "sugar",
        () => "other",
    }
}

fn people(block: &Block<'_>, entry: &mut Entry) {
    let mut authors = Adder::to(&mut entry.authors);
    for row in block.rows("_audit_author") {
        authors.add(row.get("name").unwrap_or_default());
    }
    let is_primary =
        |row: &Row<'_, '_>, item: &str| row.text(item).is_none_or(|id| id.eq_ignore_ascii_case("primary"));
    for row in block.rows("_citation_author").filter(|row| is_primary(row, "citation_id")) {
        authors.add(row.get("name").unwrap_or_default());
    }
    let Some(row) = block.rows("_citation").find(|row| is_primary(row, "id")) else { return };
    let citation = &mut entry.citation;
    citation.title = row.get("title");
    citation.journal = row.get("journal_abbrev");
    citation.year = row.number("year").filter(|year| (1800..=9999).contains(year));
    citation.doi = row.get("pdbx_database_id_doi").map(|doi| doi.to_lowercase());
    citation.pubmed = row.number("pdbx_database_id_pubmed").filter(|n| *n > 0);
}

fn dates(block: &Block<'_>, entry: &mut Entry) {
    let first = |item: &str, category: &str| {
        let dates = block.rows(category).filter_map(|row| Date::iso(&row.text(item)?));
        dates.fold((None, None), |(first, last): (Option<Date>, Option<Date>), date| {
            (Some(first.map_or(date, |first| first.min(date))), last.max(Some(date)))
        })
    };
    let (released, revised) = first("revision_date", "_pdbx_audit_revision_history");
    let (old_released, old_revised) = first("date", "_database_pdb_rev");
    entry.released = released.or(old_released);
    entry.revised = revised.or(old_revised);
    let status = block.one("_pdbx_database_status", "recvd_initial_deposition_date");
    let (old_deposited, _) = first("date_original", "_database_pdb_rev");
    entry.deposited = status.as_deref().and_then(Date::iso).or(old_deposited);
}
