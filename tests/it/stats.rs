//! `stats`: figures, alerts, what commands cost, and the page for Prometheus.

use crate::support::{Env, Running, Upstream, corpus, eventually};
use rusqlite::Connection;
use serde_json::Value;
use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const ALERTS: &str = "after = [\"printf %s \\\"$PDB_SYNC_ALERTS\\\" >\\\"$HOME/alerts\\\"\"]
[[stats.alerts]]\njob = \"good\"\nmetric = \"files\"\nabove = 0
[[stats.alerts]]\nslower_than = \"2x p95\"
[[stats.alerts]]\njob = \"bad\"\nage_above = \"1ms\"\n";

/// The hook belongs to the last job of the file.
fn with_alerts(env: Env) -> Env {
    let dest = |name: &str| toml::Value::from(env.mirror(name).to_str().unwrap()).to_string();
    let (bad, good) = (dest("bad"), dest("good"));
    let text = format!(
        "version = 1\n[defaults]\nretries = 0\n[jobs.bad]\nsource = \"up::nowhere/\"\ndest = {bad}\n\
         [jobs.good]\nsource = \"up::m/\"\ndest = {good}\n{ALERTS}"
    );
    env.with_config(&text)
}

#[test]
fn alerts_are_told_and_handed_on() {
    let upstream = Upstream::new().with_corpus();
    let env = with_alerts(Env::new().with_pipe(&upstream));
    // What has never run is older than any limit.
    let never = "[bad] no run of it is recorded\n";
    assert_eq!(env.run(["stats", "--check"]).expect_code(1).out(), never);
    assert_eq!(env.run(["stats", "good", "--check"]).expect_code(0).out(), "");
    let run = env.run(["sync", "good"]).expect_code(0);
    let files = env.run(["history", "--json"]).events("job")[0]["files_transferred"].clone();
    let alert = format!("files is {files}, above 0");
    let out = run.out();
    let summary = &out[out.find("=== Sync Summary ===").unwrap()..];
    assert!(summary.contains(&format!("  alert: {alert}\n")), "{run}");
    assert!(run.err().contains(&format!("alert: {alert}")), "{run}");
    assert_eq!(std::fs::read_to_string(env.dir().join("home/alerts")).unwrap(), alert);
    let check = env.run(["stats", "--check"]).expect_code(1);
    assert_eq!(check.out(), format!("{never}[good] {alert}\n"));
    // The next run has nothing to do, and all is quiet again.
    env.run(["sync", "good"]).expect_code(0);
    env.run(["stats", "good", "--check"]).expect_code(0);
    // A job that is slower than its own habit, and one that never succeeds.
    let again =
        "INSERT INTO runs (id, state, started, duration, exit_code, signal, parallel, pid, process)
        SELECT id || ?1, state, started - ?1, duration, exit_code, signal, parallel, pid, process FROM runs LIMIT 1";
    let db = Connection::open(env.state().join("history.db")).unwrap();
    for n in 1..=6 {
        db.execute(again, [n]).unwrap();
        let old = "INSERT INTO jobs (run, job, place, status, started, duration, queued)
            SELECT id, 'good', 0, 'ok', started, 1, 0 FROM runs ORDER BY started LIMIT 1";
        db.execute(old, []).unwrap();
    }
    db.execute("UPDATE jobs SET duration = 60000000 WHERE started = (SELECT MAX(started) FROM jobs)", [])
        .unwrap();
    env.run(["sync", "bad"]).expect_code(1);
    let check = env.run(["stats", "--check", "--json"]).expect_code(1);
    let (alerts, texts) = (words(&check.events("alert"), "job"), words(&check.events("alert"), "text"));
    assert_eq!(alerts, ["bad", "good"], "{check}");
    assert!(
        texts[0].starts_with("no success of it is recorded, and its oldest recorded run started "),
        "{check}"
    );
    assert!(texts[1].starts_with("took 1m, more than 2 times the p95 of earlier runs"), "{check}");
}

