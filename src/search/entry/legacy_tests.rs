//! Legacy headers from before 1996 and of other programs, and texts that only look like them.

use super::tests::one;
use super::*;

const ATOM: &str = "ATOM      1  N   GLY A   1      11.104   6.134  -6.504  1.00  0.00           N";

/// Pads lines to their full length.
fn pdb(lines: &[&str]) -> Vec<u8> {
    lines.iter().map(|line| format!("{line:<80}\n")).collect::<String>().into_bytes()
}

fn codes(ligands: &[Ligand]) -> Vec<&str> {
    ligands.iter().map(|ligand| ligand.code.as_str()).collect()
}

#[test]
fn enzyme_classes_stand_in_free_text() {
    for (text, classes) in [
        ("LYSOZYME (E.C.3.2.1.17)", &["3.2.1.17"][..]),
        ("PEROXIDASE (EC 1.11.1.7)", &["1.11.1.7"]),
        ("COMPLEX: TRYPSIN (E.C. 3.4.21.4) - X (EC: 3.4.21.)", &["3.4.21.4", "3.4.21"]),
        ("SPEC 1.2 AND EC 5", &[]),
    ] {
        assert_eq!(one("1abc.pdb", &pdb(&[&format!("COMPND    {text}")])).enzymes, classes, "{text}");
    }
}

#[test]
fn organisms_stand_in_free_text_and_are_not_invented() {
    for (text, organisms, common, hosts) in [
        ("HEN (GALLUS $GALLUS) EGG WHITE", &["Gallus gallus"][..], &["HEN"][..], &[][..]),
        (
            "BOVINE (BOS TAURUS) AND HUMAN (HOMO SAPIENS)",
            &["Bos taurus", "Homo sapiens"],
            &["BOVINE", "HUMAN"],
            &[],
        ),
        (
            "BOVINE (BOS TAURUS) PANCREAS, AND HUMAN (HOMO SAPIENS)",
            &["Bos taurus", "Homo sapiens"],
            &["BOVINE", "HUMAN"],
            &[],
        ),
        ("RECOMBINANT HUMAN (HOMO SAPIENS)", &["Homo sapiens"], &["HUMAN"], &[]),
        (
            "BACTERIOPHAGE T4 (MUTANT GENE DERIVED FROM THE M13 PLASMID BY CLONING THE T4 LYSOZYME GENE)",
            &[],
            &["BACTERIOPHAGE T4"],
            &[],
        ),
        ("X (WILD TYPE) (HUMAN) (BL21)", &[], &["X"], &[]),
        (
            "SPERM WHALE (PHYSETER CATODON) EXPRESSED IN (ESCHERICHIA $COLI) STRAIN (BL21)",
            &["Physeter catodon"],
            &["SPERM WHALE"],
            &["Escherichia coli"],
        ),
        ("SYNTHETIC", &[], &["SYNTHETIC"], &[]),
    ] {
        // The record continues on a line of its own.
        let end = text.len().min(70);
        let cut = text[..end].rfind(' ').filter(|_| end == 70).unwrap_or(end);
        let more = format!("SOURCE   2{}", &text[cut..]);
        let entry = one("1abc.pdb", &pdb(&[&format!("SOURCE    {}", &text[..cut]), &more]));
        assert_eq!(entry.organisms, organisms, "{text}");
        assert_eq!(entry.common_names, common, "{text}");
        assert_eq!(entry.hosts, hosts, "{text}");
    }
}

/// The same mutations, in both formats and in the forms of all their versions.
#[test]
fn mutations_are_those_of_mmcif() {
    for (stated, comment, mutations) in [
        ("YES", "ENGINEERED MUTATION", &["C97A"][..]),
        ("YES", "ENGINEERED", &["C97A"]),
        ("YES", "MUTATION", &["C97A"]),
        ("C97A, Y122F", "ENGINEERED MUTATION", &["C97A", "Y122F"]),
        ("INS(MET 0)", "CONFLICT", &["INS(MET 0)"]),
        ("YES", "CONFLICT", &[]),
        ("NO", "EXPRESSION TAG", &[]),
    ] {
        let legacy = one(
            "1abc.pdb",
            &pdb(&[
                "COMPND    MOL_ID: 1;",
                "COMPND   2 MOLECULE: X;",
                "COMPND   3 ENGINEERED: YES;",
                &format!("COMPND   4 MUTATION: {stated};"),
                &format!("SEQADV 1ABC ALA A   97  UNP  P26769    CYS    97 {comment}"),
            ]),
        );
        let cif = format!(
            "data_1ABC\n_entry.id 1ABC\n_entity.type polymer\n_entity.pdbx_mutation '{stated}'\n\
_struct_ref_seq_dif.mon_id ALA\n_struct_ref_seq_dif.db_mon_id CYS\n_struct_ref_seq_dif.details '{comment}'\n_struct_ref_seq_dif.seq_num 97\n"
        );
        let modern = one("1abc.cif", cif.as_bytes());
        assert_eq!(legacy.mutations, mutations, "{stated}, {comment}");
        assert_eq!(modern.mutations, mutations, "{stated}, {comment}");
    }
}

