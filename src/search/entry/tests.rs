use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use std::io::Write;
use std::path::Path;

fn all(name: &str, bytes: &[u8], options: &Options) -> (Vec<Entry>, Read) {
    let mut entries = Vec::new();
    let done = read(name, bytes, options, &mut |entry| entries.push(entry));
    assert_eq!(done.entries, entries.len() as u64, "{name}");
    assert_eq!(done.errors, entries.iter().filter(|entry| entry.error.is_some()).count() as u64, "{name}");
    (entries, done)
}

pub(super) fn one(name: &str, bytes: &[u8]) -> Entry {
    let (mut entries, _) = all(name, bytes, &Options::default());
    assert_eq!(entries.len(), 1, "{name}: {entries:?}");
    entries.remove(0)
}

fn corpus(id: &str) -> Vec<u8> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let name = format!("{id}.cif.gz");
    std::fs::read(corpus.join(&name)).or_else(|_| std::fs::read(corpus.join("more").join(&name))).unwrap()
}

/// Reads a file of the corpus's `odd/` directory.
pub(super) fn odd(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/odd").join(name)).unwrap()
}

pub(super) fn inflated(id: &str) -> Vec<u8> {
    let mut plain = Vec::new();
    let bytes = corpus(id);
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&bytes[..]), &mut plain).unwrap();
    plain
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn day(text: &str) -> Option<Date> {
    Date::iso(text)
}

/// The revision history of this file is after the atoms, its title is quoted, and its organism is in upper case.
#[test]
fn every_field_of_1pfe() {
    let entry = one("pf/1pfe.cif.gz", &corpus("1pfe"));
    assert_eq!(entry.kind, Kind::Structure);
    assert_eq!(entry.id.as_deref(), Some("1pfe"));
    assert_eq!(entry.title.as_deref(), Some("Echinomycin-(gcgtacgc)2 complex"));
    assert_eq!(entry.keywords[..3], ["DNA/ANTIBIOTIC", "BISINTERCALATOR", "HOOGSTEEN BASEPAIR"]);
    assert_eq!(entry.methods, ["x-ray diffraction"]);
    assert_eq!(entry.resolution, Some(1.1));
    assert_eq!(entry.molecules[..2], ["5'-D(*GP*CP*GP*TP*AP*CP*GP*C)-3'", "ECHINOMYCIN"]);
    assert!(!entry.molecules.contains(&"water".to_owned()));
    assert_eq!(entry.organisms, ["Streptomyces echinatus"]);
    assert_eq!(entry.taxonomy, [67_293]);
    assert_eq!(entry.authors, ["Cuesta-Seijo, J.A.", "Sheldrick, G.M."]);
    let citation = &entry.citation;
    assert_eq!(
        citation.title.as_deref(),
        Some("Structures of Complexes between Echinomycin and Duplex DNA.")
    );
    assert_eq!(citation.journal.as_deref(), Some("Acta Crystallogr.,Sect.D"));
    assert_eq!((citation.year, citation.pubmed), (Some(2005), Some(15_805_599)));
    assert_eq!(citation.doi.as_deref(), Some("10.1107/s090744490500137x"));
    assert_eq!(entry.deposited, day("2003-05-26"));
    assert_eq!((entry.released, entry.revised), (day("2004-06-08"), day("2012-12-12")));
    let ligands: Vec<&str> = entry.ligands.iter().map(|ligand| ligand.code.as_str()).collect();
    assert_eq!(ligands, ["CL", "QUI"]);
    assert_eq!(entry.ligands[1].name.as_deref(), Some("2-CARBOXYQUINOXALINE"));
    let modified: Vec<&str> = entry.modified.iter().map(|residue| residue.code.as_str()).collect();
    assert_eq!(modified, ["DSN", "MVA", "N2C", "NCY"]);
    assert_eq!(entry.polymers, ["dna", "protein"]);
    assert_eq!((entry.chains, entry.residues, entry.atoms), (Some(2), Some(16), Some(332)));
    assert_eq!(entry.space_group.as_deref(), Some("P 63 2 2"));
    assert_eq!(entry.error, None);
}

