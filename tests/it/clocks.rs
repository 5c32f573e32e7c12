//! Clocks that are wrong: nothing that is kept goes because of them.

use super::support::{Ended, Env, Upstream, skipped, tree};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const DAY: i64 = 86_400;

/// Gives a program clocks of its own. What the kernel stamps files with stays right.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static long off(const char *name) { const char *text = getenv(name); return text ? atol(text) : 0; }
int clock_gettime(clockid_t id, struct timespec *time) {
    long failed = syscall(SYS_clock_gettime, id, time);
    if (!failed && id == CLOCK_REALTIME) time->tv_sec += off("TEST_WALL_OFF");
    if (!failed && id == CLOCK_BOOTTIME) time->tv_sec += off("TEST_BOOT_OFF");
    return (int)failed;
}
"#;

/// A mirror of four files whose job keeps what it deletes, and clocks for its runs.
struct Clocks {
    env: Env,
    upstream: Upstream,
    shim: PathBuf,
}

/// By how much clocks are off, in seconds.
#[derive(Clone, Copy)]
struct Off {
    wall: i64,
    boot: i64,
}

/// Time has passed.
fn later(s: i64) -> Off {
    Off { wall: s, boot: s }
}

/// The wall clock is wrong.
fn wrong(s: i64) -> Off {
    Off { wall: s, boot: 0 }
}

const RIGHT: Off = Off { wall: 0, boot: 0 };

impl Clocks {
    /// `None`, and said, where a program cannot be given another clock.
    fn new(more: &str) -> Option<Clocks> {
        let upstream = Upstream::new();
        let source = upstream.root().join("d");
        fs::create_dir(&source).unwrap();
        for file in ["a", "b", "c", "d"] {
            fs::write(source.join(file), format!("contents of {file}")).unwrap();
        }
        let config = format!(
            "version = 1\n{more}[jobs.m]\nsource = {:?}\ndest = 'mirror/m'\ndelete = true\nkeep_deleted = '30d'\n",
            upstream.url("m/d/")
        );
        let env = Env::new().with_config(&config).with_pipe(&upstream);
        let (code, shim) = (env.dir().join("shim.c"), env.dir().join("shim.so"));
        fs::write(&code, SHIM).unwrap();
        let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&shim).arg(&code).output();
        if !built.is_ok_and(|built| built.status.success()) {
            skipped("no cc that makes a library which changes the clock");
            return None;
        }
        let clocks = Clocks { env, upstream, shim };
        let time = |off| {
            let ended = clocks.run(off, &["clean", "log", "--json"]).expect_code(0);
            ended.json().pop().unwrap()["time"].as_str().unwrap().to_owned()
        };
        if time(wrong(1000 * 365 * DAY)).get(..4) <= Some("3000") {
            skipped("LD_PRELOAD does not change the clock of this program");
            return None;
        }
        clocks.run(RIGHT, &["sync", "m"]).expect_code(0);
        Some(clocks)
    }

    fn run(&self, off: Off, args: &[&str]) -> Ended {
        let mut command = self.env.command(args);
        command.env("LD_PRELOAD", &self.shim);
        command.env("TEST_WALL_OFF", off.wall.to_string()).env("TEST_BOOT_OFF", off.boot.to_string());
        super::support::Running::start(command).wait()
    }

    fn sync(&self, off: Off) {
        self.run(off, &["sync", "m"]).expect_code(0);
    }

    /// Upstream drops a file, and a run removes it.
    fn drop(&self, file: &str, off: Off) {
        fs::remove_file(self.upstream.root().join("d").join(file)).unwrap();
        self.sync(off);
        assert!(!self.root().join(file).exists());
    }

    fn root(&self) -> PathBuf {
        self.env.mirror("m")
    }

    /// The files in the quarantine.
    fn kept(&self) -> Vec<String> {
        let all = tree(&self.root()).into_keys().filter(|path| path.starts_with(".pdb-sync/quarantine"));
        let names = all.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
        let mut names: Vec<_> = names.filter(|name| name.len() == 1).collect();
        names.sort();
        names
    }

    fn is_marked(&self) -> bool {
        self.root().join(".pdb-sync/marks.json").exists()
    }

    /// What lies in the quarantine came there before the machine was booted.
    fn reboot(&self) {
        for run in fs::read_dir(self.root().join(".pdb-sync/quarantine")).unwrap() {
            let info = run.unwrap().path().join("info%2Ejson");
            let mut value: Value = serde_json::from_slice(&fs::read(&info).unwrap()).unwrap();
            value["boot"]["id"] = "an earlier one".into();
            fs::write(&info, value.to_string()).unwrap();
        }
    }

    /// The last run is undone, and the file is back.
    fn undo(&self, off: Off, file: &str) {
        let undone = self.run(off, &["clean", "undo", "last", "--json"]).expect_code(0);
        assert_eq!(undone.json().pop().unwrap()["restored"], 1, "{undone}");
        let text = fs::read_to_string(self.root().join(file)).unwrap();
        assert_eq!(text, format!("contents of {file}"));
    }

    fn result(&self, off: Off, args: &[&str]) -> Value {
        self.run(off, args).expect_code(0).json().pop().unwrap()
    }
}

