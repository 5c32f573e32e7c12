//! Measures indexing and searching in one process: `cargo bench --bench search -- DIR [FILES] [DOCUMENTS]`. DIR is created and not removed.
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on is over")]

use flate2::read::MultiGzDecoder;
use pdb_sync::scan::Stop;
use pdb_sync::search::entry::{self, Options};
use pdb_sync::search::query::parse;
use pdb_sync::search::{
    EngineOptions, IndexOptions, IndexPlace, Progress, Request, SearchEngine, Sort, Target, build,
};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const QUERIES: [&str; 8] = [
    "amyloid",
    "crystal structure complex",
    "\"crystal structure\"",
    "resolution:<1.5",
    "method:xray resolution:1.5..2.0 released:2010..2015 kinase OR inhibitor",
    "title:protein -human",
    "hydrol*",
    "author:smith year:>=2000",
];

fn main() {
    // Cargo adds `--bench`.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let Some(dir) = args.first().map(PathBuf::from) else {
        return say("usage: cargo bench --bench search -- DIR [FILES] [DOCUMENTS]");
    };
    let number = |at: usize, default: usize| args.get(at).map_or(default, |text| text.parse().unwrap());
    reading(&dir, number(1, 1_000));
    resident();
    searching(&dir, number(2, 25_000));
    resident();
    updating(&dir, 4 * number(2, 25_000));
    resident();
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
}

/// Copies the real entries under other names until there are `files` of them.
fn real(dir: &Path, files: usize) -> Vec<PathBuf> {
    let corpus = std::env::var_os("CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus"), PathBuf::from);
    let entries: Vec<Vec<u8>> = [corpus.join("more"), corpus]
        .iter()
        .flat_map(fs::read_dir)
        .flatten()
        .map(|item| item.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "gz"))
        .map(|path| fs::read(path).unwrap())
        .collect();
    let root = dir.join("real");
    (0..files)
        .map(|n| {
            let path = root.join(format!("{:02}", n % 100)).join(format!("{n}.cif.gz"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &entries[n % entries.len()]).unwrap();
            path
        })
        .collect()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Measures `work` on all files with a thread per core.
fn timed(files: &[PathBuf], work: &(dyn Fn(&Path) + Sync)) -> Duration {
    let (start, next) = (Instant::now(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..cores() {
            scope.spawn(|| {
                while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(path);
                }
            });
        }
    });
    start.elapsed()
}

fn reading(dir: &Path, files: usize) {
    const ROUNDS: usize = 7;
    let paths = real(dir, files);
    let inflate = |path: &Path| {
        let mut decoder = MultiGzDecoder::new(File::open(path).unwrap());
        let mut buffer = vec![0; 64 << 10];
        while decoder.read(&mut buffer).unwrap() > 0 {}
    };
    let read = |path: &Path, whole: bool| {
        let options = Options { whole, ..Options::default() };
        entry::read("x.cif.gz", File::open(path).unwrap(), &options, &mut |_| {});
    };
    // The kinds of work alternate, so that a temporary slowdown of the machine affects all of them.
    let mut rounds: Vec<[f64; 3]> = (0..ROUNDS)
        .map(|_| {
            [
                timed(&paths, &inflate),
                timed(&paths, &|path| read(path, true)),
                timed(&paths, &|path| read(path, false)),
            ]
            .map(|time| time.as_secs_f64())
        })
        .collect();
    let mut median = |at: usize| {
        rounds.sort_by(|a, b| a[at].total_cmp(&b[at]));
        rounds[ROUNDS / 2][at]
    };
    let [inflate, whole, early] = [median(0), median(1), median(2)];
    let mut shares: Vec<f64> = rounds.iter().map(|round| 100.0 * round[0] / round[1]).collect();
    shares.sort_by(f64::total_cmp);
    let target = Target { place: IndexPlace::of_job(&dir.join("state"), "real"), root: dir.join("real") };
    let built = index(&target).as_secs_f64();
    let rate = |time: f64| format!("{time:>8.3} s {:>8.0} files/s", files as f64 / time);
    say(&format!("{files} real files, {} threads, medians of {ROUNDS} rounds", cores()));
    say(&format!("inflate alone      {}", rate(inflate)));
    say(&format!(
        "read to the end    {}  {:.0} % of inflating alone ({:.0} to {:.0})",
        rate(whole),
        shares[ROUNDS / 2],
        shares[0],
        shares[ROUNDS - 1]
    ));
    say(&format!("read, early stop   {}", rate(early)));
    say(&format!("index, end to end  {}  (once)", rate(built)));
    let engine = engine(&[target]);
    let one = || {
        let start = Instant::now();
        assert!(engine.search(&request("amyloid")).unwrap().total > 0);
        start.elapsed()
    };
    one();
    say(&format!("{}  amyloid, in the index of these files", percentiles((0..400).map(|_| one()).collect())));
}

