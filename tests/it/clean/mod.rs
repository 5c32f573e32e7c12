//! `clean` from the outside.

mod decided;
mod dry;
mod exported;
mod hard;
mod kept;
mod keys;
mod killed;
mod million;
mod readers;
mod readonly_dirs;
mod refusals;
mod rules;
mod upstream;
mod whole;

use super::support::{Env, tree};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Makes everything below a directory, and itself, three days old.
fn age(path: &Path) {
    if fs::symlink_metadata(path).unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            age(&entry.unwrap().path());
        }
    }
    let time = SystemTime::now() - Duration::from_secs(3 * 86_400);
    File::open(path).unwrap().set_modified(time).unwrap();
}

/// When every directory was modified, the root included, and what its mode is.
fn dirs(root: &Path) -> Vec<(PathBuf, SystemTime, u32)> {
    let mut all = vec![root.to_path_buf()];
    all.extend(
        tree(root)
            .into_iter()
            .filter(|(_, e)| e.kind == super::support::Kind::Dir)
            .map(|(path, _)| root.join(path)),
    );
    all.into_iter()
        .map(|path| {
            let meta = fs::metadata(&path).unwrap();
            (path, meta.modified().unwrap(), meta.mode())
        })
        .collect()
}

/// What of ours in a mirror has a name that programs may look for: in the quarantine, everything with a dot. Also of a tree that
/// changes meanwhile.
fn in_sight(root: &Path) -> Vec<PathBuf> {
    fn walk(dir: &Path, quarantine: bool, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let ours = name == ".pdb-sync";
            if quarantine && name.contains('.') || !ours && name.contains(".pdb-sync") {
                found.push(path.clone());
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                walk(&path, quarantine || ours, found);
            }
        }
    }
    let mut found = Vec::new();
    walk(root, false, &mut found);
    found
}

/// A mirror with leavings of every kind.
fn littered(env: &Env) -> PathBuf {
    let root = env.mirror("m");
    for dir in ["ab/.~tmp~", "cd/empty", "proj/.git"] {
        fs::create_dir_all(root.join(dir)).unwrap();
    }
    for file in [
        "ab/1abc.cif.gz",
        "ab/.1abc.cif.gz.a1B2c3",
        "ab/.bashrc.before",
        "ab/.~tmp~/1abc.cif.gz",
        "cd/x~",
        "cd/new\nline~",
        "proj/Cargo.toml",
        "proj/x~",
        "proj/.git/y~",
        ".DS_Store",
    ] {
        fs::write(root.join(file), format!("twenty bytes and more of {file}")).unwrap();
    }
    let odd: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(&b"cd/\xff~"[..]);
    fs::write(root.join(odd), "odd").unwrap();
    fs::hard_link(root.join("cd/x~"), root.join("cd/y~")).unwrap();
    age(&root);
    root
}

const PLANNED: u64 = 8;

#[test]
fn planned_shown_run_and_undone() {
    let env = Env::new();
    let root = littered(&env);
    let (before, times) = (tree(&root), dirs(&root));
    let plan = env.run(["clean", "plan", "./mirror/m", "--json"]).expect_code(0).json().pop().unwrap();
    let header = fs::read_to_string(plan["plan"].as_str().unwrap()).unwrap();
    assert!(header.lines().next().unwrap().contains("\"rules_blake3\":\""), "{header}");
    assert_eq!(plan["entries"], PLANNED + 1, "{plan}");
    assert_eq!(tree(&root), before, "planning touches nothing");
    let shown = env.run(["clean", "show", "--json"]).expect_code(0).json();
    let end = shown.last().unwrap();
    assert_eq!((&end["to_delete"], &end["hash"]), (&plan["entries"], &plan["hash"]));
    let dry = env.run(["clean", "run", "--mode", "dry-run", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!(dry["would_remove"], PLANNED + 1);
    assert_eq!(tree(&root), before);
    env.run(["clean", "run"]).expect_code(2);
    let run = env.run(["clean", "run", "--yes", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!(
        (&run["quarantined"], &run["deleted"], &run["failed"]),
        (&7.into(), &2.into(), &0.into()),
        "{run}"
    );
    assert!(run["fenced"].is_boolean(), "whether the kernel held us to the tree is said: {run}");
    for stays in ["ab/1abc.cif.gz", "ab/.bashrc.before", "proj/x~", "proj/.git/y~", "proj/Cargo.toml"] {
        assert!(root.join(stays).exists(), "{stays}");
    }
    for gone in ["ab/.~tmp~", "cd/x~", "cd/empty", ".DS_Store", "ab/.1abc.cif.gz.a1B2c3"] {
        assert!(!root.join(gone).exists(), "{gone}");
    }
    // Carried out again it finds nothing, and that is not the run to undo.
    env.run(["clean", "run", "--yes"]).expect_code(3);
    let undone = env.run(["clean", "undo", "last", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!(undone["run"], run["run"], "{undone}");
    assert_eq!((&undone["conflicts"], &undone["failed"]), (&0.into(), &0.into()), "{undone}");
    assert_eq!(tree(&root), before);
    assert_eq!(dirs(&root), times, "times and modes of directories, too");
    let log = env.run(["clean", "log", "--json"]).expect_code(0).json();
    assert!(log.iter().any(|run| run["counts"]["restored"] == 9), "{log:?}");
}

#[test]
fn interactive_touches_what_was_agreed_to() {
    let env = Env::new();
    let root = littered(&env);
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    // The first question is about the largest.
    let mut command = env.command(["clean", "run", "--mode", "interactive", "--json"]);
    let answers = env.dir().join("answers");
    fs::write(&answers, "y\nn\nwhat?\nq\n").unwrap();
    command.stdin(File::open(answers).unwrap());
    let run = super::support::Running::start(command).wait().expect_code(0);
    let end = run.json().pop().unwrap();
    let touched = end["quarantined"].as_u64().unwrap() + end["deleted"].as_u64().unwrap();
    assert!(touched > 0 && touched < PLANNED, "{run}");
    assert!(root.join("ab/1abc.cif.gz").exists());
    // The end of the input agrees to nothing.
    let none = env.run(["clean", "run", "--mode", "interactive", "--json"]);
    assert_eq!(none.json().pop().unwrap()["quarantined"], 0, "{none}");
}

#[test]
fn rules_of_people_come_first_and_explain_themselves() {
    let config = "version = 1\n[clean]\nmode = 'delete'\n[[clean.rules]]\nname = 'mine'\npattern = 'cd/**'\naction = 'keep'\nreason = 'because'\n";
    let env = Env::new().with_config(config);
    let root = littered(&env);
    let plan = env.run(["clean", "plan", "./mirror/m", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!(plan["by_rule"]["editor"], serde_json::Value::Null, "{plan}");
    let why = env.run(["clean", "explain", "mirror/m/cd/x~", "--root", "mirror/m", "--json"]).expect_code(0);
    assert_eq!(why.json()[0]["rule"], "mine", "{why}");
    // The configured mode is obeyed.
    let run = env.run(["clean", "run", "--yes", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!(run["quarantined"], 0, "{run}");
    assert!(run["deleted"].as_u64().unwrap() > 0 && !root.join(".pdb-sync").exists(), "{run}");
    env.run(["clean", "undo", "last"]).expect_code(3);
}
