//! The items that are read of an mmCIF file, and when reading may stop.

use super::table::{Block, Row, Wanted};

/// The tables and items that are read.
pub(super) const WANTED: &[Wanted] = &[
    ("_entry", &["id"]),
    ("_struct", &["title", "pdbx_structure_determination_methodology"]),
    ("_struct_keywords", &["pdbx_keywords", "text"]),
    ("_exptl", &["method"]),
    ("_refine", &["ls_d_res_high", "ls_r_factor_r_free", "ls_r_factor_r_work"]),
    ("_reflns", &["d_resolution_high"]),
    ("_refine_hist", &["number_atoms_total"]),
    ("_em_3d_reconstruction", &["resolution"]),
    (
        "_entity",
        &[
            "type",
            "src_method",
            "pdbx_description",
            "pdbx_ec",
            "pdbx_number_of_molecules",
            "formula_weight",
            "pdbx_mutation",
        ],
    ),
    (
        "_entity_src_gen",
        &[
            "pdbx_gene_src_scientific_name",
            "gene_src_common_name",
            "pdbx_gene_src_ncbi_taxonomy_id",
            "pdbx_gene_src_gene",
            "pdbx_host_org_scientific_name",
        ],
    ),
    ("_entity_src_nat", &["pdbx_organism_scientific", "common_name", "pdbx_ncbi_taxonomy_id"]),
    ("_pdbx_entity_src_syn", &["organism_scientific", "organism_common_name", "ncbi_taxonomy_id"]),
    (
        "_ma_target_ref_db_details",
        &[
            "db_name",
            "db_accession",
            "gene_name",
            "ncbi_taxonomy_id",
            "organism_scientific",
            "organism_common_name",
        ],
    ),
    ("_ma_qa_metric", &["id", "name", "type"]),
    ("_ma_qa_metric_global", &["metric_id", "metric_value"]),
    ("_ma_model_list", &["model_id"]),
    ("_ihm_model_list", &["model_id"]),
    ("_audit_author", &["name"]),
    (
        "_citation",
        &["id", "title", "journal_abbrev", "year", "pdbx_database_id_doi", "pdbx_database_id_pubmed"],
    ),
    ("_citation_author", &["citation_id", "name"]),
    ("_pdbx_database_status", &["recvd_initial_deposition_date", "status_code"]),
    ("_pdbx_database_pdb_obs_spr", &["id", "pdb_id", "replace_pdb_id"]),
    ("_pdbx_database_related", &["db_name", "db_id", "content_type"]),
    ("_database_2", &["database_id", "database_code"]),
    ("_pdbx_audit_revision_history", &["revision_date"]),
    ("_database_pdb_rev", &["date", "date_original"]),
    (
        "_chem_comp",
        &[
            "id",
            "name",
            "formula",
            "formula_weight",
            "pdbx_initial_date",
            "pdbx_modified_date",
            "pdbx_synonyms",
            "type",
            "three_letter_code",
            "pdbx_type",
        ],
    ),
    ("_chem_comp_atom", &[]),
    ("_pdbx_entity_nonpoly", &["comp_id"]),
    ("_pdbx_struct_mod_residue", &["label_comp_id"]),
    ("_entity_poly", &["type", "pdbx_strand_id", "pdbx_seq_one_letter_code_can", "pdbx_seq_one_letter_code"]),
    ("_struct_ref", &["db_name", "pdbx_db_accession", "db_code"]),
    (
        "_struct_ref_seq_dif",
        &["mon_id", "db_mon_id", "details", "pdbx_auth_seq_num", "seq_num", "pdbx_seq_db_seq_num"],
    ),
    ("_symmetry", &["space_group_name_h-m"]),
    ("_space_group", &["name_h-m_alt"]),
    ("_cell", &["length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"]),
    ("_pdbx_struct_assembly", &["oligomeric_details", "oligomeric_count"]),
    ("_software", &["name"]),
    ("_em_software", &["name"]),
    ("_pdbx_nmr_software", &["name"]),
    (
        "_pdbx_reference_molecule",
        &["prd_id", "name", "formula", "formula_weight", "type", "class", "compound_details"],
    ),
];

