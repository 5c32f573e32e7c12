//! Every destructive path refuses what it should.

use super::super::support::{Env, tree};
use super::littered;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

fn planned(env: &Env) -> (PathBuf, PathBuf) {
    let root = littered(env);
    let plan = env.dir().join("x.plan.ndjson");
    env.run(["clean", "plan", "./mirror/m", "-o", plan.to_str().unwrap()]).expect_code(0);
    (root, plan)
}

#[test]
fn plans_that_are_not_whole_touch_nothing() {
    let env = Env::new();
    let (root, plan) = planned(&env);
    let good = fs::read(&plan).unwrap();
    let before = tree(&root);
    let text = String::from_utf8_lossy(&good).into_owned();
    let footer = text.trim_end().rfind('\n').unwrap();
    let bad: [(&str, Vec<u8>); 6] = [
        ("edited", text.replacen(".DS_Store", "ab/1abc.cif.gz", 1).into_bytes()),
        ("no footer", good[..=footer].to_vec()),
        ("cut short", good[..good.len() / 2].to_vec()),
        ("binary", vec![0xff, 0, 1, 2, 3]),
        ("empty", Vec::new()),
        (
            "climbing",
            text.replacen("\"path\":\".DS_Store\"", "\"path\":\"../../config.toml\"", 1).into_bytes(),
        ),
    ];
    for (what, bytes) in bad {
        fs::write(&plan, bytes).unwrap();
        for verb in ["run", "show", "verify"] {
            let yes = if verb == "run" { &["--yes"][..] } else { &[] };
            let ended = env.run([&["clean", verb, plan.to_str().unwrap()], yes].concat()).expect_code(4);
            assert!(ended.err().contains("is refused"), "{what}: {ended}");
        }
        assert_eq!(tree(&root), before, "{what}");
    }
}

#[test]
fn guards_refuse_before_the_first_touch() {
    let env = Env::new();
    let (root, plan) = planned(&env);
    let plan = plan.to_str().unwrap();
    let before = tree(&root);
    for (args, word) in [
        (&["--max-delete", "2"][..], "more than are allowed"),
        (&["--max-bytes", "10"], "more than are allowed"),
        (&["--expect", "0123456789abcdef0123"], "not the expected"),
    ] {
        let ended = env.run([&["clean", "run", plan, "--yes"], args].concat()).expect_code(4);
        assert!(ended.err().contains(word), "{ended}");
        assert_eq!(tree(&root), before);
    }
    // Another directory under the same name, as when a disk is not mounted.
    fs::rename(&root, root.with_file_name("away")).unwrap();
    fs::create_dir(&root).unwrap();
    let ended = env.run(["clean", "run", plan, "--yes"]).expect_code(4);
    assert!(ended.err().contains("not the directory that was planned"), "{ended}");
    // A link to the right one is not it, either.
    fs::remove_dir(&root).unwrap();
    symlink(root.with_file_name("away"), &root).unwrap();
    env.run(["clean", "run", plan, "--yes"]).expect_code(4);
    assert_eq!(tree(&root.with_file_name("away")), before);
    env.run(["clean", "plan", "/"]).expect_code(4);
    env.run(["clean", "plan", "./home"]).expect_code(4);
}

#[test]
fn what_drifted_is_skipped_or_stops_everything() {
    let env = Env::new();
    let (root, plan) = planned(&env);
    let plan = plan.to_str().unwrap();
    let outside = env.dir().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("x~"), "precious").unwrap();
    fs::write(root.join(".DS_Store"), "new").unwrap();
    fs::rename(root.join("cd"), root.join("was-cd")).unwrap();
    symlink(&outside, root.join("cd")).unwrap();
    let before = tree(&root);
    env.run(["clean", "verify", plan]).expect_code(3);
    env.run(["clean", "run", plan, "--yes", "--strict"]).expect_code(4);
    assert_eq!(tree(&root), before, "strict touches nothing");
    let run = env.run(["clean", "run", plan, "--yes", "--json"]).expect_code(3);
    assert!(run.json().pop().unwrap()["skipped"].as_u64().unwrap() >= 5, "{run}");
    assert_eq!(fs::read_to_string(outside.join("x~")).unwrap(), "precious");
    assert_eq!(fs::read_to_string(root.join(".DS_Store")).unwrap(), "new");
    assert!(root.join("was-cd/x~").exists());
}