/// The alert is a warning; the job is `ok`, so that no summary is due.
#[test]
fn quiet_leaves_an_alert_without_a_summary() {
    let upstream = Upstream::new().with_corpus();
    for (more, alert) in
        [(&[][..], "warning: alert: files is "), (&["--github"], "::warning title=good::alert: files is ")]
    {
        let env = with_alerts(Env::new().with_pipe(&upstream));
        let run = env.run([&["-q", "sync", "good"], more].concat()).expect_code(0);
        let said = if more.is_empty() { run.err() } else { run.out() };
        assert!(said.contains(alert), "{run}");
        assert_eq!((run.out() + &run.err()).lines().count(), 1, "{run}");
    }
}

/// Jobs `good` and `bad`, the latter with a module that does not exist; `idle` never runs, `off` is not expected to.
fn two(upstream: &Upstream) -> Env {
    let env = Env::new().with_pipe(upstream);
    let dest = |name: &str| toml::Value::from(env.mirror(name).to_str().unwrap()).to_string();
    let text = format!(
        "version = 1\n[defaults]\nretries = 0\n[jobs.good]\nsource = \"up::m/\"\ndest = {}\n\
         [jobs.bad]\nsource = \"up::nowhere/\"\ndest = {}\n\
         [jobs.off]\nsource = \"up::m/\"\ndest = {}\nenabled = false\n",
        dest("good"),
        dest("bad"),
        dest("off"),
    );
    env.with_config(&text)
}

fn words(lines: &[Value], key: &str) -> Vec<String> {
    lines.iter().filter_map(|line| line[key].as_str().map(Into::into)).collect()
}

#[test]
fn figures_are_told_as_text_json_and_metrics() {
    let upstream = Upstream::new().with_corpus();
    let env = two(&upstream);
    env.run(["sync", "--all"]).expect_code(1);
    env.run(["sync", "good"]).expect_code(0);
    let text = env.run(["stats"]).expect_code(0).out();
    assert!(text.starts_with("JOB ") && text.contains("\ngood  2     100%"), "{text}");
    let stats = env.run(["stats", "good", "--json"]).expect_code(0).events("stats");
    assert_eq!((stats.len(), &stats[0]["runs"]), (1, &Value::from(2)));
    for key in ["p50", "p90", "p95", "p99", "mean"] {
        assert!(stats[0]["duration_s"][key].as_f64().unwrap() > 0.0, "{stats:?}");
    }
    assert_eq!(stats[0]["trend"]["duration"], Value::Null);
    let unknown = env.run(["stats", "god"]).expect_code(2).err();
    assert!(unknown.contains("did you mean \"good\"?"), "{unknown}");
    env.run(["scan", env.mirror("good").to_str().unwrap()]).expect_code(0);
    let file = env.dir().join("x.prom");
    env.run(["stats", "--prometheus", file.to_str().unwrap()]).expect_code(0);
    let page = fs::read_to_string(&file).unwrap();
    assert!(page.contains("pdb_sync_job_runs_total{mirror=\"good\",status=\"ok\"} 2\n"), "{page}");
    assert!(page.contains("pdb_sync_command_runs_total{command=\"scan\"} 1\n"), "{page}");
    well_formed(&page);
    promtool(&file);
    let missing = env.run(["stats", "--prometheus", "/nowhere/x.prom"]).expect_code(1).err();
    assert!(missing.contains("cannot write the metrics /nowhere/x.prom"), "{missing}");
}

/// What never ran has no figures, and says so everywhere; what is switched off is not spoken of.
#[test]
fn a_job_that_never_ran_is_there_without_figures() {
    let upstream = Upstream::new().with_corpus();
    let env = two(&upstream);
    let none = env.run(["stats"]).expect_code(0);
    assert_eq!((none.out(), none.err()), (String::new(), "no recorded run matches\n".into()));
    env.run(["sync", "good"]).expect_code(0);
    let stats = env.run(["stats", "--json"]).expect_code(0).events("stats");
    assert_eq!(words(&stats, "job"), ["bad", "good"]);
    assert_eq!((&stats[0]["runs"], &stats[0]["success_rate"]), (&0.into(), &Value::Null));
    assert!(stats[0]["duration_s"].is_null() && stats[0]["last_status"].is_null(), "{stats:?}");
    let file = env.dir().join("x.prom");
    env.run(["stats", "--prometheus", file.to_str().unwrap()]).expect_code(0);
    let page = fs::read_to_string(&file).unwrap();
    assert!(page.contains("pdb_sync_job_runs_total{mirror=\"bad\",status=\"ok\"} 0\n"), "{page}");
    assert!(!page.contains("last_status{mirror=\"bad\""), "{page}");
    well_formed(&page);
    promtool(&file);
}

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

