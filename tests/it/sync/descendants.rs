//! What commands of ours start in turn: it ends with them, and with us, and never holds us up.

use super::{finished, local};
use crate::support::{Ended, Env, eventually, is_running};
use rustix::process::Signal;
use std::path::Path;

/// The process whose number stands in that file, once it does.
fn noted(file: &Path) -> u32 {
    let mut pid = None;
    eventually("a process has noted its number", || {
        pid = std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok());
        pid.is_some()
    });
    pid.unwrap()
}

#[test]
fn killed_with_a_hook_at_work_we_take_along_what_it_has_started() {
    // The shell ends at a SIGTERM; the other two hear nothing of it, and one is deaf to it.
    let env = local(
        "before = [\"sleep 600 & echo $! >pid; (trap '' TERM; echo >ready; exec sleep 601) & echo $! >deaf; wait\"]",
    );
    let running = env.spawn(["sync", "a"]);
    let (pid, deaf) = (noted(&env.dir().join("pid")), noted(&env.dir().join("deaf")));
    eventually("it is deaf", || env.dir().join("ready").exists());
    running.signal(Signal::KILL);
    eventually("they have ended", || !is_running(pid) && !is_running(deaf));
}

#[test]
fn a_hook_that_is_ended_leaves_nobody_behind() {
    for (more, signal, code) in [("hook_timeout = '1s'\n", None, 1), ("", Some(Signal::TERM), 143)] {
        let hook = "before = [\"(trap '' TERM; exec sleep 601) >/dev/null 2>&1 & echo $! >pid; wait\"]";
        let env = local(&format!("{more}{hook}"));
        let running = env.spawn(["sync", "a", "--json"]);
        let pid = noted(&env.dir().join("pid"));
        if let Some(signal) = signal {
            running.signal(signal);
        }
        let ended = running.wait().expect_code(code);
        assert!(!is_running(pid), "{ended}");
        assert_ne!(finished(&ended, "a")["status"], "ok");
    }
}

#[test]
fn a_grandchild_that_never_falls_silent_holds_nobody_up() {
    let env = local("before = ['(while :; do echo again; sleep 0.2; done) & echo $! >pid']");
    let ended = env.run(["sync", "a", "--json"]).expect_code(0);
    let pid = noted(&env.dir().join("pid"));
    assert!(!is_running(pid), "{ended}");
    assert_eq!(finished(&ended, "a")["status"], "ok");
}

#[test]
fn what_a_hook_leaves_behind_is_told() {
    let left = |ended: &Ended| {
        let told =
            ended.events("notice").into_iter().map(|notice| notice["text"].as_str().unwrap().to_owned());
        told.filter(|text| text.contains("left processes running")).collect::<Vec<_>>()
    };
    // Whoever holds the output of the hook is ended, though it is deaf to SIGTERM, and told once.
    let env = local("before = [\"(trap '' TERM; echo $$ >pid; exec sleep 600) & exit 0\"]");
    let ended = env.run(["sync", "a", "--json"]).expect_code(0);
    assert!(!is_running(noted(&env.dir().join("pid"))), "{ended}");
    let told = left(&ended);
    assert!(told.len() == 1 && told[0].contains("they were ended") && told[0].contains("setsid"), "{ended}");
    assert!(env.run(["sync", "a"]).expect_code(0).err().contains("left processes running"));
    // The job is ok, so with -q there is no summary, only the warning.
    let ended = env.run(["sync", "a", "-q"]).expect_code(0);
    assert!(ended.out().is_empty() && ended.err().contains("left processes running"), "{ended}");
    // A daemon that holds nothing lives on without a word; one that does is named as what it is.
    for (redirect, words) in [(">/dev/null 2>&1", None), ("", Some("they keep running"))] {
        let env = local(&format!("before = [\"setsid sh -c 'echo $$ >pid; exec sleep 600' {redirect} &\"]"));
        let ended = env.run(["sync", "a", "--json"]).expect_code(0);
        let pid = noted(&env.dir().join("pid"));
        let told = left(&ended);
        assert!(told.len() == usize::from(words.is_some()), "{ended}");
        assert!(told.iter().all(|text| text.contains(words.unwrap())), "{ended}");
        assert!(is_running(pid), "{ended}");
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid as i32).unwrap(), Signal::KILL)
            .unwrap();
    }
}