#[test]
fn every_field_of_4zhl_and_5i55() {
    let entry = one("4zhl.cif.gz", &corpus("4zhl"));
    assert_eq!(entry.organisms, ["Homo sapiens", "synthetic construct"]);
    assert_eq!(entry.common_names, ["Human"]);
    assert_eq!(entry.taxonomy, [9_606, 32_630]);
    assert_eq!(entry.enzymes, ["3.4.21.73"]);
    assert_eq!(entry.uniprot, ["P00749"]);
    assert_eq!(entry.weight, Some(29.0));
    assert_eq!((entry.chains, entry.residues, entry.atoms), (Some(2), Some(257), Some(2_080)));

    let entry = one("5i55.cif.gz", &corpus("5i55"));
    // A text field over two lines.
    let title =
        "Crystal Structure of the Virulent PSM-alpha3 Peptide Forming a Cross-alpha amyloid-like Fibril";
    assert_eq!(entry.title.as_deref(), Some(title));
    assert_eq!(entry.organisms, ["Staphylococcus aureus"]);
    assert_eq!(entry.uniprot, ["H9BRQ7"]);
    assert_eq!(entry.residues, Some(22));
    assert_eq!((entry.deposited, entry.released), (day("2016-02-14"), day("2017-03-01")));
    let options = Options { sequences: true, ..Options::default() };
    let (entries, _) = all("5i55.cif.gz", &corpus("5i55"), &options);
    assert_eq!(entries[0].sequences, ["MEFVAKLFKFFKDLLGKFLGNN"]);
}

/// An old file: its dates are in a table that newer files do not have, and its title has two lines.
#[test]
fn every_field_of_1lcd() {
    let entry = one("1lcd.cif.gz", &corpus("1lcd"));
    assert_eq!(entry.methods, ["solution nmr"]);
    assert_eq!((entry.resolution, entry.atoms), (None, None));
    assert_eq!(entry.organisms, ["Escherichia coli"]);
    assert_eq!(entry.polymers, ["dna", "protein"]);
    assert_eq!(entry.uniprot, ["P03023"]);
    assert_eq!((entry.released, entry.revised), (day("1994-01-31"), day("2009-02-24")));
    assert_eq!(entry.deposited, day("1993-03-25"));
}

/// Fields that a file does not have are empty.
#[test]
fn a_file_without_dates_has_none() {
    let entry = one("3dg1.cif.gz", &corpus("3dg1"));
    assert_eq!((entry.deposited, entry.released, entry.weight, entry.atoms), (None, None, None, None));
    assert_eq!(entry.title.as_deref(), Some("SEGMENT SSTNVG DERIVED FROM IAPP"));
}

/// Read to the end or not, compressed or not, with LF or CRLF: the entry is the same, except for programs and assemblies. These old files
/// have them after their atoms, and `cut` says that they were left out.
#[test]
fn how_a_file_is_read_changes_nothing() {
    let mut cut = 0;
    for id in ["1a8o", "1lcd", "1pfe", "3dg1", "3jqh", "4cup", "4zhl", "5i55"] {
        let name = format!("{id}.cif.gz");
        let entry = one(&name, &corpus(id));
        assert_eq!(entry.id.as_deref(), Some(id));
        let whole = Options { whole: true, ..Options::default() };
        let full = all(&name, &corpus(id), &whole).0.remove(0);
        let more = full.software != entry.software || full.oligomers != entry.oligomers;
        assert!(entry.cut || !more, "{id}");
        cut += usize::from(more);
        let mut full = Entry { cut: entry.cut, ..full };
        if entry.cut {
            assert!(entry.software.is_empty() && entry.oligomers.is_empty(), "{id}");
            (full.software, full.oligomers, full.assembly) = (vec![], vec![], None);
        }
        assert_eq!(full, entry);
        let plain = inflated(id);
        assert_eq!(one(&format!("{id}.cif"), &plain), entry);
        let crlf = String::from_utf8(plain).unwrap().replace('\n', "\r\n");
        assert_eq!(one(&format!("{id}.cif"), crlf.as_bytes()), entry, "{id} with CRLF");
        // Two gzip members, as `cat a.gz b.gz` makes them.
        let (a, b) = crlf.split_at(crlf.len() / 3);
        assert_eq!(one(&name, &[gzip(a.as_bytes()), gzip(b.as_bytes())].concat()), entry);
    }
    assert!(cut > 0, "no file tells that anything was left out");
}

