//! What the command line changes.

use super::{called, events, faked, finished, jobs, local, quick};
use crate::support::{Env, Fake, Running, tree, with_marker};
use std::fs;

#[test]
fn retries_are_counted_and_kept() {
    let fake = Fake::new("err rsync: connection unexpectedly closed\nexit 12\n");
    let env = faked(&fake, &["a"], "retries = 5");
    for (args, tries) in [(&["--retries", "0"][..], 1), (&["--retries=2"], 3), (&[], 6)] {
        let before = fake.calls().len();
        let ended = env.run([&["sync", "a", "--json"], args].concat()).expect_code(1);
        assert_eq!(fake.calls().len() - before, tries, "{ended}");
        assert_eq!(events(&ended, "retry").len(), tries - 1);
        assert_eq!(finished(&ended, "a")["tries"].as_array().unwrap().len(), tries);
    }
    let ended = env.run(["sync", "a", "--retries", "1"]).expect_code(1);
    assert!(ended.out().contains("\n[a] failed after 2 tries in "), "{ended}");
    for n in [1, 2] {
        assert!(ended.out().contains(&format!("\n  try {n}, rsync://h/a/, ")), "{ended}");
    }
}

#[test]
fn a_timeout_ends_an_attempt_and_the_next_one_may_do() {
    let fake = Fake::new("[1]\nignore-term\nout begun\nhang\n[*]\nstats 1 1 0\n");
    let env = faked(&fake, &["a"], "");
    let ended = env.run(["sync", "a", "--timeout", "2s", "--retries", "1", "--json"]).expect_code(0);
    let tries = finished(&ended, "a")["tries"].clone();
    assert!(tries[0]["error"].as_str().unwrap().contains("timeout of 2s"), "{ended}");
    assert_eq!(tries[1]["exit_code"], 0);
    assert!(with_marker(&env.dir().display().to_string()).is_empty());

    let fake = Fake::new("hang\n");
    let env = faked(&fake, &["a"], "timeout = '1h'");
    let ended = env.run(["sync", "a", "--timeout=100ms"]).expect_code(1);
    assert!(ended.out().contains("did not end within its timeout of 100ms"), "{ended}");
    let fake = Fake::new("[1]\nwait-file @dest/never\n");
    let env = faked(&fake, &["a"], "timeout = '50ms'");
    env.run(["sync", "a"]).expect_code(1);
}

#[test]
fn dest_is_for_one_job_and_relative_to_where_it_was_typed() {
    let env = local("");
    let elsewhere = env.dir().join("home");
    let mut command = env.command(["sync", "a", "--dest", "out/here"]);
    command.current_dir(&elsewhere);
    Running::start(command).wait().expect_code(0);
    assert_eq!(tree(&elsewhere.join("out/here")), tree(&env.dir().join("a")));
    assert!(!env.mirror("a").exists());

    let fake = Fake::new("");
    let env = faked(&fake, &["a", "b"], "");
    let ended = env.run(["sync", "--all", "--dest", "x"]).expect_code(2);
    assert!(ended.err().contains("--dest is for exactly one job, but 2 are selected"), "{ended}");
    env.run(["sync", "a", "--dest", ""]).expect_code(2);
    let ended = env.run(["sync", "a", "--dest", "mirror/b"]).expect_code(2);
    assert!(ended.err().contains("mirror/b"), "the destination of another job\n{ended}");
    assert!(fake.calls().is_empty());
}

#[test]
fn bwlimit_and_further_arguments_reach_rsync() {
    let fake = Fake::new("stats 1 0 0\n");
    let env = faked(&fake, &["a"], "bwlimit = '1MB'\nrsync_args = ['--chmod=a+r']");
    let args = |more: &[&str]| {
        env.run([&["sync", "a"], more].concat()).expect_code(0);
        fake.calls().pop().unwrap()
    };
    let has = |args: &[String], arg: &str| args.iter().filter(|a| *a == arg).count();
    let plain = args(&[]);
    assert_eq!((has(&plain, "--bwlimit=977"), has(&plain, "--chmod=a+r")), (1, 1), "{plain:?}");
    assert_eq!(has(&args(&["--bwlimit", "5MiB"]), "--bwlimit=5120"), 1);
    assert_eq!(has(&args(&["--bwlimit=300"]), "--bwlimit=300"), 1);
    let free = args(&["--bwlimit=0", "--", "--ipv4", "--exclude=two words"]);
    assert!(!free.iter().any(|arg| arg.starts_with("--bwlimit")), "{free:?}");
    let at = |arg: &str| free.iter().position(|a| a == arg).unwrap();
    assert!(at("--chmod=a+r") < at("--ipv4") && at("--ipv4") < at("--exclude=two words"));
    assert!(at("--exclude=two words") < at("--"), "{free:?}");
}

