//! What may be deleted, and what never is.

use super::quick;
use crate::support::{Ended, Entry, Env, Upstream, one_job, tree};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A mirror `j` of an upstream of `files` files, in step with it.
struct Mirror {
    upstream: Upstream,
    env: Env,
}

impl Mirror {
    fn new(files: usize, more: &str) -> Self {
        let upstream = Upstream::new();
        for n in 0..files {
            upstream.write(format!("d{}/f{n:03}", n % 3), n.to_string());
        }
        let env = Env::new().with_pipe(&upstream);
        let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), &format!("delete = true\n{more}"));
        let env = env.with_config(&config);
        env.run(["sync", "j"]).expect_code(0);
        assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()));
        Mirror { upstream, env }
    }

    fn gone(&self, numbers: std::ops::Range<usize>) -> Vec<PathBuf> {
        let names: Vec<_> = numbers.map(|n| PathBuf::from(format!("d{}/f{n:03}", n % 3))).collect();
        for name in &names {
            fs::remove_file(self.upstream.root().join(name)).unwrap();
        }
        names
    }

    fn dest(&self) -> PathBuf {
        self.env.mirror("j")
    }

    fn write(&self, name: &str) {
        let path = self.dest().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }

    fn now(&self) -> BTreeMap<PathBuf, Entry> {
        tree(&self.dest())
    }

    fn run(&self, more: &[&str]) -> Ended {
        self.env.run([&["sync", "j", "--json"], more].concat())
    }
}

/// What the commands in a message do: show, and approve.
fn commands_of(ended: &Ended) -> (Vec<String>, Vec<String>) {
    let finished = ended.finished();
    let hint = finished["hint"].as_str().unwrap();
    let (shows, approves) =
        hint.split_once(" shows them; if they may go: ").unwrap_or_else(|| panic!("{hint}"));
    let words = |line: &str| shell_words::split(line.strip_prefix("pdb-sync ").unwrap()).unwrap();
    (words(shows), words(approves))
}

/// The paths in the plan that a message names.
fn list_of(env: &Env, ended: &Ended) -> Vec<PathBuf> {
    let show = [commands_of(ended).0, vec!["--export".into(), "nul".into()]].concat();
    let paths = env.run(show).expect_code(0).out();
    let mut paths: Vec<_> = paths.split_terminator('\0').map(PathBuf::from).collect();
    paths.sort();
    paths
}

#[test]
fn eleven_percent_are_blocked_listed_and_everything_else_comes() {
    let mirror = Mirror::new(100, "max_delete = \"10%\"");
    let mut gone = mirror.gone(0..11);
    mirror.upstream.write("new/file", "new");
    mirror.upstream.write("d0/f099", "longer than before");
    let ended = mirror.run(&[]).expect_code(4);
    let finished = ended.finished();
    assert_eq!((&finished["status"], &finished["attempts"]), (&"blocked".into(), &1.into()), "{ended}");
    let error = finished["error"].as_str().unwrap();
    assert!(error.contains("11 of 100 files would be deleted"), "{ended}");
    assert!(error.contains("max_delete allows (10, from 10%)"), "{ended}");
    gone.sort();
    assert_eq!(list_of(&mirror.env, &ended), gone, "{ended}");
    assert_eq!(
        (&finished["files_transferred"], &finished["files_deleted"]),
        (&2.into(), &0.into()),
        "{ended}"
    );
    assert!(gone.iter().all(|name| mirror.dest().join(name).exists()));
    assert_eq!(fs::read_to_string(mirror.dest().join("new/file")).unwrap(), "new");
    assert_eq!(fs::read_to_string(mirror.dest().join("d0/f099")).unwrap(), "longer than before");

    // A second time it says the same; the command of the hint lets it through once.
    let ended = mirror.run(&[]).expect_code(4);
    mirror.env.run(commands_of(&ended).1).expect_code(0);
    assert_eq!(mirror.now(), tree(&mirror.upstream.root()));
    mirror.gone(20..40);
    mirror.run(&[]).expect_code(4);
}

/// Wherever the configuration was taken from.
#[test]
fn the_command_of_the_hint_names_the_files_that_were_given() {
    let mirror = Mirror::new(100, "max_delete = \"10%\"");
    mirror.gone(0..11);
    fs::rename(mirror.env.config(), mirror.env.dir().join("my config.toml")).unwrap();
    let ended = mirror.env.run(["-c", "my config.toml", "--state-dir", "other", "sync", "j", "--json"]);
    let hint = ended.expect_code(4).finished()["hint"].as_str().unwrap().to_owned();
    let command = hint.split("if they may go: pdb-sync ").nth(1).unwrap();
    assert!(command.starts_with("-c 'my config.toml' --state-dir other sync j --expect "), "{command}");
    assert!(hint.starts_with("pdb-sync -c 'my config.toml' --state-dir other clean show j "), "{hint}");
    mirror.env.run(shell_words::split(command).unwrap()).expect_code(0);
    assert_eq!(mirror.now(), tree(&mirror.upstream.root()));
}

