//! Indexing that is killed, stopped, done twice at once, or searched meanwhile: the index is what its last commit says.

use crate::support::{Env, Running, corpus, eventually, rounds};
use rustix::process::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

const CONFIG: &str =
    "[jobs.a]\nsource = 'h::a/'\ndest = 'mirror/a'\n[jobs.b]\nsource = 'h::b/'\ndest = 'mirror/b'\n";

fn env() -> Env {
    Env::new().with_config(CONFIG)
}

/// Real entries under so many names, in `mirror/JOB/FROM/`.
fn fill(env: &Env, job: &str, from: &str, count: usize) {
    let dir = env.mirror(job).join(from);
    fs::create_dir_all(&dir).unwrap();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    for (n, id) in corpus::ENTRIES.iter().cycle().take(count).enumerate() {
        // No links: one more of them changes the file in the eyes of whoever looks for changes.
        fs::copy(corpus.join(format!("{id}.cif.gz")), dir.join(format!("{n:05}.cif.gz"))).unwrap();
    }
}

fn place(env: &Env, job: &str) -> PathBuf {
    env.state().join("index").join(job).join(format!("v{}", pdb_sync::search::VERSION))
}

/// How many files an index consists of: with the first document that is added there are more.
fn listed(env: &Env, job: &str) -> usize {
    fs::read_dir(place(env, job)).unwrap().count()
}

/// Files that the index of a job knows, by asking it.
fn known(env: &Env, job: &str) -> u64 {
    let ended = env.run(["search", "*", "--job", job, "--limit", "0", "--json"]).expect_code(0);
    ended.json().last().unwrap()["documents"].as_u64().unwrap()
}

/// The newest ledger's number.
fn generation(env: &Env) -> u64 {
    let names = fs::read_dir(place(env, "a")).unwrap().flatten().map(|item| item.file_name());
    let number = |name: &str| name.strip_prefix("files-")?.strip_suffix(".ledger")?.parse().ok();
    names.filter_map(|name| number(name.to_str()?)).max().unwrap()
}

/// Kills it as soon as the condition holds, which is looked at without a pause. Whether it was still at work.
fn killed_when(running: Running, condition: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed().as_secs() < 60, "it never came so far");
    }
    running.signal(Signal::KILL);
    let code = running.wait().code();
    assert!([0, 137].contains(&code), "{code}");
    code == 137
}

#[test]
fn a_killed_first_build_leaves_no_index_and_the_next_one_is_whole() {
    let env = env();
    fill(&env, "a", "x", 150);
    let new = place(&env, "a").with_extension("new");
    let killed = killed_when(env.spawn(["index", "a"]), || new.join(".tantivy-writer.lock").exists());
    assert!(killed, "150 files were read in no time");
    let none = env.run(["search", "*"]).expect_code(2);
    assert!(none.err().contains("there is no index to search"), "{none}");
    let again = env.run(["index", "a", "--json"]).expect_code(0);
    assert_eq!(again.json().last().unwrap()["documents"], 150, "{again}");
    assert!(!new.exists());
    assert_eq!(known(&env, "a"), 150);
}

/// Wherever it is killed, the index holds what was there before or what is there now; the next run completes it.
#[test]
fn a_build_killed_in_mid_commit_leaves_one_commit_or_the_other() {
    let env = env();
    fill(&env, "a", "start", 30);
    env.run(["index", "a"]).expect_code(0);
    let dir = place(&env, "a");
    let (mut before, mut killed) = (30, 0);
    for round in 0..rounds(8, 200) {
        let next = dir.join(format!("files-{}.ledger", generation(&env) + 1));
        let meta = fs::read(dir.join("meta.json")).unwrap();
        let files = listed(&env, "a");
        fill(&env, "a", &format!("{round}"), 30);
        let running = env.spawn(["index", "a"]);
        killed += usize::from(match round % 4 {
            // The writer's first files, the ledger of a commit that is not there yet, the commit itself.
            0 => killed_when(running, || listed(&env, "a") != files),
            1 | 2 => killed_when(running, || next.exists()),
            _ => killed_when(running, || fs::read(dir.join("meta.json")).is_ok_and(|now| now != meta)),
        });
        let found = known(&env, "a");
        assert!([before, before + 30].contains(&found), "round {round}: {found} of {before} + 30");
        let again = env.run(["index", "a", "--json"]).expect_code(0);
        let read = again.json().last().unwrap()["files_read"].as_u64().unwrap();
        assert_eq!(read, before + 30 - found, "round {round}: {again}");
        before += 30;
        assert_eq!(known(&env, "a"), before, "round {round}");
        let quiet = env.run(["index", "a"]).expect_code(0);
        assert!(quiet.out().contains("nothing has changed"), "round {round}: {quiet}");
    }
    assert!(killed > 0, "it was never caught at work");
}

