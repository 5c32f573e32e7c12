//! Which document represents an entry, its title, and what comes first for an ID.

use super::tests::{Mirror, request};
use super::*;
use std::fs;

const GOOD: &str = "data_1ABC\n_entry.id 1ABC\n_struct.title 'the good title'\nloop_\n_atom_site.id\n1\n";
const ATOM: &str = "ATOM      1  N   GLY A   1      11.104   6.134  -6.504  1.00  0.00           N\n";

/// Returns the path and the title of each hit.
fn hits(files: &[(&str, &[u8])], query: &str) -> Vec<(String, Option<String>)> {
    let mirror = Mirror::empty();
    for (name, bytes) in files {
        let path = mirror.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    mirror.build("a");
    let outcome = mirror.engine().search(&request(query)).unwrap();
    let hit = |hit: &Hit| (hit.shown.path.clone(), hit.shown.title.clone());
    outcome.hits.iter().map(hit).collect()
}

#[test]
fn a_broken_or_cut_copy_never_represents_a_good_one() {
    let cut = &GOOD.as_bytes()[..26];
    for (bad, good) in [
        (("a/1abc.cif.gz", &b"\x1f\x8b\x08"[..]), "b/1abc-assembly1.cif"),
        (("a/1abc.cif", cut), "b/1abc.cif"),
        (("a/1abc.pdb", ATOM.as_bytes()), "b/1abc.cif"),
        (("a/1abc.cif", cut), "b/1abc-assembly1.cif"),
    ] {
        let title = Some("the good title".to_owned());
        for query in ["1abc", "id:1abc", "*"] {
            let found = hits(&[bad, (good, GOOD.as_bytes())], query);
            assert_eq!(found, [(good.to_owned(), title.clone())], "{query}, {}", bad.0);
        }
        // The copy that matches has the title of the one that does not.
        let found = hits(&[bad, (good, GOOD.as_bytes())], &format!("path:\"{}\"", bad.0));
        assert_eq!(found, [(bad.0.to_owned(), title)], "{}", bad.0);
    }
}

#[test]
fn a_title_is_only_taken_from_the_same_entry() {
    let other = GOOD.replace("1ABC", "2ABC");
    let found = hits(&[("1abc.pdb", ATOM.as_bytes()), ("2abc.cif", other.as_bytes())], "id:1abc");
    assert_eq!(found, [("1abc.pdb".to_owned(), None)]);
}

#[test]
fn for_an_id_structures_come_first_and_errors_last() {
    let report = (1..40).map(|n| format!("1abc {n}\n")).collect::<String>();
    let files: [(&str, &[u8]); 5] = [
        ("a/1abc_validation.xml.gz", b"bad"),
        ("a/1abc-sf.cif", b"data_r1abcsf\n_entry.id 1abc\nloop_\n_refln.index_h\n1\n"),
        ("a/1abc.mr", b"1abc 1abc 1abc\n"),
        ("b/1abc.cif", GOOD.as_bytes()),
        ("c/1abc.txt", report.as_bytes()),
    ];
    let found: Vec<String> = hits(&files, "1abc").into_iter().map(|(path, _)| path).collect();
    assert_eq!(found.len(), 5);
    assert_eq!(found[0], "b/1abc.cif");
    let place = |path: &str| found.iter().position(|known| known == path).unwrap();
    assert!(place("a/1abc_validation.xml.gz") > place("a/1abc-sf.cif").max(place("a/1abc.mr")), "{found:?}");
}

#[test]
fn values_are_found_without_their_field() {
    let group = |id: &str| {
        format!(
            "data_{id}\n_entry.id {id}\n_struct.title haem\n_symmetry.space_group_name_H-M 'P 21 21 21'\n_audit_author.name 'von Delft, F.'\n"
        )
    };
    for query in [
        "P212121",
        "space_group:P2(1)2(1)2(1)",
        "heme",
        "title:haem",
        "author:F.von Delft",
        "author:von Delft",
        "author:Frank von Delft",
    ] {
        assert_eq!(hits(&[("1abc.cif", group("1ABC").as_bytes())], query).len(), 1, "{query}");
    }
}
