//! What goes wrong is blamed on what is to blame: a proxy, the rsync here, the file system, the way in.

use super::quick;
use crate::support::{Env, Fuse, Somebody, Upstream, one_job, skipped, tree};
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;

const JOB: &str = "[jobs.j]\nsource = 'rsync://archive.example/m/'\ndest = 'j'\n";

fn closed_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

#[test]
fn a_proxy_that_does_not_answer_is_named() {
    let (port, refusing) = (closed_port(), TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let forbids = refusing.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for stream in refusing.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.0 403 Forbidden\r\n\r\n");
        }
    });
    for (proxy, name, why) in [
        (format!("127.0.0.1:{port}"), format!("127.0.0.1:{port}"), "connection refused"),
        (format!("me:pw-word@127.0.0.1:{port}"), format!("127.0.0.1:{port}"), ""),
        ("proxy.invalid:3128".into(), "proxy.invalid:3128".into(), "could not be resolved"),
        (format!("127.0.0.1:{forbids}"), format!("127.0.0.1:{forbids}"), "403 Forbidden"),
        ("proxy".into(), "proxy".into(), "HOST:PORT"),
    ] {
        let env = Env::new().with_var("RSYNC_PROXY", &proxy).with_config(&quick(JOB));
        let ended = env.run(["sync", "j", "--json"]).expect_code(1);
        let finished = ended.finished();
        let error = finished["error"].as_str().unwrap();
        assert!(error.contains(&name) && error.contains("proxy") && error.contains(why), "{proxy}\n{ended}");
        assert!(finished["hint"].as_str().unwrap().contains("RSYNC_PROXY"), "{ended}");
        assert!(!ended.out().contains("pw-word"), "{ended}");
        let doctor = env.run(["doctor"]).expect_code(1);
        assert!(doctor.out().contains(error) && !doctor.out().contains("pw-word"), "{doctor}");
        assert!(!doctor.out().contains("firewall"), "{doctor}");
    }
}

/// A home whose `rsync` is this script.
fn with_rsync(script: &str, config: &str) -> Env {
    let env = Env::new();
    let path = env.dir().join("rsync-here");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    env.with_config(&quick(config).replacen("[sync]", "[sync]\nrsync = './rsync-here'", 1))
}

#[test]
fn an_rsync_that_cannot_do_it_is_told_before_anything_is_written() {
    for (version, words) in [
        ("rsync  version 3.0.9  protocol version 30", "came with 3.1"),
        ("openrsync: protocol version 29\nrsync version 2.6.9 compatible", "openrsync"),
    ] {
        // It takes any option, and writes something.
        let script =
            format!("[ \"$1\" = --version ] && {{ echo '{version}'; exit; }}\ntouch \"$HOME/ran\"; exit 0");
        let env = with_rsync(
            &script,
            "[jobs.j]\nsource = 'h::j/'\ndest = 'j'\n[jobs.k]\nsource = 'h::k/'\ndest = 'k'\n",
        );
        let ended = env.run(["sync", "--all", "--json"]).expect_code(1);
        for job in ended.events("job_finished") {
            assert_eq!(job["status"], "failed", "{ended}");
            assert!(job["error"].as_str().unwrap().contains(words), "{ended}");
            assert!(job["hint"].as_str().unwrap().starts_with("install rsync"), "{ended}");
        }
        assert!(!env.mirror("j").exists() && !env.dir().join("home/ran").exists(), "{version}");
    }
}

#[test]
fn an_option_that_rsync_does_not_know_is_blamed_on_who_gives_it() {
    let script = "[ \"$1\" = --version ] && exit\necho 'rsync: --no-motd: unknown option' >&2\nexit 1";
    let ended = with_rsync(script, JOB).run(["sync", "j", "--json"]).expect_code(1);
    let finished = ended.finished();
    assert!(finished["error"].as_str().unwrap().contains("--no-motd: unknown option"), "{ended}");
    assert!(finished["hint"].as_str().unwrap().contains("install rsync"), "{ended}");
    assert!(!finished["hint"].as_str().unwrap().contains("rsync_args"), "{ended}");
    let env = Env::new().with_config(&quick(&format!("{JOB}rsync_args = ['--nosuch=1']\n")));
    let ended = env.run(["sync", "j", "--json"]).expect_code(1);
    assert!(ended.finished()["hint"].as_str().unwrap().contains("check --nosuch in `rsync_args`"), "{ended}");
}

