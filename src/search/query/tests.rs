use super::*;
use proptest::prelude::*;

fn of(query: &str) -> Node {
    parse(query).unwrap_or_else(|mistake| panic!("{query}: {mistake}"))
}

fn range(field: Field, low: Bound, high: Bound) -> Node {
    Node::Range(field, low, high)
}

fn word(text: &str) -> Node {
    Node::Word(None, text.into())
}

#[test]
fn numbers_and_days_are_ranges() {
    use Bound::{At, Open, Past};
    use Field::{Released, Residues, Resolution, Year};
    for (query, node) in [
        ("resolution:<2.0", range(Resolution, Open, Past(2.0))),
        ("resolution:<=2", range(Resolution, Open, At(2.0))),
        ("res: >= 1.5", range(Resolution, At(1.5), Open)),
        ("resolution:1.5..2.0", range(Resolution, At(1.5), At(2.0))),
        ("resolution:[1.5 TO 2.0}", range(Resolution, At(1.5), Past(2.0))),
        ("resolution:{* TO 2.0]", range(Resolution, Open, At(2.0))),
        ("resolution:1.8Å", range(Resolution, At(1.8), At(1.8))),
        ("residues:100..", range(Residues, At(100.0), Open)),
        ("year:2015", range(Year, At(2015.0), At(2015.0))),
        ("released:2020", range(Released, At(20_200_101.0), At(20_201_231.0))),
        ("released:2024-02", range(Released, At(20_240_201.0), At(20_240_229.0))),
        ("released:>=2020-01-05", range(Released, At(20_200_105.0), Open)),
        ("released:>2020", range(Released, Past(20_201_231.0), Open)),
        ("released:<2020", range(Released, Open, Past(20_200_101.0))),
        ("released:2019..2020-03", range(Released, At(20_190_101.0), At(20_200_331.0))),
        ("resolution<2.0", range(Resolution, Open, Past(2.0))),
        ("resolution < 2.0", range(Resolution, Open, Past(2.0))),
        ("resolution<=2", range(Resolution, Open, At(2.0))),
        ("resolution\u{2264}2", range(Resolution, Open, At(2.0))),
        ("resolution<2.0 \u{c5}", range(Resolution, Open, Past(2.0))),
        ("resolution:1.5-2 Angstroms", range(Resolution, At(1.5), At(2.0))),
        ("weight>50 kDa", range(Field::Weight, Past(50.0), Open)),
        ("cell_beta:90\u{b0}", range(Field::CellBeta, At(90.0), At(90.0))),
        ("resolution=1.8", range(Resolution, At(1.8), At(1.8))),
        ("resolution:..2", range(Resolution, Open, At(2.0))),
        ("year>2015", range(Year, Past(2015.0), Open)),
        ("resolution=<2", range(Resolution, Open, At(2.0))),
        ("resolution => 2", range(Resolution, At(2.0), Open)),
        ("resolution==1.8", range(Resolution, At(1.8), At(1.8))),
        ("2>resolution", range(Resolution, Open, Past(2.0))),
        ("2> resolution", range(Resolution, Open, Past(2.0))),
        ("2 > resolution", range(Resolution, Open, Past(2.0))),
        ("2 \u{c5} \u{2265} resolution", range(Resolution, Open, At(2.0))),
        ("1.5 <= resolution < 2", range(Resolution, At(1.5), Past(2.0))),
        ("1.5<=res<2 \u{c5}", range(Resolution, At(1.5), Past(2.0))),
        ("2 > resolution a", Node::And(vec![range(Resolution, Open, Past(2.0)), word("a")])),
        ("2 > resolution > 1.5", range(Resolution, Past(1.5), Past(2.0))),
        ("2 = resolution", range(Resolution, At(2.0), At(2.0))),
        ("2015 <= released < 2020-03", range(Released, At(20_150_101.0), Past(20_200_301.0))),
        ("2 > rcsb_entry_info.resolution_combined", range(Resolution, Open, Past(2.0))),
        ("(2 > resolution)", range(Resolution, Open, Past(2.0))),
        ("-2>resolution", Node::Not(Box::new(range(Resolution, Open, Past(2.0))))),
        ("resolution:1.5-2.0", range(Resolution, At(1.5), At(2.0))),
        ("resolution:1.5\u{2013}2.0", range(Resolution, At(1.5), At(2.0))),
        ("resolution:1e-1", range(Resolution, At(0.1), At(0.1))),
        ("year:2015-2020", range(Year, At(2015.0), At(2020.0))),
        ("released:2019-2020", range(Released, At(20_190_101.0), At(20_201_231.0))),
        ("released:2019-03-2020-03", range(Released, At(20_190_301.0), At(20_200_331.0))),
        ("resolution:*", Node::Exists(Resolution)),
        ("rcsb_entry_info.resolution_combined:<3", range(Resolution, Open, Past(3.0))),
    ] {
        assert_eq!(of(query), node, "{query}");
    }
}