#[test]
fn assemblies_are_counted_by_their_state_or_their_chains() {
    let of = |remarks: &[&str]| {
        let chains = ["A", "B"].map(|name| format!("SEQRES   1 {name}    1  ALA"));
        let remarks = remarks.iter().map(|text| format!("REMARK 350 {text}")).chain(chains);
        let lines: Vec<String> = remarks.collect();
        let entry = one("1abc.pdb", &pdb(&lines.iter().map(String::as_str).collect::<Vec<_>>()));
        (entry.oligomers.join(","), entry.assembly)
    };
    let author = "AUTHOR DETERMINED BIOLOGICAL UNIT: DIMERIC";
    let software = "SOFTWARE DETERMINED QUATERNARY STRUCTURE: TETRAMERIC";
    let (first, second) = ("  BIOMT1   1  1.000000", "  BIOMT1   2  1.000000");
    for (remarks, expected) in [
        (&["BIOMOLECULE: 1", author, software][..], ("dimeric,tetrameric", Some(2))),
        (&["BIOMOLECULE: 1", software, "BIOMOLECULE: 2", author], ("tetrameric,dimeric", Some(4))),
        (&["BIOMOLECULE: 1", "SOFTWARE DETERMINED QUATERNARY STRUCTURE: 24-MERIC"], ("24-meric", Some(24))),
        // Before 2008 only the chains and operators are given. X is a ligand.
        (
            &["BIOMOLECULE: 1", "APPLY THE FOLLOWING TO CHAINS: A,", "AND CHAINS: B, X", first, second],
            ("", Some(4)),
        ),
        (
            &[
                "BIOMOLECULE: 1",
                "APPLY THE FOLLOWING TO CHAINS: A",
                first,
                second,
                "APPLY THE FOLLOWING TO CHAINS: B",
                first,
                "BIOMOLECULE: 2",
                "APPLY THE FOLLOWING TO CHAINS: A, B",
                first,
            ],
            ("", Some(3)),
        ),
        (&["BIOMOLECULE: 1", "APPLY THE FOLLOWING TO CHAINS: A"], ("", None)),
        (&["NO BIOLOGICAL UNIT: IS KNOWN"], ("", None)),
    ] {
        assert_eq!(of(remarks), (expected.0.to_owned(), expected.1), "{remarks:?}");
    }
    let virus = "AUTHOR DETERMINED BIOLOGICAL UNIT: COMPLETE ICOSAHEDRAL ASSEMBLY";
    let chains = "APPLY THE FOLLOWING TO CHAINS: A, B";
    let sixty: Vec<&str> = ["BIOMOLECULE: 1", virus, chains].into_iter().chain([first; 60]).collect();
    assert_eq!(of(&sixty).1, Some(120));
}

#[test]
fn a_dummy_crystal_has_no_space_group() {
    for (lengths, group) in [("    1.000", None), ("    0.000", None), ("   61.000", Some("P 1"))] {
        let line = format!("CRYST1{lengths}{lengths}{lengths}  90.00  90.00  90.00 P 1           1");
        let entry = one("1abc.pdb", &pdb(&[&line]));
        assert_eq!((entry.space_group.as_deref(), entry.cell.is_some()), (group, group.is_some()));
    }
}

#[test]
fn residues_without_a_description_are_modified() {
    let entry = one(
        "1abc.pdb",
        &pdb(&[
            "SEQRES   1 A    4  MSE ALA XYZ GLY",
            "MODRES 1ABC TPO A    9  THR",
            "HET    HEM  A 201      43",
        ]),
    );
    assert_eq!((codes(&entry.modified), codes(&entry.ligands)), (vec!["MSE", "TPO", "XYZ"], vec!["HEM"]));
    let rna = one("1abc.pdb", &pdb(&["SEQRES   1 A    4   +G  +C  +A  +U"]));
    assert!(rna.modified.is_empty(), "{:?}", rna.modified);
}

#[test]
fn records_are_told_without_an_extension() {
    let remarks =
        (0..300).map(|n| format!("REMARK   4 LINE {n:4} OF SOME LONG COMMENT THAT GOES ON AND ON\n"));
    let long = remarks.collect::<String>() + ATOM + "\n";
    let helices = "HELIX    1   1 ALA A    2  GLY A   10  1\n".repeat(5);
    let atoms = format!("made by a program\n{}", format!("{ATOM}\n").repeat(4));
    for text in [&long, &helices, &atoms] {
        for name in ["x", "x.dat", "x.txt"] {
            assert_eq!(one(name, text.as_bytes()).kind, Kind::Structure, "{name}");
        }
    }
    let example = format!("# How to\nAn example of a record:\n{ATOM}\nThat was it.\n");
    let end = format!("# How to\nThis is one:\n{ATOM}\n");
    let prose = "TITLE: X\nREMARK that\nAUTHOR me\nSOURCE of it\nEND of it\n".to_owned();
    let middle = format!("# How to\n{ATOM}\n{ATOM}\n{ATOM}\n{}", "More words on it.\n".repeat(9));
    for text in [&example, &end, &prose, &middle] {
        for name in ["README", "README.md", "x.txt"] {
            assert_eq!(one(name, text.as_bytes()).kind, Kind::Text, "{text}");
        }
    }
}

#[test]
fn entities_of_sgml_are_text() {
    let entities = b"<!ENTITY aacute \"&#x00E1;\">\n";
    let entry = one("isolat1.ent", entities);
    assert_eq!((entry.kind, entry.error), (Kind::Text, None));
    assert!(one("pdb1abc.ent", entities).error.is_some());
    assert_eq!(one("x.ent", &pdb(&["REMARK <x>", ATOM])).kind, Kind::Structure);
}

#[test]
fn letters_are_utf_8_or_latin_1() {
    for bytes in [&b"AUTHOR    M.M\xc3\xbcller,\xce\xb1\n"[..], b"AUTHOR    M.M\xfcller,\xe1\n"] {
        let entry = one("1abc.pdb", bytes);
        assert_eq!(entry.authors[0], "M\u{fc}ller, M.", "{bytes:?}");
    }
}
