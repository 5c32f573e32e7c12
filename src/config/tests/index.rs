//! Settings for indexing.

use super::*;
use crate::model::job::Indexing;

#[test]
fn a_job_says_what_is_indexed_and_the_section_the_rest() {
    let of = |index: &str| {
        let text = format!(
            "[index]\nafter_sync = true\nexclude = ['*.xml.gz']\nmemory = '128MiB'\n[jobs.j]\nsource = 'h::m/'\ndest = '/m'\n{index}"
        );
        let config = load(&text).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(config.index.memory, 128 << 20);
        config.jobs[0].index.clone()
    };
    let xml = vec!["*.xml.gz".to_owned()];
    let said = Indexing { enabled: true, after_sync: true, include: vec![], exclude: xml.clone() };
    assert_eq!(of(""), said);
    assert_eq!(of("index = true"), said);
    assert_eq!(of("index = false"), Indexing { enabled: false, after_sync: false, ..said.clone() });
    assert_eq!(
        of("[jobs.j.index]\ninclude = ['*.cif.gz']\nexclude = []"),
        Indexing { include: vec!["*.cif.gz".into()], exclude: vec![], ..said.clone() }
    );
    assert!(!of("index = { enabled = false }").enabled);
    // Without any setting: by hand only, not after a sync.
    assert_eq!(job("").index, Indexing { enabled: true, ..Indexing::default() });
    assert!(job("index = true").index.after_sync);
}

#[test]
fn mistakes_about_indexing_are_told() {
    assert_eq!(
        wrong("index = 3"),
        ["index: expected true, false or a table with enabled, include, exclude, found the integer 3"]
    );
    let problem = refused("[jobs.j]\nsource = 'h::m/'\ndest = '/m'\nindex = { inclde = [] }");
    assert!(problem.contains("unknown key \"inclde\"") && problem.contains("\"include\""), "{problem}");
    let problem = refused("[index]\nthreds = 1");
    assert!(
        problem.contains("unknown key \"threds\" in [index]") && problem.contains("\"threads\""),
        "{problem}"
    );
}
