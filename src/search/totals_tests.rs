//! Compares totals and ranks, which are computed with shortcuts, with the titles themselves.

use super::tests::{Mirror, request};
use super::*;
use std::fs;

/// Compares totals of frequent and rare words, in every order, with the titles themselves, also where they are counted separately.
#[test]
fn words_and_phrases_are_counted_as_the_titles_have_them() {
    const WORDS: [&str; 8] =
        ["crystal", "structure", "of", "lysozyme", "in", "complex", "zinc", "antidisestablishmentarianism"];
    let mirror = Mirror::empty();
    let mut random = fastrand::Rng::with_seed(5);
    let titles: Vec<Vec<&str>> = (0..400)
        .map(|_| (0..random.usize(1..9)).map(|_| WORDS[random.usize(..8)]).collect::<Vec<_>>())
        .collect();
    for (n, title) in titles.iter().enumerate() {
        let text = format!("data_x\n_entry.id pdb_2{n:07}\n_struct.title\n;{}\n;\n", title.join(" "));
        fs::write(mirror.root().join(format!("{n}.cif")), text).unwrap();
    }
    mirror.build("a");
    // Some files are removed, and others have changed.
    let kept = |n: usize| !n.is_multiple_of(7);
    for n in (0..titles.len()).filter(|n| !kept(*n)) {
        fs::remove_file(mirror.root().join(format!("{n}.cif"))).unwrap();
    }
    mirror.build("a");
    let engine = mirror.engine();
    let check = |query: &str, matches: &dyn Fn(&[&str]) -> bool| {
        let expected =
            titles.iter().enumerate().filter(|(n, title)| kept(*n) && matches(title)).count() as u64;
        for sort in [Sort::Score, Sort::Released] {
            for (limit, facets) in [(100, vec![]), (0, vec![]), (5, vec!["kind"])] {
                let request = Request { sort, limit, facets, ..request(query) };
                assert_eq!(engine.search(&request).unwrap().total, expected, "{query} by {sort:?}");
            }
        }
    };
    for _ in 0..60 {
        let [a, b, c] = [0; 3].map(|_| WORDS[random.usize(..8)]);
        for field in ["", "title:"] {
            check(&format!("{field}{a}"), &|title| title.contains(&a));
            check(&format!("{field}\"{a} {b}\""), &|title| title.windows(2).any(|w| w == [a, b]));
            check(&format!("{field}\"{a} {b} {c}\""), &|title| title.windows(3).any(|w| w == [a, b, c]));
        }
        check(&format!("{a} {b} {c}"), &|title| [a, b, c].iter().all(|word| title.contains(word)));
        check(&format!("{a} OR {b}"), &|title| title.contains(&a) || title.contains(&b));
        check(&format!("{a} -{b}"), &|title| title.contains(&a) && !title.contains(&b));
        check(&format!("\"{a} {b}\" {c}"), &|title| {
            title.windows(2).any(|w| w == [a, b]) && title.contains(&c)
        });
    }
}

/// The best hits are correct, also where tantivy skips documents.
#[test]
fn a_short_page_is_the_beginning_of_a_long_one() {
    let mirror = Mirror::empty();
    let mut random = fastrand::Rng::with_seed(6);
    const WORDS: [&str; 6] = ["crystal", "structure", "of", "lysozyme", "complex", "zinc"];
    for n in 0..600 {
        let words: Vec<&str> = (0..random.usize(1..30)).map(|_| WORDS[random.usize(..6)]).collect();
        let (words, id) = (words.join(" "), format!("pdb_1{n:07}"));
        let text =
            format!("data_x\n_entry.id {id}\n_entity.pdbx_description '{words}'\n_struct.title zinc\n");
        fs::write(mirror.root().join(format!("{n}.cif")), text).unwrap();
    }
    mirror.build("a");
    let engine = mirror.engine();
    for query in ["crystal", "\"crystal structure\"", "crystal structure lysozyme", "lysozyme OR complex"] {
        let scores = |limit| -> Vec<f32> {
            let request = Request { limit, ..request(query) };
            engine.search(&request).unwrap().hits.iter().map(|hit| hit.score).collect()
        };
        let all = scores(1_000);
        assert!(all.len() > 50 && all.is_sorted_by(|a, b| a >= b), "{query}");
        assert_eq!(scores(10), all[..10], "{query}");
    }
}