#[test]
fn both_forms_of_an_id_are_one() {
    let text =
        String::from_utf8(inflated("1a8o")).unwrap().replace("_entry.id   1A8O", "_entry.id   pdb_00001a8o");
    assert_eq!(one("pdb_00001a8o.cif", text.as_bytes()).id.as_deref(), Some("1a8o"));
}

#[test]
fn what_is_broken_says_why() {
    let good = corpus("1a8o");
    let plain = inflated("1a8o");
    let why = |name: &str, bytes: &[u8]| one(name, bytes).error.unwrap_or_else(|| panic!("{name} is fine?"));
    assert_eq!(why("1a8o.cif.gz", &[]), "empty");
    assert_eq!(why("1a8o.cif.gz", &gzip(b"")), "empty");
    assert!(why("1a8o.cif.gz", &good[..2_000]).starts_with("truncated"));
    assert_eq!(why("1a8o.cif.gz", &plain), "not gzip");
    let page = b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>";
    assert!(why("1a8o.cif.gz", page).contains("HTML"));
    assert_eq!(why("1a8o.cif.gz", b"\x28\xb5\x2f\xfd...."), "not gzip but zstd");
    assert_eq!(why("pdb1a8o.ent.gz", b"\x1f\x9d\x90..."), "not gzip but compress (.Z)");
    assert!(why("1a8o.cif", page).contains("no data_ block"));
    assert!(
        why("1a8o.cif.gz", &gzip(b"data_x\n_entry.id 1A8O\n_struct.title\n;no end\n")).contains("has no end")
    );
    let mut flipped = good.clone();
    flipped[40..60].iter_mut().for_each(|byte| *byte ^= 0xff);
    assert!(why("1a8o.cif.gz", &flipped).starts_with("damaged"));
    let mut gigantic = b"data_x\n_entry.id 1A8O\n_struct.title\n;".to_vec();
    gigantic.resize(CAP + 100_000, b'x');
    assert!(why("1a8o.cif.gz", &gzip(&gigantic)).contains("16 MiB"));
    assert!(why("pdb1a8o.ent", b"nothing of the kind").contains("neither"));
    // A broken file is still found by its ID.
    assert_eq!(one("xx/1a8o.cif.gz", &good[..2_000]).id.as_deref(), Some("1a8o"));
}

#[test]
fn latin_1_is_read() {
    let entry = one(
        "1abc.cif",
        b"data_1ABC\n_entry.id 1ABC\n_struct.title 'S\xf8rensen'\n_audit_author.name '\xc3\xa9'\n",
    );
    assert_eq!(entry.title.as_deref(), Some("Sørensen"));
    assert_eq!(entry.authors, ["é"]);
    assert_eq!(entry.error, None);
}

#[test]
fn each_component_is_an_entry() {
    let text = b"data_HEM\n#\n_chem_comp.id HEM\n_chem_comp.name 'PROTOPORPHYRIN IX CONTAINING FE'\n_chem_comp.formula 'C34 H32 Fe N4 O4'\n_chem_comp.formula_weight 616.487\n_chem_comp.pdbx_synonyms HEME\nloop_\n_chem_comp_atom.comp_id\n_chem_comp_atom.atom_id\nHEM CHA\nHEM CHB\ndata_ATP\n_chem_comp.id ATP\n_chem_comp.name\n;ADENOSINE-\ndata_x is no block here\n;\n";
    let (entries, _) = all("components.cif.gz", &gzip(text), &Options::default());
    let ids: Vec<_> = entries.iter().map(|entry| entry.id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["hem", "atp"]);
    assert_eq!(entries[0].kind, Kind::Component);
    assert_eq!(entries[0].weight, Some(0.616_487));
    assert_eq!(entries[0].keywords, ["HEME"]);
    assert_eq!(entries[1].title.as_deref(), Some("ADENOSINE- data_x is no block here"));
}

