//! The harness and the fake do what the other tests take for granted.

use crate::support::{
    CountingDaemon, Entry, Env, Fake, Kind, Running, Upstream, corpus, eventually, is_running, tree,
    with_marker,
};
use pdb_sync::rsync::args::Purpose;
use pdb_sync::rsync::output::Reader;
use rustix::process::Signal;
use std::fs;
use std::path::Path;

#[test]
fn the_program_runs_in_an_environment_of_its_own() {
    let env = Env::new().with_config("version = 1\n").with_var("PDB_SYNC_TEST", "1");
    let ended = env.run(["--version"]).expect_code(0);
    assert!(ended.out().starts_with("pdb-sync "), "{ended}");
    let ended = Running::start(env.program("/usr/bin/env", [] as [&str; 0])).wait();
    let mut names: Vec<_> = ended.out().lines().map(|l| l.split('=').next().unwrap().to_owned()).collect();
    // Present where coverage is measured.
    names.retain(|name| name != "LLVM_PROFILE_FILE");
    names.sort();
    assert_eq!(names, ["HOME", "PATH", "PDB_SYNC_CONFIG", "PDB_SYNC_STATE_DIR", "PDB_SYNC_TEST"]);
}

#[test]
fn an_end_can_be_read() {
    let env = Env::new();
    let line = r#"{"event":"result","time":"2026-11-28T18:10:23.042Z","command":"","exit_code":3}"#;
    let ended =
        Running::start(env.program("/bin/sh", ["-c", &format!("echo '{line}'; echo '{line}'; kill -9 $$")]))
            .wait();
    assert_eq!(ended.code(), 137);
    assert_eq!(ended.json()[1]["exit_code"], 3);
}

#[test]
fn a_pipe_and_a_port_serve_the_same() {
    let upstream = Upstream::new().with_corpus();
    let env = Env::new().with_pipe(&upstream);
    let get = |env: &Env, url: String, to: &Path| {
        Running::start(env.program("rsync", ["-rt", &url, to.to_str().unwrap()])).wait().expect_code(0);
    };
    get(&env, upstream.url("m/"), &env.mirror("pipe"));
    let files = tree(&upstream.root());
    assert_eq!(tree(&env.mirror("pipe")), files);
    let first = &files[Path::new(&corpus::path_of(corpus::ENTRIES[0]))];
    assert!(matches!(first, Entry { kind: Kind::File, size: 25_233, mtime: 1_767_744_000, .. }), "{first:?}");

    let upstream = upstream.module("sub", &[("path", "/nowhere")]).listen();
    let env = Env::new();
    get(&env, upstream.url("m/"), &env.mirror("port"));
    assert_eq!(tree(&env.mirror("port")), files);
    let ended =
        Running::start(env.program("rsync", ["-r", &upstream.url("sub/"), "x"])).wait().expect_code(5);
    assert!(ended.err().contains("chdir failed"), "{ended}");

    upstream.empty();
    assert!(tree(&upstream.root()).is_empty());
    let pid = upstream.pid().unwrap();
    drop(upstream);
    eventually("the daemon is gone", || !is_running(pid));
}

#[test]
fn a_frozen_upstream_says_nothing_more() {
    let upstream = Upstream::new();
    upstream.write("big", vec![7; 2_000_000]);
    let upstream = upstream.listen();
    let env = Env::new();
    let url = upstream.url("m/");
    let running =
        Running::start(env.program("rsync", ["-r", "--bwlimit=20", "--info=progress2", &url, "x/"]));
    running.until_said("%");
    let serving = with_marker(&upstream.config().display().to_string());
    assert!(serving.len() > 1, "the daemon and who serves us: {serving:?}");
    upstream.freeze();
    eventually("all of them are stopped", || {
        serving.iter().all(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            stat.rsplit_once(") ").unwrap().1.starts_with('T')
        })
    });
    assert!(is_running(running.pid()));
    drop(upstream);
    eventually("nobody serves", || !serving.iter().any(|pid| is_running(*pid)));
    assert_ne!(running.wait().code(), 0);
}

#[test]
fn modules_can_be_full_or_closed() {
    let upstream = Upstream::new()
        .module("full", &[("max connections", "-1")])
        .module("auth", &[("auth users", "someone")]);
    upstream.write("f", "1");
    let env = Env::new().with_pipe(&upstream);
    let get = |env: &Env, url: &str| Running::start(env.program("rsync", ["-r", url, "x/"])).wait();
    assert!(get(&env, &upstream.url("full/")).expect_code(5).err().contains("max connections"));
    let secret = |word| Env::new().with_pipe(&upstream).with_var("RSYNC_PASSWORD", word);
    get(&secret("wrong"), "rsync://someone@h/auth/").expect_code(5);
    get(&secret("secret"), "rsync://someone@h/auth/").expect_code(0);
}