/// Prometheus' own opinion, where it is installed.
fn promtool(file: &Path) {
    let page = fs::File::open(file).unwrap();
    match Command::new("promtool").args(["check", "metrics"]).stdin(page).output() {
        Ok(checked) => assert!(checked.status.success() && checked.stderr.is_empty(), "{checked:?}"),
        Err(_) => crate::support::skipped(
            "there is no promtool, Prometheus' own opinion of the metrics is not asked for",
        ),
    }
}

/// The rules of the text format, and those of `promtool check metrics` about names: everything that a page of ours may hold.
fn well_formed(page: &str) {
    assert!(page.ends_with('\n') && !page.contains("\n\n"), "{page}");
    let name = |name: &str| {
        let mut bytes = name.bytes();
        bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let (mut family, mut kind, mut samples) = (String::new(), String::new(), 1);
    let mut seen = HashSet::new();
    for line in page.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            assert!(samples > 0, "{family} has no samples");
            let (metric, text) = help.split_once(' ').unwrap();
            assert!(name(metric) && !text.is_empty(), "{line}");
            assert!(seen.insert(metric.to_owned()), "{metric} stands in two places");
            // Units are base units, at the end; endings with a meaning belong to other kinds.
            for bad in ["_sum", "_count", "_bucket", "_ms", "_milliseconds", "_kb", "_info"] {
                assert!(!metric.ends_with(bad), "{line}");
            }
            (family, kind, samples) = (metric.into(), String::new(), 0);
        } else if let Some(told) = line.strip_prefix("# TYPE ") {
            let (metric, of) = told.split_once(' ').unwrap();
            assert!(
                metric == family && kind.is_empty() && ["counter", "gauge", "summary"].contains(&of),
                "{line}"
            );
            assert_eq!(metric.ends_with("_total"), of == "counter", "{line}");
            assert!(!metric.contains(of), "the kind is no part of the name: {line}");
            kind = of.into();
        } else {
            samples += 1;
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().unwrap().is_finite(), "{line}");
            assert!(seen.insert(series.into()), "{series} twice");
            let (metric, labels) = series.strip_suffix('}').unwrap().split_once('{').unwrap();
            let summary = ["_sum", "_count"].iter().find_map(|end| metric.strip_suffix(end));
            assert_eq!(if kind == "summary" { summary.unwrap_or(metric) } else { metric }, family, "{line}");
            let labels = of(labels);
            assert!(labels.iter().all(|(label, _)| name(label) && !label.starts_with("__")), "{line}");
            // These are the scraper's own.
            assert!(labels.iter().all(|(label, _)| label != "job" && label != "instance"), "{line}");
            let quantile = labels.iter().find(|(label, _)| label == "quantile");
            assert_eq!(quantile.is_some(), kind == "summary" && summary.is_none(), "{line}");
            assert!(quantile.is_none_or(|(_, q)| (0.0..=1.0).contains(&q.parse::<f64>().unwrap())), "{line}");
        }
    }
    assert!(samples > 0, "{family} has no samples");
}

/// The labels of a sample, their values as they are meant.
fn of(mut text: &str) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    while !text.is_empty() {
        let (label, rest) = text.split_once("=\"").unwrap();
        let (mut value, mut chars) = (String::new(), rest.char_indices());
        let end = loop {
            match chars.next().unwrap() {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next().unwrap().1 {
                    'n' => '\n',
                    same @ ('"' | '\\') => same,
                    other => panic!("\\{other} is no escape"),
                }),
                (_, other) => value.push(other),
            }
        };
        labels.push((label.into(), value));
        text = &rest[end + 1..];
        text = text.strip_prefix(',').unwrap_or(text);
    }
    labels
}