#[test]
fn a_run_a_year_ahead_empties_no_quarantine() {
    let Some(clocks) = Clocks::new("") else { return };
    clocks.drop("a", RIGHT);
    // Within the boot that began it, the step is seen; a purge without a word of how long follows the same rule.
    clocks.sync(wrong(366 * DAY));
    let purged = clocks.result(wrong(366 * DAY), &["clean", "purge", "--json"]);
    assert_eq!((&purged["runs"], &purged["marked"]), (&serde_json::json!([]), &serde_json::json!([])));
    assert!(!clocks.is_marked());
    // It was booted since: it is marked, and the next run at the right time drops the mark.
    clocks.reboot();
    clocks.sync(wrong(366 * DAY));
    clocks.sync(wrong(366 * DAY));
    assert!(clocks.is_marked());
    assert_eq!(clocks.kept(), ["a"]);
    clocks.sync(RIGHT);
    assert!(!clocks.is_marked());
    clocks.sync(wrong(400 * DAY));
    clocks.sync(RIGHT);
    clocks.undo(RIGHT, "a");
    assert!(!clocks.root().join(".pdb-sync").exists());
}

#[test]
fn what_a_host_with_a_slow_clock_removed_is_not_gone_with_the_next_run() {
    let Some(clocks) = Clocks::new("") else { return };
    clocks.drop("a", wrong(-60 * DAY));
    clocks.reboot();
    clocks.sync(RIGHT);
    clocks.sync(RIGHT);
    assert!(clocks.is_marked());
    // The slow one looks again: its clock goes backwards.
    clocks.sync(wrong(-60 * DAY));
    clocks.sync(RIGHT);
    clocks.undo(RIGHT, "a");
}

#[test]
fn when_the_time_has_really_come_it_goes_and_undo_says_so() {
    let Some(clocks) = Clocks::new("") else { return };
    clocks.drop("a", RIGHT);
    clocks.sync(later(29 * DAY));
    assert!(!clocks.is_marked());
    let dry = clocks.result(later(31 * DAY), &["clean", "purge", "-n", "--json"]);
    assert_eq!((dry["marked"].as_array().unwrap().len(), clocks.is_marked()), (1, false), "{dry}");
    let purged = clocks.run(later(31 * DAY), &["clean", "purge"]).expect_code(0);
    assert!(purged.out().contains("removed 0 entries of 0 runs"), "{purged}");
    assert!(purged.out().contains("1 run marked, to be removed by a run after "), "{purged}");
    clocks.sync(later(31 * DAY + 7_200));
    assert_eq!(clocks.kept(), ["a"]);
    clocks.sync(later(32 * DAY + 60));
    assert_eq!(clocks.kept(), [""; 0]);
    assert!(!clocks.root().join(".pdb-sync").exists());
    let mirror = tree(&clocks.root());
    for args in [["clean", "undo", "last"].as_slice(), &["clean", "undo", "last", "--json"]] {
        let undone = clocks.run(later(33 * DAY), args).expect_code(1);
        assert!(undone.err().contains(" was purged on 20"), "{undone}");
        if args.len() == 4 {
            let end = undone.json().pop().unwrap();
            assert_eq!((&end["event"], &end["restored"]), (&"result".into(), &0.into()), "{end}");
            assert!(end["purged"].is_string() && end["lost"] == true, "{end}");
        }
    }
    assert_eq!(tree(&clocks.root()), mirror);
    let log = clocks.run(later(33 * DAY), &["clean", "log"]).expect_code(0);
    assert!(log.out().contains("purged on 20"), "{log}");
}

