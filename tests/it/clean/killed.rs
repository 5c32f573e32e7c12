//! SIGKILL at any moment: a run goes on where it was, and undo brings everything back.

use super::super::support::{Env, eventually, rounds, tree};
use super::{age, dirs, in_sight};
use rustix::process::Signal;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const FILES: usize = 4_000;

/// Whether a file describes the quarantine of a run, also one whose writer was killed before it could rename it.
fn is_info(path: &Path) -> bool {
    path.ends_with("info%2Ejson") || path.ends_with("info%2Epart")
}

fn files(dir: &Path) -> usize {
    tree(dir).values().filter(|entry| entry.kind == super::super::support::Kind::File).count()
}

/// Without looking at them, so that the run does not get away meanwhile.
fn quickly(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|e| if e.file_type().is_ok_and(|t| t.is_dir()) { quickly(&e.path()) } else { 1 }).sum()
}

fn mirror(env: &Env) -> std::path::PathBuf {
    let root = env.mirror("m");
    for n in 0..FILES {
        let dir = root.join(format!("{:02}", n % 40));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(format!("{n}.cif~")), format!("{n}")).unwrap();
    }
    age(&root);
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    root
}

#[test]
fn killed_and_resumed_and_undone() {
    let env = Env::new();
    let root = mirror(&env);
    let (before, times) = (tree(&root), dirs(&root));
    let place = root.join(".pdb-sync/quarantine");
    let args = ["clean", "run", "--yes", "--max-delete", "100%", "--threads", "1", "--json"];
    let (mut killed, mut whole) = (0, false);
    for part in [1, 300, 900, 2_000, 3_000] {
        let run = env.spawn(args);
        eventually("the run gets so far, or to its end", || quickly(&place) > part);
        run.signal(Signal::KILL);
        whole = run.wait().code() == 0;
        killed += u32::from(!whole);
        let mut all = tree(&root);
        all.retain(|path, entry| entry.kind == super::super::support::Kind::File && !is_info(path));
        assert_eq!(all.len(), FILES, "nothing is lost, and nothing is there twice");
        assert_eq!(in_sight(&root), Vec::<std::path::PathBuf>::new());
        if whole {
            break;
        }
    }
    assert!(killed > 0, "it was never cut short");
    if !whole {
        let end = env.run(args).expect_code(0).json().pop().unwrap();
        assert_eq!((&end["failed"], &end["resumed"]), (&0.into(), &true.into()), "{end}");
    }
    assert_eq!(files(&place), FILES + 1);
    // Undo is killed, too.
    let undo = env.spawn(["clean", "undo", "last"]);
    eventually("undo gets so far", || quickly(&place) < FILES - 500);
    undo.signal(Signal::KILL);
    undo.wait();
    assert!(outcomes(&env)["restored"] > 100, "it said what it did while it did it");
    env.run(["clean", "undo", "last"]).expect_code(0);
    assert_eq!(tree(&root), before);
    assert_eq!(dirs(&root), times);
    assert_eq!(outcomes(&env)["quarantined"], FILES as u64, "nothing was written down twice");
}

/// How many entries of the last run met which fate.
fn outcomes(env: &Env) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for entry in env.run(["clean", "log", "last", "--json"]).expect_code(0).json() {
        if let Some(did) = entry["did"].as_str() {
            *counts.entry(did.to_owned()).or_default() += 1;
        }
    }
    counts
}

/// Paths that the journal of the last run names.
fn named(env: &Env) -> BTreeSet<String> {
    let lines = env.run(["clean", "log", "last", "--json"]).expect_code(0).json();
    lines.iter().filter_map(|entry| Some(entry["path"].as_str()?.to_owned())).collect()
}

#[test]
fn a_deleting_run_that_was_killed_ends_what_it_began() {
    let env = Env::new();
    let root = mirror(&env);
    let all: BTreeSet<String> = tree(&root).into_keys().map(|path| path.to_str().unwrap().into()).collect();
    let args = ["clean", "run", "--yes", "--delete", "--max-delete", "100%", "--threads", "1", "--json"];
    let run = env.spawn(args);
    eventually("the run gets so far", || quickly(&root) < FILES - 500);
    run.signal(Signal::KILL);
    run.wait();
    let left: BTreeSet<String> = tree(&root).into_keys().map(|path| path.to_str().unwrap().into()).collect();
    let named = named(&env);
    let lost: Vec<_> = all.difference(&left).filter(|path| !named.contains(*path)).collect();
    assert!(lost.is_empty(), "gone, and no journal names them: {lost:?}");
    let end = env.run(args).expect_code(0).json().pop().unwrap();
    // Of the whole run, and each once.
    assert_eq!(end["deleted"], FILES as u64, "{end}");
    assert_eq!(outcomes(&env), BTreeMap::from([("deleted".to_owned(), FILES as u64)]));
    assert_eq!(files(&root), 0);
    assert!(!root.join(".pdb-sync").exists());
}

#[test]
fn a_deleting_run_that_was_killed_at_random_leaves_nothing_half_done() {
    for _ in 0..rounds(1, 25) {
        killed_at_random();
    }
}