#[test]
fn values_are_understood_for_their_field() {
    let is = |field: Field, value: &str| Node::Is(field, value.into());
    for (query, node) in [
        ("id:1ABC", is(Field::Id, "1abc")),
        ("id:pdb_00001ABC", is(Field::Id, "1abc")),
        ("id:pdb_00001a*", Node::StartsWith(Field::Id, "1a".into())),
        ("id:HEM", is(Field::Id, "hem")),
        ("ligand:HEM", is(Field::Ligand, "hem")),
        ("ec:3.4.*", is(Field::Enzyme, "3.4")),
        ("ec:3.4", is(Field::Enzyme, "3.4")),
        ("ec:3.4.-.-", is(Field::Enzyme, "3.4")),
        ("ec:\"EC 3.4.21.4\"", is(Field::Enzyme, "3.4.21.4")),
        ("ec:EC-3.4", is(Field::Enzyme, "3.4")),
        ("ec:E.C.3.4.21.4", is(Field::Enzyme, "3.4.21.4")),
        ("space_group:P2(1)2(1)2(1)", is(Field::SpaceGroup, "p212121")),
        ("(space_group:P2(1))", is(Field::SpaceGroup, "p21")),
        ("ec:3.4.2*", Node::StartsWith(Field::Enzyme, "3.4.2".into())),
        ("emdb:1234", is(Field::Emdb, "emd-1234")),
        ("emdb:EMD-1234", is(Field::Emdb, "emd-1234")),
        ("related:PDB_00001abc", is(Field::Related, "1abc")),
        ("related:EMD-1234", is(Field::Related, "emd-1234")),
        ("related:15555", Node::OneOf(Field::Related, vec!["15555".into(), "emd-15555".into()])),
        ("related:BMRB", is(Field::Related, "bmrb")),
        ("related:BMRB:", is(Field::Related, "bmrb")),
        ("related:BMRB:15555", is(Field::Related, "bmrb:15555")),
        ("related:PDB:pdb_00001abc", is(Field::Related, "pdb:1abc")),
        ("related:emdb:1234", is(Field::Related, "emdb:emd-1234")),
        ("related:BMRB:15*", Node::StartsWith(Field::Related, "bmrb:15".into())),
        ("related:BMRB:*", Node::StartsWith(Field::Related, "bmrb:".into())),
        ("related:4zh*", Node::StartsWith(Field::Related, "4zh".into())),
        ("superseded_by:2MBP", is(Field::SupersededBy, "2mbp")),
        ("obsolete:true", is(Field::Obsolete, "yes")),
        ("obsolete:no", Node::Not(Box::new(is(Field::Obsolete, "yes")))),
        ("oligomer:dimer", is(Field::Oligomer, "dimeric")),
        ("oligomer:4", is(Field::Oligomer, "tetrameric")),
        ("oligomer:24", is(Field::Oligomer, "24-meric")),
        ("oligomer:24mer", is(Field::Oligomer, "24-meric")),
        ("oligomer:heterodimer", is(Field::Oligomer, "dimeric")),
        ("oligomer:homo-tetrameric", is(Field::Oligomer, "tetrameric")),
        ("kind:structure-factors", is(Field::Kind, "structure_factors")),
        ("kind:sf", is(Field::Kind, "structure_factors")),
        ("method:predicted", is(Field::Methodology, "predicted")),
        ("methodology:computational", is(Field::Methodology, "predicted")),
        ("doi:https://doi.org/10.1126/X", is(Field::Doi, "10.1126/x")),
        ("method=xray", Node::OneOf(Field::Method, vec!["x-ray diffraction".into()])),
        ("title=zinc", Node::Word(Some(Field::Title), "zinc".into())),
        ("method:xray", Node::OneOf(Field::Method, vec!["x-ray diffraction".into()])),
        ("method:nmr", Node::OneOf(Field::Method, vec!["solution nmr".into(), "solid-state nmr".into()])),
        ("exptl.method:\"X-RAY DIFFRACTION\"", Node::OneOf(Field::Method, vec!["x-ray diffraction".into()])),
        ("Method:Cryo-EM", Node::OneOf(Field::Method, vec!["electron microscopy".into()])),
        ("sequence:ktw", Node::Residues("KTW".into())),
        ("doi:10.1126/science.aaf4901", is(Field::Doi, "10.1126/science.aaf4901")),
        ("space_group:\"P 63 2 2\"", is(Field::SpaceGroup, "p6322")),
        ("space_group:P212121", is(Field::SpaceGroup, "p212121")),
        ("space_group:P 21 21 21", is(Field::SpaceGroup, "p212121")),
        ("space_group:I 41/a m d", is(Field::SpaceGroup, "i41/amd")),
        ("host:escherichia coli", Node::Run(Field::Host, vec!["escherichia".into(), "coli".into()])),
        ("organism:homo sapiens", Node::Run(Field::Organism, vec!["homo".into(), "sapiens".into()])),
        ("status:error", is(Field::Status, "error")),
    ] {
        assert_eq!(of(query), node, "{query}");
    }
}

