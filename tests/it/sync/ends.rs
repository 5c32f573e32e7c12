//! How a run ends before its jobs are done.

use super::{called, faked, finished, local, quick, slow, temporary};
use crate::support::{Env, Fake, Running, eventually, is_running, tree, with_marker};
use rustix::process::{Pid, Signal};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Until the transfer of [`slow`] has a quarter of its file.
fn until_midway(env: &Env) {
    eventually("a quarter has come", || {
        let size = |path| fs::metadata(path).ok().map(|meta| meta.len());
        temporary(&env.mirror("a"), "big").and_then(size).is_some_and(|bytes| bytes >= 1 << 18)
    });
}

/// Nobody is left with this path in his command line.
#[track_caller]
fn nobody_left(marker: &Path) {
    let marker = marker.display().to_string();
    eventually("all children are gone", || with_marker(&marker).is_empty());
}

#[test]
fn a_signal_ends_a_transfer_gently_and_the_next_run_resumes_it() {
    for (signal, code, name) in
        [(Signal::INT, 130, "SIGINT"), (Signal::TERM, 143, "SIGTERM"), (Signal::HUP, 129, "SIGHUP")]
    {
        let (upstream, env) = slow();
        let running = env.spawn(["sync", "a"]);
        until_midway(&env);
        running.signal(signal);
        let ended = running.wait().expect_code(code);
        assert!(with_marker(&env.dir().display().to_string()).is_empty(), "an orphan\n{ended}");
        nobody_left(&upstream.config());
        assert!(ended.err().contains(&format!("warning: {name}: ending transfers")), "{ended}");
        let out = ended.out();
        let summary = out.split_once("=== Sync Summary ===\n").unwrap().1;
        assert!(
            summary
                .starts_with("Total: 1 | Success: 0 | Failed: 0 | Cancelled: 1\n[a] cancelled after 1 try")
        );
        assert!(
            summary.contains(&format!("ended by {name}\n")) && summary.contains("Total time: "),
            "{ended}"
        );
        let partial = env.mirror("a").join(".~partial~/big");
        let kept = fs::metadata(&partial).map_or(0, |meta| meta.len());
        assert!(kept >= 1 << 18, "{kept} bytes\n{ended}\n{:?}", tree(&env.mirror("a")));
        assert!(!env.mirror("a").join("big").exists() && temporary(&env.mirror("a"), "big").is_none());

        let ended = env.run(["sync", "a", "--bwlimit", "0", "--json"]).expect_code(0);
        assert_eq!(tree(&env.mirror("a")), tree(&upstream.root()));
        let bytes = finished(&ended, "a")["bytes_received"].as_u64().unwrap();
        assert!(bytes < (1 << 20) - (1 << 17), "began anew: {bytes} bytes\n{ended}");
    }
}

#[test]
fn a_signal_in_json_is_told_and_queued_jobs_are_cancelled() {
    let fake = Fake::new("out working\nhang\n");
    let env = faked(&fake, &["a", "b"], "");
    let running = env.spawn(["sync", "--all", "--json"]);
    running.until_said("working");
    running.signal(Signal::TERM);
    let ended = running.wait().expect_code(143);
    let last = ended.json().pop().unwrap();
    assert_eq!(
        (&last["event"], &last["exit_code"], &last["signal"], &last["cancelled"]),
        (&"run_finished".into(), &143.into(), &15.into(), &2.into()),
        "{ended}"
    );
    assert_eq!(finished(&ended, "a")["error"], "ended by SIGTERM");
    assert_eq!(finished(&ended, "b")["error"], "not started: ended by SIGTERM");
    assert_eq!(called(&fake), ["a"]);
}

#[test]
fn a_second_signal_ends_at_once_whoever_ignores_the_first() {
    let fake = Fake::new("ignore-term\nout stubborn\nhang\n");
    let env = faked(&fake, &["a"], "");
    fs::write(env.config(), fs::read_to_string(env.config()).unwrap().replace("300ms", "1h")).unwrap();
    let running = env.spawn(["sync", "a"]);
    running.until_said("stubborn");
    running.signal(Signal::INT);
    running.until_said("a second signal ends them at once");
    running.signal(Signal::INT);
    let ended = running.wait().expect_code(130);
    assert!(ended.out().contains("Cancelled: 1"), "{ended}");
    nobody_left(env.dir());
}

