//! `stats` about commands: what they cost, in parts, and their alerts.

use super::stats::{two, words};
use crate::support::{Env, Running, Upstream, corpus, eventually};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

#[test]
fn what_commands_cost_is_remembered() {
    let upstream = Upstream::new().with_corpus();
    let env = two(&upstream);
    corpus::lay_out(&env.mirror("good"));
    let path = env.mirror("good");
    let path = path.to_str().unwrap();
    let mut commands = vec![("scan", 2), ("verify", 1)];
    env.run(["scan", path]).expect_code(0);
    env.run(["scan", path, "--json"]).expect_code(0);
    env.run(["verify", path]).expect_code(0);
    if cfg!(feature = "search") {
        env.run(["index", path]).expect_code(0);
        env.run(["search", "capsid"]).expect_code(0);
        env.run(["search", "xylophone", "--fail-on-empty"]).expect_code(1);
        // What was refused has cost nothing, and a conversation is no search.
        env.run(["search", "a", "--facets", "metod"]).expect_code(2);
        env.run(["search", "--repl"]).expect_code(0);
        commands.extend([("index", 1), ("search", 2)]);
    }
    commands.sort_unstable();
    let stats = env.run(["stats", "--json"]).expect_code(0);
    let known = stats.events("command");
    let runs: Vec<_> =
        known.iter().map(|c| (c["command"].as_str().unwrap(), c["runs"].as_i64().unwrap())).collect();
    assert_eq!(runs, commands, "{stats}");
    for command in &known {
        assert!(command["duration_s"]["p95"].as_f64().unwrap() > 0.0, "{stats}");
        assert!(command["cpu_s"]["p50"].as_f64().unwrap() > 0.0, "{stats}");
        assert_eq!(command["memory_bytes"].is_object(), Path::new("/proc/self/status").exists(), "{stats}");
    }
    assert_eq!(stats.json().last().unwrap()["commands"], commands.len());
    let text = env.run(["stats"]).expect_code(0).out();
    assert!(text.starts_with("COMMAND ") && text.contains("\nscan "), "{text}");
    assert!(env.run(["stats", "good", "--json"]).expect_code(0).events("command").is_empty());
    assert!(env.run(["history"]).expect_code(0).out().is_empty(), "they are no runs");
}

/// Every command whose costs are recorded tells what its parts took.
#[test]
fn the_parts_of_a_command_add_up_to_the_whole() {
    let upstream = Upstream::new().with_corpus();
    let env = two(&upstream);
    env.run(["sync", "good"]).expect_code(0);
    let old = std::time::SystemTime::now() - Duration::from_secs(3 * 86_400);
    fs::write(env.mirror("good").join("x~"), "x").unwrap();
    fs::File::open(env.mirror("good").join("x~")).unwrap().set_modified(old).unwrap();
    let mut all = vec![
        ("scan", vec!["scan", "good"], vec!["select", "walk", "report", "rest"]),
        ("verify", vec!["verify", "good"], vec!["select", "walk", "check", "rest"]),
        ("reclaim", vec!["reclaim", "good"], vec!["select", "release", "rest"]),
        ("clean plan", vec!["clean", "plan", "good"], vec!["select", "walk", "judge", "rest"]),
        ("clean run", vec!["clean", "run", "--yes"], vec!["read", "compare", "prepare", "remove", "rest"]),
        ("clean undo", vec!["clean", "undo", "last"], vec!["select", "read", "restore", "rest"]),
        ("clean purge", vec!["clean", "purge"], vec!["select", "purge", "rest"]),
    ];
    if cfg!(feature = "search") {
        all.push(("index", vec!["index", "good"], vec!["select", "compare", "read", "rest"]));
        all.push(("search", vec!["search", "capsid"], vec!["open", "search", "rest"]));
    }
    for (command, line, due) in all {
        env.run(&line).expect_code(0);
        let stats = env.run(["stats", "--command", command, "--json"]).expect_code(0);
        let [found] = &stats.events("command")[..] else { panic!("{command}: {stats}") };
        let parts = found["parts"].as_array().unwrap();
        assert_eq!(words(parts, "part"), due, "{stats}");
        let sum: f64 = parts.iter().map(|part| part["duration_s"]["p99"].as_f64().unwrap()).sum();
        let whole = found["duration_s"]["p99"].as_f64().unwrap();
        // Each is cut to microseconds; the clock of the whole starts and ends a little apart.
        assert!((sum - whole).abs() < 0.005 + whole / 10.0, "{command}: {sum} of {whole}");
        let text = env.run(["stats", "--command", command]).expect_code(0).out();
        assert!(
            text.contains("\nPART ") && due.iter().all(|part| text.contains(&format!("\n{part} "))),
            "{text}"
        );
    }
    let sync = env.run(["stats", "--command", "sync", "--json"]).expect_code(0);
    let parts = words(sync.events("command")[0]["parts"].as_array().unwrap(), "part");
    assert!(parts.contains(&"transfer".to_owned()), "{sync}");
    let of_a_job = env.run(["stats", "good", "--command", "sync", "--json"]).expect_code(0);
    assert_eq!(of_a_job.events("command")[0]["runs"], 1, "{of_a_job}");
    let wrong = env.run(["stats", "good", "--command", "scan"]).expect_code(2);
    assert!(wrong.err().contains("whatever the job"), "{wrong}");
    let unknown = env.run(["stats", "--command", "scna"]).expect_code(2);
    assert!(unknown.err().contains("'scan'"), "{unknown}");
}