/// One of these tables has the release date. If neither is before the atoms, it is after them.
pub(super) const HISTORIES: [&str; 2] = ["_pdbx_audit_revision_history.", "_database_PDB_rev."];
/// Tables of every entry of the archive.
const ALWAYS: [&str; 11] = [
    "_struct",
    "_struct_keywords",
    "_struct_ref",
    "_exptl",
    "_entity",
    "_entity_poly",
    "_chem_comp",
    "_citation",
    "_audit_author",
    "_database_2",
    "_pdbx_database_status",
];
/// Every entry has at least one of these tables.
const SOURCES: [&str; 3] = ["_entity_src_gen", "_entity_src_nat", "_pdbx_entity_src_syn"];
/// Tables of every archive entry that was solved by diffraction.
const DIFFRACTION: [&str; 3] = ["_refine", "_cell", "_symmetry"];
/// Tables of every entry in the order of the archive's files since December 2023. Older
/// files have the histories, programs and assemblies after the atoms.
const CURRENT: [&str; 15] = [
    "_database_2",
    "_pdbx_audit_revision_history",
    "_pdbx_database_status",
    "_audit_author",
    "_citation",
    "_citation_author",
    "_entity",
    "_entity_poly",
    "_chem_comp",
    "_exptl",
    "_struct",
    "_struct_keywords",
    "_struct_ref",
    "_pdbx_struct_assembly",
    // Other programs do not write the atoms of components here. So these files are from the archive, and tables that not every entry has
    // do not follow the atoms either.
    "_chem_comp_atom",
];
const PROGRAMS: [&str; 3] = ["_software", "_em_software", "_pdbx_nmr_software"];

/// What the tables before the atoms show about the tables after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// Wanted tables may follow.
    Wanted,
    /// Programs, assemblies, and tables that not every entry has may follow, as in the archive's files from before December 2023. They are
    /// not worth the time to read past the atoms, but the entry is marked as cut.
    Little,
    /// Nothing wanted follows: the tables up to the atoms are in the order that the archive has used since then, and those that belong
    /// together are there.
    Nothing,
}

/// Returns what may follow the atoms of this block, which has a history. A file that is not from the archive may have its tables in any
/// order. `at_atom_sites`: the first of its tables of atoms is `_atom_sites`.
pub(super) fn behind(block: &Block<'_>, at_atom_sites: bool) -> Behind {
    let any = |names: &[&str]| names.iter().any(|name| block.has(name));
    let all = |names: &[&str]| names.iter().all(|name| block.has(name));
    let by = |word: &str| {
        block.rows("_exptl").any(|row| row.text("method").is_some_and(|text| text.contains(word)))
    };
    let solved = (!by("DIFFRACTION") || all(&DIFFRACTION))
        && (!by("ELECTRON MICROSCOPY") || block.has("_em_3d_reconstruction"));
    if !(all(&ALWAYS) && any(&SOURCES) && solved) {
        return Behind::Wanted;
    }
    let current = at_atom_sites
        && any(&PROGRAMS)
        && block.has_in_order(&CURRENT)
        && (!by("DIFFRACTION") || block.has("_refine_hist"))
        && (!by("ELECTRON MICROSCOPY") || block.has("_em_software"))
        && (!by("NMR") || block.has("_pdbx_nmr_software"))
        && (!is_obsolete(block) || block.has("_pdbx_database_pdb_obs_spr"))
        && (block.has("_pdbx_struct_mod_residue") || shows_modified(block))
        && block.rows("_entity").all(|row| has_details(block, row));
    if current { Behind::Nothing } else { Behind::Little }
}

fn is_obsolete(block: &Block<'_>) -> bool {
    block.one("_pdbx_database_status", "status_code").as_deref() == Some("OBS")
}

/// Whether the sequences show which residues are modified, so that no table of them is needed.
fn shows_modified(block: &Block<'_>) -> bool {
    block.rows("_entity_poly").all(|row| row.text("pdbx_seq_one_letter_code").is_some())
}

/// Whether the table is there that describes an entity of this sort.
fn has_details(block: &Block<'_>, entity: Row<'_, '_>) -> bool {
    let source = match entity.text("src_method").as_deref() {
        Some("man") => "_entity_src_gen",
        Some("nat") => "_entity_src_nat",
        Some("syn") => "_pdbx_entity_src_syn",
        _ => "_entity",
    };
    let mutated = entity.text("pdbx_mutation").is_some();
    match entity.text("type").as_deref() {
        Some("polymer") => block.has(source) && (!mutated || block.has("_struct_ref_seq_dif")),
        Some("non-polymer" | "water") => block.has("_pdbx_entity_nonpoly"),
        _ => true,
    }
}
