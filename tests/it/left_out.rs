//! Commands for several mirrors of which some are not there: these are told and left out, the others are looked at.

use crate::support::{Ended, Env, Somebody};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Jobs in all states: `good` is there; `new` has not been synced; `gone` was and is not there; `file` and `below` have a file in their
/// way, `link` hangs; `unset` is nowhere; `own` would lie inside its source; `off` is disabled.
fn env() -> Env {
    let mut config = "version = 1\n[defaults]\nroot = 'mirror'\n".to_owned();
    for (job, dest) in [
        ("new", "new"),
        ("unset", "$NO_SUCH_NAME/x"),
        ("good", "good"),
        ("gone", "gone"),
        ("file", "file"),
        ("below", "plain/below"),
        ("link", "link"),
        ("own", "../up/own"),
    ] {
        let tag = if job == "new" || job == "good" { "fine" } else { "bad" };
        config += &format!("[jobs.{job}]\nsource = 'up/'\ndest = '{dest}'\ntags = ['{tag}']\n");
    }
    config += "[jobs.off]\nsource = 'up/'\ndest = 'off'\nenabled = false\n";
    let env = Env::new().with_config(&config);
    fs::create_dir_all(env.dir().join("up")).unwrap();
    fs::create_dir_all(env.mirror("good")).unwrap();
    fs::write(env.mirror("good/a.txt"), "text").unwrap();
    fs::write(env.mirror("file"), "").unwrap();
    fs::write(env.mirror("plain"), "").unwrap();
    std::os::unix::fs::symlink("nowhere", env.mirror("link")).unwrap();
    env.taken_over("gone");
    env
}

fn commands() -> Vec<Vec<&'static str>> {
    let mut commands = vec![
        vec!["scan"],
        vec!["verify"],
        vec!["reclaim"],
        vec!["clean", "plan"],
        vec!["scan", "--cache=show"],
    ];
    if cfg!(feature = "search") {
        commands.push(vec!["index"]);
    }
    commands
}

fn skipped(ended: &Ended) -> Vec<String> {
    ended.events("skipped").iter().map(|event| event["job"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn jobs_without_a_mirror_are_told_and_the_others_are_looked_at() {
    for command in commands() {
        let env = env();
        let ended = env.run([&command[..], &["--all"]].concat()).expect_code(3);
        let err = ended.err();
        for (job, text) in [
            ("new", "has not been synced yet; it is left out\n  hint: `pdb-sync sync new` makes it"),
            ("unset", "no variable NO_SUCH_NAME"),
            ("gone", "though an earlier run has filled it"),
            ("file", "is not a directory"),
            ("below", "is not a directory"),
            ("link", "is a symbolic link to nowhere, which does not exist"),
            ("own", "lies inside the source"),
        ] {
            assert!(err.contains(&format!("the mirror of job {job:?}: ")) && err.contains(text), "{ended}");
            let sure = err.contains(&format!("`pdb-sync sync {job}` makes it\n"));
            assert_eq!(sure, job == "new", "{job}\n{ended}");
        }
        assert!(!err.contains("\"good\"") && !err.contains("\"off\""), "{ended}");
        let ended = env.run([&command[..], &["--all", "--json"]].concat()).expect_code(3);
        assert_eq!(skipped(&ended), ["new", "unset", "gone", "file", "below", "link", "own"], "{ended}");
        assert_eq!(ended.json().last().unwrap()["event"], "result", "{ended}");
        // What nobody has named and only has not been synced yet is no reason to fail.
        let ended = env.run([&command[..], &["--tag", "fine", "-q"]].concat()).expect_code(0);
        assert!(ended.err().contains("\"new\""), "{ended}");
        // What was named is.
        env.run([&command[..], &["good", "new"]].concat()).expect_code(3);
        env.run([&command[..], &["good", "off"]].concat()).expect_code(3);
        env.run([&command[..], &["./mirror/good", "new"]].concat()).expect_code(3);
        let ended = env.run([&command[..], &["new", "file"]].concat()).expect_code(2);
        assert!(ended.err().contains("\"new\"") && ended.err().contains("\"file\""), "{ended}");
        env.run([&command[..], &["good", "nwe"]].concat()).expect_code(2);
    }
}

#[test]
fn where_no_mirror_is_there_nothing_fails() {
    for command in commands() {
        let env = Env::new().with_config("version = 1\n[jobs.new]\nsource = 'up/'\ndest = 'mirror/new'\n");
        let ended = env.run([&command[..], &["--all", "--json"]].concat()).expect_code(0);
        assert_eq!(skipped(&ended), ["new"], "{ended}");
        assert_eq!(ended.json().last().unwrap()["event"], "result", "{ended}");
        assert!(!env.mirror("new").exists());
    }
}

#[test]
fn a_tree_that_must_not_be_cleaned_does_not_stop_the_others() {
    let env = env();
    fs::create_dir_all(env.dir().join("home/below")).unwrap();
    let ended = env.run(["clean", "plan", "./home/..", "./mirror/good"]).expect_code(4);
    assert!(ended.out().contains("mirror/good"), "{ended}");
}

/// What cannot be read is told by each run until it is read or gone, also with `-q`.
#[test]
fn what_cannot_be_read_is_told_by_each_run() {
    let env = Env::new();
    for dir in ["closed", "open"] {
        fs::create_dir_all(env.mirror(&format!("m/{dir}"))).unwrap();
    }
    for name in ["open/1abc.cif", "open/2abc.cif", "closed/3abc.cif"] {
        fs::write(env.mirror("m").join(name), "data_1ABC\n_struct.title 'a title'\n").unwrap();
    }
    fs::create_dir_all(env.state()).unwrap();
    let somebody = Somebody::new(&env);
    let mode = |path: &str, mode| {
        fs::set_permissions(env.mirror("m").join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("closed", 0o000);
    mode("open/2abc.cif", 0o000);
    for command in [&["scan"][..], &["verify"], &["index"], &["clean", "plan"]] {
        if command == ["index"] && !cfg!(feature = "search") {
            continue;
        }
        for _ in 0..3 {
            let ended = somebody.run(&[command, &["./mirror/m", "-q"]].concat()).expect_code(3);
            assert!(ended.err().contains("closed"), "{ended}");
            let files = command == ["index"];
            assert_eq!(
                ended.err().contains("1 file could not be read\n  open/2abc.cif\n  hint: "),
                files,
                "{ended}"
            );
        }
    }
    if cfg!(feature = "search") {
        mode("closed", 0o755);
        let ended = somebody.run(&["index", "./mirror/m", "--json"]).expect_code(3);
        assert_eq!(ended.json().last().unwrap()["unread_files"], 1, "{ended}");
        // As by a change that leaves no trace at the file itself.
        mode("open/2abc.cif", 0o644);
        let ended = somebody.run(&["index", "./mirror/m", "--json"]).expect_code(0);
        assert_eq!(ended.json().last().unwrap()["unread_files"], 0, "{ended}");
        let found = somebody.run(&["search", "status:error", "--json"]);
        assert_eq!(found.json().last().unwrap()["hits"], 0, "{found}");
        mode("open/2abc.cif", 0o000);
        somebody.run(&["index", "./mirror/m", "-q"]).expect_code(3);
        fs::remove_file(env.mirror("m/open/2abc.cif")).unwrap();
        somebody.run(&["index", "./mirror/m", "-q"]).expect_code(0);
    }
}
