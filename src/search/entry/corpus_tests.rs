//! Compares every field of every real entry with what the slow tokenizer finds in the file.

use super::slow_tests::slow;
use super::tests::inflated;
use super::*;
use std::collections::BTreeMap;

/// A file as columns: `_category.item` in lower case, and its values with white space reduced to single blanks. Unknown values are `None`.
struct Columns(BTreeMap<String, Vec<Option<String>>>);

impl Columns {
    fn of(bytes: &[u8]) -> Self {
        let text =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).split_whitespace().collect::<Vec<_>>().join(" ");
        let mut columns: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
        let (mut names, mut next, mut heading): (Vec<String>, usize, bool) = (vec![], 0, false);
        for (kind, word) in slow(bytes) {
            match kind {
                b'l' => (names, next, heading) = (vec![], 0, true),
                b'n' => {
                    let name = String::from_utf8(word.unwrap()).unwrap().to_lowercase();
                    if !heading || next > 0 {
                        (names, next, heading) = (vec![], 0, false);
                    }
                    names.push(name);
                }
                b'v' => {
                    let value = word.map(|word| text(&word)).filter(|word| !word.is_empty());
                    columns.entry(names[next % names.len()].clone()).or_default().push(value);
                    next += 1;
                }
                _ => {}
            }
        }
        Columns(columns)
    }

    fn rows(&self, name: &str) -> &[Option<String>] {
        self.0.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the known values, in order, without duplicates (ignoring case).
    fn known(&self, names: &[&str]) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for value in names.iter().flat_map(|name| self.rows(name)).flatten() {
            if !found.iter().any(|known| known.eq_ignore_ascii_case(value)) {
                found.push(value.clone());
            }
        }
        found
    }

    fn first(&self, name: &str) -> Option<String> {
        self.rows(name).first().cloned().flatten()
    }

    fn numbers(&self, names: &[&str]) -> Vec<f64> {
        names.iter().flat_map(|name| self.rows(name)).flatten().filter_map(|n| n.parse().ok()).collect()
    }

    /// Returns values of the rows whose `key` has this value, or is unknown.
    fn of_row(&self, key: &str, value: &str, name: &str) -> Vec<String> {
        let fits = |row: usize| {
            self.rows(key)
                .get(row)
                .is_none_or(|key| key.as_ref().is_none_or(|k| k.eq_ignore_ascii_case(value)))
        };
        let rows = self.rows(name).iter().enumerate();
        rows.filter(|(row, _)| fits(*row)).filter_map(|(_, value)| value.clone()).collect()
    }
}

fn lower(values: &[String]) -> Vec<String> {
    values.iter().map(|value| value.to_lowercase()).collect()
}

#[test]
fn every_field_of_every_entry_is_what_its_file_says() {
    for id in ["1a8o", "1lcd", "1pfe", "3dg1", "3jqh", "4cup", "4zhl", "5i55"] {
        let plain = inflated(id);
        let file = Columns::of(&plain);
        let mut entries = Vec::new();
        let options = Options { sequences: true, ..Options::default() };
        read(&format!("{id}.cif"), &plain[..], &options, &mut |entry| entries.push(entry));
        let [entry] = &entries[..] else { panic!("{id}: {entries:?}") };
        texts(id, entry, &file);
        contents(id, entry, &file);
        numbers(id, entry, &file);
    }
}

