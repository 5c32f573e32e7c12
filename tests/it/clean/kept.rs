//! `keep_deleted`: what `sync` removes or replaces can be brought back.

use super::super::support::{Env, Upstream, only_entry, tree};
use serde_json::Value;
use std::fs;

/// What the history says of an undo of the last run: to people, and in JSON.
fn undo_of(env: &Env) -> (Option<String>, Option<String>) {
    let shown = env.run(["history", "show", "last"]).expect_code(0).out();
    let line = shown.lines().find_map(|line| line.strip_prefix("undo: ").map(str::to_owned));
    let job = env.run(["history", "show", "last", "--json"]).expect_code(0).events("job").remove(0);
    (line, job["undo"].as_str().map(str::to_owned))
}

#[test]
fn a_mirror_that_upstream_emptied_comes_back() {
    let upstream = Upstream::new();
    let source = upstream.root().join("d");
    fs::create_dir_all(source.join("ab/deep")).unwrap();
    for file in ["keep", "changes", "ab/a", "ab/deep/b", "c"] {
        fs::write(source.join(file), format!("first {file}")).unwrap();
    }
    let config = format!(
        "version = 1\n[jobs.m]\nsource = {:?}\ndest = 'mirror/m'\ndelete = true\nkeep_deleted = '1d'\n",
        upstream.url("m/d/")
    );
    let env = Env::new().with_config(&config).with_pipe(&upstream);
    env.run(["sync", "m"]).expect_code(0);
    let root = env.mirror("m");
    let first = tree(&root);
    assert!(!root.join(".pdb-sync").exists(), "nothing was replaced");
    assert_eq!(undo_of(&env), (None, None), "nothing was kept");
    fs::remove_dir_all(source.join("ab")).unwrap();
    fs::remove_file(source.join("c")).unwrap();
    fs::write(source.join("changes"), "second, and longer").unwrap();
    let run = env.run(["sync", "m"]).expect_code(0);
    let told = run.out().lines().find_map(|line| line.strip_prefix("undo: ").map(str::to_owned));
    assert!(told.as_ref().unwrap().starts_with("pdb-sync clean undo 01"), "{run}");
    assert_eq!(undo_of(&env), (told.clone(), told), "the history says the same");
    let status = env.run(["status", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!(status["jobs"][0]["quarantine"]["files"], 4, "what describes the quarantine is not in it");
    assert!(!root.join("ab").exists() && !root.join("c").exists());
    assert_eq!(fs::read_to_string(root.join("changes")).unwrap(), "second, and longer");
    // The quarantine is no part of the mirror.
    env.run(["sync", "m"]).expect_code(0);
    assert_eq!(undo_of(&env), (None, None), "that run kept nothing");
    let run = env.run(["clean", "log", "--json"]).expect_code(0).events("run").remove(0);
    let id = run["run"].as_str().unwrap();
    assert!(env.run(["clean", "log", id]).expect_code(0).out().contains("ab/deep/b"));
    let several = env.run(["history", "show", "0"]).expect_code(2).err();
    assert!(several.contains("the IDs of several runs begin with \"0\""), "{several}");
    env.run(["clean", "purge"]).expect_code(0);
    let undone = env.run(["clean", "undo", id, "--json"]).expect_code(0);
    assert_eq!(
        env.run(["history", "show", id, "--json"]).expect_code(0).events("job")[0]["undo"],
        Value::Null
    );
    assert_eq!(undone.json().pop().unwrap()["run"], run["run"]);
    assert_eq!(undone.json().pop().unwrap()["failed"], 0, "{undone}");
    let mut now = tree(&root);
    now.retain(|path, _| !path.starts_with(".pdb-sync"));
    assert_eq!(now, first);
    // A second undo has nothing to do.
    env.run(["clean", "undo", "last"]).expect_code(0);
    assert_eq!(fs::read_to_string(root.join("changes")).unwrap(), "first changes");
    env.run(["clean", "purge", "--older-than", "0"]).expect_code(0);
    assert_eq!(tree(&root), first);
}

#[test]
fn what_is_left_alone_counts_once_however_often_it_is_met() {
    let env = Env::new();
    let root = super::littered(&env);
    let counts =
        || env.run(["clean", "log", "--json"]).expect_code(0).events("run").remove(0)["counts"].clone();
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    fs::write(root.join(".DS_Store"), "another").unwrap();
    let run = ["clean", "run", "--yes", "--delete"];
    env.run(run).expect_code(3);
    let first = counts();
    assert_eq!(first["skipped"], 1, "{first}");
    // As if it had been cut short before its end, and then gone on with.
    let journal = only_entry(&env.state().join("journal"));
    let text = fs::read_to_string(&journal).unwrap();
    let open: Vec<&str> = text.lines().filter(|line| !line.contains("\"end\"")).collect();
    fs::write(&journal, open.join("\n") + "\n").unwrap();
    assert!(env.run(run).expect_code(3).out().contains("(continued)"));
    assert_eq!(counts(), first);
    let listed = env.run(["clean", "log", "last"]).expect_code(0).out();
    assert_eq!(listed.matches(".DS_Store").count(), 1, "{listed}");
}

#[test]
fn a_conflict_of_every_undo_counts_once() {
    let env = Env::new();
    let root = super::littered(&env);
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    env.run(["clean", "run", "--yes"]).expect_code(0);
    fs::write(root.join(".DS_Store"), "a new one").unwrap();
    for _ in 0..2 {
        env.run(["clean", "undo", "last"]).expect_code(3);
    }
    let log = env.run(["clean", "log", "--json"]).expect_code(0).events("run");
    assert_eq!(log[0]["counts"]["skipped"], 1, "{log:?}");
}
