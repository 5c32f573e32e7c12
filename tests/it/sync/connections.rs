//! Several connections of a job: parts of a transfer and of a listing.

use super::{events, faked, finished, log, quick};
use crate::support::{CountingDaemon, Ended, Env, Fake, Upstream, tree};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Many small files and one large one, in several directories, some of them nested.
fn many(upstream: &Upstream, files: usize) {
    for n in 0..files {
        upstream.write(format!("{:02}/in/{n:04}", n % 7), format!("contents of {n}"));
    }
    upstream.write("large", "x".repeat(3_000_000));
    fs::create_dir(upstream.root().join("empty")).unwrap();
}

fn one(upstream: &Upstream, module: &str, more: &str) -> Env {
    let source = upstream.url(module);
    let config = quick(&format!("[jobs.j]\nsource = '{source}'\ndest = 'j'\ndelete = true\n{more}\n"));
    Env::new().with_pipe(upstream).with_config(&config)
}

fn same(env: &Env, upstream: &Upstream, ended: &Ended) {
    let mut here = tree(&env.mirror("j"));
    here.retain(|path, _| !path.starts_with(".pdb-sync"));
    assert_eq!(here, tree(&upstream.root()), "{ended}");
}

fn parts(ended: &Ended) -> Vec<Value> {
    finished(ended, "j")["parts"].as_array().unwrap().clone()
}

/// The first arguments of the transfers and listings, by phase.
fn commands(ended: &Ended, phase: &str) -> Vec<Vec<String>> {
    let words = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |phase: Value| phase["argv"].as_array().unwrap().iter().map(words).collect();
    events(ended, "phase").into_iter().filter(|event| event["phase"] == phase).map(of).collect()
}

#[test]
fn a_job_with_parts_is_one_job_with_one_log_and_one_result() {
    let upstream = Upstream::new();
    many(&upstream, 200);
    let env = one(&upstream, "m/", "connections = 4\nbwlimit = '40MB'");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    same(&env, &upstream, &ended);
    let result = finished(&ended, "j");
    assert_eq!((&result["connections"], &result["attempts"]), (&4.into(), &1.into()), "{ended}");
    assert_eq!((&result["files_transferred"], &result["total_files"]), (&201.into(), &201.into()), "{ended}");
    let parts = parts(&ended);
    assert!(parts.len() >= 4, "{ended}");
    // The large file starts first, in a part of its own.
    assert_eq!((&parts[0]["files"], &parts[0]["bytes"]), (&1.into(), &3_000_000.into()), "{ended}");
    let files: u64 = parts.iter().map(|part| part["files"].as_u64().unwrap()).sum();
    assert_eq!(files, 201, "{ended}");
    for part in &parts {
        let tries = part["tries"].as_array().unwrap();
        assert!(part["done"] == true && tries.len() == 1 && tries[0]["exit_code"] == 0, "{part}");
    }
    let used: BTreeSet<u64> =
        parts.iter().map(|part| part["tries"][0]["connection"].as_u64().unwrap()).collect();
    assert_eq!(used, BTreeSet::from([1, 2, 3, 4]), "{ended}");
    // They share the bandwidth.
    let transfers = commands(&ended, "transfer");
    assert_eq!(transfers.len(), parts.len(), "{ended}");
    assert!(transfers.iter().flatten().filter(|own| *own == "--bwlimit=9766").count() == parts.len());
    let log = fs::read_to_string(log(&env, "j").unwrap()).unwrap();
    assert!(log.contains(" --- 1/") && log.contains(" out 2/"), "{log}");
    let percents: Vec<f64> =
        events(&ended, "progress").iter().filter_map(|event| event["percent"].as_f64()).collect();
    assert!(percents.is_sorted(), "{percents:?}");
    let shown = env.run(["history", "show", "last", "--json"]).expect_code(0);
    let job = &events(&shown, "job")[0];
    assert_eq!((&job["connections"], &job["parts"]), (&result["connections"], &result["parts"]), "{shown}");
    let shown = env.run(["history", "show", "last", "-v"]).expect_code(0);
    assert!(shown.out().contains(" received over 4 connections"), "{shown}");
    let again = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(again.finished()["changed"], false, "{again}");
    assert_eq!((&again.finished()["connections"], parts_of(&again)), (&1.into(), 0), "{again}");
}

