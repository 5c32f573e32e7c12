//! Commands around a job.

use super::{events, faked, finished, local, log};
use crate::support::{Env, Fake, eventually, with_marker};
use std::fs;

fn read(env: &Env, name: &str) -> String {
    fs::read_to_string(env.dir().join(name)).unwrap_or_default()
}

#[test]
fn before_may_skip_a_job_and_may_fail_it() {
    let env = local(
        "before = ['exit 75', 'touch second']\nafter = ['touch after']\non_failure = ['touch failure']",
    );
    let ended = env.run(["sync", "a", "--json"]).expect_code(0);
    let end = finished(&ended, "a");
    assert_eq!(end["status"], "skipped");
    assert!(end["error"].as_str().unwrap().contains("ended with 75"), "{ended}");
    for file in ["mirror/a/f", "second", "after", "failure"] {
        assert!(!env.dir().join(file).exists(), "{file}\n{ended}");
    }
    let ended = env.run(["sync", "a"]).expect_code(0);
    assert!(ended.out().contains("Failed: 0 | Skipped: 1\n[a] skipped"), "{ended}");

    let env = local(
        "before = ['true', 'exit 3', 'touch third']\nafter = ['touch after']\non_failure = ['touch failure']",
    );
    let ended = env.run(["sync", "a", "--json"]).expect_code(1);
    assert_eq!(finished(&ended, "a")["status"], "failed");
    assert!(finished(&ended, "a")["error"].as_str().unwrap().contains("exit 3"), "{ended}");
    assert!(env.dir().join("failure").exists(), "{ended}");
    for file in ["mirror/a/f", "third", "after"] {
        assert!(!env.dir().join(file).exists(), "{file}\n{ended}");
    }
}

#[test]
fn after_is_for_success_and_on_failure_for_the_rest() {
    let hooks = "before = ['touch before']\nafter = ['touch after']\non_failure = ['touch failure']\n";
    let env = local(hooks);
    env.run(["sync", "a"]).expect_code(0);
    assert!(env.dir().join("before").exists() && env.dir().join("after").exists());
    assert!(!env.dir().join("failure").exists());

    for (script, code) in [("exit 1\n", 1), ("stats 1 0 0\nexit 23\n", 3)] {
        let fake = Fake::new(script);
        let env = faked(&fake, &["a"], hooks);
        env.run(["sync", "a"]).expect_code(code);
        assert!(env.dir().join("before").exists() && env.dir().join("failure").exists());
        assert!(!env.dir().join("after").exists());
    }
}

#[test]
fn an_after_hook_that_fails_fails_the_job_and_tells_on_failure() {
    let env = local(
        "after = ['exit 9']\non_failure = ['echo \"$PDB_SYNC_STATUS: $PDB_SYNC_ERROR\" >told; exit 1']",
    );
    let ended = env.run(["sync", "a"]).expect_code(1);
    assert!(ended.out().contains("the transfer is done, but hook `exit 9` ended with 9"), "{ended}");
    assert!(read(&env, "told").starts_with("failed: the transfer is done, but "), "{ended}");
    assert!(env.mirror("a/f").exists());
    assert!(ended.err().contains("warning: hook "), "that the last hook fails is told too\n{ended}");
}

