//! Searches with a time limit.

use super::tests::{Mirror, request};
use super::*;
use std::time::Duration;

#[test]
fn who_is_late_is_named() {
    let mirror = Mirror::of_corpus();
    mirror.build("a");
    let engine = mirror.engine();
    let late = Request { timeout: Some(Duration::ZERO), ..request("amyloid") };
    let outcome = engine.search(&late).unwrap();
    assert_eq!((outcome.late.as_slice(), outcome.hits.len()), (&["a".to_owned()][..], 0));
    // The incomplete answer was not cached.
    assert_eq!(engine.search(&request("amyloid")).unwrap().hits.len(), 2);
}

/// The time ends at any moment: the answer is the whole, or says nothing but who is late.
#[test]
fn an_answer_is_whole_or_says_only_who_is_late() {
    let mirror = Mirror::of_corpus();
    mirror.build("a");
    mirror.build("b");
    let engine = mirror.engine();
    let asked = |timeout| Request { facets: FACETS.to_vec(), timeout, ..request("resolution:*") };
    let whole = engine.search(&asked(None)).unwrap();
    assert!(whole.hits.len() > 3 && whole.facets.len() == FACETS.len());
    let options = EngineOptions { cache_entries: 0, ..EngineOptions::default() };
    let opened = ["a", "b"].map(|name| mirror.place(name).open().unwrap().unwrap()).to_vec();
    let engine = SearchEngine::new(opened, &options).unwrap();
    let mut late = 0;
    for micros in (0..200).map(|n| n * 50).chain([60_000_000]) {
        let outcome = engine.search(&asked(Some(Duration::from_micros(micros)))).unwrap();
        if outcome.late.is_empty() {
            assert_eq!(
                (&outcome.hits, &outcome.facets, outcome.total),
                (&whole.hits, &whole.facets, whole.total)
            );
        } else {
            late += 1;
            let nothing = Outcome { late: outcome.late.clone(), ..Outcome::default() };
            assert_eq!(*outcome, nothing);
        }
    }
    assert!((1..201).contains(&late), "{late}");
}