fn parts_of(ended: &Ended) -> usize {
    parts(ended).len()
}

#[test]
fn what_does_not_pay_and_what_cannot_be_cut_uses_one_connection() {
    for (more, why) in [
        ("connections = 'auto'", None),
        ("connections = 4\nrsync_args = ['--hard-links']", Some("a group")),
        ("connections = 4\nrsync_args = ['--delay-updates']", Some("--delay-updates")),
        ("", None),
    ] {
        let upstream = Upstream::new();
        many(&upstream, 50);
        let env = one(&upstream, "m/", more);
        let ended = env.run(["sync", "j", "--json", "-v"]).expect_code(0);
        same(&env, &upstream, &ended);
        assert_eq!((&ended.finished()["connections"], parts_of(&ended)), (&1.into(), 0), "{more}\n{ended}");
        let told: Vec<_> = events(&ended, "notice").iter().map(|notice| notice["text"].to_string()).collect();
        assert!(why.is_none_or(|why| told.iter().any(|text| text.contains(why))), "{told:?}");
    }
}

#[test]
fn auto_uses_one_connection_for_each_2000_files_up_to_the_cap_of_the_host() {
    let upstream = Upstream::new();
    for n in 0..6001 {
        upstream.write(format!("{:02}/{n:04}", n % 50), "x");
    }
    let env = one(&upstream, "m/", "connections = 'auto'");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.finished()["connections"], 4, "{ended}");
    let host = upstream.url("m/").split('/').nth(2).unwrap().split(':').next().unwrap().to_owned();
    let text = fs::read_to_string(env.config()).unwrap();
    fs::write(env.config(), format!("{text}\n[hosts.{host:?}]\nconnections = 2\n")).unwrap();
    fs::remove_dir_all(env.mirror("j")).unwrap();
    let ended = env.run(["sync", "j", "--json", "--connections", "16"]).expect_code(0);
    assert_eq!(ended.finished()["connections"], 2, "{ended}");
    same(&env, &upstream, &ended);
}

#[test]
fn a_full_server_gets_half_as_many_connections_and_that_is_told_once() {
    let upstream = Upstream::new().module("narrow", &[("max connections", "3")]);
    many(&upstream, 300);
    let upstream = upstream.listen();
    let env = one(&upstream, "narrow/", "connections = 8\n[hosts.'127.0.0.1']\nconnections = 8");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    same(&env, &upstream, &ended);
    let told: Vec<_> = events(&ended, "notice")
        .iter()
        .filter_map(|notice| notice["text"].as_str().map(str::to_owned))
        .filter(|text| text.contains("no room for so many connections"))
        .collect();
    assert_eq!(told.len(), 1, "{told:?}\n{ended}");
    assert!(told[0].contains("has at most 4 in this run"), "{told:?}");
    // That is all: what rsync says of each refusal is no error of the job.
    assert!(!events(&ended, "output").iter().any(|line| line["stream"] == "stderr"), "{ended}");
    assert_eq!(ended.finished()["attempts"], 1, "{ended}");
}

/// Plays the listing of 12 files; with `delete`, the mirror has another one.
fn listing() -> String {
    let names: String = (0..12).map(|n| format!("out >f+++++++++ 10 2026/01/01-00:00:00 d{n}/f\n")).collect();
    let old = "out *deleting   0 --------- 2026/01/01-00:00:00 old\n";
    format!("[1 if --delete]\n{old}{names}stats 12 120 1\n[1 if -n]\n{names}stats 12 120 0\n")
}

/// A server that refuses the transfers of this section.
fn full(refused: &str) -> Fake {
    let listing = listing();
    Fake::new(&format!(
        "{listing}{refused}\nerr @ERROR: max connections (1) reached -- try again later\n\
         err rsync error: error starting client-server protocol (code 5) at main.c(1863) [Receiver=3.4.1]\nexit 5\n\
         [2 if progress2]\ntouch @dest/begun\nstats 6 60 6\n[if progress2]\nstats 6 60 6\n"
    ))
}