#[test]
fn who_ignores_sigterm_is_killed_after_the_grace() {
    let fake = Fake::new("ignore-term\nout stubborn\nhang\n");
    let env = faked(&fake, &["a"], "");
    let running = env.spawn(["sync", "a"]);
    running.until_said("stubborn");
    running.signal(Signal::TERM);
    let ended = running.wait().expect_code(143);
    // Killed, rsync cannot put by what it had of a file.
    assert!(ended.out().contains("hint: files that arrived completely are kept; the next run"), "{ended}");
    nobody_left(env.dir());
}

#[test]
fn a_signal_ends_a_pause_between_tries_and_a_hook() {
    let fake = Fake::new("err rsync error: error in socket IO (code 10) at clientserver.c(1)\nexit 10\n");
    let env = faked(&fake, &["a"], "retries = 5\nretry_delay = '1h'");
    let running = env.spawn(["sync", "a"]);
    running.until_said("try 1 failed");
    running.signal(Signal::TERM);
    let ended = running.wait().expect_code(143);
    assert!(ended.out().contains("[a] cancelled after 1 try"), "{ended}");
    assert_eq!(fake.calls().len(), 1);

    let env = local("before = ['echo waiting; sleep 600']");
    let running = env.spawn(["sync", "a"]);
    running.until_said("waiting");
    running.signal(Signal::TERM);
    let ended = running.wait().expect_code(143);
    assert!(ended.out().contains("[a] cancelled"), "{ended}");
    assert!(tree(&env.mirror("a")).is_empty());
}

#[test]
fn sigkill_takes_the_children_along() {
    let (upstream, env) = slow();
    let running = env.spawn(["sync", "a"]);
    until_midway(&env);
    let children = with_marker(&env.dir().display().to_string());
    assert!(!children.is_empty());
    running.signal(Signal::KILL);
    running.wait().expect_code(137);
    eventually("the children are gone", || !children.iter().any(|pid| is_running(*pid)));
    nobody_left(&upstream.config());

    // Nor does one stay that says nothing, and so never meets a closed pipe.
    let fake = Fake::new("out working\nhang\n");
    let env = faked(&fake, &["a"], "");
    let running = env.spawn(["sync", "a"]);
    running.until_said("working");
    running.signal(Signal::KILL);
    running.wait().expect_code(137);
    nobody_left(env.dir());
}

#[test]
fn a_grandchild_that_holds_the_pipes_does_not_hold_the_run() {
    for own_group in ["", " own-group"] {
        let fake = Fake::new(&format!("out before\nfork-holder 600{own_group}\nstats 1 0 0\n"));
        let env = faked(&fake, &["a"], "");
        let ended = env.run(["sync", "a"]).expect_code(0);
        assert!(ended.out().contains("[a] before\n") && ended.out().contains("Success: 1"), "{ended}");
        let marker = fake.script().display().to_string();
        if own_group.is_empty() {
            eventually("what rsync started ends with it", || with_marker(&marker).is_empty());
        }
        // Whoever left the group on purpose is not ours to end.
        for pid in with_marker(&marker) {
            rustix::process::kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::KILL).unwrap();
        }
    }
}

#[test]
fn under_nohup_a_hangup_is_no_end() {
    let fake = Fake::new("out working\nwait-file @dest/go\n");
    let env = faked(&fake, &["a"], "");
    let script = r#"trap "" HUP; exec "$0" sync a"#;
    let running = Running::start(env.program("/bin/sh", ["-c", script, env!("CARGO_BIN_EXE_pdb-sync")]));
    running.until_said("working");
    running.signal(Signal::HUP);
    fs::write(env.mirror("a").join("go"), "").unwrap();
    let ended = running.wait().expect_code(0);
    assert!(!ended.err().contains("SIGHUP"), "{ended}");
}

