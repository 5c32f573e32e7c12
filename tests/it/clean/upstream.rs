//! What upstream itself has is left alone, or else the next sync would fetch it again.

use super::super::support::{Ended, Env, Fuse, Upstream, one_job, tree};
use super::age;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Names that a built-in rule means, by the rule.
const MEANT: [(&str, &str); 8] = [
    ("desktop", "ab/desktop.ini"),
    ("desktop", "Thumbs.db"),
    ("editor", "ab/x~"),
    ("rsync-temp", "ab/.1abc.cif.gz.a1B2c3"),
    ("core", "core"),
    ("odd-name", "ab/what?"),
    ("nfs", ".nfs0001"),
    ("cut-gzip", "ab/short.gz"),
];
const EMPTY: &str = "ab/nothing";

/// A job `j` whose source has all of them, and its mirror.
struct Case {
    upstream: Upstream,
    env: Env,
}

fn text(name: &str) -> String {
    if name.ends_with("short.gz") { "short".into() } else { format!("twenty bytes and more of {name}") }
}

impl Case {
    fn new(more: &str) -> Self {
        let upstream = Upstream::new();
        for (_, name) in MEANT {
            upstream.write(name, text(name));
        }
        upstream.write("ab/1abc.cif.gz", "twenty bytes and more of an entry");
        for dir in [EMPTY, "build"] {
            fs::create_dir(upstream.root().join(dir)).unwrap();
        }
        upstream.write("build/x", "twenty bytes and more of a build");
        age(&upstream.root());
        let env = Env::new().with_pipe(&upstream);
        let config = one_job(&[&upstream.url("m/")], &env.mirror("m"), more);
        let case = Case { upstream, env: env.with_config(&config) };
        // A first run knows what came.
        case.sync();
        case
    }

    fn sync(&self) -> Ended {
        self.env.run(["sync", "j", "--json"]).expect_code(0)
    }

    fn mirror(&self) -> PathBuf {
        self.env.mirror("m")
    }

    /// As upstream's, but of other names.
    fn litter(&self) {
        for (_, name) in MEANT {
            let other = Path::new("other").join(name);
            let path = self.mirror().join(&other);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text(name)).unwrap();
        }
        fs::create_dir_all(self.mirror().join("other").join(EMPTY)).unwrap();
        // What came has upstream's times, and is to keep them.
        age(&self.mirror().join("other"));
    }

    fn plan(&self, args: &[&str]) -> Value {
        let all = [&["clean", "plan", "--json"], args].concat();
        self.env.run(all).expect_code(0).json().pop().unwrap()
    }

    fn explained(&self, path: &str) -> Value {
        let path = self.mirror().join(path);
        self.env.run(["clean", "explain", path.to_str().unwrap(), "--json"]).expect_code(0).json()[0].clone()
    }
}

fn entries(plan: &Value, rule: &str) -> u64 {
    plan["by_rule"][rule]["entries"].as_u64().unwrap_or(0)
}

/// How many of [`MEANT`] a rule means.
fn meant(rule: &str) -> u64 {
    MEANT.iter().filter(|(of, _)| *of == rule).count() as u64
}