/// Records modelled on those of the real 1A8O.
#[test]
fn legacy_headers_are_read() {
    let text = b"\
HEADER    VIRAL PROTEIN                           27-MAR-98   1A8O              \n\
TITLE     HIV CAPSID C-TERMINAL DOMAIN                                          \n\
COMPND    MOL_ID: 1;                                                            \n\
COMPND   2 MOLECULE: HIV CAPSID;                                                \n\
COMPND   3 CHAIN: A;                                                            \n\
SOURCE    MOL_ID: 1;                                                            \n\
SOURCE   2 ORGANISM_SCIENTIFIC: HUMAN IMMUNODEFICIENCY VIRUS 1;                 \n\
SOURCE   3 ORGANISM_TAXID: 11676;                                               \n\
KEYWDS    CAPSID, CORE PROTEIN, HIV, C-TERMINAL DOMAIN, VIRAL PROTEIN           \n\
EXPDTA    X-RAY DIFFRACTION                                                     \n\
AUTHOR    T.R.GAMBLE,S.YOO,F.F.VAJDOS,U.K.VON SCHWEDLER,D.K.WORTHYLAKE,         \n\
AUTHOR   2 H.WANG,J.P.MCCUTCHEON,W.I.SUNDQUIST,C.P.HILL                         \n\
REVDAT   2   24-FEB-09 1A8O    1       VERSN                                    \n\
REVDAT   1   14-OCT-98 1A8O    0                                                \n\
JRNL        TITL   STRUCTURE OF THE CARBOXYL-TERMINAL DIMERIZATION              \n\
JRNL        TITL 2 DOMAIN OF THE HIV-1 CAPSID PROTEIN.                          \n\
JRNL        REF    SCIENCE                       V. 278   849 1997              \n\
JRNL        PMID   9346481                                                      \n\
JRNL        DOI    10.1126/SCIENCE.278.5339.849                                 \n\
REMARK   2 RESOLUTION.    1.70 ANGSTROMS.                                       \n\
DBREF  1A8O A  151   220  UNP    P12497   POL_HV1N5      283    352             \n\
SEQRES   1 A   70  MSE ASP ILE ARG GLN GLY PRO LYS GLU PRO PHE ARG ASP              \n\
HETNAM     MSE SELENOMETHIONINE                                                 \n\
CRYST1   41.980   41.980   88.920  90.00  90.00  90.00 P 43 21 2     8          \n\
ATOM      1  N   ASP A 152      19.594  32.367  28.012  1.00 38.82           N  \n";
    let legacy = one("a8/pdb1a8o.ent.gz", &gzip(text));
    let modern = one("1a8o.cif.gz", &corpus("1a8o"));
    assert_eq!(legacy.id, modern.id);
    assert_eq!(legacy.title, modern.title);
    assert_eq!(legacy.methods, modern.methods);
    assert_eq!(legacy.resolution, modern.resolution);
    assert_eq!(legacy.organisms, modern.organisms);
    assert_eq!(legacy.taxonomy, modern.taxonomy);
    assert_eq!(legacy.uniprot, modern.uniprot);
    assert_eq!((legacy.deposited, legacy.released), (modern.deposited, modern.released));
    assert_eq!(legacy.authors[0], "GAMBLE, T.R.");
    assert_eq!(legacy.authors.len(), 9);
    assert_eq!((legacy.citation.year, legacy.citation.pubmed), (Some(1997), Some(9_346_481)));
    assert_eq!(legacy.citation.journal.as_deref(), Some("SCIENCE"));
    assert_eq!(legacy.citation.doi, modern.citation.doi);
    assert_eq!(legacy.modified[0].code, "MSE");
    assert!(legacy.ligands.is_empty());
    assert_eq!((legacy.chains, &legacy.polymers[..]), (Some(1), &["protein".to_owned()][..]));
    assert_eq!(legacy.space_group, modern.space_group);
    assert_eq!(legacy.cell, modern.cell);
}

