//! Sources that say something now and then, and never get anywhere.

use super::{events, finished, quick, slow};
use crate::support::{Env, Upstream, eventually, with_marker};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Between two bytes of somebody slow.
const PAUSE: Duration = Duration::from_millis(50);

/// Answers every connection on a port of its own.
fn serve(answer: impl Fn(TcpStream) + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || answer(stream));
        }
    });
    port
}

/// In front of a daemon: passes on so many bytes of what it sends as fast as they come, and then one after the other.
fn crawling(upstream: &Upstream, fast: usize) -> String {
    let behind = upstream.url("");
    let behind = behind.trim_start_matches("rsync://").trim_end_matches('/').to_owned();
    let port = serve(move |mut client| {
        let Ok(mut server) = TcpStream::connect(&behind) else { return };
        let (mut asks, mut asked) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut asks, &mut asked));
        let mut left = fast;
        let mut chunk = [0; 4096];
        while let Ok(n @ 1..) = server.read(&mut chunk) {
            let now = n.min(left);
            left -= now;
            if client.write_all(&chunk[..now]).is_err() {
                return;
            }
            for byte in &chunk[now..n] {
                thread::sleep(PAUSE);
                if client.write_all(&[*byte]).is_err() {
                    return;
                }
            }
        }
    });
    format!("rsync://127.0.0.1:{port}/m/")
}

fn big() -> Upstream {
    let upstream = Upstream::new().listen();
    let noise: Vec<u8> = (0_u32..1 << 18).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    upstream.write("big", noise);
    upstream
}

fn env(sources: &[&str], more: &str) -> Env {
    Env::new().with_config(&quick(&format!("[jobs.a]\nsource = {sources:?}\ndest = 'a'\n{more}\n")))
}

#[test]
fn a_crawl_in_mid_transfer_makes_room_for_the_next_source() {
    let upstream = big();
    let env = env(&[&crawling(&upstream, 300_000), &upstream.url("m/")], "stall = '2s'\nretries = 3");
    let ended = env.run(["sync", "a", "--json"]).expect_code(0);
    let end = finished(&ended, "a");
    assert_eq!((&end["status"], &end["fallback"], &end["attempts"]), (&"ok".into(), &true.into(), &2.into()));
    let reason = events(&ended, "retry")[0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains(" bytes in 2s from 127.0.0.1:"), "{reason}");
    assert!(reason.ends_with("less than min_rate = 1KB a second"), "{reason}");
}

#[test]
fn a_crawl_without_another_source_is_tried_again() {
    let upstream = big();
    let env = env(&[&crawling(&upstream, 300_000)], "stall = '1s'\nretries = 1\nmin_rate = '2KB'");
    let ended = env.run(["sync", "a", "--json"]).expect_code(1);
    let end = finished(&ended, "a");
    assert_eq!((&end["status"], &end["attempts"]), (&"failed".into(), &2.into()), "{ended}");
    assert!(end["error"].as_str().unwrap().contains("less than min_rate = 2KB a second"), "{ended}");
    assert!(end["hint"].as_str().unwrap().contains("min_rate"), "{ended}");
}

#[test]
fn a_crawl_may_be_allowed_and_a_low_bandwidth_is_none() {
    let upstream = big();
    let allowed = env(&[&crawling(&upstream, 300_000)], "stall = '2s'\ntimeout = '6s'\nmin_rate = 0");
    let ended = allowed.run(["sync", "a", "--json"]).expect_code(1);
    assert!(!finished(&ended, "a")["error"].as_str().unwrap().contains("min_rate"), "{ended}");
    upstream.write("big", vec![7; 100_000]);
    let limited = env(&[&upstream.url("m/")], "stall = '2s'\nbwlimit = '20KB'\nmin_rate = '1MB'");
    limited.run(["sync", "a"]).expect_code(0);
}

#[test]
fn a_listing_that_crawls_is_no_crawl() {
    let upstream = Upstream::new().listen();
    upstream.write("f", "contents\n");
    // The listing takes some 9 s. rsync's own patience counts in whole seconds, the server's too, and for 2.2 s of them it
    // hears nothing: with `stall = '2s'` (`--timeout=3`) a busy server gives up by itself.
    let direct = env(&[&upstream.url("m/")], "stall = '4s'");
    direct.run(["sync", "a"]).expect_code(0);
    let text = std::fs::read_to_string(direct.config()).unwrap();
    let slow = direct.with_config(&text.replace(&upstream.url("m/"), &crawling(&upstream, 0)));
    let ended = slow.run(["sync", "a", "--json"]).expect_code(0);
    assert_eq!(finished(&ended, "a")["status"], "ok", "{ended}");
}

#[test]
fn who_never_comes_to_the_point_is_not_listened_to_for_ever() {
    let upstream = big();
    let greets = serve(|mut client| {
        while client.write_all(b"@").is_ok() {
            thread::sleep(PAUSE);
        }
    });
    let tells = serve(|mut client| {
        let _ = client.write_all(b"@RSYNCD: 31.0 sha512 md5\n");
        while client.write_all(b"Welcome to our humble server, dear guest.\n").is_ok() {
            thread::sleep(PAUSE);
        }
    });
    for port in [greets, tells] {
        let endless = format!("rsync://127.0.0.1:{port}/m/");
        let env = env(&[&endless, &upstream.url("m/")], "stall = '1s'\nconnect_timeout = '1s'\nretries = 3");
        let ended = env.run(["sync", "a", "--json"]).expect_code(0);
        let end = finished(&ended, "a");
        assert_eq!((&end["status"], &end["attempts"]), (&"ok".into(), &2.into()), "{ended}");
        let reason = events(&ended, "retry")[0]["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains("no answer within 2s (connect_timeout + stall)"), "{reason}");
    }
}

#[test]
fn what_waits_here_to_be_taken_is_not_the_fault_of_the_source() {
    let (_upstream, env) = slow();
    let text = std::fs::read_to_string(env.config()).unwrap();
    let env = env.with_config(&(text + "stall = '2s'\n"));
    let running = env.spawn(["sync", "a", "--json"]);
    let marker = env.mirror("a").to_str().unwrap().to_owned();
    eventually("it has begun to write", || super::temporary(&env.mirror("a"), "big").is_some());
    // As a disk that does not answer.
    for pid in with_marker(&marker) {
        let _ = kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::STOP);
    }
    let ended = running.wait().expect_code(1);
    let error = finished(&ended, "a")["error"].as_str().unwrap().to_owned();
    assert!(error.contains("has not read what"), "{error}");
}