fn killed_at_random() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let env = Env::new();
    let (mut cut, mut left) = (0, FILES as u64);
    let root = mirror(&env);
    for round in 0..12 {
        if round > 0 {
            env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
        }
        let started = std::time::SystemTime::now();
        let run = env.spawn(["clean", "run", "--yes", "--delete", "--max-delete", "100%", "--threads", "1"]);
        let journals = env.state().join("journal");
        let newest = || {
            fs::read_dir(&journals)
                .into_iter()
                .flatten()
                .flatten()
                .filter_map(|e| e.metadata().ok())
                // One that has no line yet is of a run that has removed nothing.
                .filter(|meta| meta.len() > 0)
                .filter_map(|meta| meta.modified().ok())
                .max()
        };
        eventually("it begins to delete", || newest().is_some_and(|time| time > started));
        let (so_far, moment) =
            (std::time::Instant::now(), std::time::Duration::from_micros(random.u64(0..8_000)));
        eventually("its moment comes", || so_far.elapsed() >= moment);
        run.signal(Signal::KILL);
        cut += u32::from(run.wait().code() != 0);
        let undone = env.run(["clean", "undo", "last", "--json"]);
        let end = undone.json().pop().unwrap();
        left -= end["gone"].as_u64().unwrap();
        assert_eq!(
            (&end["conflicts"], &end["failed"]),
            (&0.into(), &0.into()),
            "round {round}, seed {seed}: {end}"
        );
        assert_eq!(files(&root) as u64, left, "round {round}, seed {seed}: {end}");
        let beside = tree(&root).into_keys().find(|path| path.to_string_lossy().contains(".pdb-sync"));
        assert_eq!(beside, None, "round {round}, seed {seed}");
        if left == 0 {
            left = FILES as u64;
            mirror(&env);
        }
    }
    assert!(cut > 0, "it was never cut short");
}

#[test]
fn interrupted_it_says_what_it_did_and_goes_on_later() {
    let env = Env::new();
    let root = mirror(&env);
    let before = tree(&root);
    let args = ["clean", "run", "--yes", "--max-delete", "100%", "--threads", "1", "--json"];
    let run = env.spawn(args);
    eventually("the run gets so far", || quickly(&root.join(".pdb-sync/quarantine")) > 300);
    run.signal(Signal::INT);
    let ended = run.wait().expect_code(130);
    let end = ended.json().pop().unwrap();
    let done = end["quarantined"].as_u64().unwrap();
    assert_eq!((&end["event"], &end["stopped"]), (&"result".into(), &true.into()), "{ended}");
    assert_eq!(files(&root.join(".pdb-sync/quarantine")) as u64, done + 1);
    let end = env.run(args).expect_code(0).json().pop().unwrap();
    assert_eq!((&end["quarantined"], &end["resumed"]), (&(FILES as u64).into(), &true.into()), "{end}");
    env.run(["clean", "undo", "last"]).expect_code(0);
    assert_eq!(tree(&root), before);
}

#[test]
fn killed_at_random_again_and_again() {
    let env = Env::new();
    let root = mirror(&env);
    let (before, times) = (tree(&root), dirs(&root));
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let count = || {
        let mut all = tree(&root);
        all.retain(|path, entry| entry.kind == super::super::support::Kind::File && !is_info(path));
        all.len()
    };
    for round in 0..rounds(3, 60) {
        let plan = env.run(["clean", "plan", "./mirror/m", "--json"]).expect_code(0).json().pop().unwrap();
        assert_eq!(plan["entries"], FILES as u64, "round {round}, seed {seed}");
        for deed in ["run", "undo"] {
            // `last` is the one that has the files, also when another found nothing to do after it was killed at its end.
            let args = match deed {
                "run" => &["clean", "run", "--yes", "--max-delete", "100%"][..],
                _ => &["clean", "undo", "last"],
            };
            let mut whole = false;
            for _ in 0..8 {
                let run = env.spawn(args);
                let so_far = std::time::Instant::now();
                let moment = std::time::Duration::from_micros(random.u64(0..150_000));
                eventually("its moment comes", || so_far.elapsed() >= moment);
                run.signal(Signal::KILL);
                whole = run.wait().code() == 0;
                assert_eq!(count(), FILES, "round {round}, seed {seed}");
                if whole {
                    break;
                }
            }
            if !whole {
                let ended = env.run(args);
                // A run that was killed when all was done has left nothing to do; the next one says so by 3.
                if deed == "run" && ended.code() == 3 {
                    let mut left = tree(&root);
                    left.retain(|path, entry| {
                        entry.kind == super::super::support::Kind::File && !path.starts_with(".pdb-sync")
                    });
                    assert!(left.is_empty(), "round {round}, seed {seed}\n{ended}");
                } else {
                    ended.expect_code(0);
                }
            }
            assert_eq!(count(), FILES, "round {round}, seed {seed}");
        }
        assert_eq!(tree(&root), before, "round {round}, seed {seed}");
        assert_eq!(dirs(&root), times, "round {round}, seed {seed}");
    }
}

/// Whether it was killed or came to its end: it took nothing, and so it is not the run that `last` means.
#[test]
fn a_repeated_plan_that_was_killed_is_not_the_one_to_undo() {
    let env = Env::new();
    let root = mirror(&env);
    let before = tree(&root);
    let args = ["clean", "run", "--yes", "--max-delete", "100%", "--json"];
    let run = env.run(args).expect_code(0).json().pop().unwrap()["run"].clone();
    // Another one goes on with the first that was cut short.
    for _ in 0..2 {
        let again = env.spawn(args);
        eventually("it begins", || fs::read_dir(env.state().join("journal")).unwrap().count() == 2);
        again.signal(Signal::KILL);
        again.wait();
    }
    let undone = env.run(["clean", "undo", "last", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!((&undone["run"], &undone["restored"]), (&run, &FILES.into()), "{undone}");
    assert_eq!(tree(&root), before);
}
