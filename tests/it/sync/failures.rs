//! A server that refuses, is full, is silent or goes away.

use crate::support::{Env, Fake, Upstream, eventually, holds_something, one_job, tree};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::{fs, thread};

/// Bytes that do not compress, and differ from block to block.
pub(super) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(next).collect()
}

/// A port on loopback that nobody listens on.
pub(super) fn closed_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

#[test]
fn a_refused_port_is_tried_again_and_then_failed_in_plain_words() {
    let env = Env::new();
    let source = format!("rsync://127.0.0.1:{}/m/", closed_port());
    let env = env.with_config("");
    fs::write(env.config(), one_job(&[&source], &env.mirror("j"), "retries = 2\ndelete = true")).unwrap();
    let ended = env.run(["sync", "--all", "--json"]).expect_code(1);
    assert_eq!(ended.tries(), vec![(source.clone(), Some(10)); 3], "{ended}");
    assert_eq!(ended.events("retry").len(), 2, "{ended}");
    let finished = ended.finished();
    assert_eq!(finished["status"], "failed");
    let error = finished["error"].as_str().unwrap();
    assert!(error.contains("127.0.0.1") && error.contains("was refused"), "{ended}");
    assert!(finished["hint"].as_str().unwrap().contains("firewall"), "{ended}");
    assert!(finished["total_files"].is_null(), "{ended}");
}

#[test]
fn an_unknown_module_is_not_tried_again() {
    let upstream = Upstream::new();
    let env = Env::new().with_pipe(&upstream);
    let config = one_job(&[&upstream.url("nothing/")], &env.mirror("j"), "");
    let env = env.with_config(&config);
    let ended = env.run(["sync", "j", "--json"]).expect_code(1);
    assert_eq!(ended.tries().len(), 1, "{ended}");
    let finished = ended.finished();
    assert_eq!((&finished["status"], &finished["exit_code"]), (&"failed".into(), &5.into()), "{ended}");
    assert!(finished["error"].as_str().unwrap().contains("no module \"nothing\""), "{ended}");
}

#[test]
fn a_password_decides_and_a_wrong_one_is_not_tried_again() {
    let upstream = Upstream::new().module("locked", &[("auth users", "someone")]).with_corpus();
    let env = Env::new().with_pipe(&upstream);
    let file = env.dir().join("password");
    let source = "rsync://someone@upstream.invalid/locked/";
    let more = format!("rsync_args = [\"--password-file={}\"]", file.display());
    let config = one_job(&[source], &env.mirror("j"), &more);
    let env = env.with_config(&config);
    fs::write(&file, "wrong\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let ended = env.run(["sync", "j", "--json"]).expect_code(1);
    assert_eq!(ended.tries(), [(source.to_owned(), Some(5))], "{ended}");
    assert!(ended.finished()["error"].as_str().unwrap().contains("refused the login"), "{ended}");
    assert!(tree(&env.mirror("j")).is_empty());

    fs::write(&file, "secret\n").unwrap();
    env.run(["sync", "j"]).expect_code(0);
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()));
}

/// Asks for a module and says no more: a connection that counts.
fn hold(port: u16, module: &str) -> TcpStream {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("@RSYNCD: "), "{line}");
    write!(stream, "@RSYNCD: 31.0\n{module}\n").unwrap();
    line.clear();
    reader.read_line(&mut line).unwrap();
    assert_eq!(line, "@RSYNCD: OK\n");
    stream
}

#[test]
fn a_full_server_is_waited_for() {
    let upstream = Upstream::new().module("narrow", &[("max connections", "1")]).with_corpus().listen();
    let source = upstream.url("narrow/");
    let port = source.split([':', '/']).find_map(|part| part.parse().ok()).unwrap();
    let held = hold(port, "narrow");
    let env = Env::new();
    let config = one_job(&[&source], &env.mirror("j"), "retries = 12");
    let env = env.with_config(&config);
    let running = env.spawn(["sync", "j", "--json"]);
    running.until_said("\"event\":\"retry\"");
    drop(held);
    let ended = running.wait().expect_code(0);
    assert_eq!(ended.tries()[0], (source, Some(5)), "{ended}");
    let reason = ended.events("retry")[0]["reason"].clone();
    assert!(reason.as_str().unwrap().contains("is full: max connections (1)"), "{ended}");
    // Half of the ceiling at least: asking at once would only keep it full.
    assert!(ended.events("retry")[0]["delay_s"].as_f64().unwrap() >= 0.005, "{ended}");
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()));
}

