//! `exit_codes`: the status of a job by rsync's exit code.

use super::{events, faked, finished};
use crate::support::Fake;
use std::fs;

#[test]
fn the_status_follows_the_exit_code_of_the_last_attempt() {
    let fake = Fake::new("exit 12\n");
    for (codes, status, exit) in [
        ("{ 12 = 'ok' }", "ok", 0),
        ("{ 12 = 'warned', 23 = 'ok' }", "warned", 0),
        ("{ 12 = 'partial' }", "partial", 3),
        ("{ 23 = 'ok' }", "failed", 1),
    ] {
        let hooks = "after = ['touch after']\non_failure = ['touch failed']";
        let env = faked(&fake, &["a"], &format!("retries = 1\nexit_codes = {codes}\n{hooks}"));
        let before = fake.calls().len();
        let ended = env.run(["sync", "a", "--json"]).expect_code(exit);
        let end = finished(&ended, "a");
        assert_eq!((&end["status"], &end["exit_code"]), (&status.into(), &12.into()), "{ended}");
        assert_eq!(fake.calls().len() - before, 2, "it is tried again all the same\n{ended}");
    }
}

#[test]
fn a_status_deletes_nothing_and_hides_no_trouble_of_ours() {
    let none = "--------- 2026/01/01-00:00:00";
    let denied = "err rsync: [receiver] mkstemp \"/m/x/.new.aBcDeF\" failed: Permission denied (13)";
    let fake = Fake::new(&format!(
        "[if --delete]\nout *deleting   0 {none} old\nout >f+++++++++ 1 2026/01/01-00:00:00 new\nstats 5 0 1\n\
         [*]\n{denied}\nstats 5 0 0\nexit 23\n"
    ));
    let env = faked(&fake, &["a"], "delete = true\nexit_codes = { 23 = 'ok' }");
    fs::create_dir(env.mirror("a")).unwrap();
    fs::write(env.mirror("a").join("old"), "x").unwrap();
    env.taken_over("a");
    let ended = env.run(["sync", "a", "--json"]).expect_code(0);
    let end = finished(&ended, "a");
    assert_eq!((&end["status"], &end["files_deleted"]), (&"ok".into(), &0.into()), "{ended}");
    assert!(env.mirror("a").join("old").exists(), "the transfer was not complete\n{ended}");
    let told = events(&ended, "notice").into_iter().any(|notice| {
        notice["text"].as_str().is_some_and(|text| text.starts_with("exit_codes: partial counts as ok"))
    });
    assert!(told, "{ended}");
}