#[test]
fn a_second_signal_tells_nobody_and_ends_at_once() {
    let env = notifying("sleep 600 & echo $! >told; exit 0");
    let config = std::fs::read_to_string(env.config()).unwrap();
    let hook = "before = [\"trap '' TERM INT; echo >ready; sleep 600\"]\n";
    let config = config.replace("[jobs.a]\n", &format!("[jobs.a]\n{hook}"));
    assert!(config.contains(hook), "{config}");
    let env = env.with_config(&config.replace("grace = '300ms'", "grace = '60s'"));
    let running = env.spawn(["sync", "a"]);
    eventually("the hook is deaf", || env.dir().join("ready").exists());
    running.signal(Signal::INT);
    running.until_said("a second signal ends them at once");
    running.signal(Signal::INT);
    let ended = running.wait().expect_code(130);
    assert!(ended.err().contains("no notification of [notify] was sent"), "{ended}");
    assert!(!env.dir().join("told").exists(), "{ended}");
}

fn notifying(line: &str) -> Env {
    let env = local("");
    let config = std::fs::read_to_string(env.config()).unwrap();
    let notify = format!("[notify]\non = 'always'\nretries = 0\ntimeout = '2s'\ncommand = \"{line}\"\n");
    env.with_config(&(config + &notify))
}

#[test]
fn a_notification_that_runs_too_long_ends_with_its_children() {
    let env = notifying("sleep 600 & echo $! >pid; wait");
    // Waits for whoever holds our streams, too.
    let ended = env.run(["sync", "a"]).expect_code(0);
    let pid = noted(&env.dir().join("pid"));
    assert!(!is_running(pid), "{ended}");
    assert!(ended.err().contains("ran longer than 2s and was ended"), "{ended}");
}

#[test]
fn a_notification_that_leaves_a_child_behind_does_not_lend_it_our_streams() {
    let env = notifying("echo oh dear >&2; cat >/dev/null; sleep 600 & echo $! >pid");
    let ended = env.run(["sync", "a"]).expect_code(0);
    let pid = noted(&env.dir().join("pid"));
    assert!(!is_running(pid), "{ended}");
    assert!(ended.err().contains("\noh dear\nwarning: the notification command "), "{ended}");
    assert!(ended.err().contains("left processes running that held its output; they were ended"), "{ended}");
}

#[test]
fn doctor_is_not_held_by_a_grandchild_of_what_it_asks() {
    let env = local("");
    let script = env.dir().join("odd-rsync");
    std::fs::write(&script, "#!/bin/sh\nsleep 600 & echo $! >>pids\nexec rsync \"$@\"\n").unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let config = std::fs::read_to_string(env.config()).unwrap();
    let env = env.with_config(&config.replace("[sync]\n", &format!("[sync]\nrsync = {script:?}\n")));
    let ended = env.run(["doctor", "--offline"]);
    let pids = std::fs::read_to_string(env.dir().join("pids")).unwrap();
    let pids: Vec<u32> = pids.lines().map(|pid| pid.parse().unwrap()).collect();
    assert!(!pids.is_empty(), "{ended}");
    eventually("they have ended", || !pids.iter().any(|pid| is_running(*pid)));
}

#[test]
fn an_editor_ends_with_us_and_may_be_interrupted() {
    let env = local("");
    let plan = env.dir().join("plan");
    env.run(["clean", "plan", "a/", "-o", plan.to_str().unwrap()]).expect_code(0);
    let editor = env.dir().join("editor");
    std::fs::write(&editor, "#!/bin/sh\necho $$ >pid.new; mv pid.new pid; exec sleep 600\n").unwrap();
    std::fs::set_permissions(&editor, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let env = env.with_var("EDITOR", editor.to_str().unwrap());
    let running = env.spawn(["clean", "edit", plan.to_str().unwrap()]);
    let pid = noted(&env.dir().join("pid"));
    // The terminal gives it to both; what it means is for the editor.
    running.signal(Signal::INT);
    running.signal(Signal::TERM);
    let ended = running.wait().expect_code(143);
    assert!(!is_running(pid), "{ended}");
}
