//! Options of rsync with which what it lists for deletion is not what can be removed here.

use super::quick;
use crate::support::{Env, Running, tree};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// A job `a` with these options that deletes, and a job `b` beside it.
fn two(args: &str) -> Env {
    let env = Env::new();
    for name in ["a", "b"] {
        fs::create_dir(env.dir().join(name)).unwrap();
        fs::write(env.dir().join(name).join("f"), "contents\n").unwrap();
    }
    let jobs = format!(
        "[jobs.a]\nsource = 'a/'\ndest = 'a'\ndelete = true\nrsync_args = {args}\n[jobs.b]\nsource = 'b/'\ndest = 'b'\n"
    );
    env.with_config(&quick(&jobs))
}

#[test]
fn the_job_fails_with_the_way_out_and_the_others_run() {
    for (args, option) in [
        ("['-K']", "--keep-dirlinks (-K)"),
        ("['-zK']", "--keep-dirlinks (-K)"),
        ("['--no-K', '--keep-dirlinks']", "--keep-dirlinks (-K)"),
        ("['-R', '--no-implied-dirs']", "--no-implied-dirs"),
        ("['--files-from=list', '--no-implied-dirs']", "--no-implied-dirs"),
        ("['--backup']", "--backup"),
    ] {
        let env = two(args);
        let ended = env.run(["sync", "--all", "--json"]).expect_code(1);
        let finished: Vec<_> = ended.events("job_finished");
        let of = |name: &str| finished.iter().find(|job| job["job"] == name).unwrap();
        assert_eq!(
            (&of("a")["status"], &of("b")["status"]),
            (&"failed".into(), &"ok".into()),
            "{args}\n{ended}"
        );
        let error = of("a")["error"].as_str().unwrap();
        assert!(error.contains(option) && error.contains("`delete = true`"), "{args}\n{ended}");
        assert!(of("a")["hint"].as_str().unwrap().starts_with("remove one of the two"), "{ended}");
        assert!(env.mirror("b").join("f").exists() && !env.mirror("a").join("f").exists(), "{args}");
        // Also in a rehearsal, and where only the command is shown.
        env.run(["sync", "a", "--plan"]).expect_code(1);
        env.run(["sync", "a", "--dry-run"]).expect_code(1);
        let shown = env.run(["sync", "--all", "--print-command"]).expect_code(1);
        assert!(shown.err().contains(option) && shown.out().contains("# b: "), "{shown}");
        let check = env.run(["config", "check", "--json"]).expect_code(2);
        assert_eq!(check.events("problem")[0]["text"], format!("job \"a\": {error}"), "{check}");
        assert_eq!(check.events("result")[0]["ok"], false, "{check}");
        let check = env.run(["config", "check"]).expect_code(2);
        assert!(check.err().contains(error) && !check.out().contains(": ok"), "{check}");
        let doctor = env.run(["doctor", "--offline", "a"]).expect_code(1);
        assert!(doctor.out().contains(error), "{doctor}");
        // What is no matter of deletions goes on.
        env.run(["list"]).expect_code(0);
        env.run(["scan", "b"]).expect_code(0);
    }
}

#[test]
fn what_is_typed_is_refused_before_anything_starts() {
    let env = two("[]");
    for args in [&["--delete", "--", "-K"][..], &["--delete", "--", "-rK"], &["--", "--keep-dirlinks"]] {
        let ended = env.run([&["sync", "a"], args].concat()).expect_code(2);
        assert!(ended.err().contains("--keep-dirlinks (-K)"), "{ended}");
    }
    env.run(["sync", "b", "--", "-K"]).expect_code(0);
    env.run(["sync", "a", "--no-delete", "--", "-K"]).expect_code(0);
    fs::write(env.config(), fs::read_to_string(env.config()).unwrap().replace("[]", "['-K']")).unwrap();
    env.run(["sync", "a", "--no-delete"]).expect_code(0);
    assert!(env.mirror("a").join("f").exists());
}

