//! mmCIF with tables after the atoms, save frames, and other names; predicted models.

use super::tests::{gzip, one};
use super::*;

const ATOMS: &str = "loop_\n_atom_site.group_PDB\n_atom_site.id\nATOM 1\nATOM 2\n";

fn codes(ligands: &[Ligand]) -> Vec<&str> {
    ligands.iter().map(|ligand| ligand.code.as_str()).collect()
}

/// The tables of a file of the archive since December 2023, in its order.
const TABLES: [(&str, &str); 22] = [
    ("_entry", "_entry.id 1ABC"),
    ("_database_2", "_database_2.database_id PDB\n_database_2.database_code 1ABC"),
    ("_pdbx_audit_revision_history", "_pdbx_audit_revision_history.revision_date 2024-01-31"),
    ("_pdbx_database_status", "_pdbx_database_status.recvd_initial_deposition_date 2023-01-01"),
    ("_audit_author", "_audit_author.name 'Doe, J.'"),
    ("_citation", "_citation.id primary\n_citation.title T"),
    ("_citation_author", "_citation_author.citation_id primary\n_citation_author.name 'Late, A.'"),
    (
        "_entity",
        "loop_\n_entity.id\n_entity.type\n_entity.src_method\n_entity.pdbx_mutation\n1 polymer man C97A\n2 polymer syn ?\n3 non-polymer syn ?",
    ),
    (
        "_entity_poly",
        "_entity_poly.type 'polypeptide(L)'\n_entity_poly.pdbx_seq_one_letter_code GA\n_entity_poly.pdbx_strand_id A",
    ),
    ("_pdbx_entity_nonpoly", "_pdbx_entity_nonpoly.comp_id HEM"),
    ("_entity_src_gen", "_entity_src_gen.pdbx_gene_src_gene lacZ"),
    ("_pdbx_entity_src_syn", "_pdbx_entity_src_syn.organism_scientific 'synthetic construct'"),
    ("_chem_comp", "_chem_comp.id HEM\n_chem_comp.type non-polymer"),
    ("_software", "_software.name REFMAC"),
    ("_cell", "_cell.length_a 10"),
    ("_symmetry", "_symmetry.space_group_name_H-M 'P 1'"),
    ("_exptl", "_exptl.method 'X-RAY DIFFRACTION'"),
    ("_refine", "_refine.ls_d_res_high 1.5"),
    ("_refine_hist", "_refine_hist.number_atoms_total 7"),
    ("_struct", "_struct.title T"),
    ("_struct_keywords", "_struct_keywords.text K"),
    ("_struct_ref", "_struct_ref.db_name UNP\n_struct_ref.pdbx_db_accession P12345"),
];
const MORE: [(&str, &str); 4] = [
    (
        "_struct_ref_seq_dif",
        "_struct_ref_seq_dif.details 'engineered mutation'\n_struct_ref_seq_dif.db_mon_id CYS\n_struct_ref_seq_dif.mon_id ALA\n_struct_ref_seq_dif.seq_num 5",
    ),
    ("_pdbx_struct_assembly", "_pdbx_struct_assembly.oligomeric_details dimeric"),
    ("_chem_comp_atom", "loop_\n_chem_comp_atom.comp_id\n_chem_comp_atom.atom_id\nHEM FE\nHEM NA"),
    ("_atom_sites", "_atom_sites.entry_id 1ABC"),
];
/// Tables that only some entries have.
const OPTIONAL: [&str; 6] = [
    "_pdbx_database_related.db_name PDB\n_pdbx_database_related.db_id 2ABC",
    "_pdbx_database_PDB_obs_spr.id SPRSDE\n_pdbx_database_PDB_obs_spr.pdb_id 1ABC\n_pdbx_database_PDB_obs_spr.replace_pdb_id 2ABC",
    "_pdbx_struct_mod_residue.label_comp_id HEM",
    "_em_software.name RELION",
    "_pdbx_nmr_software.name CYANA",
    "_ma_qa_metric_global.metric_value 92.5",
];

/// Returns a file whose table `late` is after the atoms.
fn with_late(late: &str) -> Entry {
    let tables = || TABLES.iter().chain(&MORE);
    let before = tables().filter(|(name, _)| *name != late).map(|(_, table)| *table);
    let behind = tables().filter(|(name, _)| *name == late).map(|(_, table)| *table);
    with_atoms_between(before, behind)
}

fn with_atoms_between<'t>(
    before: impl Iterator<Item = &'t str>,
    behind: impl Iterator<Item = &'t str>,
) -> Entry {
    let joined = |tables: &mut dyn Iterator<Item = &'t str>| -> String {
        tables.map(|table| format!("{table}\n#\n")).collect()
    };
    let (mut before, mut behind) = (before, behind);
    let text = format!("data_1ABC\n{}{ATOMS}#\n{}", joined(&mut before), joined(&mut behind));
    one("1abc.cif.gz", &gzip(text.as_bytes()))
}

