//! `stats`: figures and alerts of jobs, and the page for Prometheus.

use crate::support::{Env, Upstream};
use rusqlite::Connection;
use serde_json::Value;
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Command;

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
pub(super) fn two(upstream: &Upstream) -> Env {
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

pub(super) fn words(lines: &[Value], key: &str) -> Vec<String> {
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
