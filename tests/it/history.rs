//! `history`, `list` and `--rerun-failed`, after runs of the real rsync.

use crate::support::{Env, Fake, Upstream, eventually};
use rusqlite::Connection;
use serde_json::Value;

/// Jobs `good` and `bad`; the latter's module exists only if `whole`.
fn config(env: &Env, more: &str) -> String {
    let dest = |name: &str| toml::Value::from(env.mirror(name).to_str().unwrap()).to_string();
    format!(
        "version = 1\n[defaults]\nretries = 0\n[jobs.good]\nsource = \"up::m/\"\ndest = {}\n\
         [jobs.bad]\nsource = \"up::nowhere/\"\ndest = {}\n{more}\n",
        dest("good"),
        dest("bad"),
    )
}

fn env(upstream: &Upstream, more: &str) -> Env {
    let env = Env::new();
    let text = config(&env, more);
    env.with_config(&text).with_pipe(upstream)
}

fn database(env: &Env) -> Connection {
    Connection::open(env.state().join("history.db")).unwrap()
}

fn words(lines: &[Value], key: &str) -> Vec<String> {
    lines.iter().filter_map(|line| line[key].as_str().map(Into::into)).collect()
}

#[test]
fn a_run_is_remembered_and_shown() {
    let upstream = upstream();
    let env = env(&upstream, "");
    assert_eq!(env.run(["history"]).expect_code(0).err(), "no recorded run matches\n");
    let run = env.run(["sync", "--all"]).expect_code(1);
    let jobs = env.run(["history", "--json"]).expect_code(0).events("job");
    assert_eq!(
        (words(&jobs, "job"), words(&jobs, "status")),
        (list(&["bad", "good"]), list(&["failed", "ok"]))
    );
    let good = &jobs[1];
    assert!(good["duration_s"].as_f64().unwrap() > 0.0 && good["phases"]["transfer"].is_number());
    assert!(good["files_transferred"].as_u64().unwrap() > 0);
    assert!(jobs[0]["error"].as_str().unwrap().contains("nowhere"));
    let failed = env.run(["history", "--status", "failed", "--since", "1h", "--json"]).events("job");
    assert_eq!(words(&failed, "job"), ["bad"]);
    let text = env.run(["history", "good"]).expect_code(0).out();
    assert!(text.starts_with("STARTED ") && text.contains(" good ") && !text.contains(" bad "), "{text}");
    // The same summary as after the run, without the figures that would differ anyhow.
    let after = run.out();
    let summary = &after[after.find("=== Sync Summary ===").unwrap()..];
    let shown = env.run(["history", "show", "last"]).expect_code(0).out();
    assert!(shown.ends_with(summary) && shown.starts_with("Run 0"), "{shown}\n---\n{summary}");
    let id = jobs[0]["run"].as_str().unwrap();
    let tries = env.run(["history", "show", id, "--json"]).events("job");
    assert_eq!(tries[0]["tries"][0]["exit_code"], 0);
    let wrong = env.run(["history", "show", "7ZZ"]).expect_code(2).err();
    assert!(wrong.contains("the history has no run \"7ZZ\""), "{wrong}");
    let wrong = env.run(["history", "--status", "faild"]).expect_code(2).err();
    assert!(wrong.contains("did you mean \"failed\"?"), "{wrong}");
    let listed = env.run(["list", "--json"]).events("job");
    assert_eq!(
        words(&listed.iter().map(|job| job["last"].clone()).collect::<Vec<_>>(), "status"),
        ["ok", "failed"]
    );
    assert!(listed[0]["age_s"].is_number() && listed[1]["age_s"].is_null(), "{listed:?}");
}

#[test]
fn a_dry_run_is_not_remembered() {
    let upstream = upstream();
    let env = env(&upstream, "");
    env.run(["sync", "good", "--dry-run"]).expect_code(0);
    env.run(["sync", "good", "--plan"]).expect_code(0);
    assert!(!env.state().join("history.db").exists());
}

#[test]
fn only_what_failed_runs_again() {
    let upstream = upstream();
    let env = env(&upstream, "");
    let none = env.run(["sync", "--rerun-failed"]).expect_code(0);
    assert!(none.err().contains("nothing to run again"), "{none}");
    env.run(["sync", "--all"]).expect_code(1);
    let again = env.run(["sync", "--rerun-failed", "--json"]).expect_code(1);
    assert_eq!(words(&again.events("job_finished"), "job"), ["bad"]);
    let none = env.run(["sync", "good", "--rerun-failed"]).expect_code(0);
    assert_eq!(none.out(), "");
    std::fs::write(env.config(), config(&env, "").replace("up::nowhere/", "up::m/")).unwrap();
    env.run(["sync", "--rerun-failed"]).expect_code(0);
    let json = env.run(["sync", "--rerun-failed", "--json"]).expect_code(0);
    assert_eq!(json.events("result")[0]["jobs"], 0);
}