#[test]
fn decisions_are_obeyed_and_belong_to_the_hash() {
    let env = Env::new();
    let (root, plan) = planned(&env);
    let decisions = plan.with_file_name("x.decisions.toml");
    let plan = plan.to_str().unwrap();
    let hash = |env: &Env| env.run(["clean", "show", plan, "--json"]).json().pop().unwrap()["hash"].clone();
    let before = hash(&env);
    fs::write(&decisions, "[[decide]]\nrule = 'editor'\naction = 'keep'\n").unwrap();
    let after = hash(&env);
    assert_ne!(before, after);
    env.run(["clean", "run", plan, "--yes", "--expect", before.as_str().unwrap()]).expect_code(4);
    env.run(["clean", "run", plan, "--yes", "--expect", after.as_str().unwrap()]).expect_code(0);
    assert!(root.join("cd/x~").exists() && !root.join(".DS_Store").exists());
    fs::write(&decisions, "[[decide]]\naction = 'delete'\n").unwrap();
    env.run(["clean", "run", plan, "--yes"]).expect_code(2);
}

#[test]
fn a_locked_mirror_is_not_touched() {
    let env = Env::new();
    let (root, plan) = planned(&env);
    let before = tree(&root);
    let held = fs::File::open(&root).unwrap();
    held.lock().unwrap();
    env.run(["clean", "run", plan.to_str().unwrap(), "--yes"]).expect_code(75);
    assert_eq!(tree(&root), before);
    drop(held);
    env.run(["clean", "run", plan.to_str().unwrap(), "--yes"]).expect_code(0);
}

#[test]
fn a_dry_run_over_a_limit_tells_what_would_be_done_and_what_lets_it_through() {
    let env = Env::new();
    let (root, plan) = planned(&env);
    let plan = plan.to_str().unwrap();
    let before = tree(&root);
    for (limits, allowed) in [
        (&["--max-delete", "2"][..], "--max-delete 9"),
        (&["--max-bytes", "10"], "--max-bytes "),
        (&["--max-delete", "2", "--max-bytes", "10"], "--max-delete 9 --max-bytes "),
    ] {
        let ended = env.run([&["clean", "run", plan, "-n"], limits].concat()).expect_code(4);
        assert!(ended.out().contains("would remove 9 entries from "), "{ended}");
        assert!(ended.err().contains(&format!("hint: if that is meant: {allowed}")), "{ended}");
        let json = env.run([&["clean", "run", plan, "-n", "--json"], limits].concat()).expect_code(4);
        let json = json.json().pop().unwrap();
        assert_eq!(json["would_remove"], 9, "{json}");
        assert!(json["blocked"].as_str().unwrap().contains("more than are allowed at once"), "{json}");
        assert!(json["hint"].as_str().unwrap().contains(allowed), "{json}");
    }
    // What the hint names lets it through.
    env.run(["clean", "run", plan, "-n", "--max-delete", "9"]).expect_code(0);
    fs::write(root.join(".DS_Store"), "new").unwrap();
    let ended = env.run(["clean", "run", plan, "-n", "--strict"]).expect_code(4);
    assert!(ended.out().contains("would skip 1") && ended.err().contains("without --strict"), "{ended}");
    fs::remove_file(root.join(".DS_Store")).unwrap();
    let mut after = tree(&root);
    after.insert(".DS_Store".into(), before[Path::new(".DS_Store")].clone());
    assert_eq!(after, before, "nothing was touched");
}
