//! One writer a destination, across processes.

use crate::support::{Env, Fake, Running, eventually, is_running, one_job, with_marker};
use rustix::process::Signal;

/// A transfer that lasts until the file `go` is there; later ones end at once.
fn held(name: &str) -> (Env, Fake) {
    let fake = Fake::new("");
    let script = format!(
        "[1]\ntouch {0}/started\nout at work\nwait-file {0}/go\nstats 1 1 0\n[*]\nstats 1 0 0",
        fake.file("").display()
    );
    std::fs::write(fake.script(), script).unwrap();
    let env = Env::new().with_fake(&fake);
    let config = one_job(&["rsync://upstream.invalid/m/"], &env.mirror(name), "");
    (env.with_config(&config), fake)
}

fn start(env: &Env, fake: &Fake) -> Running {
    let holder = env.spawn(["sync", "j"]);
    eventually("the first holds the lock", || fake.file("started").exists());
    holder
}

fn let_go(fake: &Fake) {
    std::fs::write(fake.file("go"), "").unwrap();
}

#[test]
fn the_second_is_skipped_and_told_who_was_first() {
    let (env, fake) = held("j");
    let first = start(&env, &fake);
    let ended = env.run(["sync", "j", "--json"]).expect_code(75);
    let finished = ended.finished();
    assert_eq!((&finished["status"], &finished["attempts"]), (&"skipped".into(), &0.into()), "{ended}");
    let error = finished["error"].as_str().unwrap();
    assert!(error.contains(&format!("locked by pid {}, run ", first.pid())), "{ended}");
    assert!(error.contains(env.mirror("j").to_str().unwrap()), "{ended}");
    let ended = env.run(["sync", "j"]).expect_code(75);
    assert!(ended.out().contains("Total: 1 | Success: 0 | Failed: 0 | Skipped: 1\n"), "{ended}");
    // What changes nothing needs no lock.
    env.run(["sync", "j", "--dry-run"]).expect_code(0);
    let_go(&fake);
    first.wait().expect_code(0);
    env.run(["sync", "j"]).expect_code(0);
}

#[test]
fn other_state_directories_and_other_names_meet_the_same_lock() {
    let (env, fake) = held("j");
    let first = start(&env, &fake);
    let elsewhere = env.dir().join("elsewhere");
    let link = env.mirror("link");
    std::os::unix::fs::symlink(env.mirror("j"), &link).unwrap();
    for dest in [env.mirror("j"), link] {
        let state = ["--state-dir".as_ref(), elsewhere.as_os_str(), "sync".as_ref(), "j".as_ref()];
        let ended = env.run(state.into_iter().chain(["--dest".as_ref(), dest.as_os_str()])).expect_code(75);
        assert!(ended.out().contains("locked by another process"), "{ended}");
    }
    let_go(&fake);
    first.wait().expect_code(0);
}

#[test]
fn a_lock_is_waited_for_as_long_as_asked() {
    let (env, fake) = held("j");
    let first = start(&env, &fake);
    let ended = env.run(["sync", "j", "--wait-lock", "150ms"]).expect_code(75);
    assert!(ended.err().contains(&format!("held by pid {}", first.pid())), "{ended}");
    let second = env.spawn(["sync", "j", "--wait-lock", "1h"]);
    second.until_said("waiting for the lock of");
    assert_eq!(fake.calls().len(), 1);
    let_go(&fake);
    second.wait().expect_code(0);
    first.wait().expect_code(0);
    assert_eq!(fake.calls().len(), 2);
}

#[test]
fn who_waits_for_a_lock_can_be_ended() {
    let (env, fake) = held("j");
    let first = start(&env, &fake);
    let second = env.spawn(["sync", "j", "--wait-lock", "1h"]);
    second.until_said("waiting for the lock of");
    second.signal(Signal::TERM);
    let ended = second.wait().expect_code(143);
    assert!(ended.out().contains("Cancelled: 1\n"), "{ended}");
    assert!(is_running(first.pid()));
    let_go(&fake);
    first.wait().expect_code(0);
}

#[test]
fn a_killed_holder_leaves_no_lock_and_no_rsync() {
    let (env, fake) = held("j");
    let first = start(&env, &fake);
    let marker = format!("{}/", env.mirror("j").display());
    assert_eq!(with_marker(&marker).len(), 1);
    first.signal(Signal::KILL);
    first.wait().expect_code(137);
    eventually("the rsync has gone too", || with_marker(&marker).is_empty());
    env.run(["sync", "j"]).expect_code(0);
}
