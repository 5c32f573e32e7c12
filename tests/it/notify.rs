//! `[notify]`, against a small server on loopback.

use crate::support::{Env, Upstream, one_job};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};

/// Answers every request with the next of its codes, the last one for ever; 0 is an answer that never comes.
struct Server {
    port: u16,
    heard: Arc<Mutex<Vec<(String, String)>>>,
}

impl Server {
    fn answering(codes: &'static [u16]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&heard);
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut first, mut length) = (String::new(), 0);
                reader.read_line(&mut first).unwrap();
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if let Some((_, value)) = line.to_lowercase().split_once("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let mut told = told.lock().unwrap();
                let code = codes[told.len().min(codes.len() - 1)];
                told.push((first.trim().into(), String::from_utf8(body).unwrap()));
                if code == 0 {
                    held.push(stream);
                    continue;
                }
                let answer = format!("HTTP/1.1 {code} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        Server { port, heard }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// The request lines, sorted: some are sent at the same time.
    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.heard.lock().unwrap().iter().map(|(line, _)| line.clone()).collect();
        lines.sort();
        lines
    }

    fn bodies(&self) -> Vec<serde_json::Value> {
        let heard = self.heard.lock().unwrap();
        heard
            .iter()
            .filter(|(_, body)| !body.is_empty())
            .map(|(_, body)| serde_json::from_str(body).unwrap())
            .collect()
    }
}

fn env(upstream: &Upstream, source: &str, notify: &str) -> Env {
    let env = Env::new().with_pipe(upstream);
    let text = one_job(&[source], &env.mirror("j"), "retries = 0") + "[notify]\n" + notify;
    env.with_config(&text)
}

#[test]
fn a_success_is_pinged_and_nobody_else_is_told() {
    let (server, upstream) = (Server::answering(&[200]), Upstream::new().with_corpus());
    let notify = format!("ping = {:?}\nwebhook = {:?}\n", server.url("secret"), server.url("hook"));
    let run = env(&upstream, "up::m/", &notify).run(["-q", "sync", "j"]).expect_code(0);
    assert_eq!(run.err(), "");
    assert_eq!(server.lines(), ["GET /secret HTTP/1.1", "GET /secret/start HTTP/1.1"]);
}

#[test]
fn a_failure_is_told_with_the_end_of_the_log() {
    let (server, upstream) = (Server::answering(&[200]), Upstream::new());
    let notify = format!(
        "ping = {:?}\nwebhook = {:?}\nlog_tail = 2\ncommand = 'cat >\"$HOME/told\"; echo \"$PDB_SYNC_STATUS $PDB_SYNC_FAILED_JOBS\" >>\"$HOME/told\"'\n",
        server.url("secret"),
        server.url("hook")
    );
    let env = env(&upstream, "up::nowhere/", &notify);
    env.run(["sync", "j"]).expect_code(1);
    let lines = ["GET /secret/fail HTTP/1.1", "GET /secret/start HTTP/1.1", "POST /hook HTTP/1.1"];
    assert_eq!(server.lines(), lines);
    let body = server.bodies().remove(0);
    assert_eq!(
        (&body["status"], &body["exit_code"], &body["failed"]),
        (&"failure".into(), &1.into(), &1.into())
    );
    let job = &body["jobs"][0];
    assert_eq!((&job["job"], &job["status"]), (&"j".into(), &"failed".into()));
    assert!(job["error"].as_str().unwrap().contains("nowhere"), "{body}");
    let tail = job["log_tail"].as_array().unwrap();
    assert!(tail.len() == 2 && tail[1].as_str().unwrap().contains("failed after 1 try"), "{body}");
    let told = std::fs::read_to_string(env.dir().join("home/told")).unwrap();
    assert!(told.starts_with("{\"event\":\"run_finished\"") && told.ends_with("failure j\n"), "{told}");
}

#[test]
fn a_dry_run_tells_nobody() {
    let (server, upstream) = (Server::answering(&[200]), Upstream::new().with_corpus());
    let notify = format!("ping = {:?}\n", server.url("secret"));
    env(&upstream, "up::m/", &notify).run(["sync", "j", "--dry-run"]).expect_code(0);
    assert_eq!(server.lines(), [""; 0]);
}

#[test]
fn a_passing_trouble_is_tried_again() {
    let (server, upstream) = (Server::answering(&[503, 200]), Upstream::new().with_corpus());
    let notify = format!("webhook = {:?}\non = \"always\"\nretries = 1\n", server.url("hook"));
    let run = env(&upstream, "up::m/", &notify).run(["sync", "j"]).expect_code(0);
    assert_eq!(server.lines(), ["POST /hook HTTP/1.1"; 2]);
    assert!(!run.err().contains("cannot notify"), "{run}");
}

#[test]
fn what_cannot_be_told_is_said_without_secrets_and_fails_nothing() {
    let upstream = Upstream::new().with_corpus();
    let (refusing, silent) = (Server::answering(&[404]), Server::answering(&[0]));
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    for (url, words, tries) in [
        (refusing.url("secret-1?token=secret-2"), "it answered 404", ""),
        (silent.url("secret-1"), "timeout", " (2 tries)"),
        (format!("http://127.0.0.1:{closed}/secret-1"), "refused", " (2 tries)"),
        ("http://me:secret-3@127.0.0.1:1/secret-1".into(), "127.0.0.1:1/…", " (2 tries)"),
    ] {
        let notify = format!("webhook = {url:?}\non = \"always\"\nretries = 1\ntimeout = \"300ms\"\n");
        let run = env(&upstream, "up::m/", &notify).run(["sync", "j", "--json"]).expect_code(0);
        let told: Vec<_> =
            run.err().lines().filter(|line| line.contains("cannot notify")).map(String::from).collect();
        assert_eq!(told.len(), 1, "{run}");
        assert!(told[0].to_lowercase().contains(words) && told[0].ends_with(tries), "{run}");
        assert!(!run.err().contains("secret-") && !run.out().contains("secret-"), "{run}");
        assert_eq!(run.json().last().unwrap()["event"], "run_finished");
    }
}

#[test]
fn an_address_from_a_file_or_the_environment_is_told_and_one_that_is_missing_blocks_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let (server, upstream) = (Server::answering(&[200]), Upstream::new().with_corpus());
    let notify = "ping = { file = \"url\" }\nwebhook = { env = \"HOOK\" }\non = \"always\"\n";
    let env = env(&upstream, "up::m/", notify);
    let file = env.dir().join("url");
    for (mode, hook, code) in [(0o600, true, 0), (0o600, false, 2), (0o644, true, 2)] {
        std::fs::write(&file, server.url("secret-1\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let before = server.lines().len();
        let run = |args: &[&str]| {
            let mut command = env.command(args);
            if hook {
                command.env("HOOK", server.url("secret-2"));
            }
            crate::support::Running::start(command).wait()
        };
        let check = run(&["config", "check"]).expect_code(code);
        let doctor = run(&["doctor", "--offline"]).expect_code(i32::from(code != 0));
        let sync = run(&["sync", "j", "-v"]).expect_code(0);
        let shown = run(&["config", "show"]).expect_code(0);
        for ended in [&check, &doctor, &sync, &shown] {
            assert!(!ended.out().contains("secret-") && !ended.err().contains("secret-"), "{ended}");
        }
        let told = server.lines().len() - before;
        match (mode, hook) {
            (0o600, true) => assert_eq!((told, sync.err().contains("warning: ")), (3, false), "{sync}"),
            (0o600, false) => {
                assert!(
                    check.err().contains("config.toml:") && check.err().contains("no variable HOOK"),
                    "{check}"
                );
                assert!(sync.err().contains("webhook was not called") && told == 2, "{sync}");
            }
            _ => {
                assert!(check.err().contains("hint: chmod 600"), "{check}");
                assert!(sync.err().contains("no ping was sent") && told == 1, "{sync}");
            }
        }
    }
}
