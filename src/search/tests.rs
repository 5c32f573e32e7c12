use super::*;
use crate::query::{Node, parse};
use std::fs;
use std::sync::atomic::AtomicBool;
use tempfile::TempDir;

struct Mirror {
    dir: TempDir,
}

impl Mirror {
    fn of_corpus() -> Self {
        let mirror = Mirror { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(mirror.root()).unwrap();
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
        for item in fs::read_dir(corpus).unwrap() {
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

    fn root(&self) -> PathBuf {
        self.dir.path().join("mirror")
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn place(&self, job: &str) -> IndexPlace {
        IndexPlace::of_job(&self.state(), job)
    }

    fn build(&self, job: &str) -> Built {
        self.build_with(job, &IndexOptions::default())
    }

    fn build_with(&self, job: &str, options: &IndexOptions) -> Built {
        let target = Target { place: self.place(job), root: self.root() };
        build(&target, options, &Progress::default(), &AtomicBool::new(false)).unwrap()
    }

    fn engine(&self) -> SearchEngine {
        let opened = indexes(&self.state()).unwrap().iter().map(|place| place.open().unwrap().unwrap()).collect();
        SearchEngine::new(opened, &EngineOptions::default()).unwrap()
    }
}

fn request(query: &str) -> Request {
    let query = if query.is_empty() { Node::All } else { parse(query).unwrap() };
    Request { query, sort: Sort::Score, limit: 100, offset: 0, facets: vec![], timeout: None }
}

fn ids(engine: &SearchEngine, query: &str) -> Vec<String> {
    let outcome = engine.search(&request(query)).unwrap();
    assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
    let mut ids: Vec<String> = outcome.hits.iter().map(|hit| hit.shown.id.clone().unwrap_or_default()).collect();
    ids.sort();
    ids
}

#[test]
fn show() {
    let mirror = Mirror::of_corpus();
    eprintln!("{:?}", mirror.build("a"));
    eprintln!("{:?}", mirror.build("a"));
    let engine = mirror.engine();
    for q in ["", "amyloid", "resolution:<1.6", "organism:homo sapiens", "method:xray", "released:2016", "1A8O", "ligand:mse", "author:sawaya",
        "organism:homo sapiens inhibitor", "lig:*", "has:x", "title:\"spine of islet\"", "fibr*", "NOT method:xray", "-amyloid", "kinase OR urokinase~1", "urokinas~1", "year:2015..2017", "sequence:AAA", "ec:3.4.*", "uniprot:p00749"] {
        match parse(q) {
            Ok(_) => eprintln!("{q}: {:?}", ids(&engine, q)),
            Err(e) => eprintln!("{e} {:?}\n{}", e.hint, e.excerpt(q)),
        }
    }
    let mut r = request("");
    r.facets = FACETS.to_vec();
    eprintln!("{:#?}", engine.search(&r).unwrap().facets);
}