#[test]
fn exactly_the_limit_passes() {
    let mirror = Mirror::new(100, "max_delete = \"10%\"");
    let gone = mirror.gone(0..10);
    let ended = mirror.run(&[]).expect_code(0);
    assert_eq!(ended.finished()["files_deleted"], gone.len(), "{ended}");
    assert_eq!(mirror.now(), tree(&mirror.upstream.root()));
    // The list is only kept while it is needed.
    let lists = mirror.env.state().join("plans/j");
    assert_eq!(fs::read_dir(&lists).unwrap().count(), 0);
}

#[test]
fn a_number_counts_files_and_zero_forbids_all() {
    let mirror = Mirror::new(30, "max_delete = 3");
    mirror.gone(0..3);
    mirror.run(&["--max-delete", "0"]).expect_code(4);
    mirror.run(&[]).expect_code(0);
    mirror.gone(3..7);
    mirror.run(&[]).expect_code(4);
    mirror.run(&["--no-delete"]).expect_code(0);
    assert_eq!(mirror.now().len(), 27 + 3, "27 files, 3 directories");
    mirror.run(&["--max-delete", "50%"]).expect_code(0);
    assert_eq!(mirror.now(), tree(&mirror.upstream.root()));
}

#[test]
fn without_a_limit_of_its_own_a_mirror_may_lose_a_hundred_files_but_never_more_than_half() {
    for (files, limit) in [(91, 46), (210, 100)] {
        let mirror = Mirror::new(files, "");
        let before = mirror.now();
        mirror.gone(0..limit + 1);
        let ended = mirror.run(&[]).expect_code(4);
        let error = ended.finished()["error"].as_str().unwrap().to_owned();
        assert!(
            error.contains(&format!("({limit}, from 10%, at least 100, at most half (rounded up))")),
            "{ended}"
        );
        assert_eq!(mirror.now(), before, "{files}");
        // One of them is back.
        mirror.upstream.write(format!("d{}/f{limit:03}", limit % 3), limit.to_string());
        mirror.run(&[]).expect_code(0);
        assert_eq!(mirror.now().len(), tree(&mirror.upstream.root()).len(), "{files}");
        assert!(!mirror.dest().join("d0/f000").exists());
    }
}

/// The plan says the same limit as the run.
#[test]
fn a_plan_names_the_limit_that_a_run_would_have() {
    let mirror = Mirror::new(9, "");
    mirror.gone(0..1);
    let ended = mirror.run(&["--plan"]).expect_code(0);
    let planned = &ended.events("planned")[0];
    assert_eq!((&planned["limit"], &planned["deleted"]["files"]), (&5.into(), &1.into()), "{ended}");
}

#[test]
fn an_emptied_source_deletes_nothing_whatever_max_delete_says() {
    let mirror = Mirror::new(20, "");
    let before = mirror.now();
    mirror.upstream.empty();
    for more in [&[][..], &["--max-delete", "1000"], &["--max-delete", "100%"], &["--dry-run"], &["--plan"]] {
        let ended = mirror.run(more).expect_code(4);
        assert!(ended.finished()["error"].as_str().unwrap().contains("source holds no file"), "{ended}");
        assert_eq!(mirror.now(), before, "{more:?}");
    }
    // Empty directories are no files.
    fs::create_dir_all(mirror.upstream.root().join("d0/deep")).unwrap();
    mirror.run(&[]).expect_code(4);
    assert!(mirror.dest().join("d0/f000").exists());
    mirror.run(&["--allow-empty-source"]).expect_code(0);
    assert_eq!(mirror.now(), tree(&mirror.upstream.root()));
}

/// An accepted empty source does not switch the limit off, and the hint names both options.
#[test]
fn an_accepted_empty_source_still_has_a_limit() {
    let mirror = Mirror::new(101, "");
    mirror.upstream.empty();
    let ended = mirror.run(&["--allow-empty-source"]).expect_code(4);
    let command = commands_of(&ended).1;
    assert_eq!(command[..4], ["sync", "j", "--allow-empty-source", "--expect"]);
    mirror.env.run(command).expect_code(0);
    assert_eq!(mirror.now().len(), 0);
}