#[test]
fn whichever_connection_is_refused_the_job_goes_on_with_the_others() {
    // The first connection, which belongs to the job, is refused as well as those that were added.
    let fake = full("[1 if progress2]\nwait-file @dest/begun");
    let ended = faked(&fake, &["j"], "connections = 2").run(["sync", "j", "--json"]).expect_code(0);
    let errors = events(&ended, "output").into_iter().filter(|line| line["stream"] == "stderr").count();
    assert_eq!(errors, 0, "{ended}");
    let job = finished(&ended, "j");
    assert_eq!((&job["attempts"], &job["connections"], &job["status"]), (&1.into(), &1.into(), &"ok".into()));
    assert!(parts(&ended).iter().all(|part| part["done"] == true), "{ended}");
}

#[test]
fn a_server_that_refuses_every_connection_is_full_and_says_so() {
    let fake = full("[if progress2]");
    let ended = faked(&fake, &["j"], "connections = 4").run(["sync", "j", "--json"]).expect_code(1);
    let job = finished(&ended, "j");
    assert!(job["error"].as_str().unwrap().contains("is full: max connections (1) reached"), "{ended}");
    let shown = |text: &str| ended.out().matches(text).count();
    assert_eq!(shown("@ERROR: max connections"), 1, "{ended}");
    assert_eq!(shown("no room for so many connections"), 1, "{ended}");
}

#[test]
fn many_jobs_of_one_host_never_exceed_its_cap_together() {
    let upstream = Upstream::new();
    for n in 0..36 * 40 {
        upstream.write(format!("{:02}/{n:04}", n % 36), "x".repeat(200));
    }
    // The last job goes on after the others, and gets their connections.
    for n in 0..3000 {
        upstream.write(format!("35/more/{n:04}"), "x");
    }
    let daemon = CountingDaemon::new(&upstream);
    let jobs: String = (0..36)
        .map(|n| {
            let source = daemon.url(&format!("m/{n:02}/"));
            format!("[jobs.j{n}]\nsource = '{source}'\ndest = 'j{n}'\nconnections = 8\nretries = 0\n")
        })
        .collect();
    let env = Env::new().with_config(&quick(&jobs));
    let ended = env.run(["sync", "--all", "--parallel", "36", "--json"]).expect_code(0);
    let results = events(&ended, "job_finished");
    assert_eq!(results.len(), 36);
    assert!((2..=4).contains(&daemon.most()), "{}\n{ended}", daemon.most());
    assert!(results.iter().all(|job| job["attempts"] == 1), "{ended}");
    assert!(results.iter().any(|job| job["connections"].as_u64() > Some(1)), "{ended}");
    for n in 0..36 {
        let (here, there) = (env.mirror(&format!("j{n}")), upstream.root().join(format!("{n:02}")));
        assert_eq!(tree(&here), tree(&there), "{n}");
    }
}

/// The transfers of these numbers fail.
fn failing(times: &str) -> Fake {
    let listing = listing();
    Fake::new(&format!(
        "{listing}[{times} if progress2]\nerr rsync: connection unexpectedly closed (0 bytes received so far) [receiver]\nexit 12\n\
         [if progress2]\nstats 6 60 6\n[if -n]\nstats 12 120 0\n"
    ))
}

#[test]
fn a_part_that_fails_is_tried_again_alone() {
    let fake = failing("1");
    let env = faked(&fake, &["j"], "connections = 2\nretries = 2");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    let parts = parts(&ended);
    let tries: Vec<usize> = parts.iter().map(|part| part["tries"].as_array().unwrap().len()).collect();
    assert_eq!(tries.iter().sum::<usize>(), parts.len() + 1, "{ended}");
    let failed = parts.iter().find(|part| part["tries"].as_array().unwrap().len() == 2).unwrap();
    assert_eq!((&failed["tries"][0]["exit_code"], &failed["tries"][1]["exit_code"]), (&12.into(), &0.into()));
    assert_eq!((&ended.finished()["attempts"], &ended.finished()["status"]), (&1.into(), &"ok".into()));
    let retry = &events(&ended, "retry")[0];
    assert_eq!(retry["part"], failed["part"], "{ended}");
}