/// A run that the command line limits says nothing about the whole job: neither its success nor its failure counts.
#[test]
fn what_the_command_line_limits_is_no_last_run_of_the_job() {
    let upstream = upstream();
    let env = env(&upstream, "[[stats.alerts]]\nage_above = \"1h\"\n");
    let elsewhere = env.dir().join("elsewhere");
    let elsewhere = elsewhere.to_str().unwrap();
    let (here, ids) = (env.mirror("good"), env.dir().join("ids.txt"));
    std::fs::write(&ids, "9zzz\n").unwrap();
    let limited: [(&[&str], &str, i32); 4] = [
        (&["sync", "good", "--dest", elsewhere], "dest", 0),
        (&["sync", "good", "--ids", ids.to_str().unwrap()], "ids", 1),
        (&["sync", "good", "--", "--exclude=*.gz"], "filters", 0),
        (&["sync", "good", "--", "--max-size=1"], "filters", 0),
    ];
    for (args, scope, code) in limited {
        let ended = env.run([&["--json"], args].concat()).expect_code(code);
        assert_eq!(ended.events("run_started")[0]["scope"], scope, "{ended}");
        assert!(ended.finished()["alerts"].as_array().unwrap().is_empty(), "{ended}");
        let newest = env.run(["history", "--json"]).events("job")[0].clone();
        assert_eq!((&newest["job"], &newest["scope"]), (&"good".into(), &scope.into()));
        let listed = env.run(["list", "--json"]).events("job")[0].clone();
        assert!(listed["last"].is_null() && listed["last_success"].is_null(), "{listed}");
        assert!(env.run(["sync", "--rerun-failed"]).expect_code(0).err().contains("nothing to run again"));
        assert_eq!(env.run(["stats", "--json"]).expect_code(0).events("stats")[1]["runs"], 0);
        let status = env.run(["status", "--max-age", "8d", "--json"]).expect_code(1).json().pop().unwrap();
        assert_eq!(status["stale"], serde_json::json!(["good", "bad"]));
        assert!(status["jobs"][0]["last"].is_null(), "{status}");
    }
    let shown = env.run(["history"]).expect_code(0).out();
    assert!(shown.contains("with --dest\n") && shown.contains("with --ids: "), "{shown}");
    let shown = env.run(["history", "show", "last"]).expect_code(0).out();
    assert!(
        shown.contains("It ran with filters, so it does not count as the last run of its job\n"),
        "{shown}"
    );
    // The configured destination, and options that choose no files.
    let ended = env.run(["sync", "good", "--dest", here.to_str().unwrap(), "--json", "--", "--ipv4"]);
    assert!(ended.events("run_started")[0]["scope"].is_null(), "{ended}");
    assert_eq!(env.run(["list", "--json"]).events("job")[0]["last"]["status"], "ok");
}

/// A state directory that hosts share: only a lock that was released tells another host that a run is over.
#[test]
fn a_run_of_another_host_goes_on_as_long_as_it_holds_its_lock() {
    let upstream = upstream();
    let env = env(&upstream, "");
    env.run(["sync", "good"]).expect_code(0);
    let db = database(&env);
    db.execute_batch(
        "UPDATE runs SET state = 'running', host = 'elsewhere', pid = 7, process = 'another boot:1';
         UPDATE jobs SET status = 'running'",
    )
    .unwrap();
    let running = env.state().join("running");
    std::fs::create_dir_all(&running).unwrap();
    let record = std::fs::File::create(running.join("7-elsewhere.json")).unwrap();
    record.lock().unwrap();
    let states = || {
        let shown = env.run(["history", "show", "last", "--json"]).expect_code(0);
        (shown.events("result")[0]["state"].clone(), shown.events("job")[0]["status"].clone())
    };
    let both = |word: &str| (Value::from(word), Value::from(word));
    assert_eq!(states(), both("running"));
    let stored =
        || db.query_row("SELECT state FROM runs WHERE pid = 7", [], |row| row.get::<_, String>(0)).unwrap();
    env.run(["sync", "good"]).expect_code(0);
    assert_eq!(stored(), "running");
    record.unlock().unwrap();
    env.run(["sync", "good"]).expect_code(0);
    assert_eq!(stored(), "interrupted");
}