#[test]
#[cfg_attr(not(feature = "search"), ignore = "it searches")]
fn queries_are_counted_and_those_from_the_cache_too() {
    let env = Env::new();
    corpus::lay_out(&env.mirror("x"));
    env.run(["index", "./mirror/x"]).expect_code(0);
    assert!(env.run(["stats", "--json"]).expect_code(0).events("searches").is_empty());
    env.run(["search", "capsid"]).expect_code(0);
    let mut command = env.command(["search", "--repl"]);
    let (input, mut queries) = std::io::pipe().unwrap();
    command.stdin(input);
    let running = Running::start(command);
    queries.write_all(b"capsid\namyloid\ncapsid\n").unwrap();
    // The time in which nobody asks is not counted.
    running.until_said("found in");
    let asked = Instant::now();
    eventually("somebody thinks", || asked.elapsed() >= Duration::from_secs(1));
    drop(queries);
    running.wait().expect_code(0);
    let stats = env.run(["stats", "--json"]).expect_code(0);
    let [searches] = &stats.events("searches")[..] else { panic!("{stats}") };
    assert_eq!((&searches["queries"], &searches["cached"]), (&4.into(), &1.into()), "{stats}");
    assert!(searches["duration_s"]["p99"].as_f64().unwrap() > 0.0, "{stats}");
    let session = stats.events("command").into_iter().find(|one| one["command"] == "search --repl").unwrap();
    assert!(session["duration_s"]["p50"].as_f64().unwrap() < 1.0, "{stats}");
    let text = env.run(["stats"]).expect_code(0).out();
    assert!(text.contains("\nsearches: 4 queries, 1 of them answered from the cache; p50 "), "{text}");
}

#[test]
fn an_alert_may_be_about_a_command() {
    let alerts = |text: &str| format!("[[stats.alerts]]\ncommand = 'scan'\n{text}\n");
    let env = Env::new().with_config(&alerts("metric = 'duration'\nabove = 0"));
    corpus::lay_out(&env.mirror("x"));
    env.run(["stats", "--check"]).expect_code(0);
    env.run(["scan", "./mirror/x"]).expect_code(0);
    let fired = env.run(["stats", "--check", "--json"]).expect_code(1);
    let [alert] = &fired.events("alert")[..] else { panic!("{fired}") };
    assert_eq!((&alert["job"], &alert["command_name"]), (&Value::Null, &"scan".into()), "{fired}");
    for args in [&["stats"][..], &["stats", "--command", "scan"]] {
        let text = env.run(args).expect_code(0).out();
        assert!(text.contains("alert: [scan] duration is "), "{text}");
    }
    let other = env.run(["stats", "--command", "verify", "--json"]).expect_code(0);
    assert_eq!(other.json().pop().unwrap()["alerts"], 0, "{other}");
    fs::write(env.config(), alerts("age_above = '1d'")).unwrap();
    env.run(["stats", "--check"]).expect_code(0);
    fs::write(env.config(), alerts("age_above = '1d'").replace("scan", "verify")).unwrap();
    env.run(["stats", "--check"]).expect_code(1);
}

/// What has cost nothing, since it was refused or only rehearsed, is not remembered; nor is the time in which people think.
#[test]
fn what_cleaning_costs_is_remembered() {
    let env = Env::new();
    let root = env.mirror("m");
    fs::create_dir_all(root.join("d")).unwrap();
    fs::write(root.join("d/x~"), "x").unwrap();
    let old = std::time::SystemTime::now() - Duration::from_secs(3 * 86_400);
    fs::File::open(root.join("d/x~")).unwrap().set_modified(old).unwrap();
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    env.run(["clean", "run"]).expect_code(2);
    env.run(["clean", "run", "--mode", "dry-run"]).expect_code(0);
    env.run(["clean", "run", "--yes", "--expect", "0123456789abcdef"]).expect_code(4);

    let (input, mut answer) = std::io::pipe().unwrap();
    let mut command = env.command(["clean", "run", "--mode", "interactive"]);
    command.stdin(input);
    let begun = Instant::now();
    let running = Running::start(command);
    running.until_said("Remove? ");
    let asked = Instant::now();
    eventually("somebody thinks", || asked.elapsed() >= Duration::from_secs(1));
    let thought = asked.elapsed();
    writeln!(answer, "y").unwrap();
    running.wait().expect_code(0);
    let took = (begun.elapsed() - thought).as_secs_f64();
    assert!(!root.join("d/x~").exists());

    env.run(["clean", "undo", "last"]).expect_code(0);
    env.run(["clean", "purge", "--dry-run"]).expect_code(0);
    env.run(["clean", "purge"]).expect_code(0);
    let known = env.run(["stats", "--json"]).expect_code(0).events("command");
    let runs: Vec<_> =
        known.iter().map(|c| (c["command"].as_str().unwrap(), c["runs"].as_i64().unwrap())).collect();
    assert_eq!(runs, [("clean plan", 1), ("clean purge", 1), ("clean run", 1), ("clean undo", 1)]);
    let cost = known[2]["duration_s"]["p50"].as_f64().unwrap();
    assert!(cost > 0.0 && cost <= took, "{cost} s of {took} s");
}

/// Whoever may search need not be allowed to write.
#[test]
fn where_costs_cannot_be_written_nobody_is_bothered() {
    let env = Env::new();
    fs::create_dir_all(env.state().join("costs.jsonl")).unwrap();
    corpus::lay_out(&env.mirror("x"));
    let ended = env.run(["scan", "./mirror/x"]).expect_code(0);
    assert_eq!(ended.err(), "", "{ended}");
    let ended = env.run(["-v", "scan", "./mirror/x"]).expect_code(0);
    assert!(ended.err().contains("note: cannot write the costs of commands in "), "{ended}");
}
