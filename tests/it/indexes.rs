//! `index list`, `index where` and `index remove`.

use crate::support::{Ended, Env, Terminal, corpus};
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;
use std::fs::{self, File};

const CONFIG: &str =
    "[jobs.a]\nsource = 'h::a/'\ndest = 'mirror/a'\n[jobs.list]\nsource = 'h::b/'\ndest = 'mirror/b'\n";

/// A home with an index of a job, of a job called `list`, and of a directory.
fn env() -> Env {
    let env = Env::new().with_config(CONFIG);
    for mirror in ["a", "b", "c d"] {
        corpus::lay_out(&env.mirror(mirror));
    }
    // A word that is also an action is a job's name behind --.
    for args in [["index", "a"].as_slice(), &["index", "--", "list"], &["index", "./mirror/c d"]] {
        env.run(args).expect_code(0);
    }
    env
}

fn listed(env: &Env) -> Vec<Value> {
    env.run(["index", "list", "--json"]).expect_code(0).events("index")
}

fn orphans(ended: &Ended) -> Vec<Value> {
    ended.events("index").iter().map(|index| index["orphan"].clone()).collect()
}

#[test]
fn every_index_is_listed_and_those_without_mirror_or_job_are_told() {
    let env = env();
    let path = env.mirror("c d").to_str().unwrap().to_owned();
    let ended = env.run(["index", "list", "--json"]).expect_code(0);
    let found = ended.events("index");
    let labels: Vec<&str> = found.iter().map(|index| index["index"].as_str().unwrap()).collect();
    assert_eq!(labels, ["a", "list", &path]);
    for index in &found {
        assert_eq!((&index["state"], &index["documents"]), (&"ok".into(), &6.into()), "{ended}");
        assert!(
            index["bytes"].as_u64().unwrap() > 1_000 && index["age_s"].as_f64().unwrap() >= 0.0,
            "{ended}"
        );
        assert!(
            index["updated"].is_string() && index["in_use"] == false && index["orphan"].is_null(),
            "{ended}"
        );
        assert!(std::path::Path::new(index["dir"].as_str().unwrap()).is_dir());
    }
    assert_eq!(found[2]["job"], Value::Null);
    let sum: u64 = found.iter().map(|index| index["bytes"].as_u64().unwrap()).sum();
    let result = ended.json().pop().unwrap();
    assert_eq!(
        (&result["indexes"], &result["bytes"], &result["orphans"]),
        (&3.into(), &sum.into(), &0.into())
    );
    let table = env.run(["index", "list"]).expect_code(0);
    assert!(table.out().starts_with("STATE") && table.out().contains(&path), "{table}");

    for mirror in ["b", "c d"] {
        fs::rename(env.mirror(mirror), env.mirror(mirror).with_extension("away")).unwrap();
    }
    fs::write(env.config(), CONFIG.replace("jobs.a", "jobs.renamed")).unwrap();
    let ended = env.run(["index", "list", "--json"]).expect_code(0);
    let [job, dest, root] = &orphans(&ended)[..] else { panic!("{ended}") };
    assert_eq!(job, "no job has this name any more");
    for (why, mirror) in [(dest, "b"), (root, "c d")] {
        assert_eq!(*why, format!("its mirror {} is not there", env.mirror(mirror).display()));
    }
    assert_eq!(ended.json().pop().unwrap()["orphans"], 3);
    let text = env.run(["index", "list"]).expect_code(0);
    assert!(text.err().contains("`pdb-sync index remove a` removes the index"), "{text}");
    // Without a configuration that can be read, it is not known which jobs there are.
    fs::write(env.config(), "jobs = 1\n").unwrap();
    let ended = env.run(["index", "list", "--json"]).expect_code(0);
    assert!(matches!(&orphans(&ended)[..], [Value::Null, Value::Null, Value::String(_)]), "{ended}");
}

#[test]
fn where_an_index_lies_is_printed() {
    let env = env();
    let dir = env.state().join("index");
    assert_eq!(env.run(["index", "where"]).expect_code(0).out(), format!("{}\n", dir.display()));
    let two = env.run(["index", "where", "a", "mirror/c d"]).expect_code(0).out();
    let lines: Vec<&str> = two.lines().collect();
    assert_eq!(lines[0], dir.join("a").to_str().unwrap());
    assert!(std::path::Path::new(lines[1]).join("lock").exists(), "{two}");
    fs::remove_dir_all(dir.join("a")).unwrap();
    let none = env.run(["index", "where", "a"]).expect_code(0);
    assert!(
        none.out().starts_with(lines[0]) && none.err().contains("`pdb-sync index a` builds it"),
        "{none}"
    );
    let wrong = env.run(["index", "where", "lisst"]).expect_code(2);
    assert!(wrong.err().contains("did you mean \"list\"?"), "{wrong}");
}

#[test]
fn an_index_is_removed_only_when_it_is_agreed_to_and_not_in_use() {
    let env = env();
    let asked = env.run(["index", "remove", "a"]).expect_code(2);
    assert!(asked.err().contains("cannot ask for confirmation"), "{asked}");
    // One wrong name, and nothing is removed.
    let wrong = env.run(["index", "remove", "--yes", "a", "nobody"]).expect_code(2);
    assert!(wrong.err().contains("there is no index of \"nobody\""), "{wrong}");
    let lock = File::open(env.state().join("index/a/lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    if cfg!(target_os = "linux") {
        assert_eq!(listed(&env)[0]["in_use"], true);
    }
    let busy = env.run(["index", "remove", "--yes", "a", "--json"]).expect_code(75);
    assert_eq!(busy.json().pop().unwrap()["failed"], serde_json::json!(["a"]));
    drop(lock);
    assert_eq!(listed(&env).len(), 3);
    // The mirror of one is gone, and it is named by a path all the same.
    fs::rename(env.mirror("c d"), env.mirror("away")).unwrap();
    let gone = env.run(["index", "remove", "--yes", "a", "a", "mirror/x/../c d"]).expect_code(0);
    assert!(gone.out().starts_with("2 indexes removed, "), "{gone}");
    let left = listed(&env);
    assert_eq!((left.len(), &left[0]["index"]), (1, &"list".into()));
    assert!(env.mirror("a").is_dir() && !env.state().join("index/a").exists());
    let none = env.run(["search", "capsid", "--job", "a"]).expect_code(2);
    assert!(none.err().contains("there is no index of \"a\""), "{none}");
}

#[test]
fn a_person_is_asked_for_each() {
    let env = env();
    let line = format!("{} index remove a list", env!("CARGO_BIN_EXE_pdb-sync"));
    let Some(terminal) = Terminal::start(&env, 120, &line) else { return };
    let shows = |text: &str| {
        crate::support::eventually(text, || terminal.screen().iter().any(|line| line.contains(text)));
    };
    shows("a: ");
    terminal.tmux(["send-keys", "n", "Enter"]);
    shows("list: ");
    terminal.tmux(["send-keys", "y", "Enter"]);
    shows("1 index removed");
    let left = listed(&env);
    assert_eq!((left.len(), &left[0]["index"]), (2, &"a".into()));
}
