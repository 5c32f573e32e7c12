//! The first run at a destination that somebody else has filled: it tells what it finds, fetches no more than it has to, and deletes nothing.

use crate::support::{Ended, Env, Fake, Upstream, one_job, tree};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Names that rsync reads in its own way where they stand in lists.
const NAMES: [&str; 5] = ["d/plain", "#hash", ";semicolon", "d/new\nline", "d/deep/[x] *"];

/// A source whose files are old, and a job `j` that mirrors it and deletes.
fn home(more: &str) -> (Upstream, Env) {
    let upstream = Upstream::new();
    for name in NAMES {
        make_old(&upstream.write(name, name));
    }
    let env = Env::new().with_pipe(&upstream);
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), &format!("delete = true\n{more}"));
    let env = env.with_config(&config);
    (upstream, env)
}

fn make_old(path: &Path) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::open(path).unwrap().set_modified(time).unwrap();
}

/// A copy as another tool makes it: with contents, and neither times nor modes.
fn copied(upstream: &Upstream, dest: &Path) {
    for name in NAMES {
        let to = dest.join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, fs::read(upstream.root().join(name)).unwrap()).unwrap();
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The one block of a run, without what says nothing here.
#[track_caller]
fn block(ended: &Ended) -> Value {
    let mut blocks = ended.events("adopted");
    assert_eq!(blocks.len(), 1, "{ended}");
    let mut block = blocks.remove(0);
    for key in ["event", "time", "job", "dest", "why"] {
        assert!(block.as_object_mut().unwrap().remove(key).is_some(), "{ended}");
    }
    block
}

fn foreign(files: u64, dirs: u64) -> Value {
    json!({ "files": files, "dirs": dirs, "bytes": null })
}

#[track_caller]
fn status(ended: &Ended) -> String {
    ended.finished()["status"].as_str().unwrap().to_owned()
}

/// A mirror of every fault: a copy without times in which one file has other contents, one ends early, one is missing, and some are
/// nobody's.
fn faulty(upstream: &Upstream, dest: &Path) {
    copied(upstream, dest);
    write(&dest.join("#hash"), "#hasX");
    write(&dest.join(";semicolon"), ";semi");
    fs::remove_file(dest.join("d/deep/[x] *")).unwrap();
    write(&dest.join("foreign/file"), "x");
    write(&dest.join("d/.plain.AbCdEf"), "pla");
}

#[test]
fn a_copy_without_times_is_fetched_again_told_and_cleared_by_the_second_run() {
    let (upstream, env) = home("");
    let dest = env.mirror("j");
    faulty(&upstream, &dest);
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    let expected = json!({
        "same": 0, "same_size": 3, "different": 1, "missing": 1, "foreign": foreign(2, 1), "older": 1, "checksum": false,
    });
    assert_eq!(block(&ended), expected, "{ended}");
    let finished = ended.finished();
    assert_eq!((&finished["status"], &finished["files_deleted"]), (&"warned".into(), &0.into()), "{ended}");
    assert_eq!(finished["files_transferred"], 5, "{ended}");
    let error = finished["error"].as_str().unwrap();
    assert!(
        error.contains("2 files and 1 directory were not deleted, since this is the first run"),
        "{ended}"
    );
    assert!(finished["hint"].as_str().unwrap().ends_with("; pdb-sync clean show j shows it"), "{ended}");
    let list = env.run(["clean", "show", "j", "--export", "nul"]).expect_code(0).out();
    assert!(list.contains("foreign/file\0"), "{list:?}");
    assert!(dest.join("foreign/file").exists() && dest.join("d/.plain.AbCdEf").exists());

    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert!(ended.events("adopted").is_empty(), "{ended}");
    assert_eq!((status(&ended).as_str(), &ended.finished()["files_deleted"]), ("ok", &2.into()), "{ended}");
    assert_eq!(tree(&dest), tree(&upstream.root()));
}

#[test]
fn with_checksums_only_what_differs_is_fetched() {
    for by_option in [false, true] {
        let (upstream, env) = home(if by_option { "" } else { "adopt = \"checksum\"" });
        let dest = env.mirror("j");
        faulty(&upstream, &dest);
        let untouched = fs::metadata(dest.join("d/new\nline")).unwrap().ino();
        let args: &[&str] =
            if by_option { &["sync", "j", "--json", "--adopt"] } else { &["sync", "j", "--json"] };
        let ended = env.run(args).expect_code(0);
        assert_eq!(
            (&block(&ended)["same_size"], &block(&ended)["checksum"]),
            (&3.into(), &true.into()),
            "{ended}"
        );
        assert_eq!(ended.finished()["files_transferred"], 3, "{ended}");
        assert_eq!(status(&ended), "warned", "{ended}");
        assert_eq!(fs::metadata(dest.join("d/new\nline")).unwrap().ino(), untouched);
        assert!(dest.join("foreign/file").exists());
        let ended = env.run(["sync", "j", "--json"]).expect_code(0);
        assert_eq!(ended.finished()["files_transferred"], 0, "{ended}");
        assert_eq!(tree(&dest), tree(&upstream.root()), "{ended}");
    }
}

#[test]
fn a_server_that_computes_no_checksums_costs_the_comparison_only() {
    let upstream = Upstream::new().module("plain", &[("refuse options", "checksum")]);
    upstream.write("f", "contents");
    make_old(&upstream.root().join("f"));
    let env = Env::new().with_pipe(&upstream);
    let more = "delete = true\nadopt = \"checksum\"";
    let config = one_job(&[&upstream.url("plain/")], &env.mirror("j"), more);
    let env = env.with_config(&config);
    write(&env.mirror("j").join("f"), "contentz");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(status(&ended), "ok", "{ended}");
    assert!(ended.err().contains("cannot be compared by checksum, and are fetched again"), "{ended}");
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()));
}

