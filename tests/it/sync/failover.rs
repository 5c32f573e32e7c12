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
    // The transfer, and a listing that does not prove that everything came.
    assert_eq!((ended.tries().len(), fake.calls().len()), (1, 2), "{ended}");
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
        let left = match code {
            4 => before + 1,
            // The mirror is what the source is: what was held back before is void.
            0 if more == "delete = true" => 0,
            _ => before,
        };
        assert_eq!(lists(&env), left, "only what is blocked has a plan: {ended}");
    }
}

#[test]
fn which_source_stood_in_and_why_is_said_everywhere() {
    let upstream = Upstream::new().with_corpus();
    let (first, second, good) = (upstream.url("one/"), upstream.url("two/"), upstream.url("m/structures/"));
    let env = Env::new().with_pipe(&upstream);
    let hooks = "after = ['echo \"hook=$PDB_SYNC_FALLBACK:$PDB_SYNC_FALLBACK_REASON\"']\n\
                 on_failure = ['echo \"hook=$PDB_SYNC_FALLBACK:$PDB_SYNC_FALLBACK_REASON\"']";
    let with = |sources: &[&str], more: &str| {
        fs::write(env.config(), one_job(sources, &env.mirror("j"), &format!("{hooks}\n{more}"))).unwrap();
    };
    let why = "has no module \"one\"";
    // The last error of the first source, not that of the one in between.
    with(&[&first, &second, &good], "retries = 1");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    let finished = ended.finished();
    assert_eq!((&finished["fallback"], &finished["source"]), (&true.into(), &good.clone().into()), "{ended}");
    let reason = finished["fallback_reason"].as_str().unwrap().to_owned();
    assert!(reason.contains(why), "{ended}");
    let lines = ended.events("output");
    let heard = lines.iter().find_map(|line| line["line"].as_str()?.strip_prefix("hook="));
    assert_eq!(heard, Some(&*format!("1:{reason}")), "{ended}");
    let ended = env.run(["history", "--json"]).expect_code(0);
    let past = &ended.events("job")[0];
    assert_eq!(
        (&past["fallback"], &past["fallback_reason"]),
        (&true.into(), &reason.clone().into()),
        "{ended}"
    );
    // People are told of it though the job is `ok`, by the run and by the history.
    let said = format!("  served by {good}, since {first}: {reason}\n");
    let ended = env.run(["sync", "j"]).expect_code(0);
    assert!(ended.out().contains("[j] ok after 3 tries in ") && ended.out().contains(&said), "{ended}");
    let shown = env.run(["history", "show", "last"]).expect_code(0);
    assert!(shown.out().contains(&said), "{shown}");

    // Nobody served; the tries are told.
    with(&[&first, &second], "");
    let ended = env.run(["sync", "j"]).expect_code(1);
    assert!(!ended.out().contains("served by") && ended.out().contains("hook=1:"), "{ended}");

    // The first one serves, at the first or at the second try, or there is no other.
    for (sources, dry) in [(&[&*good, &first][..], false), (&[&good, &first], true), (&[&first], false)] {
        with(sources, "");
        let args = ["sync", "j", "--json", "-n"];
        let ended = env.run(&args[..if dry { 4 } else { 3 }]);
        let finished = ended.finished();
        assert_eq!(
            (&finished["fallback"], &finished["fallback_reason"]),
            (&false.into(), &Value::Null),
            "{ended}"
        );
        assert_eq!(ended.out().contains("hook=:"), !dry, "{ended}");
    }
    let past = env.run(["history", "--json"]).expect_code(0).events("job");
    assert_eq!((&past[0]["fallback"], &past[0]["fallback_reason"]), (&false.into(), &Value::Null));
}