#[test]
fn a_part_that_fails_for_good_fails_the_job_and_deletes_nothing() {
    // The listing of a mirror with a file that the source does not have. Without the failures that file goes.
    for (times, code) in [("1-9", 1), ("99", 0)] {
        let fake = failing(times);
        let env = faked(&fake, &["j"], "connections = 2\nretries = 0\ndelete = true");
        fs::create_dir_all(env.mirror("j")).unwrap();
        fs::write(env.mirror("j/old"), "").unwrap();
        env.taken_over("j");
        let ended = env.run(["sync", "j", "--json", "--max-delete", "1"]).expect_code(code);
        assert_eq!(env.mirror("j/old").exists(), code != 0, "{ended}");
    }
    let fake = failing("1-9");
    let env = faked(&fake, &["j"], "connections = 2\nretries = 1");
    let ended = env.run(["sync", "j", "--json"]).expect_code(1);
    let parts = parts(&ended);
    assert!(parts.iter().any(|part| part["done"] == false), "{ended}");
    // The retries are those of the job: one, of whatever part.
    assert_eq!(ended.finished()["attempts"], 1, "{ended}");
}

#[test]
fn guards_and_kept_files_are_the_same_with_several_connections() {
    let upstream = Upstream::new();
    many(&upstream, 200);
    let env = one(&upstream, "m/", "connections = 4\nkeep_deleted = '1d'\nmax_delete = 10");
    env.run(["sync", "j"]).expect_code(0);
    let before = tree(&env.mirror("j"));
    for n in 0..200 {
        upstream.write(format!("{:02}/in/{n:04}", n % 7), format!("new contents of {n}, longer"));
    }
    for n in 0..30 {
        fs::remove_file(upstream.root().join(format!("{:02}/in/{n:04}", n % 7))).unwrap();
    }
    let blocked = env.run(["sync", "j", "--json"]).expect_code(4);
    assert!(parts_of(&blocked) > 1, "{blocked}");
    assert!(env.mirror("j/00/in/0000").exists(), "{blocked}");
    let ended = env.run(["sync", "j", "--json", "--max-delete", "50"]).expect_code(0);
    assert!(!env.mirror("j/00/in/0000").exists(), "{ended}");
    same(&env, &upstream, &ended);
    for run in [&ended, &blocked] {
        env.run(["clean", "undo", events(run, "run_started")[0]["run"].as_str().unwrap()]).expect_code(0);
    }
    let mut after = tree(&env.mirror("j"));
    after.retain(|path, _| !path.starts_with(".pdb-sync"));
    assert_eq!(after, before, "both runs are undone");
}

#[test]
fn a_large_listing_is_divided_and_finds_the_same() {
    let upstream = Upstream::new();
    let tops: Vec<String> =
        (0..100).map(|n| format!("{n:02}")).chain(["EMD".into(), "ümlaut".into()]).collect();
    for top in &tops {
        for n in 0..450 {
            let path = upstream.root().join(format!("{top}/{n:03}"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
    }
    let env = one(&upstream, "m/", "connections = 2\nmax_delete = '50%'");
    let first = env.run(["sync", "j"]).expect_code(0);
    same(&env, &upstream, &first);
    let nothing = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(
        (&nothing.finished()["changed"], &nothing.finished()["connections"]),
        (&false.into(), &2.into())
    );
    assert_eq!(nothing.finished()["total_files"], 102 * 450, "{nothing}");
    assert_eq!(commands(&nothing, "list").len(), 2, "{nothing}");
    // New, changed and gone, in each part, and at the root.
    for top in ["00", "57", "99", "EMD", "ümlaut"] {
        upstream.write(format!("{top}/new"), "n");
        upstream.write(format!("{top}/000"), "changed");
        fs::remove_file(upstream.root().join(format!("{top}/001"))).unwrap();
        fs::write(env.mirror("j").join(top).join("only here"), "x").unwrap();
    }
    upstream.write("at the root", "r");
    upstream.write("0 at the root", "r");
    fs::remove_dir_all(upstream.root().join("42")).unwrap();
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(commands(&ended, "list").len(), 2, "{ended}");
    same(&env, &upstream, &ended);
    assert_eq!(finished(&ended, "j")["files_deleted"], 5 + 5 + 450, "{ended}");
    let again = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(again.finished()["changed"], false, "{again}");
    assert!(Path::new(&env.mirror("j/57/new")).exists());
}

#[test]
fn a_listing_with_anchored_filters_is_not_divided() {
    let upstream = Upstream::new();
    for n in 0..40_100 {
        let path = upstream.root().join(format!("{:02}/{n:05}", n % 100));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let env = one(&upstream, "m/", "connections = 2\nexclude = ['/00/']");
    env.run(["sync", "j"]).expect_code(0);
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(commands(&ended, "list").len(), 1, "{ended}");
    assert_eq!(ended.finished()["changed"], false, "{ended}");
}