#[test]
fn a_missing_source_deletes_nothing() {
    let mirror = Mirror::new(20, "");
    let before = mirror.now();
    fs::remove_dir_all(mirror.upstream.root()).unwrap();
    let ended = mirror.run(&["--allow-empty-source"]).expect_code(1);
    assert!(ended.finished()["error"].as_str().unwrap().contains("cannot open the module"), "{ended}");
    assert_eq!(mirror.now(), before);
    fs::create_dir(mirror.upstream.root()).unwrap();
    let config = one_job(&[&mirror.upstream.url("m/d0/")], &mirror.dest(), "delete = true");
    fs::write(mirror.env.config(), config).unwrap();
    let ended = mirror.run(&["--allow-empty-source"]).expect_code(1);
    assert!(ended.finished()["error"].as_str().unwrap().contains("cannot be read"), "{ended}");
    let local = format!("{}/d0/", mirror.upstream.root().display());
    fs::write(mirror.env.config(), one_job(&[&local], &mirror.dest(), "delete = true")).unwrap();
    mirror.run(&["--allow-empty-source"]).expect_code(1);
    assert_eq!(mirror.now(), before);
}

#[test]
fn what_is_excluded_ours_or_rsyncs_own_stays() {
    let mirror = Mirror::new(20, "exclude = [\"*.keep\", \"/local/\"]");
    let stays =
        [".pdb-sync/quarantine/x", "d1/.~tmp~/x", "d1/.~partial~/x", "a.keep", "local/x", "gone/b.keep"];
    let goes = ["d2/.pdb-sync/x", "gone/c", "gone/deep/d", ".hidden"];
    stays.into_iter().chain(goes).for_each(|name| mirror.write(name));
    let ended = mirror.run(&[]).expect_code(0);
    assert_eq!(ended.finished()["files_deleted"], goes.len(), "{ended}");
    for name in stays {
        assert!(mirror.dest().join(name).exists(), "{name}: {ended}");
    }
    for name in goes {
        assert!(!mirror.dest().join(name).exists(), "{name}: {ended}");
    }
    assert!(!mirror.dest().join("gone/deep").exists());
    // And nothing of it is news to the next run.
    let ended = mirror.run(&[]).expect_code(0);
    assert_eq!(ended.finished()["files_deleted"], 0, "{ended}");
    assert_eq!(ended.finished()["changed"], false, "{ended}");
}

#[test]
fn dry_runs_and_plans_change_nothing_and_judge_the_same() {
    let mirror = Mirror::new(100, "max_delete = \"10%\"");
    mirror.gone(0..10);
    mirror.upstream.write("new", "new");
    let before = mirror.now();
    let marks = || tree(&mirror.env.state().join("plans"));
    for how in ["--dry-run", "--plan"] {
        let ended = mirror.run(&[how]).expect_code(0);
        let finished = ended.finished();
        assert_eq!(finished["changed"], false, "{ended}");
        let would = (&finished["files_transferred"], &finished["files_deleted"]);
        assert_eq!(would, (&1.into(), &10.into()), "{how}: {ended}");
        assert!(!mirror.env.run(["sync", "j", how]).err().contains("nothing to change"), "{how}");
        assert_eq!(mirror.now(), before);
        assert!(marks().values().all(|entry| entry.kind == crate::support::Kind::Dir), "{how}");
    }
    let planned = mirror.run(&["--plan"]).events("planned").remove(0);
    assert_eq!(
        (&planned["created"]["files"], &planned["deleted"]["files"], &planned["limit"]),
        (&1.into(), &10.into(), &10.into())
    );
    assert_eq!(planned["deleted"]["bytes"], 10, "ten files of one digit: {planned}");
    mirror.gone(10..11);
    for how in ["--dry-run", "--plan"] {
        let ended = mirror.run(&[how]).expect_code(4);
        assert!(ended.finished()["error"].as_str().unwrap().contains("11 of 100 files"), "{how}: {ended}");
        assert_eq!(mirror.now(), before);
    }
    mirror.run(&[]).expect_code(4);
}

#[test]
fn a_dry_run_makes_no_destination() {
    let upstream = Upstream::new().with_corpus();
    let env = Env::new().with_pipe(&upstream);
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j").join("deep"), "delete = true");
    let env = env.with_config(&config);
    for how in ["--dry-run", "--plan"] {
        env.run(["sync", "j", how]).expect_code(0);
        assert!(!env.mirror("j").exists(), "{how}");
    }
}