fn texts(id: &str, entry: &Entry, file: &Columns) {
    assert_eq!((entry.kind, entry.error.as_deref()), (Kind::Structure, None), "{id}");
    assert_eq!(entry.id.as_deref(), Some(id));
    assert_eq!(file.first("_entry.id").unwrap().to_lowercase(), id);
    assert_eq!(entry.title, file.first("_struct.title"), "{id}");
    // A cell of 1 Å stands for "no crystal", as in entries of NMR, and the space group beside it means nothing.
    let crystal = file.first("_cell.length_a").is_none_or(|length| length.parse() != Ok(1.0));
    let group = file.first("_symmetry.space_group_name_h-m").filter(|_| crystal);
    assert_eq!(entry.space_group, group, "{id}");
    let said = file.known(&["_struct_keywords.pdbx_keywords", "_struct_keywords.text"]).join(", ");
    let mut words: Vec<String> = Vec::new();
    for word in said.split(", ").map(|word| word.trim().trim_end_matches(',')) {
        if !word.is_empty() && !words.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            words.push(word.into());
        }
    }
    assert_eq!(entry.keywords, words, "{id}");
    assert_eq!(entry.methods, lower(&file.known(&["_exptl.method"])), "{id}");
    let mut authors = file.known(&["_audit_author.name"]);
    for author in file.of_row("_citation_author.citation_id", "primary", "_citation_author.name") {
        if !authors.iter().any(|known| known.eq_ignore_ascii_case(&author)) {
            authors.push(author);
        }
    }
    assert_eq!(entry.authors, authors, "{id}");
    let primary = |item: &str| {
        let row = file.rows("_citation.id").iter().position(|id| id.as_deref() == Some("primary"))?;
        file.rows(&format!("_citation.{item}")).get(row).cloned().flatten()
    };
    let citation = &entry.citation;
    assert_eq!(citation.title, primary("title"), "{id}");
    assert_eq!(citation.journal, primary("journal_abbrev"), "{id}");
    assert_eq!(citation.year, primary("year").map(|year| year.parse().unwrap()), "{id}");
    assert_eq!(citation.doi, primary("pdbx_database_id_doi").map(|doi| doi.to_lowercase()), "{id}");
    let pubmed = primary("pdbx_database_id_pubmed").map(|n| n.parse().unwrap()).filter(|n: &i64| *n > 0);
    assert_eq!(citation.pubmed.map(|n| n as i64), pubmed, "{id}");
    let history = ["_pdbx_audit_revision_history.revision_date", "_database_pdb_rev.date"];
    let dates: Vec<Date> = file.known(&history).iter().filter_map(|date| Date::iso(date)).collect();
    assert_eq!(
        (entry.released, entry.revised),
        (dates.iter().min().copied(), dates.iter().max().copied()),
        "{id}"
    );
    let deposited = file
        .first("_pdbx_database_status.recvd_initial_deposition_date")
        .or_else(|| file.known(&["_database_pdb_rev.date_original"]).into_iter().next());
    assert_eq!(entry.deposited, deposited.and_then(|date| Date::iso(&date)), "{id}");
}

