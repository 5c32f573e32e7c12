//! What is said, where, and in which shape.

use super::{events, faked, finished, local, log, progress, quick};
use crate::support::{Env, Fake, Running, eventually, tree};
use serde_json::Value;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::Stdio;

#[test]
fn odd_output_becomes_whole_prefixed_lines() {
    // one CR two CR LF, an empty line, then bytes that are no text; a beginning without an end.
    let fake = Fake::new(
        "raw 6f6e65 0d 74776f 0d0a 0a fffe00 0a\npartial   on standard\npartial  output\nerr a word\nexit 0\n",
    );
    let env = faked(&fake, &["a"], "");
    let ended = env.run(["sync", "a"]).expect_code(0);
    let head =
        b"Syncing 1 job...\n[a] one\n[a] two\n[a] \\xff\\xfe\\u{0}\n[a]   on standard output\n=== Sync Summary";
    assert!(ended.stdout.starts_with(head), "{ended}");
    assert!(ended.err().contains("[a] a word\n"), "{ended}");

    let ended = env.run(["sync", "a", "--json"]).expect_code(0);
    let lines: Vec<_> = events(&ended, "output");
    let lines: Vec<_> =
        lines.iter().map(|e| (e["stream"].as_str().unwrap(), e["line"].as_str().unwrap())).collect();
    for line in [("stdout", "one"), ("stdout", "two"), ("stdout", "\u{fffd}\u{fffd}\0"), ("stderr", "a word")]
    {
        assert!(lines.contains(&line), "{line:?}\n{ended}");
    }
}

#[test]
fn a_line_of_ten_megabytes_comes_whole_in_prefixed_pieces() {
    let fake = Fake::new("long 10000000\nout next\n");
    let env = faked(&fake, &["a"], "");
    let ended = env.run(["sync", "a"]).expect_code(0);
    let out = ended.out();
    let pieces: Vec<_> = out.lines().filter_map(|line| line.strip_prefix("[a] ")).collect();
    let (last, long) = pieces.split_last().unwrap();
    assert_eq!(*last, "next");
    assert!(long.iter().all(|piece| piece.bytes().all(|b| b == b'x')));
    assert_eq!(long.iter().map(|piece| piece.len()).sum::<usize>(), 10_000_000);
}

/// The largest resident size so far without the pages of the program file, in kB: a test build's code alone is larger
/// than what a release may use in all (`benches/lines.sh` measures that).
fn high_water(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let field = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    field("VmHWM:") - field("RssFile:")
}

fn ends_with(path: &Path, end: &[u8]) -> bool {
    let mut file = fs::File::open(path).unwrap();
    let mut tail = Vec::new();
    let size = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(size.saturating_sub(end.len() as u64))).unwrap();
    file.read_to_end(&mut tail).unwrap();
    tail == end
}

#[test]
fn a_million_lines_need_little_memory_whoever_listens() {
    for more in [&[][..], &["--json"], &["--github", "--junit", "report.xml"]] {
        let fake = Fake::new(
            "lines 1000000 structures/divided/mmCIF/ab/1abc.cif.gz\nout the last\ntouch @dest/all\nwait-file @dest/go\n",
        );
        let env = faked(&fake, &["a"], "");
        let mut command = env.command([&["sync", "a"], more].concat());
        let sink = fs::File::create(env.dir().join("out")).unwrap();
        let mut child = command.stdout(sink).stderr(Stdio::null()).spawn().unwrap();
        eventually("all lines are printed", || env.mirror("a").join("all").exists());
        eventually("all lines are heard", || {
            log(&env, "a").is_some_and(|log| ends_with(&log, b"out the last\n"))
        });
        let kilobytes = high_water(child.id());
        fs::write(env.mirror("a").join("go"), "").unwrap();
        assert!(child.wait().unwrap().success());
        assert!(kilobytes < 16_000, "{more:?}: {kilobytes} kB");
        let out = fs::read_to_string(env.dir().join("out")).unwrap();
        let lines = out.lines().filter(|line| line.contains("1abc.cif.gz")).count();
        assert_eq!(lines == 1_000_000, !more.contains(&"--github"), "{lines} lines");
    }
}

#[test]
fn a_slow_reader_is_not_a_stalled_source() {
    let fake = Fake::new("lines 300000 a line that waits to be read\nout the last\n");
    let env = faked(&fake, &["a"], "stall = '1500ms'");
    // Reads nothing until the file is there, which comes long after the stall.
    let script = r#""$0" sync a | { while [ ! -e go ]; do sleep 0.05; done; cat; }"#;
    let running = Running::start(env.program("/bin/sh", ["-c", script, env!("CARGO_BIN_EXE_pdb-sync")]));
    eventually("it waits for its reader", || !fake.calls().is_empty());
    let start = std::time::Instant::now();
    eventually("the stall would be over", || start.elapsed().as_millis() > 3500);
    fs::write(env.dir().join("go"), "").unwrap();
    let ended = running.wait().expect_code(0);
    assert!(ended.out().contains("\n[a] the last\n"), "{}", ended.err());
    assert!(ended.out().contains("Success: 1"), "{}", ended.err());
    assert_eq!(fake.calls().len(), 1);
}

