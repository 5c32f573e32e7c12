use super::*;
use crate::scan::Stop;
use crate::search::query::{Node, parse};
use std::fs;
use tempfile::TempDir;

pub(super) struct Mirror {
    dir: TempDir,
}

impl Mirror {
    pub(super) fn empty() -> Self {
        let mirror = Mirror { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(mirror.root()).unwrap();
        mirror
    }

    pub(super) fn of_corpus() -> Self {
        let mirror = Mirror::empty();
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
        let items = fs::read_dir(corpus.join("more")).unwrap().chain(fs::read_dir(corpus).unwrap());
        for item in items {
            let from = item.unwrap().path();
            let name = from.file_name().unwrap().to_str().unwrap();
            if let Some(id) = name.strip_suffix(".cif.gz") {
                let dir = mirror.root().join(&id[1..3]);
                fs::create_dir_all(&dir).unwrap();
                fs::copy(&from, dir.join(name)).unwrap();
            }
        }
        mirror
    }

    pub(super) fn root(&self) -> PathBuf {
        self.dir.path().join("mirror")
    }

    pub(super) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub(super) fn place(&self, job: &str) -> IndexPlace {
        IndexPlace::of_job(&self.state(), job)
    }

    pub(super) fn build(&self, job: &str) -> Built {
        self.build_with(job, &IndexOptions::default())
    }

    fn build_with(&self, job: &str, options: &IndexOptions) -> Built {
        let target = Target { place: self.place(job), root: self.root() };
        build(&target, options, &Progress::default(), &Stop::default()).unwrap()
    }

    pub(super) fn engine(&self) -> SearchEngine {
        let opened =
            indexes(&self.state()).unwrap().iter().map(|place| place.open().unwrap().unwrap()).collect();
        SearchEngine::new(opened, &EngineOptions::default()).unwrap()
    }
}

pub(super) fn request(query: &str) -> Request {
    let query = if query.is_empty() { Node::All } else { parse(query).unwrap() };
    Request { query, sort: Sort::Score, limit: 100, offset: 0, facets: vec![], timeout: None }
}

pub(super) fn ids(engine: &SearchEngine, query: &str) -> Vec<String> {
    let outcome = engine.search(&request(query)).unwrap();
    assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
    let mut ids: Vec<String> =
        outcome.hits.iter().map(|hit| hit.shown.id.clone().unwrap_or_default()).collect();
    ids.sort();
    ids
}

const ALL: [&str; 8] = ["1a8o", "1lcd", "1pfe", "3dg1", "3jqh", "4cup", "4zhl", "5i55"];

#[test]
fn real_entries_are_found() {
    let mirror = Mirror::of_corpus();
    let options = IndexOptions {
        read: crate::search::entry::Options { sequences: true, ..Default::default() },
        ..IndexOptions::default()
    };
    let built = mirror.build_with("a", &options);
    assert_eq!((built.files_seen, built.files_read, built.documents, built.errors), (8, 8, 8, 0));
    let engine = mirror.engine();
    for (query, found) in [
        ("", &ALL[..]),
        ("amyloid", &["3dg1", "5i55"]),
        ("AMYLOID fibril -alpha", &["3dg1"]),
        ("resolution:<1.6", &["1pfe", "5i55"]),
        ("resolution:1.45..1.66", &["3dg1", "5i55"]),
        ("organism:homo sapiens", &["3jqh", "4cup", "4zhl"]),
        ("organism:human", &["1a8o", "3jqh", "4cup", "4zhl"]),
        ("organism:homo sapiens inhibitor", &["4zhl"]),
        ("organism:\"e. coli\" OR organism:escherichia", &["1lcd"]),
        ("method:nmr", &["1lcd"]),
        ("NOT method:xray", &["1lcd"]),
        ("released:2004", &["1pfe"]),
        ("released:1994-01-31", &["1lcd"]),
        ("released:>=2009 released:<2015-09-16", &["3jqh", "4cup"]),
        ("deposited:2016-02", &["5i55"]),
        ("1A8O", &["1a8o"]),
        ("pdb_00001a8o", &["1a8o"]),
        ("id:pdb_00001A8O", &["1a8o"]),
        ("id:4*", &["4cup", "4zhl"]),
        ("modified:mse", &["1a8o", "5i55"]),
        ("ligand:mse", &[]),
        ("structures", &["1lcd", "1pfe", "3jqh", "4cup", "4zhl", "5i55"]),
        ("ligand_name:quinox*", &[]),
        ("ligand_name:carboxyquin*", &["1pfe"]),
        ("ligand_name:\"2-carboxyquinoxaline\"", &["1pfe"]),
        ("author:sawaya", &["3dg1", "5i55"]),
        ("\"cross-alpha amyloid\"", &["5i55"]),
        ("\"islet polypeptide\"~1", &["3dg1"]),
        ("urokinas~1", &["4zhl"]),
        ("ec:3.4.*", &["4zhl"]),
        ("uniprot:P00749", &["4zhl"]),
        ("taxonomy:9606", &["3jqh", "4cup", "4zhl"]),
        ("polymer:dna", &["1lcd", "1pfe"]),
        ("space_group:\"P 63 2 2\"", &["1pfe"]),
        ("space_group:P6322", &["1pfe"]),
        ("ec:3.4", &["4zhl"]),
        ("ec:3.4.21", &["4zhl"]),
        ("ec:3.4.2", &[]),
        ("author:M.R.Sawaya", &["3dg1", "5i55"]),
        ("resolution<1.6", &["1pfe", "5i55"]),
        ("resolution:1.45-1.66", &["3dg1", "5i55"]),
        ("supersedes:1am3", &["1a8o"]),
        ("methodology:experimental -method:nmr -amyloid method:xray id:1a8o", &["1a8o"]),
        ("sequence:EFVAKLF", &["5i55"]),
        ("sequence:EFVAKLG", &[]),
        ("doi:10.1126/SCIENCE.aaf4901", &["5i55"]),
        ("pubmed:15805599", &["1pfe"]),
        ("path:1pfe", &["1pfe"]),
        ("status:error", &[]),
        ("kind:structure uniprot:*", &["1a8o", "1lcd", "3jqh", "4cup", "4zhl", "5i55"]),
    ] {
        assert_eq!(ids(&engine, query), found, "{query}");
    }
}

#[test]
fn an_index_follows_its_mirror() {
    let mirror = Mirror::of_corpus();
    mirror.build("a");
    let engine = mirror.engine();
    let commit = |mirror: &Mirror| fs::read(mirror.place("a").current().join("meta.json")).unwrap();
    let before = commit(&mirror);
    let built = mirror.build("a");
    assert_eq!((built.files_read, built.committed, built.total), (0, false, (8, 0)));
    assert_eq!(commit(&mirror), before, "nothing has changed, and yet something was committed");

    // One file is replaced by another entry, one is removed, one is new.
    let at = |path: &str| mirror.root().join(path);
    fs::copy(at("pf/1pfe.cif.gz"), at("a8/new")).unwrap();
    fs::rename(at("a8/new"), at("a8/1a8o.cif.gz")).unwrap();
    fs::remove_file(at("dg/3dg1.cif.gz")).unwrap();
    fs::copy(at("i5/5i55.cif.gz"), at("i5/5i55-assembly1.cif.gz")).unwrap();
    let built = mirror.build("a");
    assert_eq!((built.files_read, built.documents, built.removed), (2, 2, 1));
    // The engine that was opened earlier finds it.
    assert_eq!(ids(&engine, "amyloid"), ["5i55"]);
    assert_eq!(ids(&engine, "id:1a8o"), Vec::<String>::new());
    let outcome = engine.search(&request("echinomycin")).unwrap();
    assert_eq!((outcome.hits.len(), outcome.total), (1, 1), "two files of one entry are one hit");
    assert_eq!(outcome.documents, 2);
    assert_eq!(outcome.hits[0].places.len(), 2);

    // If the options of a build change, all files are read again.
    let other = IndexOptions { exclude: vec!["*-assembly*".into()], ..IndexOptions::default() };
    let built = mirror.build_with("a", &other);
    assert_eq!((built.files_seen, built.files_read), (7, 7));
    assert!(built.anew.is_some());
    assert_eq!(engine.search(&request("id:5i55")).unwrap().total, 1);
    let only = IndexOptions { include: vec!["i5/*".into()], ..IndexOptions::default() };
    assert_eq!(mirror.build_with("a", &only).files_seen, 2);
}

#[test]
fn broken_files_are_documents_that_say_so() {
    let mirror = Mirror::of_corpus();
    let good = fs::read(mirror.root().join("a8/1a8o.cif.gz")).unwrap();
    fs::write(mirror.root().join("9xyz.cif.gz"), &good[..5_000]).unwrap();
    fs::write(mirror.root().join("8xyz.cif.gz"), "<html>404</html>").unwrap();
    fs::write(mirror.root().join("empty.cif.gz"), "").unwrap();
    let built = mirror.build("a");
    assert_eq!((built.documents, built.errors, built.total), (11, 3, (11, 3)));
    let engine = mirror.engine();
    let outcome = engine.search(&request("status:error")).unwrap();
    let mut paths: Vec<&str> = outcome.hits.iter().map(|hit| hit.shown.path.as_str()).collect();
    paths.sort();
    assert_eq!(paths, ["8xyz.cif.gz", "9xyz.cif.gz", "empty.cif.gz"]);
    assert_eq!(engine.search(&request("error:html")).unwrap().hits[0].shown.id.as_deref(), Some("8xyz"));
    // A broken file is not read again until it changes.
    assert_eq!(mirror.build("a").files_read, 0);
    fs::write(mirror.root().join("9xyz.cif.gz"), &good).unwrap();
    let built = mirror.build("a");
    assert_eq!((built.files_read, built.errors, built.total), (1, 0, (11, 2)));
}

#[test]
fn who_is_killed_in_the_middle_leaves_the_commit_before() {
    let mirror = Mirror::of_corpus();
    mirror.build("a");
    let dir = mirror.place("a").current();
    // The leftovers of a process that was killed after it wrote the next list of indexed files and part of a segment.
    fs::write(dir.join("files-2.ledger"), "half a led").unwrap();
    fs::write(dir.join("0123456789abcdef0123456789abcdef.store"), "half a segment").unwrap();
    fs::create_dir(dir.with_extension("new")).unwrap();
    fs::write(dir.with_extension("new").join("meta.json"), "{").unwrap();
    assert_eq!(ids(&mirror.engine(), ""), ALL);
    assert_eq!(mirror.build("a").files_read, 0);
    assert!(!dir.with_extension("new").exists());
    fs::remove_file(mirror.root().join("dg/3dg1.cif.gz")).unwrap();
    assert_eq!(mirror.build("a").removed, 1);
    assert_eq!(mirror.build("a").files_read, 0, "the ledger of the new commit is whole");
    assert_eq!(ids(&mirror.engine(), "").len(), 7);
}

#[test]
fn damage_and_other_versions_are_built_anew() {
    let mirror = Mirror::of_corpus();
    mirror.build("a");
    let place = mirror.place("a");
    let dir = place.current();
    fs::write(dir.join("files-1.ledger"), "no ledger").unwrap();
    let built = mirror.build("a");
    assert_eq!(built.files_read, 8);
    assert!(built.anew.unwrap().contains("list of files"));
    fs::write(dir.join("meta.json"), "{").unwrap();
    assert!(matches!(place.open(), Err(SearchError::Damaged { .. })));
    assert!(mirror.build("a").anew.unwrap().contains("damaged"));
    assert_eq!(ids(&mirror.engine(), ""), ALL);
    // The directory of an older version is removed.
    fs::rename(&dir, dir.with_file_name("v0")).unwrap();
    assert!(place.open().unwrap().is_none());
    let outdated = |mirror: &Mirror| -> Vec<String> {
        outdated(&mirror.state()).unwrap().into_iter().map(|place| place.label).collect()
    };
    assert_eq!((outdated(&mirror), indexes(&mirror.state()).unwrap().len()), (vec!["a".to_owned()], 0));
    // A build that is stopped leaves a readable index.
    let target = Target { place: mirror.place("a"), root: mirror.root() };
    let stop = Stop::default();
    stop.stop();
    let stopped = build(&target, &IndexOptions::default(), &Progress::default(), &stop);
    assert!(matches!(stopped, Err(SearchError::Stopped)));
    assert!(dir.with_file_name("v0").join("meta.json").exists());
    let built = mirror.build("a");
    assert_eq!(built.files_read, 8);
    assert!(built.anew.unwrap().contains("earlier version"));
    assert!(!dir.with_file_name("v0").exists());
    assert!(outdated(&mirror).is_empty());
}

#[test]
fn one_builder_at_a_time_and_readers_meanwhile() {
    let mirror = Mirror::of_corpus();
    mirror.build("a");
    let lock = mirror.place("a").lock().unwrap();
    let target = Target { place: mirror.place("a"), root: mirror.root() };
    let refused = build(&target, &IndexOptions::default(), &Progress::default(), &Stop::default());
    assert!(matches!(refused, Err(SearchError::Busy(_))));
    assert_eq!(ids(&mirror.engine(), ""), ALL);
    drop(lock);

    let engine = mirror.engine();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            for _ in 0..200 {
                assert_eq!(ids(&engine, "id:5i55"), ["5i55"]);
            }
        });
        for _ in 0..3 {
            mirror.build_with("a", &IndexOptions { rebuild: true, ..IndexOptions::default() });
        }
        reader.join().unwrap();
    });
}