fn contents(id: &str, entry: &Entry, file: &Columns) {
    let water = file.rows("_entity.type").iter().position(|kind| kind.as_deref() == Some("water"));
    let mut molecules: Vec<String> = Vec::new();
    for (row, name) in file.rows("_entity.pdbx_description").iter().enumerate() {
        let Some(name) = name.as_ref().filter(|_| Some(row) != water) else { continue };
        if !molecules.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            molecules.push(name.clone());
        }
    }
    assert_eq!(entry.molecules, molecules, "{id}");
    let names = |names: &[&str]| lower(&file.known(names));
    let organisms = names(&[
        "_entity_src_gen.pdbx_gene_src_scientific_name",
        "_entity_src_nat.pdbx_organism_scientific",
        "_pdbx_entity_src_syn.organism_scientific",
    ]);
    assert_eq!(lower(&entry.organisms), organisms, "{id}");
    let common = names(&[
        "_entity_src_gen.gene_src_common_name",
        "_entity_src_nat.common_name",
        "_pdbx_entity_src_syn.organism_common_name",
    ]);
    assert_eq!(lower(&entry.common_names), common, "{id}");
    let taxonomy = file.known(&[
        "_entity_src_gen.pdbx_gene_src_ncbi_taxonomy_id",
        "_entity_src_nat.pdbx_ncbi_taxonomy_id",
        "_pdbx_entity_src_syn.ncbi_taxonomy_id",
    ]);
    assert_eq!(entry.taxonomy.iter().map(ToString::to_string).collect::<Vec<_>>(), taxonomy, "{id}");
    assert_eq!(entry.enzymes, file.known(&["_entity.pdbx_ec"]), "{id}");
    let references = file.of_row("_struct_ref.db_name", "UNP", "_struct_ref.pdbx_db_accession");
    let mut references = lower(&references);
    references.dedup();
    assert_eq!(lower(&entry.uniprot), references, "{id}");
    // What is left out is an ordinary residue or water. What is kept has the name that the file gives it.
    let codes = file.rows("_chem_comp.id").iter().flatten();
    for (row, code) in codes.enumerate() {
        let kind = file.rows("_chem_comp.type")[row].clone().unwrap_or_default().to_lowercase();
        let mut kept = entry.ligands.iter().chain(&entry.modified);
        match kept.find(|ligand| ligand.code == *code) {
            Some(ligand) => {
                assert_eq!(ligand.name, file.rows("_chem_comp.name")[row], "{id}");
                let links = kind.contains("linking") && !kind.contains("saccharide");
                assert_eq!(entry.modified.contains(ligand), links, "{id}: {code}, {kind}");
            }
            None => assert!(kind.contains("linking") || code == "HOH", "{id}: {code}, {kind}"),
        }
    }
    assert!(entry.ligands.iter().all(|ligand| file.known(&["_chem_comp.id"]).contains(&ligand.code)), "{id}");
}

fn numbers(id: &str, entry: &Entry, file: &Columns) {
    let fine = file.numbers(&["_refine.ls_d_res_high", "_em_3d_reconstruction.resolution"]);
    assert_eq!(entry.resolution, fine.into_iter().min_by(f64::total_cmp), "{id}");
    let atoms = file.numbers(&["_refine_hist.number_atoms_total"]).into_iter().max_by(f64::total_cmp);
    assert_eq!(entry.atoms.map(|n| n as f64), atoms, "{id}");
    let letters: Vec<String> = file
        .rows("_entity_poly.pdbx_seq_one_letter_code_can")
        .iter()
        .flatten()
        .map(|letters| letters.replace(' ', ""))
        .collect();
    assert_eq!(entry.sequences, letters, "{id}");
    assert_eq!(entry.residues, Some(letters.iter().map(|one| one.len() as u64).sum()), "{id}");
    let strands = file.rows("_entity_poly.pdbx_strand_id").iter().flatten();
    assert_eq!(entry.chains, Some(strands.map(|strands| strands.split(',').count() as u64).sum()), "{id}");
    let kinds = lower(&file.known(&["_entity_poly.type"]));
    let protein = kinds.iter().any(|kind| kind.contains("polypeptide"));
    let dna = kinds.iter().any(|kind| kind == "polydeoxyribonucleotide");
    let told = |word: &str| entry.polymers.iter().any(|known| known == word);
    assert_eq!((told("protein"), told("dna")), (protein, dna), "{id}: {kinds:?}");
    let mut dalton = None;
    for (row, weight) in file.rows("_entity.formula_weight").iter().enumerate() {
        let is_water = file.rows("_entity.type")[row].as_deref() == Some("water");
        let copies = file.rows("_entity.pdbx_number_of_molecules").get(row).cloned().flatten();
        let copies: f64 = copies.map_or(1.0, |copies| copies.parse().unwrap());
        if let Some(weight) = weight.as_ref().filter(|_| !is_water) {
            dalton = Some(dalton.unwrap_or(0.0) + weight.parse::<f64>().unwrap() * copies);
        }
    }
    let known = |kilo: f64| (kilo * 1000.0 - dalton.unwrap()).abs() <= 5.0;
    assert!(entry.weight.map_or(dalton.is_none(), known), "{id}: {:?} {dalton:?}", entry.weight);
}