#[test]
fn hooks_see_the_job_in_their_environment() {
    let fake = Fake::new("[1]\nexit 12\n[*]\nstats 7 3 0\n");
    let more = "retries = 1\nbefore = ['env >before']\nafter = [['/bin/sh', '-c', 'env >\"$1\"', 'x', 'two words']]\n";
    let env = faked(&fake, &["a"], more);
    let ended = env.run(["sync", "a", "--json"]).expect_code(0);
    let value = |file: &str, name: &str| {
        let text = read(&env, file);
        let found =
            text.lines().find_map(|line| line.strip_prefix(&format!("PDB_SYNC_{name}="))).map(str::to_owned);
        found.unwrap_or_else(|| panic!("{file} has no {name}\n{text}"))
    };
    let end = finished(&ended, "a");
    let log = end["log"].as_str().unwrap();
    let dest = env.mirror("a").display().to_string();
    let bytes = end["bytes_received"].as_u64().map(|n| n.to_string()).unwrap_or_default();
    for (name, expected) in [
        ("RUN", events(&ended, "run_started")[0]["run"].as_str().unwrap()),
        ("JOB", "a"),
        ("STATUS", "ok"),
        ("EXIT_CODE", "0"),
        ("DEST", &dest),
        ("SOURCE", "rsync://h/a/"),
        ("ATTEMPTS", "2"),
        ("FILES", "3"),
        ("DELETED", "0"),
        ("BYTES", &bytes),
        ("LOG", log),
        ("FALLBACK", ""),
        ("FALLBACK_REASON", ""),
        ("ERROR", ""),
    ] {
        assert_eq!(value("two words", name), expected, "{name}");
    }
    assert!(value("two words", "DURATION").parse::<f64>().unwrap() > 0.0);
    for (name, expected) in
        [("JOB", "a"), ("STATUS", ""), ("ATTEMPTS", "0"), ("FILES", ""), ("EXIT_CODE", "")]
    {
        assert_eq!(value("before", name), expected, "{name}");
    }

    let fake = Fake::new("err @ERROR: Unknown module 'a'\nexit 5\n");
    let env = faked(
        &fake,
        &["a"],
        "on_failure = ['echo \"$PDB_SYNC_STATUS|$PDB_SYNC_EXIT_CODE|$PDB_SYNC_ERROR\" >told']",
    );
    env.run(["sync", "a"]).expect_code(1);
    let told = read(&env, "told");
    assert!(told.starts_with("failed|5|") && told.contains("module"), "{told}");
}

#[test]
fn what_hooks_print_is_prefixed_and_logged() {
    let env = local("before = ['echo one; echo two >&2; printf three']\nafter = ['echo four']");
    let ended = env.run(["sync", "a"]).expect_code(0);
    for line in ["[a] one", "[a] three", "[a] four"] {
        assert!(ended.out().lines().any(|l| l == line), "{line}\n{ended}");
    }
    assert!(ended.err().lines().any(|line| line == "[a] two"), "{ended}");
    let log = fs::read_to_string(log(&env, "a").unwrap()).unwrap();
    assert!(log.contains(" out one\n") && log.contains(" err two\n") && log.contains(" out four\n"), "{log}");
}

#[test]
fn a_hook_that_takes_too_long_is_ended_with_what_it_started() {
    let env = local(
        "hook_timeout = '200ms'\nbefore = ['sh -c \"echo started; sleep 600\" $PDB_SYNC_DEST/marker; true']",
    );
    let ended = env.run(["sync", "a", "--json"]).expect_code(1);
    let error = finished(&ended, "a")["error"].as_str().unwrap().to_owned();
    assert!(error.contains("hook_timeout (200ms)"), "{ended}");
    let marker = env.mirror("a/marker").display().to_string();
    eventually("its child is gone", || with_marker(&marker).is_empty());
}

#[test]
fn a_hook_may_leave_a_daemon_behind_and_does_not_hold_the_run() {
    let env = local("before = ['setsid sh -c \"sleep 600\" $PDB_SYNC_DEST/marker & exit 0']");
    let ended = env.run(["sync", "a"]).expect_code(0);
    assert!(env.mirror("a/f").exists(), "{ended}");
    let marker = env.mirror("a/marker").display().to_string();
    let left = with_marker(&marker);
    assert_eq!(left.len(), 1, "who leaves the session on purpose stays\n{ended}");
    for pid in left {
        let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
        rustix::process::kill_process_group(pid, rustix::process::Signal::KILL).unwrap();
    }
}

#[test]
fn a_hook_that_does_not_exist_fails_the_job() {
    let env = local("before = [['no-such-program', 'x']]");
    let ended = env.run(["sync", "a"]).expect_code(1);
    assert!(ended.out().contains("cannot run hook") && ended.out().contains("no-such-program"), "{ended}");
}

#[test]
fn a_dry_run_runs_no_hooks() {
    let env = local("before = ['touch before']\nafter = ['touch after']\non_failure = ['touch failure']");
    for mode in ["--dry-run", "--plan"] {
        env.run(["sync", "a", mode]).expect_code(0);
    }
    assert!(["before", "after", "failure"].iter().all(|file| !env.dir().join(file).exists()));
}

#[test]
fn what_rsync_prints_cannot_keep_a_hook_from_running() {
    let fake = Fake::new("raw 00 0a\nerr @ERROR: no\u{0}such module\nexit 5\n");
    let env = faked(&fake, &["a"], "on_failure = ['echo \"ran: $PDB_SYNC_ERROR\" >told']");
    let ended = env.run(["sync", "a"]).expect_code(1);
    assert!(read(&env, "told").starts_with("ran: "), "{ended}");
}