#[test]
fn an_interrupted_index_keeps_what_is_committed() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let env = env();
        fill(&env, "a", "x", 12);
        fill(&env, "b", "x", 12);
        env.run(["index", "b"]).expect_code(0);
        fill(&env, "b", "y", 250);
        let files = listed(&env, "b");
        let running = env.spawn(["index", "a", "b"]);
        running.until_said("a: 12 documents");
        eventually("the second is at work", || listed(&env, "b") != files);
        running.signal(signal);
        let ended = running.wait().expect_code(code);
        assert!(ended.err().contains("b: stopped; the index is as it was"), "{ended}");
        assert_eq!((known(&env, "a"), known(&env, "b")), (12, 12));
        let rest = env.run(["index", "a", "b", "--json"]).expect_code(0);
        assert_eq!(rest.json().last().unwrap()["files_read"], 250, "{rest}");
        assert_eq!(known(&env, "b"), 262);
    }
}

#[test]
fn two_at_once_are_told_apart_and_readers_see_whole_commits() {
    let env = env();
    fill(&env, "a", "x", 12);
    env.run(["index", "a"]).expect_code(0);
    fill(&env, "a", "y", 250);
    let files = listed(&env, "a");
    let first = env.spawn(["index", "a"]);
    eventually("the first is at work", || listed(&env, "a") != files);
    let second = env.run(["index", "a"]).expect_code(75);
    assert!(second.err().contains("another process is building the index of a"), "{second}");
    let mut seen = vec![known(&env, "a")];
    assert_eq!(seen, [12], "the first was through in no time");
    let start = Instant::now();
    while seen.last() == Some(&12) {
        assert!(start.elapsed().as_secs() < 60, "the new commit is never seen");
        seen.push(known(&env, "a"));
    }
    assert_eq!(seen.pop(), Some(262), "half a commit was seen");
    first.wait().expect_code(0);
    // Started at the same moment, whichever comes first does it, and none does harm.
    fill(&env, "a", "z", 60);
    let all: Vec<Running> = (0..4).map(|_| env.spawn(["index", "a"])).collect();
    let codes: Vec<i32> = all.into_iter().map(|one| one.wait().code()).collect();
    assert!(codes.contains(&0) && codes.iter().all(|code| [0, 75].contains(code)), "{codes:?}");
    assert_eq!(known(&env, "a"), 322);
}

/// Documents of an index whose fields are those of another version are not searched in the wrong way; they are built anew.
#[test]
fn another_version_of_the_fields_is_built_anew() {
    let env = env();
    fill(&env, "a", "x", 6);
    env.run(["index", "a"]).expect_code(0);
    let meta = place(&env, "a").join("meta.json");
    let text = fs::read_to_string(&meta).unwrap();
    let changed = text.replace("\"name\":\"title\"", "\"name\":\"titel\"");
    let changed = changed.replace("\"name\": \"title\"", "\"name\": \"titel\"");
    assert_ne!(changed, text, "the field is not where it was looked for");
    fs::write(&meta, changed).unwrap();
    let search = env.run(["search", "capsid"]);
    assert!(search.err().contains("its fields are not those of this version"), "{search}");
    let again = env.run(["index", "a"]).expect_code(0);
    assert!(again.err().contains("rebuilt: "), "{again}");
    env.run(["search", "capsid"]).expect_code(0);
    // A directory of a later version is not ours to touch; one of an earlier version goes.
    let beside = |version: &str| place(&env, "a").with_file_name(version);
    fs::create_dir(beside("v0")).unwrap();
    fs::create_dir(beside("v99")).unwrap();
    fill(&env, "a", "y", 1);
    env.run(["index", "a"]).expect_code(0);
    assert!(!beside("v0").exists() && beside("v99").exists());
}
