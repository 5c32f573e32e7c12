//! Several sources for one job.

use super::failures::closed_port;
use crate::support::{Env, Fake, Upstream, one_job, tree};
use serde_json::Value;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

#[test]
fn sources_are_tried_in_turn_each_as_its_failure_deserves() {
    let upstream = Upstream::new().with_corpus().listen();
    let refused = format!("rsync://127.0.0.1:{}/m/", closed_port());
    let (unknown, good) = (upstream.url("nothing/"), upstream.url("m/structures/"));
    let env = Env::new();
    let sources = [&*refused, &*unknown, &*good, "rsync://never.invalid/m/"];
    let config = one_job(&sources, &env.mirror("j"), "retries = 1\ndelete = true");
    let env = env.with_config(&config);
    std::fs::create_dir(env.mirror("j")).unwrap();
    std::fs::write(env.mirror("j").join("old"), "x").unwrap();

    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    let expected = [(&refused, Some(10)), (&refused, Some(10)), (&unknown, Some(5)), (&good, Some(0))];
    assert_eq!(ended.tries(), expected.map(|(source, code)| (source.clone(), code)), "{ended}");
    let finished = ended.finished();
    assert_eq!((&finished["attempts"], &finished["source"]), (&4.into(), &good.clone().into()), "{ended}");
    assert_eq!(finished["files_transferred"], 6, "what failed before it began moved nothing: {ended}");
    // What only another source than the usual one lacks waits until that source has served twice.
    assert_eq!((&finished["status"], &finished["files_deleted"]), (&"warned".into(), &0.into()), "{ended}");
    assert!(finished["error"].as_str().unwrap().contains("1 file was not deleted"), "{ended}");
    let again = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(again.finished()["files_deleted"], 1, "{again}");
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root().join("structures")));

    let retries = ended.events("retry");
    let next: Vec<_> = retries.iter().map(|retry| retry["source"].as_str().unwrap()).collect();
    assert_eq!(next, [&refused, &unknown, &good], "{ended}");
    assert!(retries[1]["delay_s"] == 0.0 && retries[2]["delay_s"] == 0.0, "the next source at once: {ended}");
    let error = |n: usize| finished["tries"][n]["error"].as_str().unwrap_or_default().to_owned();
    assert!(error(0).contains("refused") && error(2).contains("no module") && error(3).is_empty(), "{ended}");
}

#[test]
fn people_see_every_try_of_a_job_that_failed_everywhere() {
    let upstream = Upstream::new();
    let (first, second) = (upstream.url("one/"), upstream.url("two/"));
    let env = Env::new().with_pipe(&upstream);
    let config = one_job(&[&first, &second], &env.mirror("j"), "");
    let env = env.with_config(&config);
    let ended = env.run(["sync", "j"]).expect_code(1);
    let out = ended.out();
    assert!(out.contains("Total: 1 | Success: 0 | Failed: 1\n"), "{ended}");
    assert!(out.contains("[j] failed after 2 tries in "), "{ended}");
    assert!(
        out.contains(&format!("  try 1, {first}, ")) && out.contains(&format!("  try 2, {second}, ")),
        "{ended}"
    );
    assert!(out.contains("has no module \"one\" (rsync 5)") && out.contains("  hint: "), "{ended}");
    assert!(ended.err().contains("[j] ") && !ended.err().contains("panicked"), "{ended}");
}

#[test]
fn a_stalled_source_is_left_for_the_next_one() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let first = format!("rsync://127.0.0.1:{}/m/", silent.local_addr().unwrap().port());
    // Holds what it accepts, for as long as the test runs.
    thread::spawn(move || silent.incoming().collect::<Vec<_>>());
    let upstream = Upstream::new().with_corpus().listen();
    let env = Env::new();
    let config = one_job(&[&first, &upstream.url("m/")], &env.mirror("j"), "retries = 0\nstall = \"3s\"");
    let env = env.with_config(&config);
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.tries(), [(first, None), (upstream.url("m/"), Some(0))], "{ended}");
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()));
}

