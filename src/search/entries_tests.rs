//! Which documents make one hit, which of them represents it, and the order of hits.

use super::tests::{Mirror, ids, request};
use super::*;
use std::fs;

/// Files with the ID `model` may be anything. A PDB ID and the code of a component identify one thing.
#[test]
fn only_ids_of_the_archive_make_files_one() {
    let mirror = Mirror::empty();
    let write = |name: &str, text: &str| fs::write(mirror.root().join(name), text).unwrap();
    write("a.cif", "data_model\n_entry.id model\n_struct.title 'prediction of kinase A'\n");
    write("b.cif", "data_model\n_entry.id model\n_struct.title 'prediction of lipase B'\n");
    write("c.cif", "data_HEM\n_chem_comp.id HEM\n");
    write("d.cif", "data_HEM\n_chem_comp.id HEM\n");
    write("1abc.cif", "data_1ABC\n_entry.id 1ABC\n_struct.title tumours\n");
    write("1abc.mr", "restraints of tumours\n");
    write(
        "pdb1abc.ent",
        "HEADER    X                                       01-JAN-99   1ABC\nTITLE     TUMOUR\n",
    );
    mirror.build("a");
    mirror.build("b");
    let engine = mirror.engine();
    for (query, hits, documents) in [
        ("prediction", 4, 4),
        ("kind:component", 1, 4),
        ("id:1abc", 2, 6),
        ("id:1abc kind:nmr", 1, 2),
        ("kind:structure", 5, 8),
        ("tumor", 1, 4),
        ("tumour", 1, 4),
        ("tumours", 2, 6),
        ("*", 7, 14),
    ] {
        for limit in [100, 1] {
            let outcome = engine.search(&Request { limit, ..request(query) }).unwrap();
            assert_eq!((outcome.total, outcome.documents), (hits, documents), "{query}, {limit}");
            assert_eq!(outcome.hits.len() as u64, hits.min(limit as u64), "{query}");
        }
    }
}

/// The word itself ranks before its other forms.
#[test]
fn exact_words_come_first() {
    let mirror = Mirror::empty();
    let long = "inhibitor ".repeat(40);
    for (n, title) in
        ["inhibitors", "inhibitor", &long, "inhibition", "inhibitors of inhibitors"].iter().enumerate()
    {
        let text = format!("data_x\n_entry.id {}xyz\n_struct.title '{title}'\n", n + 1);
        fs::write(mirror.root().join(format!("{n}.cif")), text).unwrap();
    }
    mirror.build("a");
    let engine = mirror.engine();
    for (query, exact, all) in [
        ("inhibitors", &["1xyz", "5xyz"][..], 4),
        ("title:inhibitor", &["2xyz", "3xyz"], 4),
        ("keywords:inhibitor", &[], 0),
    ] {
        let outcome = engine.search(&request(query)).unwrap();
        let ids: Vec<String> = outcome.hits.iter().map(|hit| hit.shown.id.clone().unwrap()).collect();
        assert_eq!(ids.len(), all, "{query}: {ids:?}");
        let mut first = ids[..exact.len()].to_vec();
        first.sort();
        assert_eq!(first, exact, "{query}");
    }
    assert_eq!(engine.search(&request("\"inhibitor\"")).unwrap().total, 4);
    assert_eq!(engine.search(&request("-inhibitor")).unwrap().total, 1);
}

/// Plurals and singulars, also of abbreviations, match each other. The form that was searched for ranks first.
#[test]
fn one_finds_many_and_many_find_one() {
    let mirror = Mirror::empty();
    let pairs = [
        ("DNAs", "DNA"),
        ("tRNAs", "tRNA"),
        ("GPCRs", "GPCR"),
        ("kinases", "kinase"),
        ("viruses", "virus"),
        ("matrices", "matrix"),
        ("helices", "helix"),
    ];
    for (n, (many, one)) in pairs.iter().enumerate() {
        for (form, title) in [many, one].iter().enumerate() {
            let text = format!("data_x\n_entry.id {}a{n}z\n_struct.title 'the {title}'\n", form + 1);
            fs::write(mirror.root().join(format!("{title}.cif")), text).unwrap();
        }
    }
    mirror.build("a");
    let engine = mirror.engine();
    for (n, (many, one)) in pairs.iter().enumerate() {
        for (query, first) in [(*many, 1), (one, 2)] {
            for query in [query.to_owned(), query.to_lowercase(), format!("title:{query}")] {
                let outcome = engine.search(&request(&query)).unwrap();
                let ids: Vec<&str> =
                    outcome.hits.iter().map(|hit| hit.shown.id.as_deref().unwrap()).collect();
                assert_eq!(ids, [format!("{first}a{n}z"), format!("{}a{n}z", 3 - first)], "{query}");
            }
        }
    }
}