#[test]
fn the_way_out_leads_out() {
    let env = Env::new();
    for dir in ["up/sub", "mirror/a/sub", "mirror/elsewhere"] {
        fs::create_dir_all(env.dir().join(dir)).unwrap();
    }
    fs::write(env.dir().join("up/f"), "contents").unwrap();
    fs::write(env.dir().join("up/sub/g"), "contents").unwrap();
    fs::remove_dir(env.mirror("a").join("sub")).unwrap();
    symlink("../elsewhere", env.mirror("a").join("sub")).unwrap();
    for gone in ["a/old", "elsewhere/old"] {
        fs::write(env.mirror(gone), "old").unwrap();
    }
    let jobs = "[jobs.a]\nsource = 'up/'\ndest = 'a'\ndelete = true\nexclude = ['/sub']\n\
                [jobs.sub]\nsource = 'up/sub/'\ndest = 'elsewhere'\ndelete = true\n";
    let env = env.with_config(&quick(jobs));
    env.run(["config", "check"]).expect_code(0);
    env.run(["sync", "--all"]).expect_code(0);
    for there in ["a/f", "a/sub/g"] {
        assert!(env.mirror(there).exists(), "{there}");
    }
    assert!(!env.mirror("a/old").exists() && !env.mirror("elsewhere/old").exists());
}

/// A source with files, links and directories, and a mirror of it with more of each.
fn source_and_mirror(dir: &Path) {
    let (up, mirror) = (dir.join("up"), dir.join("mirror/a"));
    for (root, name) in
        [(&up, "ab/one"), (&up, "cd/two"), (&up, "sub/deep/f"), (&mirror, "sub/gone/x"), (&mirror, "gone/g")]
    {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        fs::write(root.join(name), name).unwrap();
    }
    fs::create_dir(up.join("empty")).unwrap();
    fs::write(up.join("large"), [0; 3000]).unwrap();
    symlink("ab", up.join("to_dir")).unwrap();
    symlink("one", up.join("ab/to_file")).unwrap();
    for (name, bytes) in [("gone.large", 5000), ("gone.small", 5), ("ab/gone~", 5)] {
        fs::create_dir_all(mirror.join(name).parent().unwrap()).unwrap();
        fs::write(mirror.join(name), vec![1; bytes]).unwrap();
    }
    symlink("nothing", mirror.join("to_nothing")).unwrap();
}

#[test]
fn with_other_options_the_same_goes_as_with_rsync() {
    for args in [
        &["-L"][..],
        &["-k"],
        &["--munge-links"],
        &["-R"],
        &["-m", "--include=*/", "--include=one", "--exclude=*"],
        &["--max-size=2k"],
        &["--min-size=2k"],
        &["-x"],
        &["--fake-super"],
        &["--no-links"],
        &["-C"],
        &["--no-r", "-d"],
        &["--link-dest=../elsewhere"],
        &["--existing"],
        &["--inplace"],
    ] {
        let (ours, theirs) = (Env::new(), Env::new());
        for env in [&ours, &theirs] {
            source_and_mirror(env.dir());
        }
        // The same path, as -R shows it.
        let source = ours.dir().join("up/");
        let listed = args.iter().map(|arg| format!("{arg:?}, ")).collect::<String>();
        let config = format!(
            "[jobs.a]\nsource = '{}'\ndest = 'a'\ndelete = true\nmax_delete = '100%'\nrsync_args = [{listed}]\n",
            source.display()
        );
        let ours = ours.with_config(&quick(&config));
        let mut rsync = Command::new("rsync");
        rsync.args(["-rlpt", "--delete"]).args(args).arg(source).arg(theirs.mirror("a/"));
        Running::start(rsync).wait().expect_code(0);
        let ended = ours.run(["sync", "a", "--json"]).expect_code(0);
        let names = |env: &Env| tree(&env.mirror("a")).into_keys().collect::<Vec<_>>();
        assert_eq!(names(&ours), names(&theirs), "{args:?}\n{ended}");
        ours.run(["sync", "a"]).expect_code(0);
    }
}

#[test]
fn a_transfer_removes_nothing_that_was_not_counted() {
    let env = two("['--compare-dest=../b']");
    let ended = env.run(["sync", "a"]).expect_code(2);
    assert!(ended.err().contains("--compare-dest is not for a job"), "{ended}");
}
