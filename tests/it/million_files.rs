//! A tree of a million files: mirrored, scanned, cleaned, undone. With `tests/run.sh --long` only.

use super::support::{Env, is_long, one_job, skipped};
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

const DIRS: usize = 1_000;
const FILES_IN_EACH: usize = 1_000;
const FILES: usize = DIRS * FILES_IN_EACH;
/// Files that an editor left, beside those of the source.
const LEFTOVERS: usize = 10_000;

fn fill(root: &Path) {
    for dir in 0..DIRS {
        let path = root.join(format!("{dir:03}"));
        fs::create_dir_all(&path).unwrap();
        for file in 0..FILES_IN_EACH {
            fs::write(path.join(format!("{file:04}.cif")), "x").unwrap();
        }
    }
}

/// Three days old, as the rules want it.
fn leave(root: &Path) {
    let time = SystemTime::now() - Duration::from_secs(3 * 86_400);
    for n in 0..LEFTOVERS {
        let path = root.join(format!("{:03}/{n:05}.cif~", n % DIRS));
        fs::write(&path, "x").unwrap();
        File::open(path).unwrap().set_modified(time).unwrap();
    }
}

fn last(env: &Env, args: &[&str]) -> serde_json::Value {
    env.run(args).expect_code(0).json().pop().unwrap()
}

#[test]
fn a_tree_of_a_million_files_goes_through_everything() {
    if !is_long() {
        return skipped("a million files take minutes: `sh tests/run.sh --long`");
    }
    let env = Env::new();
    let source = env.dir().join("source");
    fill(&source);
    let config = one_job(&[&format!("{}/", source.display())], &env.mirror("m"), "");
    let env = env.with_config(&config);
    for _ in 0..2 {
        let synced = last(&env, &["sync", "j", "--json"]);
        assert_eq!((&synced["total"], &synced["success"]), (&1.into(), &1.into()), "{synced}");
    }
    leave(&env.mirror("m"));
    for reads in [DIRS + 1, 0] {
        let scanned = last(&env, &["scan", "j", "--json"]);
        assert_eq!(scanned["files"], FILES + LEFTOVERS, "{scanned}");
        assert_eq!(scanned["dirs_read"], reads, "{scanned}");
    }
    let plan = last(&env, &["clean", "plan", "j", "--json"]);
    assert_eq!(plan["entries"], LEFTOVERS, "{plan}");
    let run = last(&env, &["clean", "run", "j", "--yes", "--max-delete", "100%", "--json"]);
    assert_eq!((&run["failed"], &run["quarantined"]), (&0.into(), &LEFTOVERS.into()), "{run}");
    assert_eq!(last(&env, &["scan", "j", "--json"])["files"], FILES);
    let undone = last(&env, &["clean", "undo", "last", "--json"]);
    assert_eq!(undone["restored"], LEFTOVERS, "{undone}");
    assert_eq!(last(&env, &["scan", "j", "--json"])["files"], FILES + LEFTOVERS);
}