#[test]
fn a_reader_that_goes_away_is_no_matter_of_the_jobs() {
    let fake = Fake::new("lines 100000 a line\nstats 1 0 0\n");
    let env = faked(&fake, &["a", "b"], "");
    for more in ["", " --json"] {
        let script = format!(r#"{{ "$0" sync --all{more}; echo $? >code; }} | head -n 1"#);
        let program = env!("CARGO_BIN_EXE_pdb-sync");
        let ended = Running::start(env.program("/bin/sh", ["-c", &script, program])).wait().expect_code(0);
        assert_eq!(ended.out().lines().count(), 1, "{ended}");
        assert!(!ended.err().contains("panicked") && !ended.err().contains("roken pipe"), "{ended}");
        assert_eq!(fs::read_to_string(env.dir().join("code")).unwrap(), "0\n", "{ended}");
        nobody_left(env.dir());
        let past = env.run(["history", "--json"]).json();
        assert!(past.iter().take(2).all(|job| job["status"] == "ok"), "{past:?}");
    }
    let failing = Fake::new("lines 100000 a line\nexit 1\n");
    let env = faked(&failing, &["a"], "");
    let script = r#"{ "$0" sync --all; echo $? >code; } | head -n 1"#;
    Running::start(env.program("/bin/sh", ["-c", script, env!("CARGO_BIN_EXE_pdb-sync")])).wait();
    assert_eq!(fs::read_to_string(env.dir().join("code")).unwrap(), "1\n");
}

/// The children of a process.
fn children(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default()
}

/// A run whose output nobody reads: not only its pipe is full, but everything on the way to it.
fn unread(env: &Env, fake: &Fake) -> (Child, Pid) {
    let mut command = env.command(["sync", "a"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    eventually("it prints", || !fake.calls().is_empty());
    let pid = child.id();
    let (mut before, mut still) = (String::new(), 0);
    eventually("all is full and the child can write no more", || {
        let now = fs::read_to_string(format!("/proc/{}/io", children(pid).trim())).unwrap_or_default();
        let now = now.lines().find(|line| line.starts_with("wchar")).unwrap_or_default().to_owned();
        still = if !now.is_empty() && now == before { still + 1 } else { 0 };
        before = now;
        still == 20
    });
    (child, Pid::from_raw(pid as i32).unwrap())
}

#[test]
fn a_slow_reader_hears_the_summary_after_a_second_signal_too() {
    let fake = Fake::new("lines 1000000000000 a line\n");
    let env = faked(&fake, &["a"], "");
    let (mut child, pid) = unread(&env, &fake);
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    eventually("the transfer ends", || children(child.id()).trim().is_empty());
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    let mut text = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let end = String::from_utf8_lossy(&text[text.len().saturating_sub(2_000)..]).into_owned();
    assert!(end.contains("Total: 1 | ") && end.contains("Cancelled: 1"), "{end}");
    nobody_left(env.dir());
}

#[test]
fn a_reader_that_never_reads_does_not_outlast_a_signal() {
    let fake = Fake::new("lines 1000000000000 a line\n");
    let env = faked(&fake, &["a"], "");
    let (mut child, pid) = unread(&env, &fake);
    let start = Instant::now();
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    let mut status = None;
    eventually("it ends", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(143));
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    nobody_left(env.dir());
}

#[test]
fn with_fail_fast_the_first_failure_ends_the_rest() {
    let fake = Fake::new(
        "[if mirror/busy/]\ntouch @dest/here\nhang\n\
         [if mirror/bad/]\nwait-file @dest/../busy/here\nerr rsync: no\nexit 1\n[*]\n",
    );
    let env = faked(&fake, &["busy", "bad", "later"], "");
    let ended = env.run(["sync", "--all", "--parallel=2", "--fail-fast", "--json"]).expect_code(1);
    let status = |job| finished(&ended, job)["status"].as_str().unwrap().to_owned();
    assert_eq!([status("busy"), status("bad"), status("later")], ["cancelled", "failed", "skipped"]);
    assert!(finished(&ended, "later")["error"].as_str().unwrap().contains("bad failed"), "{ended}");
    let mut names = called(&fake);
    names.sort();
    assert_eq!(names, ["bad", "busy"]);
    nobody_left(env.dir());

    // Without it, everybody gets a turn; in the config it means the same.
    let fake = Fake::new("[if mirror/bad/]\nexit 1\n[*]\n");
    let env = faked(&fake, &["bad", "later"], "");
    env.run(["sync", "--all"]).expect_code(1);
    assert_eq!(called(&fake), ["bad", "later"]);
    let config = quick("").replace("[sync]\n", "[sync]\nfail_fast = true\n");
    let env = Env::new().with_fake(&fake).with_config(&(config + &super::jobs(&["bad", "later"], "")));
    let ended = env.run(["sync", "--all"]).expect_code(1);
    assert_eq!(called(&fake), ["bad", "later", "bad"]);
    assert!(ended.out().contains("Failed: 1 | Skipped: 1"), "{ended}");
}
