//! `keep_deleted`: what `sync` removes or replaces can be brought back.

use super::super::support::{Env, Upstream, tree};
use std::fs;

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
    fs::remove_dir_all(source.join("ab")).unwrap();
    fs::remove_file(source.join("c")).unwrap();
    fs::write(source.join("changes"), "second, and longer").unwrap();
    env.run(["sync", "m"]).expect_code(0);
    assert!(!root.join("ab").exists() && !root.join("c").exists());
    assert_eq!(fs::read_to_string(root.join("changes")).unwrap(), "second, and longer");
    // The quarantine is no part of the mirror.
    env.run(["sync", "m"]).expect_code(0);
    env.run(["clean", "purge"]).expect_code(0);
    let undone = env.run(["clean", "undo", "last", "--json"]).expect_code(0);
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