#[test]
fn twenty_at_once_are_all_remembered() {
    let upstream = upstream();
    let env = Env::new().with_pipe(&upstream);
    let mut text = String::from("version = 1\n");
    for n in 0..20 {
        let dest = toml::Value::from(env.mirror(&format!("j{n}")).to_str().unwrap()).to_string();
        text += &format!("[jobs.j{n}]\nsource = \"up::m/\"\ndest = {dest}\n");
    }
    let env = env.with_config(&text);
    let running: Vec<_> =
        (0..20).map(|n| env.spawn(["-q".to_string(), "sync".into(), format!("j{n}")])).collect();
    for run in running {
        let ended = run.wait().expect_code(0);
        assert_eq!(ended.err(), "", "the history complained: {ended}");
    }
    let db = database(&env);
    let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT COUNT(*) FROM runs WHERE state = 'ended' AND exit_code = 0"), 20);
    assert_eq!(count("SELECT COUNT(DISTINCT job) FROM jobs WHERE status = 'ok'"), 20);
    assert_eq!(count("SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

#[test]
fn a_run_that_was_killed_was_interrupted() {
    let fake = Fake::new("out started\nhang\n");
    let env = Env::new();
    let text = crate::support::one_job(&["h::m/"], &env.mirror("j"), "");
    let env = env.with_config(&text).with_fake(&fake);
    let run = env.spawn(["sync", "j"]);
    run.until_said("started");
    let status =
        |env: &Env| env.run(["history", "--json"]).events("job").first().map(|job| job["status"].clone());
    eventually("the history has a row", || status(&env).is_some());
    assert_eq!(status(&env).unwrap(), "running");
    run.signal(rustix::process::Signal::KILL);
    run.wait().expect_code(137);
    assert_eq!(status(&env).unwrap(), "interrupted");
    let shown = env.run(["history", "show", "last"]).expect_code(0).out();
    assert!(
        shown.contains("interrupted: it ended without a result")
            && shown.contains("[j] cancelled: interrupted"),
        "{shown}"
    );
    assert_eq!(env.run(["list", "--json"]).events("job")[0]["last"]["status"], "interrupted");
}

#[test]
fn a_damaged_history_fails_no_job() {
    let upstream = upstream();
    let env = env(&upstream, "");
    std::fs::create_dir_all(env.state()).unwrap();
    std::fs::write(env.state().join("history.db"), vec![7; 5000]).unwrap();
    let read = env.run(["history"]).expect_code(1);
    assert!(read.err().contains("file is not a database; the next sync sets it aside"), "{read}");
    let listed = env.run(["list"]).expect_code(0);
    assert!(listed.err().contains("file is not a database") && listed.out().contains("good"), "{listed}");
    let run = env.run(["sync", "good"]).expect_code(0);
    assert_eq!(run.err().matches("was set aside as").count(), 1, "{run}");
    env.run(["history"]).expect_code(0);
}

/// Of another program's version: read as well as can be, never written, and no reason to fail.
#[test]
fn a_newer_history_is_read_and_left_alone() {
    let upstream = upstream();
    let env = env(&upstream, "");
    env.run(["sync", "good"]).expect_code(0);
    let newer = "ALTER TABLE jobs ADD COLUMN mood TEXT; PRAGMA user_version = 99;";
    database(&env).execute_batch(newer).unwrap();
    let run = env.run(["sync", "good"]).expect_code(0);
    assert_eq!(run.err().matches("is of version 99, newer than this pdb-sync").count(), 1, "{run}");
    let jobs = env.run(["history", "--json"]).expect_code(0).events("job");
    assert_eq!(jobs.len(), 1, "the second run was written down: {jobs:?}");
    env.run(["stats"]).expect_code(0);
    assert_eq!(env.run(["list", "--json"]).expect_code(0).events("job")[0]["last"]["status"], "ok");
}

/// As a power cut or a bad disk leaves it: pages of zeros amid good ones.
#[test]
fn a_history_with_a_hole_is_set_aside_and_kept() {
    let upstream = upstream();
    let env = env(&upstream, "");
    env.run(["sync", "good"]).expect_code(0);
    // Everything into the one file: the journal would heal it.
    let db = database(&env);
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(db);
    let path = env.state().join("history.db");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..].fill(0);
    std::fs::write(&path, &bytes).unwrap();
    env.run(["history"]).expect_code(1);
    let run = env.run(["sync", "good"]).expect_code(0);
    assert!(run.err().contains("was set aside as"), "{run}");
    assert_eq!(env.run(["history", "--json"]).expect_code(0).events("job").len(), 1);
    let aside = std::fs::read_dir(env.state()).unwrap().flatten();
    let aside: Vec<_> =
        aside.filter(|item| item.file_name().to_string_lossy().starts_with("history.db.damaged-")).collect();
    assert!(aside.iter().any(|item| std::fs::read(item.path()).unwrap() == bytes), "{aside:?}");
}

#[test]
fn a_state_directory_that_is_full_fails_no_job() {
    let upstream = upstream();
    let env = env(&upstream, "[sync]\nlog_keep = 0\n");
    // Where the database should be, there is a directory.
    std::fs::create_dir_all(env.state().join("history.db")).unwrap();
    let run = env.run(["sync", "good"]).expect_code(0);
    assert_eq!(run.err().matches("warning: cannot write the history").count(), 1, "{run}");
    assert!(run.out().contains("All syncs completed successfully."), "{run}");
}

fn list(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn upstream() -> Upstream {
    Upstream::new().with_corpus()
}
