//! SIGKILL at any moment: a run goes on where it was, and undo brings everything back.

use super::super::support::{Env, eventually, tree};
use super::age;
use rustix::process::Signal;
use std::fs;
use std::path::Path;

const FILES: usize = 4_000;

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
        fs::write(dir.join(format!("{n}~")), format!("{n}")).unwrap();
    }
    age(&root);
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    root
}

#[test]
fn killed_and_resumed_and_undone() {
    let env = Env::new();
    let root = mirror(&env);
    let before = tree(&root);
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
        all.retain(|path, entry| {
            entry.kind == super::super::support::Kind::File && !path.ends_with("info.json")
        });
        assert_eq!(all.len(), FILES, "nothing is lost, and nothing is there twice");
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
    env.run(["clean", "undo", "last"]).expect_code(0);
    assert_eq!(tree(&root), before);
}

#[test]
fn a_deleting_run_that_was_killed_ends_what_it_began() {
    let env = Env::new();
    let root = mirror(&env);
    let args = ["clean", "run", "--yes", "--delete", "--max-delete", "100%", "--threads", "1", "--json"];
    let run = env.spawn(args);
    eventually("the run gets so far", || quickly(&root) < FILES - 500);
    run.signal(Signal::KILL);
    run.wait();
    env.run(args).expect_code(0);
    assert_eq!(files(&root), 0);
    assert!(!root.join(".pdb-sync").exists());
}