#[test]
fn quiet_leaves_what_went_wrong() {
    let fake = Fake::new("out a line\nerr a complaint\nstats 1 0 0\n");
    let env = faked(&fake, &["a"], "");
    let ended = env.run(["sync", "a", "-q"]).expect_code(0);
    assert_eq!((ended.out().as_str(), ended.err().as_str()), ("", "[a] a complaint\n"), "{ended}");
    let fake = Fake::new("out a line\nexit 23\n");
    let ended = faked(&fake, &["a"], "").run(["sync", "a", "-q"]);
    assert!(ended.code() != 0 && ended.out().starts_with("=== Sync Summary ===\n"), "{ended}");
}

#[test]
fn verbose_shows_the_commands_and_every_job() {
    let env = local("");
    let ended = env.run(["sync", "a", "-v"]).expect_code(0);
    assert!(ended.err().contains("[a] runs rsync -rlpt "), "{ended}");
    let summary = ended.out().split_once("=== Sync Summary ===").unwrap().1.to_owned();
    assert!(
        summary.contains("\n[a] ok after 1 try in ") && summary.contains(": 1 file transferred"),
        "{ended}"
    );
}

fn keys(event: &Value) -> Vec<&str> {
    event.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn json_is_the_contracts_and_nothing_else() {
    let script = format!(
        "[1]\nout a line\nerr rsync: connection unexpectedly closed\nexit 12\n\
         [2]\n{}wait-file @dest/go\nout\nstats 9 3 0\n",
        progress(1000, 50, "0:00:01 (xfr#1, to-chk=1/2)")
    );
    let fake = Fake::new(&script);
    let env = faked(&fake, &["a"], "retries = 1");
    let running = env.spawn(["--json", "sync", "a"]);
    running.until_said("\"progress\"");
    fs::write(env.mirror("a").join("go"), "").unwrap();
    let ended = running.wait().expect_code(0);
    let contract = [
        ("run_started", "v run jobs parallel"),
        ("job_started", "job attempt argv"),
        ("output", "job stream line"),
        ("progress", "job bytes percent files"),
        ("retry", "job attempt exit_code reason delay_s"),
        (
            "job_finished",
            "job status exit_code attempts duration_s files_transferred files_deleted bytes_received \
             total_files total_bytes error hint log",
        ),
        ("run_finished", "run exit_code duration_s total success failed partial blocked skipped cancelled"),
    ];
    for (name, fields) in contract {
        let all = events(&ended, name);
        assert!(!all.is_empty(), "no {name}\n{ended}");
        for event in all {
            let has = keys(&event);
            let missing: Vec<_> = fields.split_whitespace().filter(|field| !has.contains(field)).collect();
            assert!(missing.is_empty(), "{name} lacks {missing:?}\n{ended}");
            event["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        }
    }
    assert_eq!(ended.json()[0]["event"], "run_started");
    assert_eq!(ended.json().last().unwrap()["event"], "run_finished");
    let progress = &events(&ended, "progress")[0];
    assert_eq!(
        (&progress["bytes"], &progress["percent"], &progress["files"]),
        (&1000.into(), &50.0.into(), &1.into())
    );
    let retry = &events(&ended, "retry")[0];
    assert_eq!((&retry["attempt"], &retry["exit_code"]), (&1.into(), &12.into()));
    let end = finished(&ended, "a");
    assert_eq!((&end["status"], &end["attempts"], &end["exit_code"]), (&"ok".into(), &2.into(), &0.into()));
    assert_eq!((&end["error"], &end["total_files"]), (&Value::Null, &9.into()));
    assert!(fs::read_to_string(end["log"].as_str().unwrap()).unwrap().contains("out a line"));
}

#[test]
fn what_is_not_known_is_null() {
    let fake = Fake::new("silent\nexit 0\n");
    let env = faked(&fake, &["a"], "");
    let ended = env.run(["sync", "a", "--json"]).expect_code(1);
    let end = finished(&ended, "a");
    assert!(end["error"].as_str().unwrap().contains("ended (exit code 0) without its figures"), "{ended}");
    for key in ["files_transferred", "bytes_received", "total_files", "total_bytes", "changed"] {
        assert_eq!(end[key], Value::Null, "{key}\n{ended}");
    }
}

/// `pdb-sync sync a` behind a shell that does something to its streams.
fn sh(env: &Env, redirect: &str) -> crate::support::Ended {
    let script = format!(r#""$0" sync a {redirect}"#);
    Running::start(env.program("/bin/sh", ["-c", &script, env!("CARGO_BIN_EXE_pdb-sync")])).wait()
}

#[test]
fn closed_streams_do_not_keep_a_job_from_its_work() {
    for redirect in [">&-", "2>&-", "<&-", "<&- >&- 2>&-", ">&- --json"] {
        let env = local("");
        let ended = sh(&env, redirect).expect_code(0);
        assert!(!ended.err().contains("panicked"), "{ended}");
        assert_eq!(tree(&env.mirror("a")), tree(&env.dir().join("a")), "{redirect}\n{ended}");
    }
}

#[test]
fn a_full_disk_behind_the_output_is_no_matter_of_the_jobs() {
    for redirect in [">/dev/full", "--json >/dev/full", "2>/dev/full", ">/dev/full 2>/dev/full"] {
        let env = local("");
        let ended = sh(&env, redirect).expect_code(0);
        assert!(!ended.err().contains("cannot write"), "{ended}");
        assert_eq!(tree(&env.mirror("a")), tree(&env.dir().join("a")), "{redirect}\n{ended}");
        assert_eq!(env.run(["history", "--json"]).json()[0]["status"], "ok", "{redirect}");
    }
}

#[test]
fn an_empty_environment_is_enough() {
    let env = local("");
    let run = |more: &[&str]| {
        let mut command = env.command([&["sync", "a", "-c", "config.toml"], more].concat());
        Running::start({
            command.env_clear();
            command
        })
        .wait()
    };
    let ended = run(&["--state-dir", "state"]).expect_code(0);
    assert_eq!(tree(&env.mirror("a")), tree(&env.dir().join("a")), "{ended}");
    assert!(log(&env, "a").is_some());
}

#[test]
fn logs_hold_everything_and_the_oldest_go() {
    let fake = Fake::new("out to people\nerr of trouble\nraw ff0a\nstats 1 0 0\n");
    let config = quick(&super::jobs(&["a"], "")).replace("[sync]\n", "[sync]\nlog_keep = 2\n");
    let env = Env::new().with_fake(&fake).with_config(&config);
    let log = |mode: &[&str]| {
        let ended = env.run([&["sync", "a", "--json"], mode].concat()).expect_code(0);
        finished(&ended, "a")["log"].as_str().unwrap().to_owned()
    };
    let exist = |logs: &[String]| logs.iter().map(|log| fs::exists(log).unwrap()).collect::<Vec<_>>();
    let logs: Vec<_> = (0..3).map(|_| log(&[])).collect();
    assert_eq!(exist(&logs), [false, true, true]);
    // Dry runs push out only logs of their own kind.
    let dry: Vec<_> = [["--dry-run"], ["--plan"], ["--dry-run"]].iter().map(|mode| log(mode)).collect();
    assert_eq!((exist(&logs), exist(&dry)), (vec![false, true, true], vec![false, true, true]));
    let last = log(&[]);
    assert_eq!((exist(&logs), exist(&dry)), (vec![false, false, true], vec![false, true, true]));
    assert!(fs::exists(last).unwrap());
    let log = fs::read(&logs[2]).unwrap();
    let text = String::from_utf8_lossy(&log);
    for line in [" out to people\n", " err of trouble\n", " --- runs rsync -rlpt ", " --- ok after 1 try in "]
    {
        assert!(text.contains(line), "{line:?}\n{text}");
    }
    assert!(log.windows(6).any(|w| w == b"out \xff\n"), "bytes are kept as they are\n{text}");

    let config = config.replace("log_keep = 2", "log_keep = 0");
    let env = Env::new().with_fake(&fake).with_config(&config);
    let ended = env.run(["sync", "a", "--json"]).expect_code(0);
    assert_eq!(finished(&ended, "a")["log"], Value::Null);
    assert!(!env.state().join("logs").exists());
}

#[test]
fn a_log_that_cannot_be_written_is_told_and_the_transfer_goes_on() {
    let env = local("");
    fs::create_dir(env.state()).unwrap();
    fs::write(env.state().join("logs"), "in the way").unwrap();
    let ended = env.run(["sync", "a"]).expect_code(0);
    assert!(ended.err().contains("warning: cannot write the log "), "{ended}");
    assert!(ended.out().contains("\nwarning: the job a left no log: cannot write the log "), "{ended}");
    assert!(!ended.out().contains("  log: "), "{ended}");
    assert!(ended.out().contains("Success: 1") && env.mirror("a/f").exists(), "{ended}");
}

#[test]
fn colours_are_for_terminals_and_for_who_asks() {
    let env = local("");
    let colored = |env: &Env, args: &[&str]| {
        let ended = env.run([&["sync", "a"], args].concat()).expect_code(0);
        let (out, err) = (ended.out().contains('\u{1b}'), ended.err().contains('\u{1b}'));
        assert_eq!(out, err, "{ended}");
        out
    };
    assert!(!colored(&env, &[]));
    assert!(colored(&env, &["--color", "always"]));
    let env = env.with_var("CLICOLOR_FORCE", "1");
    assert!(colored(&env, &[]));
    assert!(!colored(&env, &["--color", "never"]));
    let env = env.with_var("NO_COLOR", "1");
    assert!(!colored(&env, &[]));
    assert!(colored(&env, &["--color", "always"]));
}