#[test]
fn arguments_that_would_lose_data_or_sight_are_refused() {
    let fake = Fake::new("");
    let env = faked(&fake, &["a"], "");
    for arg in [
        "--delete",
        "--delete-after",
        "--del",
        "--delete-excluded",
        "--ignore-errors",
        "--remove-source-files",
        "-n",
        "--daemon",
        "--quiet",
        "-q",
        "/etc/passwd",
        "--",
        "--files-from=-",
        "--password-file=-",
    ] {
        let ended = env.run(["sync", "a", "--", arg]);
        // What is not refused has to reach rsync as an option before the operands.
        if ended.code() == 0 {
            let call = fake.calls().pop().unwrap();
            let dashes = call.iter().position(|a| a == "--").unwrap();
            assert_eq!(dashes + 3, call.len(), "{arg} {call:?}");
            assert!(call[..dashes].iter().any(|a| a == arg), "{arg} {call:?}");
            continue;
        }
        let ended = ended.expect_code(2);
        assert!(ended.err().contains(arg.split('=').next().unwrap()), "{arg}\n{ended}");
    }
    for arg in [
        "--delete",
        "--delete-excluded",
        "--ignore-errors",
        "--remove-source-files",
        "/etc/passwd",
        "--exclude",
        "-e",
    ] {
        let before = fake.calls().len();
        let ended = env.run(["sync", "a", "--", arg]).expect_code(2);
        assert_eq!(fake.calls().len(), before, "{ended}");
        let config = quick(&jobs(&["a"], &format!("rsync_args = ['{arg}']")));
        let env = Env::new().with_fake(&fake).with_config(&config);
        let ended = env.run(["sync", "a"]).expect_code(2);
        assert!(ended.err().contains(arg) && ended.err().contains("config.toml:"), "{ended}");
    }
}

#[test]
fn delete_is_switched_on_and_off() {
    let keep = |more: &str, args: &[&str]| {
        let env = local(more);
        fs::create_dir(env.mirror("a")).unwrap();
        fs::write(env.mirror("a/old"), "").unwrap();
        env.taken_over("a");
        let ended = env.run([&["sync", "a", "--json"], args].concat()).expect_code(0);
        assert!(env.mirror("a/f").exists());
        let kept = env.mirror("a/old").exists();
        assert_eq!(finished(&ended, "a")["files_deleted"], u64::from(!kept), "{ended}");
        kept
    };
    assert!(keep("", &[]));
    assert!(!keep("", &["--delete"]));
    assert!(!keep("delete = true", &[]));
    assert!(keep("delete = true", &["--no-delete"]));
    assert!(keep("", &["--delete", "--no-delete"]), "the last one counts");
    assert!(!keep("", &["--no-delete", "--delete"]));
}

#[test]
fn printed_commands_can_be_pasted_and_start_nothing() {
    let fake = Fake::new("");
    let env =
        faked(&fake, &["a", "b"], "delete = true\nexclude = [\"it's a *.tmp\"]\nbefore = ['touch ran']");
    let ended = env.run(["sync", "--all", "--print-command"]).expect_code(0);
    assert!(fake.calls().is_empty() && !env.dir().join("ran").exists() && !env.state().exists());
    let commands: Vec<_> =
        ended.out().lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    assert_eq!(commands.len(), 4, "{ended}");
    assert!(!ended.out().contains("connections") && !ended.out().contains("marker"), "{ended}");
    let more = env.run(["sync", "a", "--print-command", "--connections", "3", "--set", "a.marker=new"]);
    assert!(more.out().contains("# a: a run fetches the marker new first"), "{more}");
    assert!(more.out().contains("# a: a run may divide these commands among up to 3 connections"), "{more}");

    // Pasted into a shell they are what a run starts: without anything to delete, the list and no transfer.
    let pasted = Running::start(env.program("/bin/sh", ["-ec", &ended.out()])).wait().expect_code(0);
    let calls = fake.calls();
    assert_eq!(calls.len(), 4, "{pasted}");
    assert!(calls.iter().all(|call| call.contains(&"--exclude=it's a *.tmp".to_owned())), "{calls:?}");
    fs::create_dir_all(env.mirror("a")).unwrap();
    fs::write(env.mirror("a/f"), "").unwrap();
    env.run(["sync", "a"]);
    assert_eq!(fake.calls()[4], calls[0], "the list of a");

    let json = env.run(["sync", "a", "--print-command", "--json"]).expect_code(0).json();
    assert_eq!(json[0]["argv"].as_array().unwrap().len(), calls[0].len() + 1);
    assert_eq!(json.last().unwrap()["event"], "result");

    // With the real rsync too.
    let env = local("");
    let ended = env.run(["sync", "a", "--print-command"]).expect_code(0);
    fs::create_dir(env.mirror("a")).unwrap();
    Running::start(env.program("/bin/sh", ["-ec", &ended.out()])).wait().expect_code(0);
    assert_eq!(tree(&env.mirror("a")), tree(&env.dir().join("a")));
}