/// Returns an engine without a cache.
fn engine(targets: &[Target]) -> SearchEngine {
    let opened = targets.iter().map(|target| target.place.open().unwrap().unwrap()).collect();
    SearchEngine::new(opened, &EngineOptions { cache_entries: 0, ..EngineOptions::default() }).unwrap()
}

fn request(query: &str) -> Request {
    let query = parse(query).unwrap();
    Request { query, sort: Sort::Score, limit: 20, offset: 0, facets: vec![], timeout: None }
}

fn index(target: &Target) -> Duration {
    let options = IndexOptions::default();
    build(target, &options, &Progress::default(), &Stop::default()).unwrap().elapsed
}

/// Words of titles, each with the approximate share of the archive's titles that have it, in per mille.
const COMMON: [(&str, u32); 24] = [
    ("crystal structure", 400),
    ("structure", 160),
    ("complex", 300),
    ("human", 160),
    ("bound", 130),
    ("protein", 120),
    ("domain", 100),
    ("inhibitor", 90),
    ("kinase", 50),
    ("mutant", 50),
    ("receptor", 45),
    ("binding", 40),
    ("hydrolase", 40),
    ("transferase", 30),
    ("peptide", 30),
    ("dna", 30),
    ("antibody", 25),
    ("lysozyme", 15),
    ("ribosome", 12),
    ("rna", 12),
    ("zinc", 10),
    ("finger", 5),
    ("capsid", 5),
    ("amyloid", 4),
];

/// Returns a text of about `n` words: the common words by their shares, the others from many rare words.
fn words(common: &[(&str, u32)], n: usize, random: &mut fastrand::Rng) -> String {
    const SYLLABLES: [&str; 16] = [
        "al", "be", "co", "dro", "en", "fos", "gly", "hyl", "in", "ker", "lo", "myo", "nu", "oxi", "pro",
        "zym",
    ];
    let mut text: Vec<String> = common
        .iter()
        .filter(|(_, share)| random.u32(..1_000) < *share)
        .map(|(word, _)| (*word).to_owned())
        .collect();
    while text.len() < n {
        // The square makes some of the 4,096 words more frequent than others, as in natural language.
        let rare = (random.f64().powi(2) * 4_096.0) as usize;
        text.push([rare >> 8, rare >> 4 & 15, rare & 15].map(|at| SYLLABLES[at]).concat());
    }
    random.shuffle(&mut text);
    text.join(" ")
}

/// Returns a small random header.
fn header(id: usize, random: &mut fastrand::Rng) -> String {
    let (title, keywords, molecule) =
        (words(&COMMON, 9, random), words(&COMMON[2..], 5, random), words(&COMMON[4..], 4, random));
    // The title of an article is often similar to the title of the entry.
    let article = format!("{title} {}", words(&COMMON[2..], 5, random));
    let (name, number) = (["Smith", "Garcia", "Chen", "Sawaya"][random.usize(..4)], random.u32(..20_000));
    let method = ["X-RAY DIFFRACTION", "SOLUTION NMR", "ELECTRON MICROSCOPY"][random.usize(..3)];
    let (year, resolution) = (random.u32(1990..2026), 1.0 + random.f64() * 3.0);
    format!(
        "data_{id}\n_entry.id pdb_{id:08}\n_struct.title '{title}'\n_struct_keywords.text '{keywords}'\n_exptl.method '{method}'\n\
         _refine.ls_d_res_high {resolution:.2}\n_entity.id 1\n_entity.type polymer\n_entity.pdbx_description '{molecule}'\n\
         _entity_src_gen.pdbx_gene_src_scientific_name 'Homo sapiens'\n_citation.id primary\n_citation.title '{article}'\n\
         _audit_author.name '{name} {number}, A.'\n_pdbx_audit_revision_history.revision_date {year}-05-04\n"
    )
}