#[test]
fn whatever_is_behind_the_atoms_is_read_or_said_to_be_cut() {
    let full = with_late("");
    assert!(!full.cut, "the order of the archive");
    for (table, _) in TABLES.iter().chain(&MORE) {
        let entry = with_late(table);
        assert!(entry.cut || entry == full, "{table}: {entry:?}");
    }
    // These are not in every entry, so only another order shows that they may follow.
    assert!(with_late("_citation_author").cut && with_late("_refine_hist").cut);
}

#[test]
fn tables_of_some_entries_are_not_missed_behind_the_atoms() {
    let archive = || TABLES.iter().chain(&MORE).map(|(_, table)| *table);
    let without = |name: &'static str| {
        TABLES.iter().chain(&MORE).filter(move |(known, _)| *known != name).map(|(_, table)| *table)
    };
    let none = || std::iter::empty::<&str>();
    let plain = with_atoms_between(archive(), none());
    for table in OPTIONAL {
        // In the archive they are before the atoms.
        let (first, rest) = (archive().take(2), archive().skip(2));
        let read = with_atoms_between(first.chain([table]).chain(rest), none());
        assert!(!read.cut && read != plain, "{table}");
        // Other programs write the tables of the archive in its order, but not all of them.
        for missing in ["_chem_comp_atom", "_atom_sites"] {
            let entry = with_atoms_between(without(missing), [table].into_iter());
            assert!(entry.cut, "{table} behind the atoms, without {missing}: {entry:?}");
        }
    }
    // What the tables before the atoms announce.
    for (from, to) in [
        ("_pdbx_database_status.recvd", "_pdbx_database_status.status_code OBS\n_pdbx_database_status.recvd"),
        ("_entity_poly.pdbx_seq_one_letter_code GA", ""),
        ("_exptl.method 'X-RAY DIFFRACTION'", "_exptl.method 'SOLUTION NMR'"),
        (
            "_exptl.method 'X-RAY DIFFRACTION'",
            "_exptl.method 'ELECTRON MICROSCOPY'\n_em_3d_reconstruction.resolution 3",
        ),
    ] {
        let tables: Vec<String> = archive().map(|table| table.replace(from, to)).collect();
        let entry = with_atoms_between(tables.iter().map(String::as_str), none());
        assert!(entry.cut, "{to}: {entry:?}");
    }
}

#[test]
fn save_frames_have_no_tables_of_the_block() {
    let reflections = ATOMS.replace("_atom_site", "_refln");
    for frame in ["save_f\n", "  save_f\n", "SAVE_f # comment\n"] {
        for table in [ATOMS, &reflections] {
            let text = format!("data_x\n{frame}{table}save_\n");
            let entry = one("x.cif", text.as_bytes());
            assert_eq!((entry.kind, entry.error), (Kind::Text, None), "{text}");
            let long = format!("data_x\n{frame}{table}{}save_\n", "ATOM 3\n".repeat(20_000));
            assert_eq!(one("x.cif", long.as_bytes()).kind, Kind::Text);
            // The table after the frame counts.
            let entry = one("x.cif", format!("{text}{ATOMS}").as_bytes());
            assert_eq!(entry.kind, Kind::Structure, "{text}");
        }
    }
    let text = format!("data_x save_f\n{ATOMS}save_\n_struct.title t\n");
    assert_eq!(one("x.cif", text.as_bytes()).title.as_deref(), Some("t"));
    // A history in the block and atoms in a frame do not end the reading.
    let text = format!(
        "data_1ABC\n_entry.id 1ABC\n_pdbx_audit_revision_history.revision_date 2024-01-31\nsave_f\n{ATOMS}save_\n_struct.title t\n"
    );
    let entry = one("x.cif", text.as_bytes());
    assert_eq!((entry.title.as_deref(), entry.cut), (Some("t"), false));
    // The next block is no frame.
    let mut kinds = Vec::new();
    let text = format!("data_x\nsave_f\n{ATOMS}data_y\n{ATOMS}");
    read("x.cif", text.as_bytes(), &Options::default(), &mut |entry| kinds.push(entry.kind));
    assert_eq!(kinds, [Kind::Text, Kind::Structure]);
}