#[test]
fn what_upstream_has_stays_and_what_it_does_not_have_goes() {
    let case = Case::new("");
    let whole = tree(&case.mirror());
    let plan = case.plan(&["j", "--with", "build"]);
    assert_eq!(plan["entries"], 0, "{plan}");
    case.litter();
    let plan = case.plan(&["j"]);
    for (rule, _) in MEANT {
        assert_eq!(entries(&plan, rule), meant(rule), "{rule}\n{plan}");
    }
    assert_eq!(entries(&plan, "empty-dir"), 1, "{plan}");
    case.env.run(["clean", "run", "--yes", "--max-delete", "100%"]).expect_code(0);
    let sync = case.sync();
    assert_eq!(sync.finished()["files_transferred"], 0, "{sync}");
    for name in whole.keys() {
        assert!(case.mirror().join(name).symlink_metadata().is_ok(), "{}", name.display());
    }
    assert!(!case.mirror().join("other/ab/x~").exists() && !case.mirror().join("other/Thumbs.db").exists());
    // What upstream had, and has no longer, is not spared.
    fs::remove_file(case.upstream.root().join("ab/x~")).unwrap();
    case.sync();
    case.sync();
    assert_eq!(entries(&case.plan(&["j"]), "editor"), 1, "the one that upstream had");
    // And both are explained.
    let why = case.explained("ab/desktop.ini");
    assert_eq!(
        (&why["decision"], &why["rule"]),
        (&"upstream has it: it stays".into(), &Value::Null),
        "{why}"
    );
    let says = why["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "desktop").unwrap();
    assert!(says["says"].as_str().unwrap().starts_with("upstream has it"), "{why}");
    assert_eq!(case.explained("other/core")["rule"], "core");
}

#[test]
fn a_path_is_a_mirror_by_where_it_lies() {
    let case = Case::new("");
    case.litter();
    let path = |dir: &Path| case.plan(&[dir.to_str().unwrap()]);
    for (dir, editor) in [("m", 1), ("m/ab", 0), ("m/other", 1), (".", 1)] {
        let plan = path(&case.env.mirror(dir));
        assert_eq!(entries(&plan, "editor"), editor, "{dir}\n{plan}");
    }
    // No job's mirror: nothing is different there.
    let copy = case.env.dir().join("copy");
    fs::create_dir_all(copy.join("ab")).unwrap();
    fs::write(copy.join("ab/x~"), "twenty bytes and more of a copy").unwrap();
    age(&copy);
    let plan = path(&copy);
    assert_eq!(
        (entries(&plan, "editor"), &plan["by_rule"]["editor"]["upstream_unknown"]),
        (1, &0.into()),
        "{plan}"
    );
    // Nor is a rule of people's.
    let rule = "[[clean.rules]]\nname = 'mine'\npattern = 'x~'\naction = 'delete'\nreason = 'mine'\n";
    fs::write(case.env.config(), fs::read_to_string(case.env.config()).unwrap() + rule).unwrap();
    assert_eq!(entries(&case.plan(&["j"]), "mine"), 2);
}

#[test]
fn where_nobody_knows_what_upstream_has_it_is_only_up_for_review() {
    let case = Case::new("");
    case.litter();
    fs::create_dir(case.mirror().join("ab/.~tmp~")).unwrap();
    fs::write(case.mirror().join("ab/.~tmp~/1abc.cif.gz"), "twenty bytes and more").unwrap();
    age(&case.mirror().join("ab/.~tmp~"));
    let before = tree(&case.mirror());
    fs::remove_dir_all(case.env.state().join("listings")).unwrap();
    for target in ["j", "./mirror/m", "./mirror"] {
        let plan = case.plan(&[target]);
        for (rule, _) in MEANT {
            assert_eq!(entries(&plan, rule), 2 * meant(rule), "{target} {rule}\n{plan}");
        }
        assert_eq!(plan["by_rule"]["editor"]["upstream_unknown"], 2, "{target}\n{plan}");
        // No transfer brings what every transfer hides.
        assert_eq!(plan["by_rule"]["rsync-partial"]["upstream_unknown"], 0, "{target}\n{plan}");
        assert_eq!(entries(&plan, "rsync-partial"), 2, "{target}\n{plan}");
    }
    let told = case.env.run(["clean", "plan", "j"]).expect_code(0);
    assert!(told.err().contains("the names that upstream has of j are not known yet"), "{told}");
    assert!(told.out().lines().any(|line| line.starts_with("  editor         review ")), "{told}");
    let why = case.explained("ab/x~");
    assert_eq!((&why["rule"], &why["action"]), (&"editor".into(), &"review".into()), "{why}");
    assert!(why["decision"].as_str().unwrap().contains("not known yet whether upstream has it"), "{why}");
    let run = case.env.run(["clean", "run", "--yes", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!((&run["quarantined"], &run["deleted"]), (&1.into(), &1.into()), "{run}");
    let left: Vec<_> = before.keys().filter(|name| !case.mirror().join(name).exists()).collect();
    assert!(left.iter().all(|name| name.to_string_lossy().contains(".~tmp~")), "{left:?}");
    // A complete run learns it.
    case.sync();
    assert_eq!(entries(&case.plan(&["j"]), "editor"), 1);
    let damaged = case.env.state().join("listings/j.names");
    let length = fs::metadata(&damaged).unwrap().len();
    fs::File::options().write(true).open(&damaged).unwrap().set_len(length - 1).unwrap();
    assert_eq!(case.plan(&["j"])["by_rule"]["editor"]["upstream_unknown"], 2, "one that is damaged is none");
}

#[test]
fn a_destination_that_folds_names_has_them_in_any_spelling() {
    let Some(fuse) = Fuse::mounted("fold,nochmod,nolinks") else { return };
    let upstream = Upstream::new();
    for name in ["ab/Desktop.ini", "ab/CAF\u{c9}~", "ab/own"] {
        upstream.write(name, text(name));
    }
    age(&upstream.root());
    let env = Env::new().with_pipe(&upstream);
    let more = "preset = 'minimal'\n[[clean.rules]]\nname = 'mine'\npattern = 'own'\naction = 'review'\n";
    let env = env.with_config(&one_job(&[&upstream.url("m/")], &fuse.path().join("m"), more));
    for _ in 0..2 {
        env.run(["sync", "j"]).expect_code(0);
    }
    let dir = fuse.path().join("m/ab");
    fs::rename(dir.join("Desktop.ini"), dir.join("desktop.ini")).unwrap();
    fs::rename(dir.join("CAF\u{c9}~"), dir.join("cafe\u{301}~")).unwrap();
    fs::write(dir.join("y~"), "twenty bytes and more of it").unwrap();
    age(&dir);
    let plan = env.run(["clean", "plan", "j", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!(
        (entries(&plan, "desktop"), entries(&plan, "editor"), entries(&plan, "mine")),
        (0, 1, 1),
        "{plan}"
    );
}