#[test]
fn an_attempt_has_a_wall_clock_however_lively_it_is() {
    let fake =
        Fake::new("[if one.invalid]\nlines 10 busy\nwait-file /nonexistent\n[if two.invalid]\nstats 1 1 0");
    let env = Env::new().with_fake(&fake);
    let sources = ["rsync://one.invalid/m/", "rsync://two.invalid/m/"];
    let config = one_job(&sources, &env.mirror("j"), "retries = 0\ntimeout = \"3s\"");
    let env = env.with_config(&config);
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    let reason = ended.events("retry")[0]["reason"].clone();
    assert!(reason.as_str().unwrap().contains("timeout of 3s"), "{ended}");
    assert_eq!(ended.tries().len(), 2, "{ended}");
}

#[test]
fn a_source_that_could_not_be_read_whole_is_not_left_for_another_that_might_delete() {
    let fake = Fake::new(
        "[if one.invalid]\nerr rsync: [sender] opendir \"/x\" failed: Permission denied (13)\nexit 23",
    );
    let env = Env::new().with_fake(&fake);
    let sources = ["rsync://one.invalid/m/", "rsync://two.invalid/m/"];
    let config = one_job(&sources, &env.mirror("j"), "");
    let env = env.with_config(&config);
    let ended = env.run(["sync", "j", "--json"]).expect_code(3);
    assert_eq!((ended.tries().len(), fake.calls().len()), (1, 1), "{ended}");
}

#[test]
fn an_emptied_source_is_left_for_one_that_has_the_files() {
    let (emptied, good) = (Upstream::new().listen(), Upstream::new().with_corpus().listen());
    let (first, second) = (emptied.url("m/"), good.url("m/structures/"));
    let env = Env::new();
    let lists = |env: &Env| fs::read_dir(env.state().join("plans/j")).map_or(0, Iterator::count);
    let with = |env: &Env, sources: &[&str], more: &str| {
        fs::write(env.config(), one_job(sources, &env.mirror("j"), more)).unwrap();
    };
    for more in ["delete = true", "delete = true", ""] {
        with(&env, &[&first, &second], more);
        let ended = env.run(["sync", "j", "--json"]).expect_code(0);
        assert_eq!(ended.tries(), [(first.clone(), Some(0)), (second.clone(), Some(0))], "{more}: {ended}");
        assert_eq!((&ended.finished()["status"], &ended.finished()["error"]), (&"ok".into(), &Value::Null));
        let reason = ended.events("retry")[0]["reason"].clone();
        assert!(reason.as_str().unwrap().contains("source holds no file"), "{ended}");
        assert_eq!(tree(&env.mirror("j")), tree(&good.root().join("structures")));
        assert_eq!(lists(&env), 0, "nothing is pending: {ended}");
    }
    // What was asked for beforehand finds the same, and counts nothing that would not happen.
    for (mode, more) in [("--dry-run", "delete = true"), ("--plan", "delete = true"), ("--dry-run", "")] {
        with(&env, &[&first, &second], more);
        let ended = env.run(["sync", "j", "--json", mode]).expect_code(0);
        assert_eq!((ended.tries().len(), &ended.finished()["files_deleted"]), (2, &0.into()), "{ended}");
        let planned = ended.events("planned");
        assert_eq!(planned.len(), usize::from(mode == "--plan"), "{ended}");
        assert!(planned.iter().all(|planned| planned["deleted"]["files"] == 0), "{ended}");
        assert_eq!(lists(&env), 0, "{ended}");
    }
    // The last one decides.
    for (sources, more, code) in [
        (&[&*first, &*first][..], "delete = true", 4),
        (&[&first, &first], "", 0),
        (&[&first, &good.url("nothing/")], "delete = true", 1),
        (&[&second, &first], "delete = true", 0),
    ] {
        with(&env, sources, more);
        let before = lists(&env);
        let ended = env.run(["sync", "j", "--json"]).expect_code(code);
        assert_eq!(tree(&env.mirror("j")), tree(&good.root().join("structures")), "{ended}");
        assert_eq!(lists(&env) - before, usize::from(code == 4), "only what is blocked has a list: {ended}");
    }
}
