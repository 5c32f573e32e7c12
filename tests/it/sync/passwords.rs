//! Passwords for daemons: from a file or a variable, given to rsync and shown to nobody.

use super::quick;
use crate::support::{Env, Upstream};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const PASSWORD: &str = "secret";

/// A job `j` that reads from a module which asks for a password, with `more` said about it.
fn locked(more: &str) -> (Upstream, Env) {
    let upstream = Upstream::new().module("auth", &[("auth users", "someone")]).with_corpus();
    let job = format!("[jobs.j]\nsource = 'rsync://someone@h/auth/'\ndest = 'j'\ndelete = true\n{more}\n");
    let env = Env::new().with_pipe(&upstream).with_config(&quick(&job));
    let file = env.dir().join("pw");
    fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    (upstream, env)
}

#[test]
fn a_password_file_lets_every_rsync_in_and_is_shown_nowhere() {
    let (upstream, env) = locked("password_file = 'pw'");
    let commands: [&[&str]; 9] = [
        &["sync", "j", "-v"],
        &["sync", "j", "--plan", "-v"],
        &["sync", "j", "--json"],
        &["sync", "j", "--print-command"],
        &["doctor", "-v"],
        &["config", "show", "--origin"],
        &["config", "check"],
        &["history"],
        &["verify", "j"],
    ];
    for args in commands {
        let ended = env.run(args).expect_code(0);
        assert!(!ended.out().contains(PASSWORD) && !ended.err().contains(PASSWORD), "{ended}");
    }
    let shown = env.run(["sync", "j", "--print-command"]).expect_code(0);
    let option = format!("--password-file={}", env.dir().join("pw").display());
    assert!(
        shown.out().lines().filter(|line| line.contains(" -- ")).all(|line| line.contains(&option)),
        "{shown}"
    );
    // What is new comes, and what is gone goes: listings and transfers.
    let there: Vec<_> = fs::read_dir(upstream.root()).unwrap().map(|entry| entry.unwrap().path()).collect();
    fs::write(upstream.root().join("new"), "new").unwrap();
    assert!(!there.is_empty());
    env.run(["sync", "j"]).expect_code(0);
    fs::remove_file(upstream.root().join("new")).unwrap();
    env.run(["sync", "j"]).expect_code(0);
    assert!(!env.mirror("j").join("new").exists());
    let logs = env.state().join("logs/j");
    for log in fs::read_dir(logs).unwrap() {
        assert!(!fs::read_to_string(log.unwrap().path()).unwrap().contains(PASSWORD));
    }
}

#[test]
fn the_shown_configuration_reads_as_the_same_wherever_it_lies() {
    let (_upstream, env) =
        locked("password_file = 'pw'\nexclude = ['x$y']\n[jobs.k]\nsource = 'a$$b/'\ndest = 'k$$1'");
    let shown = env.run(["config", "show"]).expect_code(0);
    let elsewhere = env.dir().join("home/c.toml");
    fs::write(&elsewhere, shown.out()).unwrap();
    let again = env.run(["-c", elsewhere.to_str().unwrap(), "config", "show"]).expect_code(0);
    assert_eq!(again.out(), shown.out());
    assert!(shown.out().contains("k$$1"), "{shown}");
}

#[test]
fn a_password_of_the_environment_goes_to_rsync_and_to_no_hook() {
    let told = "env >>\"$HOME/told\"";
    let hooks = format!(
        "before = '{told}'\nafter = '{told}'\non_failure = '{told}'\n[notify]\non = 'always'\ncommand = '{told}'"
    );
    let (_upstream, env) = locked(&hooks);
    let env = env.with_var("RSYNC_PASSWORD", PASSWORD).with_var("OTHER", "stays");
    env.run(["sync", "j"]).expect_code(0);
    let told = fs::read_to_string(env.dir().join("home/told")).unwrap();
    assert_eq!(told.matches("OTHER=stays\n").count(), 3, "{told}");
    assert!(!told.contains("RSYNC_PASSWORD"), "{told}");
}

#[test]
fn a_wrong_password_names_the_login() {
    let (_upstream, env) = locked("password_file = 'pw'");
    fs::write(env.dir().join("pw"), "wrong-word\n").unwrap();
    let ended = env.run(["sync", "j", "--json"]).expect_code(1);
    assert!(ended.finished()["error"].as_str().unwrap().contains("refused the login"), "{ended}");
    assert!(ended.finished()["hint"].as_str().unwrap().contains("password_file"), "{ended}");
    assert!(!ended.out().contains("wrong-word") && !ended.err().contains("wrong-word"), "{ended}");
}
