//! Directories that a rule takes with everything in them.

use super::super::support::{Env, Somebody, eventually, only_entry, skipped, tree};
use super::{age, in_sight};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How many files a cache of the test has.
const FILES: usize = 40;

const RULES: &str = "version = 1\n[clean]\nmax_delete = \"100%\"\n[[clean.rules]]\nname = \"caches\"\naction = \"delete\"\nreason = \"made anew\"\n\
     pattern = [\"**/__pycache__/**\", \"go-build/\"]\n";

/// A tree with five caches: one of them protected in part, one with a file that readers look for, one with a file of two names.
fn caches(env: &Env) -> PathBuf {
    let root = env.mirror("m");
    for dir in ["a/__pycache__", "b/c/__pycache__/deep/empty", "go-build", "git/__pycache__/.git"] {
        fs::create_dir_all(root.join(dir)).unwrap();
    }
    for dir in ["read/__pycache__", "linked/__pycache__"] {
        fs::create_dir_all(root.join(dir)).unwrap();
        fs::write(root.join(dir).join("x.pyc"), "x").unwrap();
    }
    for n in 0..FILES {
        for dir in ["a/__pycache__", "b/c/__pycache__/deep", "go-build"] {
            fs::write(root.join(dir).join(format!("{n}.pyc")), format!("{n}")).unwrap();
        }
    }
    fs::write(root.join("a/source.py"), "source").unwrap();
    fs::write(root.join("git/__pycache__/.git/HEAD"), "head").unwrap();
    fs::write(root.join("git/__pycache__/x.pyc"), "x").unwrap();
    fs::write(root.join("read/__pycache__/1abc.cif.gz"), "coordinates").unwrap();
    fs::hard_link(root.join("linked/__pycache__/x.pyc"), root.join("linked/y.pyc")).unwrap();
    age(&root);
    root
}

fn planned(env: &Env) -> (Value, Vec<Value>) {
    let plan = env.run(["clean", "plan", "./mirror/m", "--json"]).expect_code(0).json().pop().unwrap();
    let text = fs::read_to_string(plan["plan"].as_str().unwrap()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    (plan, lines.filter(|line| line.get("rule").is_some()).collect())
}

fn line<'a>(lines: &'a [Value], path: &str) -> &'a Value {
    lines.iter().find(|line| line["path"] == path).unwrap_or_else(|| panic!("{path} in {lines:#?}"))
}

