//! Which jobs run, how many at a time, and what becomes of them.

use super::{called, events, faked, finished, jobs, quick};
use crate::support::{Ended, Env, Fake, Upstream, eventually, tree};
use std::collections::BTreeMap;
use std::fs;

/// The text with every number as `N`.
fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' if out.ends_with('N') => {}
            '0'..='9' => out.push('N'),
            c => out.push(c),
        }
    }
    out
}

fn three_modules() -> (Upstream, Env) {
    let upstream = Upstream::new().with_corpus();
    upstream.write("derived/index/entries.idx", "HEADER\n");
    upstream.write("status/latest/added.pdb", "1abc\n2abc\n");
    let path = |sub: &str| upstream.root().join(sub).display().to_string();
    let (mmcif, derived, status) = (path("structures/divided/mmCIF"), path("derived"), path("status"));
    let upstream = upstream
        .module("mmcif", &[("path", &mmcif)])
        .module("derived", &[("path", &derived)])
        .module("status", &[("path", &status)]);
    let job = |name: &str| {
        let url = upstream.url(&format!("{name}/"));
        format!("[jobs.{name}]\nsource = '{url}'\ndest = '{name}'\ndelete = true\n")
    };
    let config = quick(&["mmcif", "derived", "status"].map(job).concat());
    let env = Env::new().with_pipe(&upstream).with_config(&config);
    (upstream, env)
}