#[test]
fn what_somebody_else_purged_is_not_claimed_to_be_back() {
    let Some(clocks) = Clocks::new("") else { return };
    clocks.drop("a", RIGHT);
    let other = ["--state-dir", "other", "clean", "purge", "mirror/m", "--older-than", "0", "--json"];
    assert_eq!(clocks.result(RIGHT, &other)["entries"], 1);
    let undone = clocks.run(RIGHT, &["clean", "undo", "last"]).expect_code(1);
    assert!(
        undone.err().contains("it was purged without a record in this state directory, or removed by hand"),
        "{undone}"
    );
}

#[test]
fn a_human_purges_at_once() {
    let Some(clocks) = Clocks::new("") else { return };
    clocks.drop("a", RIGHT);
    let at_once = ["clean", "purge", "--older-than", "1d", "--json"];
    assert_eq!(clocks.result(later(DAY - 60), &at_once)["entries"], 0);
    assert_eq!(clocks.result(later(DAY + 60), &at_once)["entries"], 1);
    let undone = clocks.run(RIGHT, &["clean", "undo", "last"]).expect_code(1);
    assert!(undone.err().contains(" was purged on "), "{undone}");
}

#[test]
fn a_run_800_days_ahead_takes_no_history() {
    let Some(clocks) = Clocks::new("[stats]\nkeep = '400d'\n") else { return };
    let known = |off| {
        let told = clocks.run(off, &["history", "--json"]).expect_code(0).json();
        told.iter().filter(|line| line["event"] == "job").count()
    };
    clocks.sync(RIGHT);
    let before = known(RIGHT);
    clocks.sync(wrong(800 * DAY));
    clocks.sync(wrong(800 * DAY + 7_200));
    assert_eq!(known(RIGHT), before + 2);
    assert!(clocks.env.state().join("marks.json").exists());
    clocks.sync(RIGHT);
    assert_eq!(known(RIGHT), before + 3);
    // What is dated in the future is marked now, and hides no success.
    let listed = clocks.run(RIGHT, &["list", "--json"]).expect_code(0).json();
    let newest = clocks.run(RIGHT, &["history", "--json"]).json();
    let newest = newest.iter().filter_map(|job| job["started"].as_str()).max().unwrap().to_owned();
    let job = listed.iter().find(|line| line["name"] == "m").unwrap();
    assert!(job["last"]["started"].as_str().unwrap() < newest.as_str(), "{job}");
    // Time passes: those that were marked when it was right go, and no others.
    clocks.sync(later(401 * DAY));
    clocks.sync(later(402 * DAY + 60));
    assert_eq!(
        known(RIGHT),
        2,
        "the two that were run then; those of the wrong clock were marked for as long"
    );
}

#[test]
fn the_last_run_is_the_last_whatever_its_clock_said() {
    let Some(clocks) = Clocks::new("[sync]\nlog_keep = 1\n") else { return };
    let logs = || fs::read_dir(clocks.env.state().join("logs/m")).unwrap().count();
    clocks.drop("a", RIGHT);
    assert_eq!(logs(), 1);
    clocks.drop("b", wrong(366 * DAY));
    assert_eq!(logs(), 1, "it is the newest");
    clocks.undo(RIGHT, "b");
    fs::remove_file(clocks.root().join("b")).unwrap();
    clocks.drop("c", RIGHT);
    let text = |path: PathBuf| fs::read_to_string(path).unwrap();
    let all: Vec<_> = fs::read_dir(clocks.env.state().join("logs/m"))
        .unwrap()
        .map(|log| text(log.unwrap().path()))
        .collect();
    assert!(all.iter().any(|log| log.contains("deleting c") || log.contains(" c")), "{all:?}");
    clocks.undo(RIGHT, "c");
    // A clock that is behind all of them: its own log stays while it is the newest.
    clocks.sync(wrong(-60 * DAY));
    let last = clocks.run(wrong(-60 * DAY), &["sync", "m", "--json"]).expect_code(0).json();
    let log = last.iter().find_map(|event| event["log"].as_str()).unwrap().to_owned();
    assert!(fs::exists(&log).unwrap(), "{log}");
}