#[test]
fn a_first_sync_with_delete_is_a_plain_transfer() {
    let upstream = Upstream::new().with_corpus();
    let env = Env::new().with_pipe(&upstream);
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), "delete = true\nmax_delete = 0");
    let env = env.with_config(&config);
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    let finished = ended.finished();
    assert_eq!(
        (&finished["files_transferred"], &finished["files_deleted"]),
        (&6.into(), &0.into()),
        "{ended}"
    );
    let phases = finished["tries"][0]["phases"].as_object().unwrap();
    assert_eq!(phases.keys().collect::<Vec<_>>(), ["transfer"], "{ended}");
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()));
}

#[test]
fn no_live_rsync_is_ever_told_to_delete() {
    let mirror = Mirror::new(20, "");
    mirror.gone(0..5);
    mirror.upstream.write("d0/new", "x");
    let ended = mirror.run(&[]).expect_code(0);
    let commands: Vec<_> = ended.events("phase").into_iter().filter(|p| p["phase"] != "delete").collect();
    assert_eq!(commands.len(), 2, "{ended}");
    for command in commands {
        let argv: Vec<_> = command["argv"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
        let deletes = argv.iter().any(|arg| arg.starts_with("--del"));
        assert_eq!(deletes, command["phase"] == "list", "{argv:?}");
        assert_eq!(argv.contains(&"-n"), command["phase"] == "list", "{argv:?}");
    }
    let names: Vec<_> =
        ended.events("output").into_iter().map(|o| o["line"].as_str().unwrap().to_owned()).collect();
    assert!(names.iter().filter(|line| line.starts_with("deleting ")).count() == 5, "{ended}");
    assert!(Path::new(&mirror.dest()).exists());
}

/// The share is not taken of what has come since: nobody has consented to anything.
#[test]
fn what_was_refused_does_not_go_because_more_files_have_come() {
    let mirror = Mirror::new(20, "");
    mirror.gone(0..15);
    for n in 0..200 {
        mirror.upstream.write(format!("new/{n}"), "new");
    }
    for present in [20, 220, 220] {
        let ended = mirror.run(&[]).expect_code(4);
        let error = ended.finished()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(&format!("15 of {present} files would be deleted")), "{ended}");
        assert_eq!(error.contains("of the 20 files that were here"), present != 20, "{ended}");
    }
    let plan = mirror.run(&["--plan"]).expect_code(4);
    assert_eq!(plan.events("planned")[0]["limit"], 10, "{plan}");
    mirror.run(&["--max-delete", "15"]).expect_code(0);
    assert_eq!(mirror.now(), tree(&mirror.upstream.root()));
    // From here on it is of what is here.
    for n in 0..50 {
        fs::remove_file(mirror.upstream.root().join(format!("new/{n}"))).unwrap();
    }
    mirror.run(&[]).expect_code(0);
    assert_eq!(mirror.now(), tree(&mirror.upstream.root()));
}

/// What is at the source again does not wait for anything.
#[test]
fn a_source_that_is_whole_again_ends_the_refusal() {
    let mirror = Mirror::new(20, "");
    let away = mirror.upstream.root().with_file_name("away");
    fs::rename(mirror.upstream.root().join("d0"), &away).unwrap();
    mirror.gone(1..3);
    mirror.gone(4..6);
    mirror.run(&[]).expect_code(4);
    fs::rename(&away, mirror.upstream.root().join("d0")).unwrap();
    mirror.run(&[]).expect_code(0);
    for n in 0..300 {
        mirror.upstream.write(format!("new/{n}"), "new");
    }
    mirror.run(&[]).expect_code(0);
    fs::rename(mirror.upstream.root().join("d0"), &away).unwrap();
    mirror.gone(7..9);
    mirror.gone(10..12);
    mirror.gone(13..15);
    mirror.run(&[]).expect_code(0);
    assert_eq!(mirror.now(), tree(&mirror.upstream.root()));
}

/// A second SIGINT kills rsync, which leaves its temporary files. They must not keep the job blocked.
#[test]
fn temporary_files_of_a_killed_rsync_do_not_count_by_default() {
    for (limit, code) in [("", 0), ("max_delete = 2", 4), ("max_delete = '50%'", 4)] {
        let upstream = Upstream::new();
        upstream.write("one", "1");
        let source = upstream.url("m/");
        let config = quick(&format!("[jobs.j]\nsource = '{source}'\ndest = 'j'\ndelete = true\n{limit}\n"));
        let env = Env::new().with_pipe(&upstream).with_config(&config);
        env.run(["sync", "j"]).expect_code(0);
        for name in [".one.Ab12Cd", ".two.zzzzzz", ".three.ABCDEF"] {
            fs::write(env.mirror("j").join(name), "part of it").unwrap();
        }
        let ended = env.run(["sync", "j"]).expect_code(code);
        assert_eq!(env.mirror("j/.two.zzzzzz").exists(), code == 4, "{limit}: {ended}");
    }
}