#[test]
fn a_broken_copy_stands_behind_the_good_one() {
    let mirror = Mirror::of_corpus();
    let good = fs::read(mirror.root().join("a8/1a8o.cif.gz")).unwrap();
    fs::create_dir(mirror.root().join("aa")).unwrap();
    fs::write(mirror.root().join("aa/1a8o.cif.gz"), &good[..40]).unwrap();
    fs::write(mirror.root().join("a8/pdb1a8o.ent.gz"), "no gzip").unwrap();
    mirror.build("a");
    let engine = mirror.engine();
    for query in ["1a8o", "id:1a8o", "*"] {
        for sort in [Sort::Score, Sort::Id, Sort::Released, Sort::Resolution] {
            let outcome = engine.search(&Request { sort, ..request(query) }).unwrap();
            let hits: Vec<&Hit> =
                outcome.hits.iter().filter(|hit| hit.shown.id.as_deref() == Some("1a8o")).collect();
            assert_eq!((hits.len(), hits[0].places.len()), (1, 3), "{query}");
            assert_eq!(
                (hits[0].shown.error.as_deref(), hits[0].shown.title.is_some()),
                (None, true),
                "{query}"
            );
        }
    }
    let broken = engine.search(&request("status:error")).unwrap();
    assert_eq!((broken.total, broken.documents), (1, 2));
    assert!(broken.hits[0].shown.error.is_some());
    assert!(broken.hits[0].shown.title.as_deref().unwrap().contains("HIV"));
}

/// Names are bytes. Texts and components are documents too.
#[test]
fn whatever_lies_in_a_mirror_is_found() {
    use std::os::unix::ffi::OsStrExt;
    let mirror = Mirror::of_corpus();
    let odd = mirror.root().join(std::ffi::OsStr::from_bytes(b"odd \xff\nname.txt"));
    fs::write(&odd, "the mirror of Erised").unwrap();
    fs::write(mirror.root().join("components.cif"), "data_HEM\n_chem_comp.id HEM\n_chem_comp.name HEME\n")
        .unwrap();
    fs::write(mirror.root().join(".1a8o.cif.gz.Xk3f9a"), "temporary").unwrap();
    std::os::unix::fs::symlink("a8", mirror.root().join("link")).unwrap();
    let built = mirror.build("a");
    assert_eq!((built.files_seen, built.errors), (10, 0));
    let engine = mirror.engine();
    let outcome = engine.search(&request("erised")).unwrap();
    assert_eq!(outcome.hits[0].places[0].path, b"odd \xff\nname.txt");
    assert_eq!(ids(&engine, "kind:component heme"), ["hem"]);
    fs::remove_file(&odd).unwrap();
    assert_eq!(mirror.build("a").removed, 1);
    assert_eq!(engine.search(&request("erised")).unwrap().total, 0);
}

/// The count of a facet's value equals the total of a search for this value, whatever the files of an entry, and in whatever index or
/// segment they are.
#[test]
fn facets_count_entries() {
    let mirror = Mirror::of_corpus();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    fs::copy(corpus.join("odd/5i55.bcif.gz"), mirror.root().join("5i55.bcif.gz")).unwrap();
    let write = |name: &str, text: &str| fs::write(mirror.root().join(name), text).unwrap();
    write(
        "pdb5i55.ent",
        "HEADER    X                                       15-FEB-16   5I55\nEXPDTA    X-RAY DIFFRACTION\n",
    );
    write("a.cif", "data_model\n_entry.id model\n_exptl.method 'SOLUTION NMR'\n");
    mirror.build("a");
    // A second segment and a second index.
    write("5i55.mr", "restraints\n");
    write("5i55-assembly1.cif", "data_5I55\n_exptl.method 'X-RAY DIFFRACTION'\n");
    write("1a8o.cif.gz", "broken");
    write("b.cif", "data_model\n_entry.id model\n_exptl.method 'SOLUTION NMR'\n");
    mirror.build("a");
    mirror.build("b");
    let engine = mirror.engine();
    for (query, sort) in [("*", Sort::Score), ("id:5i55", Sort::Id), ("amyloid", Sort::Score)] {
        let facets = FACETS.to_vec();
        let outcome = engine.search(&Request { sort, limit: 1, facets, ..request(query) }).unwrap();
        assert!(outcome.documents > outcome.total, "{query}");
        for (field, values) in &outcome.facets {
            assert!(!values.is_empty(), "{field}");
            assert!(values.is_sorted_by(|a, b| (b.1, &a.0) < (a.1, &b.0)), "{field}");
            for (value, count) in values.iter().filter(|_| *field != "job") {
                let found = engine.search(&request(&format!("{query} {field}:\"{value}\""))).unwrap();
                assert_eq!(found.total, *count, "{query}: {field}:{value}");
            }
        }
        let [(a, in_a), (b, in_b)] = &outcome.facets["job"][..] else { panic!("{outcome:?}") };
        assert_eq!((a.as_str(), b.as_str(), in_a), ("a", "b", in_b));
    }
    let count = |query: &str, field: &'static str| {
        let facets = vec![field];
        engine.search(&Request { facets, ..request(query) }).unwrap().facets[field].clone()
    };
    let one = |value: &str| (value.to_owned(), 1);
    assert_eq!(count("id:5i55", "method"), [one("x-ray diffraction")]);
    assert_eq!(count("id:5i55", "kind"), [one("assembly"), one("nmr"), one("structure")]);
    assert_eq!(count("title:hiv", "year"), [one("1998")]);
    // Each file with the ID `model` is an entry of its own, in each index.
    assert_eq!(count("*", "method"), [("x-ray diffraction".to_owned(), 7), ("solution nmr".into(), 5)]);
}