#[test]
fn the_fake_chooses_its_section() {
    let script = "silent\nout any\n[2]\nsilent\nout second\n";
    let fake = Fake::new(script);
    let env = Env::new().with_fake(&fake);
    let run = |args: &[&str]| Running::start(env.program("rsync", args)).wait();
    assert!(run(&["--version"]).out().starts_with("rsync  version 3.5.0  protocol version 32\n"));
    assert_eq!(run(&["a b"]).out(), "any\n");
    assert_eq!(fake.calls(), [["a b"]]);

    let fake = Fake::new(
        "[1 if x]\nout x1\nexit 3\n[if x]\nsilent\nout x\n[2]\nsilent\nout 2\n[*]\nout any\nexit 4\n",
    );
    let env = Env::new().with_fake(&fake);
    let run = |arg: &str| {
        let ended = Running::start(env.program("rsync", [arg])).wait();
        (ended.out(), ended.code())
    };
    assert_eq!(run("a"), ("any\n".into(), 4));
    assert_eq!(run("b"), ("2\n".into(), 0));
    assert_eq!(run("x"), ("x1\n".into(), 3));
    assert_eq!(run("x"), ("x\n".into(), 0));
}

#[test]
fn the_fake_says_what_the_script_says() {
    let fake = Fake::new(
        "# a comment\nout one\nerr  two\npartial thr\nraw 65 65 0a ff 0d\nlines 3 l\nlong 5\nstats 3 2 1\n\
         touch @dest/made\nexit 23\n",
    );
    let env = Env::new().with_fake(&fake);
    let dest = env.mirror("");
    let ended = Running::start(env.program("rsync", ["--", dest.to_str().unwrap()])).wait().expect_code(23);
    assert!(
        ended.stdout.starts_with(b"one\nthree\n\xff\rl\nl\nl\nxxxxx\n\nNumber of files: 3 (reg: 3)\n"),
        "{ended}"
    );
    assert_eq!(ended.err(), " two\n");
    assert!(dest.join("made").exists());
    let mut reader = Reader::new(Purpose::Transfer);
    ended.stdout.split(|b| *b == b'\n').for_each(|line| {
        let _ = reader.read(line);
    });
    let stats = reader.stats();
    assert_eq!(
        (stats.files.unwrap().files(), stats.transferred, stats.deleted.unwrap().total),
        (3, Some(2), 1)
    );
}

#[test]
fn the_fake_waits_hangs_and_dies() {
    let fake = Fake::new(
        "[1]\nsilent\nout waiting\nwait-file @dest/go\nout went\n[2]\nignore-term\nout hanging\nhang\n[3]\nkill-self 9\n",
    );
    let env = Env::new().with_fake(&fake);
    let start = || Running::start(env.program("rsync", [env.dir()]));
    let waiting = start();
    waiting.until_said("waiting");
    fs::write(env.dir().join("go"), "").unwrap();
    assert_eq!(waiting.wait().expect_code(0).out(), "waiting\nwent\n");

    let hanging = start();
    hanging.until_said("hanging");
    hanging.signal(Signal::TERM);
    hanging.signal(Signal::INT);
    hanging.wait().expect_code(130);
    start().wait().expect_code(137);
}

#[test]
fn a_grandchild_holds_the_pipe() {
    for own_group in ["", " own-group"] {
        let fake = Fake::new(&format!("silent\nout before\nfork-holder 600{own_group}\nexit 0\n"));
        let env = Env::new().with_fake(&fake);
        let marker = fake.script().display().to_string();
        let running = Running::start(env.program("rsync", [] as [&str; 0]));
        let pid = running.pid();
        eventually("the child is gone, its grandchild not", || {
            !is_running(pid) && with_marker(&marker).len() == 1
        });
        let holder = rustix::process::Pid::from_raw(with_marker(&marker)[0] as i32).unwrap();
        rustix::process::kill_process(holder, Signal::KILL).unwrap();
        assert_eq!(running.wait().expect_code(0).out(), "before\n");
        eventually("the grandchild is gone", || with_marker(&marker).is_empty());
    }
    let fake = Fake::new("");
    assert_eq!(fake.file("x").parent(), fake.script().parent());
}

#[test]
fn connections_are_counted_while_their_clients_have_them_open() {
    let upstream = Upstream::new();
    upstream.write("big", vec![7; 2_000_000]);
    let daemon = CountingDaemon::new(&upstream);
    let env = Env::new();
    // Two that make the same directory at the same time could fail.
    let slow = |dest| {
        let url = daemon.url("m/");
        Running::start(env.program("rsync", ["-r", "--bwlimit=20", "--info=progress2", &url, dest]))
    };
    for _ in 0..3 {
        Running::start(env.program("rsync", ["-r", &daemon.url("m/"), "y/"])).wait().expect_code(0);
    }
    assert_eq!(daemon.most(), 1);
    let (first, second) = (slow("first/"), slow("second/"));
    first.until_said("%");
    second.until_said("%");
    assert_eq!(daemon.most(), 2);
}