/// Writes `documents` files and indexes them.
fn made(dir: &Path, job: &str, first: usize, documents: usize, random: &mut fastrand::Rng) -> Target {
    let root = dir.join("made").join(job);
    for n in 0..documents {
        let path = made_file(&root, n);
        if n < 500 {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
        }
        fs::write(path, header(first + n, random)).unwrap();
    }
    let target = Target { place: IndexPlace::of_job(&dir.join("made-state"), job), root };
    let time = index(&target).as_secs_f64();
    say(&format!(
        "made {job}: {documents} documents in {time:.2} s, {:.0} a second",
        documents as f64 / time
    ));
    target
}

fn made_file(root: &Path, n: usize) -> PathBuf {
    root.join(format!("{:03}", n % 500)).join(format!("{n}.cif"))
}

/// Measures updates of an index: five times, a thousand of its files change.
fn updating(dir: &Path, documents: usize) {
    let mut random = fastrand::Rng::with_seed(8);
    // In a directory of its own, so that the other measurements do not search it.
    let target = made(&dir.join("update"), "e", 0, documents, &mut random);
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..5 {
        for n in (0..documents).step_by(documents.div_ceil(1_000)) {
            fs::write(made_file(&target.root, n), header(n, &mut random)).unwrap();
        }
        let (options, progress) = (IndexOptions::default(), Progress::default());
        let changed = build(&target, &options, &progress, &Stop::default()).unwrap();
        assert!(changed.files_read <= 1_000);
        times.push(changed.elapsed.as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    say(&format!(
        "1,000 of {documents} changed: median {:.2} s ({:.2} to {:.2})",
        times[2], times[0], times[4]
    ));
}

fn resident() {
    let peak = pdb_sync::platform::peak_memory().unwrap_or_default();
    say(&format!("at most {:.0} MB resident so far", peak as f64 / 1e6));
}

fn searching(dir: &Path, documents: usize) {
    let mut random = fastrand::Rng::with_seed(7);
    let targets: Vec<Target> = ["a", "b", "c", "d"]
        .iter()
        .enumerate()
        .map(|(n, job)| made(dir, job, n * documents, documents, &mut random))
        .collect();
    let engine = engine(&targets);
    let one = |query: &str| {
        let start = Instant::now();
        assert!(engine.search(&request(query)).unwrap().failed.is_empty());
        start.elapsed()
    };
    for query in QUERIES {
        one(query);
        let total = engine.search(&request(query)).unwrap().total;
        let times: Vec<Duration> = (0..100).map(|_| one(query)).collect();
        say(&format!("{}  {total:>6} match  {query}", percentiles(times)));
    }
    let times = QUERIES.iter().cycle().take(800).map(|query| one(query)).collect();
    say(&format!("{}  all of these", percentiles(times)));
    let start = Instant::now();
    let times: Vec<Duration> = std::thread::scope(|scope| {
        let client = |n: usize| {
            let one = &one;
            scope.spawn(move || {
                QUERIES.iter().cycle().skip(n).take(40).map(|query| one(query)).collect::<Vec<_>>()
            })
        };
        let clients: Vec<_> = (0..50).map(client).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let rate = times.len() as f64 / start.elapsed().as_secs_f64();
    say(&format!("{}  50 busy clients, {rate:.0} queries a second", percentiles(times)));
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    format!("p50 {:>7.2} ms  p95 {:>7.2} ms", at(0.5), at(0.95))
}