#[test]
fn the_content_decides_more_than_the_extension() {
    let cif = format!("data_1ABC\n_entry.id 1ABC\n_struct.title x\n{ATOMS}");
    for name in ["x.mcif", "x.pdbx", "x.mmcif", "x.txt", "x", "x.mcif.gz", "x.gz"] {
        let bytes = if name.ends_with(".gz") { gzip(cif.as_bytes()) } else { cif.clone().into() };
        let entry = one(name, &bytes);
        assert_eq!((entry.kind, entry.title.as_deref()), (Kind::Structure, Some("x")), "{name}");
    }
    let star = one("1abc_cs.str", b"data_1abc\nsave_x\n_Entry.Title y\nsave_\n");
    assert_eq!((star.kind, star.text.is_some()), (Kind::Nmr, true));
    assert_eq!(one("small.txt", b"data_I\n_chemical_name_systematic foo\n").kind, Kind::Text);
    let pdb = "HEADER    HYDROLASE                               01-JAN-00   1ABC\nTITLE     T\n";
    for name in ["1abc.cif", "x.mmcif"] {
        let entry = one(name, pdb.as_bytes());
        assert_eq!((entry.id.as_deref(), entry.title.as_deref()), (Some("1abc"), Some("T")), "{name}");
    }
    for name in
        ["1abc.mmtf", "1abc.mmtf.gz", "1abc.mtz", "1abc-sf.mtz", "1abc.zip", "1abc.tar.gz", "1abc.cif.lzma"]
    {
        let bytes = if name.ends_with(".gz") { gzip(b"x\0y") } else { b"x\0y".into() };
        let entry = one(name, &bytes);
        assert_eq!((entry.kind, entry.id.as_deref()), (Kind::Name, Some("1abc")), "{name}");
    }
    assert_eq!(one("2019.zip", b"PK\x03\x04\0").id, None);
}

#[test]
fn caps_of_polymers_are_no_ligands() {
    let text = "data_1ABC\n_entry.id 1ABC\n_entity_poly.type 'polypeptide(L)'\n_entity_poly.pdbx_seq_one_letter_code '(ACE)GA(NH2)'\n\
loop_\n_chem_comp.id\n_chem_comp.type\nACE non-polymer\nNH2 non-polymer\nHEM non-polymer\n_pdbx_entity_nonpoly.comp_id HEM\n";
    let entry = one("1abc.cif", text.as_bytes());
    assert_eq!((codes(&entry.modified), codes(&entry.ligands)), (vec!["ACE", "NH2"], vec!["HEM"]));
    let both = one("1abc.cif", text.replace("comp_id HEM", "comp_id ACE").as_bytes());
    assert_eq!((codes(&both.modified), codes(&both.ligands)), (vec!["ACE", "NH2"], vec!["ACE", "HEM"]));
}

#[test]
fn predictions_are_told_from_experiments() {
    let of = |items: &str| {
        let entry = one("x.cif", format!("data_x\n_entry.id x\n{items}\n").as_bytes());
        (entry.methodology, entry.plddt)
    };
    let metric = |name: &str, kind: &str, value: &str| {
        of(&format!(
            "_ma_qa_metric.id 1\n_ma_qa_metric.name {name}\n_ma_qa_metric.type {kind}\n_ma_qa_metric_global.metric_id 1\n_ma_qa_metric_global.metric_value {value}"
        ))
    };
    assert_eq!(metric("confidence", "pLDDT", "92.5"), (Some("predicted"), Some(92.5)));
    assert_eq!(metric("confidence", "'pLDDT in [0,1]'", "0.8734"), (Some("predicted"), Some(87.34)));
    assert_eq!(metric("PAE", "PAE", "3.5"), (Some("predicted"), None));
    for (items, how) in [
        (
            "_struct.pdbx_structure_determination_methodology experimental\n_ma_model_list.model_id 1",
            Some("experimental"),
        ),
        (
            "_struct.pdbx_structure_determination_methodology computational\n_exptl.method 'X-RAY DIFFRACTION'",
            Some("predicted"),
        ),
        ("_exptl.method 'X-RAY DIFFRACTION'", Some("experimental")),
        ("_exptl.method 'model, minimized'", Some("predicted")),
        ("_exptl.method 'THEORETICAL MODEL'", Some("predicted")),
        ("_exptl.method 'somebody guessed'", None),
    ] {
        assert_eq!(of(items).0, how, "{items}");
    }
}

#[test]
fn a_dummy_cell_has_no_space_group() {
    let of = |length: &str| {
        let text = format!(
            "data_1ABC\n_entry.id 1ABC\n_cell.length_a {length}\n_cell.length_b {length}\n_cell.length_c {length}\n_cell.angle_alpha 90\n_cell.angle_beta 90\n_cell.angle_gamma 90\n_symmetry.space_group_name_H-M 'P 1'\n"
        );
        let entry = one("1abc.cif", text.as_bytes());
        (entry.cell.is_some(), entry.space_group)
    };
    assert_eq!((of("1.000"), of("0"), of("5")), ((false, None), (false, None), (true, Some("P 1".into()))));
}