#[test]
fn dry_runs_change_nothing_and_say_what_would_change() {
    let env = local("delete = true");
    fs::write(env.dir().join("a/g"), "new").unwrap();
    fs::create_dir(env.mirror("a")).unwrap();
    fs::write(env.mirror("a/f"), "old").unwrap();
    fs::write(env.mirror("a/gone"), "1234").unwrap();
    let before = tree(env.dir().join("mirror").as_path());
    let ended = env.run(["sync", "a", "--dry-run"]).expect_code(0);
    assert!(ended.out().contains("[a] *deleting") && ended.out().contains("gone"), "{ended}");
    assert!(ended.out().contains("Nothing was changed."), "{ended}");
    let ended = env.run(["sync", "a", "--plan"]).expect_code(0);
    // The first run at a directory that holds files deletes nothing.
    let plan = "[a] would create 1 file (3 B), update 1 file (9 B), delete 0 files; 1 file (4 B) not at the source, \
                which the next run deletes: a run that takes a mirror over deletes nothing\n";
    assert!(ended.out().contains(plan), "{ended}");
    assert!(!ended.out().contains("gone"), "{ended}");
    let ended = env.run(["sync", "a", "--plan", "-v"]).expect_code(0);
    for line in ["[a] create g", "[a] update f", "[a] delete in the next run gone", plan.trim_end()] {
        assert!(ended.out().lines().any(|l| l == line), "{line}\n{ended}");
    }
    let ended = env.run(["sync", "a", "--plan", "--json"]).expect_code(0);
    let planned = &events(&ended, "planned")[0];
    assert_eq!(planned["waiting"], serde_json::json!({"files": 1, "dirs": 0, "bytes": 4}), "{ended}");
    assert_eq!(finished(&ended, "a")["changed"], false);
    assert_eq!(tree(env.dir().join("mirror").as_path()), before);
    env.run(["sync", "a", "--plan", "--dry-run"]).expect_code(2);
}

#[test]
fn a_dry_run_of_what_is_not_there_yet_makes_no_directory() {
    let env = local("delete = true");
    for mode in ["--dry-run", "--plan"] {
        let ended = env.run(["sync", "a", mode]).expect_code(0);
        assert!(!env.mirror("a").exists(), "{ended}");
    }
}

#[test]
fn an_rsync_that_is_missing_is_a_failure_with_a_hint() {
    let env = local("");
    let config =
        fs::read_to_string(env.config()).unwrap().replace("[sync]\n", "[sync]\nrsync = '/no/such/rsync'\n");
    fs::write(env.config(), config).unwrap();
    let ended = env.run(["sync", "a"]).expect_code(1);
    assert!(
        ended.out().contains("cannot run /no/such/rsync") && ended.out().contains("hint: install rsync"),
        "{ended}"
    );
    let fake = Fake::new("out it is me\n");
    let path = fake.bin().join("rsync").display().to_string();
    let config = quick(&jobs(&["a"], "")).replace("[sync]\n", &format!("[sync]\nrsync = '{path}'\n"));
    let (key, value) = fake.var();
    Env::new().with_config(&config).with_var(key, value).run(["sync", "a"]).expect_code(0);
    assert_eq!(called(&fake), ["a"]);
}