#[test]
fn dry_runs_say_the_same_and_change_nothing() {
    let (upstream, env) = home("");
    let dest = env.mirror("j");
    faulty(&upstream, &dest);
    let before = tree(&dest);
    for (mode, adopt, came) in
        [("--plan", "--adopt", 3), ("--dry-run", "--adopt", 3), ("--plan", "--delete", 5)]
    {
        let ended = env.run(["sync", "j", "--json", mode, adopt]).expect_code(0);
        let (found, finished) = (block(&ended), ended.finished());
        assert_eq!((&found["same_size"], &found["foreign"]), (&3.into(), &foreign(2, 1)), "{ended}");
        assert_eq!(finished["files_transferred"], came, "{mode} {adopt}: {ended}");
        assert_eq!(
            (&finished["status"], &finished["files_deleted"]),
            (&"warned".into(), &0.into()),
            "{ended}"
        );
        assert_eq!(tree(&dest), before);
    }
    let ended = env.run(["sync", "j"]).expect_code(0);
    let lines = [
        "the first run at ",
        "the same by size and time: 0 files",
        "the same by size, not by time: 3 files, to be fetched again",
        "of another size: 1 file, to be fetched",
        "not here yet: 1 file, to be fetched",
        "not at the source: 2 files and 1 directory, not deleted in this run",
    ];
    lines.iter().for_each(|line| assert!(ended.err().contains(line), "{line}: {ended}"));
}

#[test]
fn age_is_told_and_not_judged() {
    let (upstream, env) = home("max_older = 0");
    let dest = env.mirror("j");
    copied(&upstream, &dest);
    write(&dest.join("d/plain"), "newer, and longer");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!((status(&ended).as_str(), &block(&ended)["older"]), ("ok", &1.into()), "{ended}");
    assert_eq!(tree(&dest), tree(&upstream.root()));
    // From then on it is judged.
    write(&dest.join("d/plain"), "newer, and longer");
    assert_eq!(status(&env.run(["sync", "j", "--json"]).expect_code(4)), "blocked");
}

#[test]
fn hard_links_and_a_lost_state_directory_are_nothing_to_fetch() {
    let (upstream, env) = home("");
    let dest = env.mirror("j");
    fs::hard_link(upstream.root().join("d/plain"), upstream.root().join("d/linked")).unwrap();
    let made =
        std::process::Command::new("rsync").args(["-aH"]).arg(upstream.root().join("")).arg(&dest).status();
    assert!(made.unwrap().success());
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    let found = block(&ended);
    assert_eq!(
        (&found["same"], &found["missing"], &found["foreign"]),
        (&6.into(), &0.into(), &foreign(0, 0))
    );
    assert_eq!(
        (status(&ended).as_str(), &ended.finished()["files_transferred"]),
        ("ok", &0.into()),
        "{ended}"
    );
    let inode = |name: &str| fs::metadata(dest.join(name)).unwrap().ino();
    assert_eq!(inode("d/plain"), inode("d/linked"));
    assert!(env.run(["sync", "j", "--json"]).expect_code(0).events("adopted").is_empty());

    fs::remove_dir_all(env.state()).unwrap();
    fs::remove_file(upstream.root().join("#hash")).unwrap();
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!((status(&ended).as_str(), &block(&ended)["same"]), ("warned", &5.into()), "{ended}");
    assert!(dest.join("#hash").exists());
    env.run(["sync", "j", "--json"]).expect_code(0);
    assert!(!dest.join("#hash").exists());
}

#[test]
fn limits_hold_as_ever_and_what_they_let_through_waits_for_the_second_run() {
    let (upstream, env) = home("max_delete = 1");
    let dest = env.mirror("j");
    faulty(&upstream, &dest);
    assert_eq!(status(&env.run(["sync", "j", "--json"]).expect_code(4)), "blocked");
    env.run(["sync", "j", "--max-delete", "2"]).expect_code(0);
    assert_eq!(tree(&dest), tree(&upstream.root()));

    let (upstream, env) = home("max_delete = 1");
    faulty(&upstream, &env.mirror("j"));
    let ended = env.run(["sync", "j", "--json", "--max-delete", "2"]).expect_code(0);
    assert!(status(&ended) == "warned" && env.mirror("j").join("foreign/file").exists(), "{ended}");
}

