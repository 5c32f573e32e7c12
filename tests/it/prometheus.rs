//! A real Prometheus scrapes what `stats --prometheus` writes, and every query of the dashboard and of the alert rules is asked.

use crate::support::{Env, Upstream, eventually, skipped};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config-examples/prometheus").join(name)
}

/// Serves a file as the node exporter does that finds it in its directory.
fn serve(file: PathBuf) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let Ok(mut client) = client else { continue };
            let page = fs::read_to_string(&file).unwrap_or_default();
            let _ = client.read(&mut [0; 4096]);
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n";
            let _ = write!(client, "{head}Content-Length: {}\r\n\r\n{page}", page.len());
        }
    });
    port
}

/// A Prometheus of our own, ended when dropped.
struct Prometheus {
    child: Child,
    port: u16,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    /// Scrapes that port every second, and evaluates the example's rules. `None` where none is installed.
    fn start(dir: &Path, target: u16) -> Option<Self> {
        let config = format!(
            "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files: ['{}']\nscrape_configs:\n\
             - job_name: node\n  static_configs: [{{targets: ['127.0.0.1:{target}']}}]\n",
            example("alerts.yml").display()
        );
        fs::write(dir.join("prometheus.yml"), config).unwrap();
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let log = fs::File::create(dir.join("prometheus.log")).unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", dir.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", dir.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        match child {
            Ok(child) => Some(Prometheus { child, port }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                skipped("there is no prometheus to scrape the metrics");
                None
            }
            Err(error) => panic!("prometheus: {error}"),
        }
    }

    /// The answer to a request; `None` while nobody answers.
    fn get(&self, path: &str) -> Option<Value> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    /// What a query finds now. Panics if it is no query.
    #[track_caller]
    fn ask(&self, query: &str) -> Vec<Value> {
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let Some(answer) = self.get(&format!("/api/v1/query?query={encoded}")) else { return Vec::new() };
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }
}

fn labels(found: &[Value], label: &str) -> BTreeSet<String> {
    found.iter().filter_map(|one| one["metric"][label].as_str().map(Into::into)).collect()
}

/// Every query of the dashboard, with what Grafana puts in the place of its variables.
fn queries_of_the_dashboard() -> Vec<String> {
    let dashboard: Value =
        serde_json::from_str(&fs::read_to_string(example("dashboard.json")).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let queries = targets.map(|target| target["expr"].as_str().unwrap());
    let filled = |query: &str| query.replace("$mirror", ".*").replace("$__range", "1h");
    let queries: Vec<String> = queries.map(filled).collect();
    assert!(queries.len() >= 10 && queries.iter().all(|query| !query.contains('$')), "{queries:?}");
    queries
}

/// The names of our metrics in a text.
fn metrics(text: &str) -> BTreeSet<String> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = text.match_indices("pdb_sync_").map(|(at, _)| at);
    starts.map(|at| text[at..].chars().take_while(|c| part(*c)).collect()).collect()
}

#[test]
fn a_real_prometheus_finds_everything_under_our_own_labels() {
    let upstream = Upstream::new().with_corpus();
    let env = Env::new().with_pipe(&upstream).with_config(
        "version = 1\n[defaults]\nretries = 0\nroot = 'mirror'\n[jobs.good]\nsource = 'up::m/'\ndest = 'good'\n\
         [jobs.bad]\nsource = 'up::nowhere/'\ndest = 'bad'\n[[stats.alerts]]\njob = 'bad'\nage_above = '1ms'\n\
         [stats]\nkeep_runs = 2\n",
    );
    let file = env.dir().join("pdb_sync.prom");
    let write = || env.run(["stats", "--prometheus", file.to_str().unwrap()]).expect_code(0);
    env.run(["sync", "--all"]).expect_code(1);
    env.run(["scan", "good"]).expect_code(0);
    write();
    let Some(prometheus) = Prometheus::start(env.dir(), serve(file.clone())) else { return };
    eventually("it has scraped twice", || {
        prometheus.ask("count_over_time(pdb_sync_job_alerts{mirror=\"good\"}[1h]) >= 2").len() == 1
    });
    // The label of the scraper is its own, and ours keeps its name.
    let all = prometheus.ask("{__name__=~\"pdb_sync_.+\"}");
    assert_eq!(labels(&all, "job"), ["node".to_owned()].into(), "{all:?}");
    assert!(labels(&all, "exported_job").is_empty(), "{all:?}");
    assert_eq!(labels(&all, "mirror"), ["bad".to_owned(), "good".to_owned()].into());

    // Runs that are forgotten are not forgotten by the counters.
    for _ in 0..3 {
        env.run(["sync", "good"]).expect_code(0);
    }
    assert_eq!(env.run(["history", "good", "--json"]).expect_code(0).events("job").len(), 2);
    write();
    let ok = "pdb_sync_job_runs_total{mirror=\"good\", status=\"ok\"} == 4";
    eventually("the runs are counted", || !prometheus.ask(ok).is_empty());
    assert!(!prometheus.ask("pdb_sync_job_runs_total{mirror=\"bad\", status=\"failed\"} == 1").is_empty());
    assert!(!prometheus.ask("pdb_sync_job_duration_seconds_count{mirror=\"good\"} == 4").is_empty());
    let page = fs::read_to_string(&file).unwrap();
    let counts = |name: &String| ["_total", "_count", "_sum"].iter().any(|end| name.ends_with(end));
    for counter in metrics(&page).iter().filter(|name| counts(name)) {
        assert!(prometheus.ask(&format!("resets({counter}[1h]) > 0")).is_empty(), "{counter} has fallen");
    }
    assert!(
        !prometheus
            .ask("increase(pdb_sync_job_runs_total{mirror=\"good\", status=\"ok\"}[1h]) > 2")
            .is_empty()
    );

    for query in queries_of_the_dashboard() {
        assert!(!prometheus.ask(&query).is_empty(), "{query} finds nothing");
    }
    let rules = fs::read_to_string(example("alerts.yml")).unwrap();
    for metric in metrics(&rules) {
        assert!(!prometheus.ask(&metric).is_empty(), "{metric} of the rules is not there");
    }
    // They are evaluated, and fire for the job that deserves it.
    let fires = |alert: &str| {
        labels(&prometheus.ask(&format!("ALERTS{{alertname=\"{alert}\"}}")), "mirror")
            .into_iter()
            .collect::<Vec<_>>()
    };
    for alert in ["PdbSyncAlert", "MirrorNeverSucceeded"] {
        eventually(alert, || fires(alert) == ["bad"]);
    }
    assert!(fires("MirrorStale").is_empty() && fires("MirrorSourceShrank").is_empty());
}

/// Both are what promtool says of them, and every rule has a test.
#[test]
fn the_alert_rules_do_what_they_say() {
    for (what, file) in [("check", "alerts.yml"), ("test", "alerts_test.yml")] {
        match Command::new("promtool").args([what, "rules"]).arg(example(file)).output() {
            Ok(told) => assert!(told.status.success(), "promtool {what} rules: {told:?}"),
            Err(_) => return skipped("there is no promtool to test the alert rules"),
        }
    }
    let (rules, tests) =
        ["alerts.yml", "alerts_test.yml"].map(|file| fs::read_to_string(example(file)).unwrap()).into();
    let named = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    for alert in named {
        assert!(tests.contains(&format!("- alertname: {alert}\n")), "{alert} has no test in which it fires");
    }
}