#[test]
fn records_of_fasta_are_entries_if_asked_for() {
    let text = b">101m_A mol:protein length:154  MYOGLOBIN\nMVLSEGEWQL\nVLHVWAKVEA\n>102l_A mol:na length:3  X\r\nacg\r\n";
    let options = Options { fasta: true, sequences: true, ..Options::default() };
    let (entries, _) = all("pdb_seqres.txt.gz", &gzip(text), &options);
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0].id.as_deref(), Some("101m"));
    assert_eq!(entries[0].title.as_deref(), Some("MYOGLOBIN"));
    assert_eq!((entries[0].residues, entries[0].sequences[0].as_str()), (Some(20), "MVLSEGEWQLVLHVWAKVEA"));
    assert_eq!(entries[1].sequences, ["ACG"]);
    assert_eq!(one("pdb_seqres.txt.gz", &gzip(text)).kind, Kind::Text);
}

#[test]
fn other_files_are_text_or_a_name() {
    let entry = one("README", b"\nMirrors\nof things\n");
    assert_eq!((entry.kind, entry.title.as_deref()), (Kind::Text, Some("Mirrors")));
    assert_eq!(one("x.map.gz", &gzip(b"MAP\0\0")).kind, Kind::Name);
    let short = Options { text_limit: 4, ..Options::default() };
    assert_eq!(all("a.txt", "abcä".as_bytes(), &short).0[0].text.as_deref(), Some("abc"));
}

/// Pieces of CIF whose combinations are difficult to parse.
pub(super) fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        ";",
        "\n",
        "\n;",
        "'",
        "\"",
        " ",
        "_a.b",
        "_struct.title",
        "_entry.id",
        "_atom_site.id",
        "\n_atom_site.x y\n",
        "_refln.x",
        "loop_",
        "save_x",
        "\nsave_",
        "data_x",
        "\ndata_y\n",
        "#",
        "?",
        ".",
        "x",
        "\r",
        "\t",
        "\0",
        "é",
        "1abc",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn any_bytes_of_any_name_are_read(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        nasty in pieces(),
        name in prop::sample::select(vec!["1abc.cif", "1abc.cif.gz", "pdb1abc.ent", "a.fasta", "x", "1abc.pdb.gz", "1abc.bcif", "1abc.bcif.gz"]),
        packed: bool,
        magic: bool,
    ) {
        let mut bytes = if packed { gzip(&nasty) } else { bytes };
        if magic {
            bytes.splice(0..0, *b"HEADER    ");
        }
        let options = Options { fasta: true, sequences: true, ..Options::default() };
        let (entries, _) = all(name, &bytes, &options);
        prop_assert!(!entries.is_empty() || name == "a.fasta");
    }
}

/// Regression test: two million values of one item kept `index` busy for minutes.
#[test]
fn a_field_of_very_many_values_is_cut_and_said() {
    for (table, item) in [
        ("_audit_author", "name"),
        ("_chem_comp", "id"),
        ("_struct_keywords", "text"),
        ("_entity_src_nat", "pdbx_ncbi_taxonomy_id"),
        ("_entity", "pdbx_description"),
    ] {
        let mut text = format!("data_1ABC\n_entry.id 1ABC\nloop_\n{table}.{item}\n");
        if item == "text" {
            let words: Vec<_> = (0..300_000).map(|n| format!("w{n}")).collect();
            text = format!("data_1ABC\n_entry.id 1ABC\n{table}.{item}\n;{}\n;\n", words.join(", "));
        } else {
            (0..300_000).for_each(|n| text.push_str(&format!("{}\n", n + 100_000)));
        }
        let entry = one("1abc.cif", text.as_bytes());
        let most = [entry.authors.len(), entry.ligands.len(), entry.keywords.len(), entry.taxonomy.len()];
        let most = most.into_iter().chain([entry.molecules.len()]).max();
        assert_eq!(most, Some(4096), "{table}");
        assert!(
            entry.error.as_deref().unwrap().contains("more than 4096 values"),
            "{table}: {:?}",
            entry.error
        );
    }
}