#[test]
fn words_and_their_relations() {
    let not = |node: Node| Node::Not(Box::new(node));
    let phrase = |text: &str, slop, prefix| Node::Phrase { field: None, text: text.into(), slop, prefix };
    for (query, node) in [
        ("", Node::All),
        ("  ", Node::All),
        ("*", Node::All),
        ("a b", Node::And(vec![word("a"), word("b")])),
        ("a AND b", Node::And(vec![word("a"), word("b")])),
        ("a b OR c", Node::Or(vec![Node::And(vec![word("a"), word("b")]), word("c")])),
        ("(a OR b) c", Node::And(vec![Node::Or(vec![word("a"), word("b")]), word("c")])),
        ("a -b", Node::And(vec![word("a"), not(word("b"))])),
        ("NOT a", not(word("a"))),
        ("+a", word("a")),
        ("alpha-beta", word("alpha-beta")),
        ("and", word("and")),
        ("lysoz*", Node::Prefix(None, "lysoz".into())),
        ("lysozime~", Node::Fuzzy(None, "lysozime".into(), 1)),
        ("lysozime~2", Node::Fuzzy(None, "lysozime".into(), 2)),
        ("\"zinc binding\"~3", phrase("zinc binding", 3, false)),
        ("\"zinc bin\"*", phrase("zinc bin", 0, true)),
        (r#""a \"b\"""#, phrase("a \"b\"", 0, false)),
        (r"a\:b", word("a:b")),
        (
            "title:(a OR b)",
            Node::Or(vec![
                Node::Word(Some(Field::Title), "a".into()),
                Node::Word(Some(Field::Title), "b".into()),
            ]),
        ),
    ] {
        assert_eq!(of(query), node, "{query}");
    }
}

#[test]
fn names_keywords_and_cells_do_what_they_look_like() {
    let phrase = |field: Field, text: &str| Node::Phrase {
        field: Some(field),
        text: text.into(),
        slop: 0,
        prefix: false,
    };
    let person =
        |typed: &str| Node::Or(vec![phrase(Field::Author, "Perutz M F"), phrase(Field::Author, typed)]);
    for (query, typed) in [
        ("author:M.F.Perutz", "M.F.Perutz"),
        ("author:\"Perutz, M.F.\"", "Perutz, M.F."),
        ("author:Perutz, M.F.", "Perutz, M.F."),
        ("author:M. F. Perutz", "M. F. Perutz"),
        ("author:\"Perutz MF\"", "Perutz MF"),
    ] {
        assert_eq!(of(query), person(typed), "{query}");
    }
    for (query, name, typed, rest) in [
        ("author:MF Perutz", "Perutz M F", "MF Perutz", ["MF", "Perutz"]),
        ("author:Max Perutz", "Perutz M", "Max Perutz", ["Max", "Perutz"]),
    ] {
        let name = Node::Or(vec![phrase(Field::Author, name), phrase(Field::Author, typed)]);
        let apart = Node::And(vec![Node::Word(Some(Field::Author), rest[0].into()), word(rest[1])]);
        assert_eq!(of(query), Node::Or(vec![name, apart]), "{query}");
    }
    for (query, name, typed) in [
        ("author:F.von Delft", "von Delft F", "F.von Delft"),
        ("author:J.De La Cruz", "De La Cruz J", "J.De La Cruz"),
        ("author:\"Max F. Perutz\"", "Perutz M F", "Max F. Perutz"),
    ] {
        let name = Node::Or(vec![phrase(Field::Author, name), phrase(Field::Author, typed)]);
        assert_eq!(of(query), name, "{query}");
        assert_eq!(of(&format!("{query} x")), Node::And(vec![name, word("x")]), "{query} x");
    }
    assert_eq!(of("M.F.Perutz"), Node::Or(vec![word("M.F.Perutz"), person("M.F.Perutz")]));
    assert_eq!(of("author:sawaya"), Node::Word(Some(Field::Author), "sawaya".into()));
    assert_eq!(
        of("keywords:\"HYDROLASE, MEMBRANE PROTEIN\""),
        Node::And(vec![phrase(Field::Keywords, "HYDROLASE"), phrase(Field::Keywords, "MEMBRANE PROTEIN")])
    );
    assert_eq!(
        of("keywords:HYDROLASE,MEMBRANE"),
        Node::And(vec![phrase(Field::Keywords, "HYDROLASE"), phrase(Field::Keywords, "MEMBRANE")])
    );
    assert_eq!(of("keywords:2,3-DIOL"), Node::Word(Some(Field::Keywords), "2,3-DIOL".into()));
    assert_eq!(of("keywords:\"MEMBRANE PROTEIN\""), phrase(Field::Keywords, "MEMBRANE PROTEIN"));
    let Node::And(sides) = of("cell:\"61 62 63 90 90 120\"") else { panic!() };
    assert_eq!(sides.len(), 6);
    assert_eq!(sides[5], range(Field::CellGamma, Bound::At(120.0 * 0.99), Bound::At(120.0 * 1.01)));
    assert_eq!(of("cell:*"), Node::Exists(Field::Cell));
}

#[test]
fn mistakes_have_a_column_and_a_way_out() {
    for (query, column, text, hint) in [
        ("rsolution<2", 1, "unknown field \"rsolution\"", "did you mean \"resolution\"?"),
        ("resolution!=2", 13, "is not an operator", "write -resolution:2"),
        ("resolution \u{2260} 2", 14, "is not an operator", "write -resolution:2"),
        ("method!=xray", 9, "is not an operator", "write -method:xray"),
        ("2>resolutoin", 3, "unknown field \"resolutoin\"", "did you mean \"resolution\"?"),
        ("2 > title", 1, "title is not a number", "they are for resolution"),
        ("a 2 != resolution", 3, "is not an operator", "write -resolution:2"),
        ("1 < resolution <", 17, "a value for resolution is missing here", "resolution:<2.0"),
        ("1 < resolution < x", 18, "\"x\" is not a number", "resolution:<2.0"),
        ("3 < resolution < 2", 18, "no resolution is above 3 and below 2", "exchange the values"),
        ("kinase < 2", 8, "\"<\" compares no field", "resolution:<2.0"),
        ("kinase <2", 8, "\"<2\" compares no field", "leave the operator out"),
        ("2> kinase of", 4, "unknown field \"kinase\"", "known are id"),
        ("a 2>", 3, "\"2>\" compares no field", "resolution:<2.0"),
        ("resolution:2.0-1.5", 12, "no value is between", "write resolution:1.5..2.0"),
        ("resolution<", 12, "a value for resolution is missing here", "resolution:<2.0"),
        ("cell:61", 6, "is not a unit cell", "cell:61,62,63"),
        ("obsolete:maybe", 10, "neither yes nor no", "obsolete:yes"),
        ("metod:xray", 1, "unknown field \"metod\"", "did you mean \"method\"?"),
        ("kinase rsolution:<2", 8, "unknown field \"rsolution\"", "did you mean \"resolution\"?"),
        ("méta resolution:<abc", 18, "\"abc\" is not a number", "resolution:<2.0"),
        ("method:xrai", 8, "unknown method \"xrai\"", "did you mean \"xray\"?"),
        ("released:20-20", 10, "\"20-20\" is not a date", "released:2020"),
        ("released:2023-02-29", 10, "is not a date", "released:2020"),
        ("title:<3", 8, "title is not a number", "they are for resolution"),
        ("resolution:3..2", 12, "no value is between 3 and 2", "write resolution:2..3"),
        ("resolution:[1 2]", 12, "expected two values with TO between them", "[1.5 TO 2.0]"),
        ("resolution:", 12, "a value for resolution is missing here", "resolution:<2.0"),
        ("chains:1.5", 8, "is not a whole number", "chains:>=12"),
        ("\"never closed", 1, "this quote is never closed", "add a \""),
        ("(a OR b", 1, "this parenthesis is never closed", "add a )"),
        ("a)", 2, "this parenthesis was never opened", "remove it"),
        ("a OR", 5, "a condition is missing here", "add one"),
        ("a OR OR b", 6, "a condition is missing here", "quote AND"),
        ("a*b", 1, "has a star inside", "end of a word"),
        ("status:eror", 8, "unknown status \"eror\"", "did you mean \"error\"?"),
        ("sequence:AB", 10, "is not a run of residues", "at least three"),
        ("id:1abc-x", 4, "is not an ID", "1a*"),
    ] {
        let mistake = parse(query).expect_err(query);
        let told = mistake.hint.clone().unwrap_or_default();
        assert!(mistake.text.contains(text) && told.contains(hint), "{query}: {mistake}; {told}");
        assert_eq!(mistake.column, column, "{query}: {mistake}");
    }
    assert_eq!(
        parse("a resolution:x").unwrap_err().excerpt("a resolution:x"),
        "  | a resolution:x\n  |              ^"
    );
    assert!(parse(&"(".repeat(100_000)).is_err());
    assert!(parse(&"(".repeat(5_000)).is_err());
    assert!(parse(&"-".repeat(5_000)).is_err());
}

#[test]
fn every_example_and_every_name_is_understood() {
    for field in Field::ALL {
        of(field.example());
        assert!(field.example().starts_with(&format!("{}:", field.name())));
        for name in field.aliases().iter().chain([&field.name()]) {
            assert_eq!(Field::find(name), Some(*field), "{name}");
            assert_eq!(Field::find(&name.to_uppercase()), Some(*field), "{name}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_understood_or_has_a_mistake_inside(text in "\\PC{0,60}") {
        if let Err(mistake) = parse(&text) {
            prop_assert!(mistake.column >= 1 && mistake.column <= text.chars().count() + 1);
            let _ = mistake.excerpt(&text);
        }
    }

    #[test]
    fn nasty_pieces_too(pieces in prop::collection::vec(prop::sample::select(vec![
        "(", ")", "\"", "~", "*", "-", "+", " ", "AND", "OR", "NOT", "title:", "resolution:", "released:", "id:", "organism:", "<", ">=",
        "[", "]", "}", "resolution", "=", " TO ", "..", "1", "2020-01-01", "x", "\\", "é", "1abc",
    ]), 0..20)) {
        let text = pieces.concat();
        if let Err(mistake) = parse(&text) {
            prop_assert!(mistake.column <= text.chars().count() + 1, "{}", mistake);
        }
    }
}