#[test]
fn the_login_in_a_hint_is_the_one_that_failed() {
    let script = "echo \"$*\" >>\"$HOME/calls\"\necho 'ssh: connect to host far.invalid port 2222: Connection refused' >&2\nexit 255";
    for (more, var) in [
        ("rsync_args = ['-e', 'ssh -p 2222']", None),
        ("rsync_args = ['--rsh=ssh -p 2222']", None),
        ("", Some("ssh -p 2222")),
    ] {
        let mut env = Env::new();
        let bin = env.dir().join("bin");
        fs::create_dir(&bin).unwrap();
        fs::write(bin.join("ssh"), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(bin.join("ssh"), fs::Permissions::from_mode(0o755)).unwrap();
        env = env.with_var("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()));
        if let Some(shell) = var {
            env = env.with_var("RSYNC_RSH", shell);
        }
        let job = format!("[jobs.j]\nsource = 'me@far.invalid:/x/'\ndest = 'j'\n{more}\n");
        let env = env.with_config(&quick(&job));
        let ended = env.run(["sync", "j", "--json"]).expect_code(1);
        let hint = ended.finished()["hint"].as_str().unwrap().to_owned();
        assert!(hint.contains("`ssh -p 2222 me@far.invalid`"), "{ended}");
        let doctor = env.run(["doctor"]).expect_code(1);
        assert!(doctor.out().contains("`ssh -p 2222 me@far.invalid`"), "{doctor}");
    }
}

#[test]
fn names_that_the_destination_cannot_hold_are_the_real_ones() {
    let Some(fuse) = Fuse::mounted("chars") else { return };
    let upstream = Upstream::new();
    for name in ["fine", "time 12:30", "sub/what?"] {
        upstream.write(name, name);
    }
    let env = Env::new().with_pipe(&upstream);
    let dest = fuse.path().join("m");
    let env = env.with_config(&quick(&format!("[jobs.j]\nsource = 'h::m/'\ndest = {dest:?}\n")));
    let ended = env.run(["sync", "j", "--json"]).expect_code(3);
    let finished = ended.finished();
    let error = finished["error"].as_str().unwrap();
    assert!(error.contains("/time 12:30") && error.contains("/sub/what?"), "{ended}");
    assert!(!error.contains("/."), "no temporary name\n{ended}");
    assert!(finished["hint"].as_str().unwrap().contains("cannot hold such names"), "{ended}");
    assert!(tree(&dest).iter().any(|entry| format!("{entry:?}").contains("fine")));
}

#[test]
fn a_name_that_rsync_cuts_for_its_temporary_file_is_told_in_full() {
    if !rustix::process::geteuid().is_root() {
        return skipped("a directory of another user needs root");
    }
    for name in ["n".repeat(250), "d".repeat(240) + ".cif.gz", "é".repeat(125)] {
        let env = Env::new();
        let up = env.dir().join("up");
        fs::create_dir_all(up.join("ab")).unwrap();
        fs::write(up.join("ab").join(&name), "contents").unwrap();
        let config = one_job(&[&format!("{}/", up.display())], &env.mirror("j"), "retries = 0");
        let env = env.with_config(&config);
        env.taken_over("j");
        let dir = env.mirror("j").join("ab");
        fs::create_dir_all(&dir).unwrap();
        let somebody = Somebody::new(&env);
        // rsync may not write there, and no run may change that.
        std::os::unix::fs::chown(&dir, Some(0), Some(0)).unwrap();
        let ended = somebody.run(&["sync", "j", "--json"]);
        let error = ended.finished()["error"].as_str().unwrap().to_owned();
        let path = dir.join(&name);
        assert!(error.contains(&format!("permission denied: {}", path.display())), "{ended}");
    }
}

#[test]
fn names_in_messages_have_the_form_that_they_have_everywhere() {
    if !rustix::process::geteuid().is_root() {
        return skipped("a file that its owner may not read needs another user");
    }
    let env = Env::new();
    let up = env.dir().join("up");
    fs::create_dir_all(&up).unwrap();
    fs::write(up.join("esc\u{1b}[31m"), "contents").unwrap();
    fs::write(up.join("new\nline"), "contents").unwrap();
    let config = one_job(&[&format!("{}/", up.display())], &env.mirror("j"), "retries = 0");
    let env = env.with_config(&config);
    let somebody = Somebody::new(&env);
    let closed = up.join("esc\u{1b}[31m");
    std::os::unix::fs::chown(&closed, Some(0), Some(0)).unwrap();
    fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let ended = somebody.run(&["sync", "j"]).expect_code(3);
    let told = ended.out() + &ended.err();
    assert!(told.contains("permission denied: ") && told.contains("esc\\u{1b}[31m"), "{ended}");
    assert!(told.contains("[j] new\\nline") && !told.contains("\\#0"), "{ended}");
}