#[test]
fn a_peer_that_accepts_and_says_nothing_is_stalled() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let source = format!("rsync://127.0.0.1:{}/m/", listener.local_addr().unwrap().port());
    // Holds what it accepts, for as long as the test runs.
    thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    let env = Env::new();
    let config = one_job(&[&source], &env.mirror("j"), "retries = 1\nstall = \"300ms\"");
    let env = env.with_config(&config);
    let ended = env.run(["sync", "j", "--json"]).expect_code(1);
    assert_eq!(ended.tries(), vec![(source, None); 2], "{ended}");
    let finished = ended.finished();
    assert!(finished["error"].as_str().unwrap().starts_with("stalled: no byte"), "{ended}");
}

#[test]
fn a_server_that_goes_silent_in_mid_transfer_is_ended_and_tried_again() {
    let upstream = Upstream::new();
    upstream.write("big", noise(3_000_000));
    let upstream = upstream.listen();
    let env = Env::new();
    // A minimum rate over the same time would end it as well.
    let more = "retries = 12\nstall = \"400ms\"\nbwlimit = \"1MB\"\nmin_rate = \"0\"";
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), more);
    let env = env.with_config(&config);
    let running = env.spawn(["sync", "j", "--json"]);
    let dest = env.mirror("j");
    eventually("something has come", || holds_something(&dest));
    upstream.freeze();
    running.until_said("\"event\":\"retry\"");
    upstream.thaw();
    let ended = running.wait().expect_code(0);
    let reason = ended.events("retry")[0]["reason"].clone();
    assert!(reason.as_str().unwrap().starts_with("stalled: "), "{ended}");
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()), "{ended}");
}

#[test]
fn a_dropped_transfer_goes_on_from_the_partial_file() {
    let upstream = Upstream::new();
    let len = 3_000_000;
    upstream.write("sub/big", noise(len));
    let upstream = upstream.listen();
    let env = Env::new();
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), "bwlimit = \"1MB\"");
    let env = env.with_config(&config);
    let running = env.spawn(["sync", "j", "--json", "--retries", "0"]);
    let sub = env.mirror("j").join("sub");
    eventually("a third has come", || {
        let temporary = fs::read_dir(&sub).into_iter().flatten().flatten().next();
        temporary.is_some_and(|file| file.metadata().is_ok_and(|meta| meta.len() > 1_000_000))
    });
    upstream.drop_connections();
    let ended = running.wait().expect_code(1);
    assert_eq!(ended.finished()["exit_code"], 12, "{ended}");
    assert!(!sub.join("big").exists());
    let kept = fs::metadata(sub.join(".~partial~/big")).unwrap().len();
    assert!(kept > 1_000_000, "{kept}");

    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    let came = ended.finished()["bytes_received"].as_u64().unwrap();
    assert!(came < len as u64 - 900_000, "{came} came although {kept} were there");
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()));
}

#[test]
fn a_dropped_transfer_is_tried_again_by_itself() {
    let upstream = Upstream::new();
    upstream.write("big", noise(2_000_000));
    let upstream = upstream.listen();
    let env = Env::new();
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), "bwlimit = \"1MB\"");
    let env = env.with_config(&config);
    let running = env.spawn(["sync", "j", "--json"]);
    let dest = env.mirror("j");
    eventually("something has come", || holds_something(&dest));
    upstream.drop_connections();
    let ended = running.wait().expect_code(0);
    assert_eq!(ended.tries().iter().map(|t| t.1).collect::<Vec<_>>(), [Some(12), Some(0)], "{ended}");
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()));
}

#[test]
fn another_s_signal_and_an_odd_code_are_tried_again_and_a_usage_error_is_not() {
    for (script, tries) in [("kill-self 9", 3), ("exit 14", 2), ("exit 1", 1), ("exit 20", 3)] {
        let fake = Fake::new(script);
        let env = Env::new().with_fake(&fake);
        let config = one_job(&["rsync://upstream.invalid/m/"], &env.mirror("j"), "retries = 2");
        let env = env.with_config(&config);
        let ended = env.run(["sync", "j", "--json"]).expect_code(1);
        assert_eq!((ended.tries().len(), fake.calls().len()), (tries, tries), "{script}: {ended}");
    }
}