#[test]
fn who_is_stopped_leaves_everything_as_it_was() {
    let mirror = Mirror::of_corpus();
    mirror.build("a");
    fs::remove_file(mirror.root().join("dg/3dg1.cif.gz")).unwrap();
    let target = Target { place: mirror.place("a"), root: mirror.root() };
    let stop = Stop::default();
    stop.stop();
    let stopped = build(&target, &IndexOptions::default(), &Progress::default(), &stop);
    assert!(matches!(stopped, Err(SearchError::Stopped)));
    assert_eq!(ids(&mirror.engine(), ""), ALL);
}

#[test]
fn several_indexes_are_one() {
    let mirror = Mirror::of_corpus();
    mirror.build("a");
    mirror
        .build_with("b", &IndexOptions { include: vec!["[1-3]*.cif.gz".into()], ..IndexOptions::default() });
    let engine = mirror.engine();
    assert_eq!(engine.labels(), ["a", "b"]);
    assert_eq!(ids(&engine, ""), ALL);
    let outcome = engine.search(&request("amyloid")).unwrap();
    let places = |id: &str| {
        let hit = outcome.hits.iter().find(|hit| hit.shown.id.as_deref() == Some(id)).unwrap();
        hit.places.iter().map(|place| place.index.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(places("3dg1"), ["a", "b"]);
    assert_eq!(places("5i55"), ["a"]);
    assert_eq!((outcome.hits.len(), outcome.total, outcome.documents), (2, 2, 3));

    let mut asked = request("");
    asked.sort = Sort::Resolution;
    let order = |asked: &Request| -> Vec<String> {
        let outcome = engine.search(asked).unwrap();
        outcome.hits.iter().map(|hit| hit.shown.id.clone().unwrap()).collect()
    };
    let by_resolution = order(&asked);
    assert_eq!(by_resolution[..3], ["1pfe", "5i55", "3dg1"]);
    assert_eq!(by_resolution[7], "1lcd", "what has no resolution comes last");
    asked.sort = Sort::Released;
    assert_eq!(order(&asked)[..2], ["5i55", "4zhl"]);
    asked.sort = Sort::Id;
    assert_eq!(order(&asked), ALL);
    // The pages together have all hits.
    let pages: Vec<String> =
        (0..4).flat_map(|page| order(&Request { offset: page * 2, limit: 2, ..asked.clone() })).collect();
    assert_eq!(pages, ALL);

    asked.facets = FACETS.to_vec();
    let facets = &engine.search(&asked).unwrap().facets;
    assert_eq!(facets["method"], [("x-ray diffraction".to_owned(), 7), ("solution nmr".into(), 1)]);
    assert_eq!(facets["job"], [("a".to_owned(), 8), ("b".into(), 5)]);
    assert_eq!(facets["organism"][0], ("Homo sapiens".to_owned(), 3));
    assert!(facets["year"].contains(&("2017".to_owned(), 1)));
}

#[test]
fn the_cache_remembers_within_its_bounds() {
    let mirror = Mirror::of_corpus();
    mirror.build("a");
    let open = || vec![mirror.place("a").open().unwrap().unwrap()];
    let options = EngineOptions { cache_entries: 2, ..EngineOptions::default() };
    let engine = SearchEngine::new(open(), &options).unwrap();
    let first = engine.search(&request("amyloid")).unwrap();
    let second = engine.search(&request("amyloid")).unwrap();
    assert!(!first.cached && second.cached);
    assert_eq!(first.hits, second.hits);
    engine.search(&request("kinase")).unwrap();
    engine.search(&request("zinc")).unwrap();
    let stats = engine.cache_stats();
    assert_eq!((stats.hits, stats.misses, stats.evictions, stats.entries), (1, 3, 1, 2));
    assert!(!engine.search(&request("amyloid")).unwrap().cached, "it gave way");
    // An answer from before a commit is not used after it.
    fs::remove_file(mirror.root().join("dg/3dg1.cif.gz")).unwrap();
    mirror.build("a");
    let now = engine.search(&request("amyloid")).unwrap();
    assert_eq!((now.cached, now.hits.len()), (false, 1));

    let small = EngineOptions { cache_bytes: 100, ..EngineOptions::default() };
    let engine = SearchEngine::new(open(), &small).unwrap();
    engine.search(&request("amyloid")).unwrap();
    assert_eq!(engine.cache_stats().bytes, 0);

    let engine = SearchEngine::new(open(), &options).unwrap();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let engine = &engine;
            scope.spawn(move || {
                for query in ["amyloid", "kinase", "zinc", "method:xray"].iter().cycle().skip(n).take(40) {
                    assert!(engine.search(&request(query)).unwrap().failed.is_empty());
                }
            });
        }
    });
    let stats = engine.cache_stats();
    assert_eq!(stats.hits + stats.misses, 320);
    assert!(stats.entries <= 2);
}
