//! Directories without write permission for their owner.

use super::super::support::{Env, Somebody, eventually, is_running, mode_of, set_dirs, tree};
use super::{age, dirs};
use rustix::process::Signal;
use std::fs;
use std::path::{Path, PathBuf};

const FILES: usize = 3_000;

/// A mirror with leavings in directories of mode 0555: many in one, so that several threads work in it, and some in one below
/// another.
fn mirror(env: &Env) -> PathBuf {
    let root = env.mirror("m");
    fs::create_dir_all(root.join("deep/er/empty")).unwrap();
    fs::create_dir_all(root.join("many")).unwrap();
    for n in 0..FILES {
        fs::write(root.join(format!("many/{n}.cif~")), format!("{n}")).unwrap();
    }
    for name in ["top~", "many/stays", "deep/a~", "deep/er/b~"] {
        fs::write(root.join(name), name).unwrap();
    }
    age(&root);
    set_dirs(&root, 0o555);
    root
}

fn is_clean(root: &Path) {
    let mut left = tree(root);
    left.retain(|path, _| !path.starts_with(".pdb-sync"));
    let left: Vec<_> = left.into_keys().collect();
    assert_eq!(left, ["deep", "deep/er", "many", "many/stays"].map(PathBuf::from));
    for dir in ["", "deep", "deep/er", "many"] {
        assert_eq!(mode_of(&root.join(dir)), 0o555, "{dir}");
    }
}

#[test]
fn a_run_its_undo_and_its_purge_work_in_them() {
    let env = Env::new();
    let root = mirror(&env);
    let somebody = Somebody::new(&env);
    let run = |args: &[&str]| {
        let ended = somebody.run(args).expect_code(0);
        let journals = fs::read_dir(env.state().join("journal")).into_iter().flatten().flatten();
        let left: Vec<_> =
            journals.map(|e| e.path()).filter(|p| p.to_string_lossy().contains(".modes")).collect();
        assert_eq!(left, Vec::<PathBuf>::new(), "{ended}");
        ended
    };
    let clean = ["clean", "run", "--yes", "--max-delete", "100%", "--threads", "4", "--json"];
    let (before, modes) = (tree(&root), dirs(&root));
    run(&["clean", "plan", "./mirror/m"]);
    let end = run(&clean).json().pop().unwrap();
    let count = FILES as u64 + 3;
    assert_eq!((&end["quarantined"], &end["deleted"]), (&count.into(), &1.into()), "{end}");
    is_clean(&root);
    run(&["clean", "undo", "last"]);
    assert_eq!(tree(&root), before);
    assert_eq!(dirs(&root), modes);

    run(&["clean", "plan", "./mirror/m"]);
    run(&clean);
    let purged = run(&["clean", "purge", "--older-than", "0s", "./mirror/m", "--json"]).json().pop().unwrap();
    assert_eq!(purged["entries"], count, "{purged}");
    assert!(!root.join(".pdb-sync").exists());
    is_clean(&root);
}

#[test]
fn whatever_becomes_of_what_is_removed() {
    for fate in [&["--delete"][..], &["--trash"], &["--backup-dir", "backup"]] {
        let env = Env::new();
        let root = mirror(&env);
        let somebody = Somebody::new(&env);
        somebody.run(&["clean", "plan", "./mirror/m"]).expect_code(0);
        let clean = [&["clean", "run", "--yes", "--max-delete", "100%", "--threads", "4"], fate].concat();
        somebody.run(&clean).expect_code(0);
        is_clean(&root);
        assert!(!root.join(".pdb-sync").exists());
    }
}

#[test]
fn killed_and_undone_the_modes_and_times_are_what_they_were() {
    for (fate, undo) in [("--quarantine", true), ("--delete", true), ("--quarantine", false)] {
        let env = Env::new();
        let root = mirror(&env);
        let somebody = Somebody::new(&env);
        let (before, modes) = (tree(&root), dirs(&root));
        somebody.run(&["clean", "plan", "./mirror/m"]).expect_code(0);
        let clean = ["clean", "run", "--yes", "--max-delete", "100%", "--threads", "2", fate];
        let many = root.join("many");
        let kill = |args: &[&str]| {
            let running = somebody.spawn(args);
            eventually("it works there, or has come to its end", || {
                mode_of(&many) != 0o555 || !is_running(running.pid())
            });
            running.signal(Signal::KILL);
            running.wait();
            mode_of(&many) == 0o755
        };
        let mut cut = kill(&clean);
        if undo {
            cut |= kill(&["clean", "undo", "last"]);
            // What was deleted is gone; nothing else is.
            let ended = somebody.run(&["clean", "undo", "last"]);
            assert!([0, 3].contains(&ended.code()), "{ended}");
            if fate == "--quarantine" {
                assert_eq!(tree(&root), before, "{ended}");
                assert_eq!(dirs(&root), modes, "{ended}");
            }
            assert_eq!(mode_of(&many), 0o555, "{ended}");
        } else {
            somebody.run(&clean).expect_code(0);
            is_clean(&root);
        }
        assert!(cut, "it was never killed in time");
    }
}