#[test]
fn a_directory_is_one_line_one_rename_and_one_undo() {
    let env = Env::new().with_config(RULES);
    let root = caches(&env);
    let before = tree(&root);
    let inode = fs::metadata(root.join("b/c/__pycache__/deep/7.pyc")).unwrap().ino();
    let (plan, lines) = planned(&env);
    for (path, entries) in
        [("a/__pycache__", FILES + 1), ("b/c/__pycache__", FILES + 3), ("go-build", FILES + 1)]
    {
        let line = line(&lines, path);
        assert_eq!(
            (&line["kind"], &line["contents"]["entries"]),
            (&"tree".into(), &entries.into()),
            "{line}"
        );
        assert!(!lines.iter().any(|line| line["path"].as_str().unwrap().starts_with(&format!("{path}/"))));
    }
    // Entry by entry: what is protected stays, and so does its directory.
    assert_eq!(line(&lines, "git/__pycache__/x.pyc")["kind"], "file");
    assert!(!lines.iter().any(|line| line["path"] == "git/__pycache__"));
    for path in ["read/__pycache__", "linked/__pycache__"] {
        assert_eq!(line(&lines, path)["kind"], "dir");
        assert_eq!(line(&lines, &format!("{path}/x.pyc"))["kind"], "file");
    }
    assert_eq!(plan["entries"], 3 * FILES + 5 + 1 + 3 + 2, "{plan}");
    assert_eq!(plan["by_rule"]["caches"]["entries"], plan["entries"]);
    assert_eq!(plan["bytes"], before_bytes(&root, &lines));

    let shown = env.run(["clean", "show", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!((&shown["to_delete"], &shown["entries"]), (&plan["entries"], &plan["entries"]));
    let groups = env.run(["clean", "show", "--json"]).json();
    let ages = groups.iter().filter(|line| line["event"] == "group").map(|line| line["oldest_s"].as_u64());
    assert!(ages.clone().count() > 3 && ages.flatten().all(|age| age >= 3 * 86_400), "{groups:#?}");
    let checked = env.run(["clean", "verify", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!((&checked["fresh"], &checked["changed"]), (&plan["entries"], &0.into()));
    let dry = env.run(["clean", "run", "-n", "-v"]).expect_code(0);
    assert!(
        dry.out().contains("b/c/__pycache__/ (43 entries): quarantine; rule caches: made anew\n"),
        "{dry}"
    );
    assert!(dry.out().contains("would remove 131 entries"), "{dry}");

    let run = env.run(["clean", "run", "--yes", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!((&run["quarantined"], &run["deleted"], &run["skipped"]), (&129.into(), &2.into(), &0.into()));
    assert_eq!(run["bytes"], plan["bytes"]);
    for gone in ["a/__pycache__", "b/c/__pycache__", "go-build", "read/__pycache__", "linked/__pycache__"] {
        assert!(!root.join(gone).exists(), "{gone}");
    }
    assert!(root.join("a/source.py").exists() && root.join("git/__pycache__/.git/HEAD").exists());
    let seen = in_sight(&root);
    assert!(seen.iter().all(|path| path.to_str().unwrap().ends_with(".pyc")), "{seen:?}");
    let log = env.run(["clean", "log", run["run"].as_str().unwrap(), "--json"]).expect_code(0);
    assert!(log.out().contains(r#""type":"tree""#), "{log}");

    let undone = env.run(["clean", "undo", "last", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!((&undone["restored"], &undone["conflicts"]), (&131.into(), &0.into()), "{undone}");
    assert_eq!(tree(&root), before);
    assert_eq!(fs::metadata(root.join("b/c/__pycache__/deep/7.pyc")).unwrap().ino(), inode);
    assert!(!root.join(".pdb-sync").exists());
}

fn before_bytes(root: &Path, lines: &[Value]) -> u64 {
    let mut inodes = std::collections::HashSet::new();
    let mut sum = 0;
    for (path, entry) in tree(root) {
        let path = path.to_str().unwrap().to_owned();
        let planned = lines.iter().any(|line| {
            let at = line["path"].as_str().unwrap();
            path == at && line["kind"] != "dir"
                || line["kind"] == "tree" && path.starts_with(&format!("{at}/"))
        });
        let meta = fs::symlink_metadata(root.join(&path)).unwrap();
        if planned && !meta.is_dir() && inodes.insert(meta.ino()) {
            sum += entry.size;
        }
    }
    sum
}

#[test]
fn what_came_after_the_plan_keeps_the_directory_and_nothing_else() {
    for mode in ["--quarantine", "--delete"] {
        let env = Env::new().with_config(RULES);
        let root = caches(&env);
        planned(&env);
        fs::write(root.join("b/c/__pycache__/deep/new.pyc"), "new").unwrap();
        let changed = env.run(["clean", "verify", "--json"]).expect_code(3).json().pop().unwrap();
        assert_eq!(changed["changed"], FILES + 3, "{changed}");
        env.run(["clean", "run", "--yes", "--strict", mode]).expect_code(4);
        assert!(root.join("a/__pycache__/7.pyc").exists());
        let run = env.run(["clean", "run", "--yes", "--json", mode]).expect_code(3).json().pop().unwrap();
        assert_eq!(run["skipped"], FILES + 3, "{run}");
        let why = &run["errors"][0];
        assert_eq!(why["path"], "b/c/__pycache__");
        assert!(why["reason"].as_str().unwrap().contains("44 entries, not 43"), "{why}");
        assert!(why["reason"].as_str().unwrap().ends_with("put back"), "{why}");
        assert_eq!(fs::read_dir(root.join("b/c/__pycache__/deep")).unwrap().count(), FILES + 2);
        assert!(!root.join("a/__pycache__").exists() && !root.join("go-build").exists());
    }
}

#[test]
fn limits_count_what_is_in_it_and_decisions_may_mean_something_in_it() {
    let env = Env::new().with_config(RULES);
    let root = caches(&env);
    let (plan, _) = planned(&env);
    let refused = env.run(["clean", "run", "--yes", "--max-delete", "130"]).expect_code(4);
    assert!(refused.err().contains("131 of"), "{refused}");
    let decisions = Path::new(plan["plan"].as_str().unwrap()).with_extension("");
    let decisions = decisions.with_extension("decisions.toml");
    for (decision, stays) in [
        ("glob = \"*.pyc\"\naction = \"keep\"", vec!["a/__pycache__", "b/c/__pycache__", "go-build"]),
        ("glob = \"b/*/__pycache__/deep/7*\"\naction = \"review\"", vec!["b/c/__pycache__"]),
        ("path = \"go-build/7.pyc\"\naction = \"keep\"", vec!["go-build"]),
        ("path = \"a\"\naction = \"keep\"", vec!["a/__pycache__"]),
        ("path = \"go-build/7.pyc\"\naction = \"delete\"", vec![]),
    ] {
        fs::write(&decisions, format!("[[decide]]\n{decision}\n")).unwrap();
        let dry = env.run(["clean", "run", "-n", "-v", "--json"]).expect_code(0);
        let lines: Vec<Value> = dry.json().into_iter().filter(|line| line["type"] == "tree").collect();
        assert_eq!(lines.len(), 3, "{dry}");
        for line in lines {
            let stay = stays.contains(&line["path"].as_str().unwrap());
            assert_eq!(line["would"], if stay { "stay" } else { "quarantine" }, "{decision}: {line}");
        }
    }
    assert!(root.join("go-build").exists());
}

#[test]
fn a_rule_about_sizes_means_files_only() {
    let env = Env::new().with_config(&RULES.replace("reason", "min_size = \"2\"\nreason"));
    let root = caches(&env);
    let (_, lines) = planned(&env);
    // The rule with a slash at its end still means the directory, as far as its contents fit.
    assert!(lines.iter().all(|line| line["path"] != "a/__pycache__"), "{lines:#?}");
    assert!(lines.iter().any(|line| line["path"] == "a/__pycache__/10.pyc"));
    assert!(lines.iter().all(|line| line["path"] != "a/__pycache__/9.pyc"));
    let explained = |path: &str| {
        let path = root.join(path);
        env.run(["clean", "explain", path.to_str().unwrap(), "--json"]).expect_code(0).json().remove(0)
    };
    assert_eq!(explained("a/__pycache__")["rule"], Value::Null);
    let env = Env::new().with_config(RULES);
    let root = caches(&env);
    let path = root.join("a/__pycache__");
    let why = env.run(["clean", "explain", path.to_str().unwrap(), "--json"]).expect_code(0).json().remove(0);
    assert_eq!((&why["rule"], &why["action"]), (&"caches".into(), &"delete".into()), "{why}");
}

#[test]
fn the_trash_has_it_as_one() {
    let env = Env::new().with_config(RULES);
    let root = caches(&env);
    planned(&env);
    let trash = env.dir().join("home/.local/share/Trash");
    let run = env.run(["clean", "run", "--yes", "--trash", "--json"]).expect_code(0).json().pop().unwrap();
    let found = fs::read_dir(env.dir()).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    assert!(trash.is_dir(), "{run}: {found:?}");
    assert!(trash.join("files/go-build/7.pyc").exists() && trash.join("info/go-build.trashinfo").exists());
    assert!(!root.join("go-build").exists());
}

#[test]
fn a_run_that_is_killed_goes_on_and_loses_nothing_that_was_not_planned() {
    let env = Env::new().with_config(RULES);
    let root = caches(&env);
    for n in 0..400 {
        let dir = root.join(format!("d{n}/__pycache__"));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("x.pyc"), "x").unwrap();
    }
    planned(&env);
    let mut killed = 0;
    for part in [1, 20, 100, 250, 390] {
        let run = env.spawn(["clean", "run", "--yes", "--delete"]);
        let left = || (0..400).filter(|n| root.join(format!("d{n}/__pycache__")).exists()).count();
        eventually("the run gets so far", || left() <= 400 - part);
        run.signal(Signal::KILL);
        if run.wait().code() == 0 {
            break;
        }
        killed += 1;
    }
    assert!(killed > 0);
    env.run(["clean", "run", "--yes", "--delete"]);
    let left: Vec<_> = tree(&root).into_keys().filter(|path| path.ends_with("__pycache__")).collect();
    assert_eq!(left, [Path::new("git/__pycache__")]);
    assert!(root.join("a/source.py").exists() && root.join("linked/y.pyc").exists());
    assert!(!root.join(".pdb-sync/quarantine").exists());
}

#[test]
fn what_another_user_closed_stays_in_its_place_in_every_mode() {
    let env = Env::new().with_config(RULES);
    let root = caches(&env);
    let closed = root.join("go-build/theirs");
    fs::create_dir(&closed).unwrap();
    fs::write(closed.join("x.pyc"), "theirs").unwrap();
    age(&root);
    let somebody = Somebody::new(&env);
    if !rustix::process::geteuid().is_root() {
        return skipped("only root can give a directory to another user");
    }
    std::os::unix::fs::chown(&closed, Some(0), Some(0)).unwrap();
    for mode in ["--quarantine", "--delete", "--trash"] {
        somebody.run(&["clean", "plan", "./mirror/m"]).expect_code(0);
        let run = somebody.run(&["clean", "run", "--yes", "--json", mode]).expect_code(1);
        let end = run.json().pop().unwrap();
        let why: Vec<_> = end["errors"].as_array().unwrap().iter().map(|error| &error["path"]).collect();
        assert!(why.contains(&&"go-build/theirs/x.pyc".into()), "{end}");
        assert_eq!(fs::read_to_string(closed.join("x.pyc")).unwrap(), "theirs", "{mode}");
        assert!(!root.join("go-build/7.pyc").exists(), "{mode}: what is theirs goes, entry by entry");
    }
}

#[test]
fn undo_tells_what_is_missing_and_counts_what_is_in_it() {
    let env = Env::new().with_config(RULES);
    let root = caches(&env);
    planned(&env);
    env.run(["clean", "run", "--yes"]).expect_code(0);
    let run = only_entry(&root.join(".pdb-sync/quarantine"));
    fs::remove_dir_all(run.join("whole/go-build")).unwrap();
    fs::create_dir(root.join("a/__pycache__")).unwrap();
    let undone = env.run(["clean", "undo", "last", "--json"]).expect_code(3).json().pop().unwrap();
    assert_eq!(
        (&undone["conflicts"], &undone["gone"]),
        (&(FILES + 1).into(), &(FILES + 1).into()),
        "{undone}"
    );
    fs::remove_dir(root.join("a/__pycache__")).unwrap();
    let undone = env.run(["clean", "undo", "last"]).expect_code(3);
    assert!(undone.out().contains("41 entries are back"), "{undone}");
    assert!(undone.err().contains("41 entries are missing in the quarantine"), "{undone}");
}

#[test]
fn a_decision_that_keeps_more_than_it_names_is_told() {
    let env = Env::new().with_config(RULES).with_var("EDITOR", "true");
    let root = caches(&env);
    fs::write(root.join("aa.gz"), "").unwrap();
    fs::write(root.join("a/bb.gz"), "").unwrap();
    let (plan, _) = planned(&env);
    env.run(["clean", "edit", "last"]).expect_code(0);
    let decisions = plan["plan"].as_str().unwrap().replace(".plan.ndjson", ".decisions.toml");
    let text = fs::read_to_string(&decisions).unwrap();
    // Without a path, a decision is about the whole rule.
    assert!(
        text.contains("# cut-gzip: review\n#[[decide]]  # 2 entries, 0 B\n#rule = \"cut-gzip\"\n#action"),
        "{text}"
    );
    fs::write(&decisions, "[[decide]]\nglob = \"nothing*\"\naction = \"keep\"\n").unwrap();
    let shown = env.run(["clean", "show"]).expect_code(0);
    let told =
        "3 directories that are taken as one stay as a whole, since the decision about glob \"nothing*\"";
    assert!(shown.err().contains(told), "{shown}");
    // A later decision about them wins, so none stays.
    let later = "[[decide]]\nrule = \"caches\"\naction = \"delete\"\n";
    fs::write(&decisions, format!("[[decide]]\nglob = \"nothing*\"\naction = \"keep\"\n{later}")).unwrap();
    let shown = env.run(["clean", "show"]).expect_code(0);
    assert!(!shown.err().contains("stay as a whole"), "{shown}");
}

#[test]
fn a_refused_backup_directory_is_not_made() {
    let env = Env::new().with_config(RULES);
    let root = caches(&env);
    planned(&env);
    let before = tree(&root);
    let inside = root.join("go-build/backup/deep");
    let run = env.run(["clean", "run", "--yes", "--backup-dir", inside.to_str().unwrap()]).expect_code(2);
    assert!(run.err().contains("lies in the tree"), "{run}");
    assert_eq!(tree(&root), before);
}