#[test]
fn modules_of_one_upstream_are_mirrored_side_by_side() {
    let (upstream, env) = three_modules();
    let ended = env.run(["sync", "--all", "--parallel", "3"]).expect_code(0);
    for (name, sub) in [("mmcif", "structures/divided/mmCIF"), ("derived", "derived"), ("status", "status")] {
        let files = tree(&upstream.root().join(sub));
        assert!(!files.is_empty());
        assert_eq!(tree(&env.mirror(name)), files, "{name}\n{ended}");
    }
    let out = ended.out();
    let (head, summary) = out.split_once("=== Sync Summary ===\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("Syncing 3 jobs, up to 3 at a time..."));
    let prefixed = |line: &str| ["[mmcif] ", "[derived] ", "[status] "].iter().any(|p| line.starts_with(p));
    assert!(lines.all(prefixed), "{ended}");
    assert!(out.contains("\n[mmcif] a8/1a8o.cif.gz\n") && out.contains("\n[status] latest/added.pdb\n"));
    assert!(!out.contains('\r') && !head.contains('%'), "no progress where nobody watches\n{ended}");
    assert_eq!(
        without_numbers(summary),
        "Total: N | Success: N | Failed: N\nAll syncs completed successfully.\nTotal time: N.Ns | Average: N.Ns\n"
    );
    assert!(summary.starts_with("Total: 3 | Success: 3 | Failed: 0\n"), "{ended}");
    assert!(ended.err().lines().all(prefixed), "{ended}");
}

#[test]
fn a_second_run_transfers_nothing() {
    let (_upstream, env) = three_modules();
    let first = env.run(["sync", "--all", "--json"]).expect_code(0);
    assert_eq!(finished(&first, "mmcif")["files_transferred"], 6);
    assert_eq!(finished(&first, "mmcif")["changed"], true);
    let mirror = tree(&env.mirror(""));
    for args in [&["sync", "--all", "--json"][..], &["sync", "--all", "--json", "--no-delete"]] {
        let again = env.run(args).expect_code(0);
        for (job, files) in [("mmcif", 6), ("derived", 1), ("status", 1)] {
            let end = finished(&again, job);
            assert_eq!(
                (&end["files_transferred"], &end["files_deleted"], &end["total_files"], &end["changed"]),
                (&0.into(), &0.into(), &files.into(), &false.into()),
                "{again}"
            );
        }
        assert_eq!(tree(&env.mirror("")), mirror);
    }
}

#[test]
fn jobs_are_selected_by_name_tag_and_all() {
    let fake = Fake::new("stats 1 0 0\n");
    let config = quick(
        &[
            jobs(&["low"], "priority = -5\ntags = ['x']"),
            jobs(&["first", "second"], ""),
            jobs(&["off"], "enabled = false\ntags = ['x']"),
            jobs(&["high"], "priority = 9\ntags = ['x', 'y']"),
        ]
        .concat(),
    );
    let mut before = 0;
    let env = Env::new().with_fake(&fake).with_config(&config);
    let mut ran = |args: &[&str]| {
        let ended = env.run([&["sync", "--json"], args].concat()).expect_code(0);
        let new = called(&fake).split_off(before);
        before += new.len();
        assert_eq!(events(&ended, "job_finished").len(), new.len(), "{ended}");
        new
    };
    assert_eq!(ran(&["--all"]), ["high", "first", "second", "low"]);
    assert_eq!(ran(&["second", "first"]), ["second", "first"]);
    assert_eq!(ran(&["off"]), ["off"]);
    assert_eq!(ran(&["--tag", "x"]), ["high", "low"]);
    assert_eq!(ran(&["--tag", "y", "first", "first"]), ["high", "first"]);
}

/// The most jobs with this prefix that were at work at once.
fn most_at_once(ended: &Ended, prefix: &str) -> usize {
    let (mut now, mut most) = (0, 0);
    for event in ended.json() {
        if !event["job"].as_str().is_some_and(|job| job.starts_with(prefix)) {
            continue;
        }
        match event["event"].as_str() {
            Some("job_started") => now += 1,
            Some("job_finished") => now -= 1,
            _ => {}
        }
        most = most.max(now);
    }
    most
}

#[test]
fn no_more_jobs_run_at_once_than_are_allowed() {
    let fake = Fake::new("wait-file @dest/go\n");
    let names = ["j1", "j2", "j3", "j4", "j5"];
    // Without this section, a host gets four connections.
    let env = faked(&fake, &names, "")
        .with_config(&quick(&format!("[hosts.h]\nconnections = 5\n{}", jobs(&names, ""))));
    for parallel in ["1", "2", "5"] {
        let before = fake.calls().len();
        let running = env.spawn(["sync", "--all", "--json", "-p", parallel]);
        let slots: usize = parallel.parse().unwrap();
        eventually("every slot is taken", || fake.calls().len() == before + slots);
        for name in names {
            fs::write(env.mirror(name).join("go"), "").unwrap_or_else(|_| {
                // Not begun, so its directory is not made yet.
                fs::create_dir(env.mirror(name)).unwrap();
                fs::write(env.mirror(name).join("go"), "").unwrap();
            });
        }
        let ended = running.wait().expect_code(0);
        assert_eq!(most_at_once(&ended, "j"), slots, "{ended}");
        names.iter().for_each(|name| fs::remove_file(env.mirror(name).join("go")).unwrap());
    }
}

#[test]
fn a_host_gets_no_more_connections_than_it_allows_and_others_need_not_wait() {
    let fake = Fake::new("wait-file @dest/go\n");
    let mut config = quick("[hosts.\"Full.example\"]\nconnections = 1\n");
    for (name, host) in [("full1", "full.example"), ("full2", "FULL.example"), ("free", "other.example")] {
        config += &format!("[jobs.{name}]\nsource = 'rsync://{host}/m/'\ndest = '{name}'\n");
    }
    let env = Env::new().with_fake(&fake).with_config(&config);
    let running = env.spawn(["sync", "--all", "--json", "--parallel", "3"]);
    eventually("one of each host is at work", || fake.calls().len() == 2);
    let mut at_work = called(&fake);
    at_work.sort();
    assert_eq!(at_work, ["free", "full1"]);
    fs::create_dir_all(env.mirror("full2")).unwrap();
    for name in ["full1", "full2", "free"] {
        fs::write(env.mirror(name).join("go"), "").unwrap();
    }
    let ended = running.wait().expect_code(0);
    assert_eq!(most_at_once(&ended, "full"), 1, "{ended}");
    assert_eq!(fake.calls().len(), 3);
}

#[test]
fn a_selection_that_makes_no_sense_starts_nothing() {
    let fake = Fake::new("");
    let config = quick(&(jobs(&["alpha"], "") + &jobs(&["beta"], "enabled = false\ntags = ['weekly']")));
    let env = Env::new().with_fake(&fake).with_config(&config);
    let refused = |args: &[&str], words: &[&str]| {
        let ended = env.run([&["sync"], args].concat()).expect_code(2);
        assert!(words.iter().all(|word| ended.err().contains(word)), "{words:?}\n{ended}");
        assert_eq!(ended.out(), "", "{ended}");
    };
    refused(&["alhpa"], &["there is no job \"alhpa\"", "\"alpha\""]);
    refused(&["alpha", "nothing-like-it"], &["\"nothing-like-it\"", "known are alpha, beta"]);
    refused(&["weekly"], &["--tag weekly"]);
    refused(&["./alpha"], &["is a path"]);
    refused(&["--tag", "weekyl"], &["\"weekyl\"", "\"weekly\""]);
    refused(&["--tag", "weekly"], &["no job that carries the tag is enabled"]);
    refused(&[], &["no job is selected", "--all", "alpha, beta"]);
    refused(&["--all", "alpha"], &["--all"]);
    refused(&["--all", "--parallel", "0"], &["--parallel: 0 is out of range"]);
    refused(&["alpha", "--dest"], &["--dest"]);
    assert!(fake.calls().is_empty() && !env.state().exists());
    assert_eq!(fs::read_dir(env.mirror("")).unwrap().count(), 0);
}

#[test]
fn without_a_config_there_is_a_hint() {
    let env = Env::new();
    let ended = env.run(["sync", "--all"]).expect_code(2);
    assert!(ended.err().contains("config init") && ended.err().contains(".config/pdb-sync"), "{ended}");
    let ended = env.run(["sync", "--all", "-c", "nowhere.toml"]).expect_code(2);
    assert!(ended.err().contains("cannot read the configuration nowhere.toml"), "{ended}");
    let env = env.with_config("version = 1\n");
    let ended = env.run(["sync", "--all"]).expect_code(2);
    assert!(ended.err().contains("the configuration has no jobs"), "{ended}");
}

#[test]
fn the_worst_end_of_a_job_is_the_end_of_the_run() {
    let fake = Fake::new(
        "[if mirror/partial/]\nerr rsync: [sender] send_files failed to open \"/x\": Permission denied (13)\n\
         stats 2 1 0\nexit 23\n[if mirror/bad/]\nerr rsync: syntax\nexit 1\n\
         [if mirror/blocked/]\nstats 0 0 0\nexit 0\n[*]\nstats 1 1 0\n",
    );
    let config = quick(&(jobs(&["ok", "partial", "bad"], "") + &jobs(&["blocked"], "delete = true")));
    let env = Env::new().with_fake(&fake).with_config(&config);
    fs::create_dir(env.mirror("blocked")).unwrap();
    fs::write(env.mirror("blocked").join("precious"), "").unwrap();
    let mut seen = BTreeMap::new();
    for (names, code) in [
        (&["ok"][..], 0),
        (&["ok", "partial"], 3),
        (&["partial", "blocked", "ok"], 4),
        (&["bad", "partial", "blocked", "ok"], 1),
    ] {
        let ended = env.run([&["sync", "--json"], names].concat()).expect_code(code);
        assert_eq!(events(&ended, "run_finished")[0]["exit_code"], code);
        for name in names {
            seen.insert(*name, finished(&ended, name)["status"].as_str().unwrap().to_owned());
        }
    }
    let expected = [("bad", "failed"), ("blocked", "blocked"), ("ok", "ok"), ("partial", "partial")];
    assert_eq!(seen, expected.map(|(name, word)| (name, word.to_owned())).into());
    let ended = env.run(["sync", "--all"]).expect_code(1);
    let total = "\nTotal: 4 | Success: 1 | Failed: 1 | Partial: 1 | Blocked: 1\n";
    assert!(ended.out().contains(total), "{ended}");
    for name in ["bad", "blocked", "partial"] {
        let summary = ended.out().split_once(total).unwrap().1.to_owned();
        assert!(summary.contains(&format!("\n[{name}] ")) || summary.starts_with(&format!("[{name}] ")));
    }
    assert!(env.mirror("blocked").join("precious").exists());
}