#[test]
fn a_directory_in_the_way_does_not_keep_the_first_run_for_ever() {
    let (upstream, env) = home("");
    let dest = env.mirror("j");
    write(&dest.join("#hash/inner"), "x");
    let ended = env.run(["sync", "j", "--json"]).expect_code(3);
    let error = ended.finished()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("a directory is in the way") && error.contains("nothing was deleted"), "{ended}");
    assert!(dest.join("#hash/inner").exists() && dest.join("d/plain").exists());
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(tree(&dest), tree(&upstream.root()), "{ended}");
}

#[test]
fn a_first_run_that_fails_is_followed_by_another_first_run() {
    let fake = Fake::new(
        "[1 if progress2]\nexit 12\n[if --delete]\nout *deleting   0 1970/01/01-00:00:00 old\n\
         out >f+++++++++ 1 2026/01/01-00:00:00 new\nstats 5 1 1\n[*]\nstats 5 1 0\n",
    );
    let env = Env::new().with_fake(&fake);
    let more = "delete = true\nretries = 0";
    let config = one_job(&["rsync://upstream.invalid/m/"], &env.mirror("j"), more);
    let env = env.with_config(&config);
    let old = env.mirror("j").join("old");
    write(&old, "x");
    block(&env.run(["sync", "j", "--json"]).expect_code(1));
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    block(&ended);
    assert!(status(&ended) == "warned" && old.exists(), "{ended}");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert!(ended.events("adopted").is_empty() && !old.exists(), "{ended}");
}

#[test]
fn a_mirror_that_is_known_is_taken_over_again_if_it_is_asked_for() {
    let (upstream, env) = home("");
    let dest = env.mirror("j");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert!(ended.events("adopted").is_empty(), "an empty destination is nobody's: {ended}");
    // Restored by a tool that keeps no times.
    fs::remove_dir_all(&dest).unwrap();
    copied(&upstream, &dest);
    write(&dest.join("foreign"), "x");
    let ended = env.run(["sync", "j", "--json", "--adopt"]).expect_code(0);
    assert_eq!(
        (&block(&ended)["same_size"], &ended.finished()["files_transferred"]),
        (&5.into(), &0.into()),
        "{ended}"
    );
    assert!(status(&ended) == "warned" && dest.join("foreign").exists(), "{ended}");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(tree(&dest), tree(&upstream.root()), "{ended}");
}

#[test]
fn a_job_that_deletes_nothing_does_not_look_for_what_is_foreign() {
    let (upstream, env) = home("");
    let dest = env.mirror("j");
    copied(&upstream, &dest);
    write(&dest.join("foreign"), "x");
    let ended = env.run(["sync", "j", "--json", "--no-delete", "--adopt"]).expect_code(0);
    assert_eq!((status(&ended).as_str(), &block(&ended)["foreign"]), ("ok", &Value::Null), "{ended}");
    // Its deletions begin when it is told to delete.
    env.run(["sync", "j"]).expect_code(0);
    assert!(!dest.join("foreign").exists());
}

/// A disk that is not mounted, or a directory that was exchanged.
#[test]
fn another_directory_at_a_known_path_is_taken_over_first() {
    let (upstream, env) = home("");
    let dest = env.mirror("j");
    env.run(["sync", "j"]).expect_code(0);
    env.run(["sync", "j"]).expect_code(0);
    fs::rename(&dest, env.mirror("aside")).unwrap();
    write(&dest.join("own/file"), "important");
    let plan = env.run(["sync", "j", "--plan", "--json"]).expect_code(0);
    assert_eq!(plan.events("planned")[0]["waiting"]["files"], 1, "{plan}");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.events("adopted")[0]["why"], "other-directory", "{ended}");
    assert_eq!(status(&ended), "warned", "{ended}");
    let error = ended.finished()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("is another directory than in the last run"), "{ended}");
    assert!(dest.join("own/file").exists() && dest.join("d/plain").exists());
    // The first one is mounted again: what is not at the source is told before it goes.
    fs::rename(&dest, env.mirror("other")).unwrap();
    fs::rename(env.mirror("aside"), &dest).unwrap();
    write(&dest.join("x"), "x");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert!(dest.join("x").exists() && status(&ended) == "warned", "{ended}");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert!(ended.events("adopted").is_empty() && status(&ended) == "ok", "{ended}");
    assert_eq!(tree(&dest), tree(&upstream.root()));
    // A path by which it is reached does not matter.
    fs::rename(&dest, env.mirror("disk")).unwrap();
    std::os::unix::fs::symlink(env.mirror("disk"), &dest).unwrap();
    write(&dest.join("x"), "x");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!((status(&ended).as_str(), &ended.finished()["files_deleted"]), ("ok", &1.into()), "{ended}");
}
