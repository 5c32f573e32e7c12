//! `status`: commands in progress, freshness, and the screen that is redrawn in place.

use crate::support::{Env, Fake, Running, eventually};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn jobs(env: Env, names: &[&str]) -> Env {
    let job = |name: &&str| format!("[jobs.{name}]\nsource = 'rsync://h/{name}/'\ndest = '{name}'\n");
    let jobs: String = names.iter().map(job).collect();
    env.with_config(&format!(
        "version = 1\n[sync]\nparallel = 2\n[defaults]\nroot = 'mirror'\nretries = 0\n{jobs}"
    ))
}

fn status(env: &Env, args: &[&str]) -> Value {
    env.run([&["status", "--json"], args].concat()).json().pop().unwrap()
}

/// A fake whose transfers wait until the file is there.
fn waiting(dir: &Path) -> (Fake, PathBuf) {
    let go = dir.join("go");
    let script = format!(
        "raw 2020202020202020312c323030202034322520202020312e30304d422f73202020303a30303a3031\n\
                          out \nwait-file {}\nstats 1 1 0\nexit 0",
        go.display()
    );
    (Fake::new(&script), go)
}

#[test]
fn a_run_is_seen_while_it_goes_on_and_its_jobs_are_fresh_afterwards() {
    let place = tempfile::tempdir().unwrap();
    let (fake, go) = waiting(place.path());
    let env = jobs(Env::new().with_fake(&fake), &["a", "b", "c"]);
    let before = env.run(["status", "--max-age", "8d", "--json"]).expect_code(1);
    assert_eq!(before.json()[0]["stale"], serde_json::json!(["a", "b", "c"]), "{before}");
    assert!(before.err().contains("staler than --max-age allows: a, b, c"), "{before}");

    let running = env.spawn(["sync", "--all"]);
    let mut seen = Value::Null;
    eventually("two jobs are seen at work", || {
        seen = status(&env, &[]);
        let at_work = |job: &&Value| job["state"] == "transfer" && job["ended"] == false;
        seen["runs"][0]["jobs"].as_array().is_some_and(|jobs| jobs.iter().filter(at_work).count() == 2)
    });
    assert_eq!((&seen["runs"][0]["pid"], &seen["runs"][0]["gone"]), (&running.pid().into(), &false.into()));
    assert_eq!(seen["runs"][0]["jobs"][2]["state"], "waiting", "{seen}");
    let text = env.run(["status"]).expect_code(0);
    assert!(text.out().contains("0 of 3 jobs") && text.out().contains("  1 job waiting"), "{text}");

    fs::write(go, "").unwrap();
    running.wait().expect_code(0);
    let after = env.run(["status", "--max-age", "8d", "--json"]).expect_code(0);
    let after = after.json().pop().unwrap();
    assert_eq!(after["runs"], serde_json::json!([]), "the run said that it has ended");
    assert_eq!(after["jobs"][0]["last"]["status"], "ok", "{after}");
    assert!(after["jobs"][0]["age_s"].as_f64().unwrap() < 60.0, "{after}");
    assert_eq!(after["disks"].as_array().unwrap().len(), 1, "{after}");
    assert!(after["disks"][0]["free"].as_u64().unwrap() > 0, "{after}");
}

#[test]
fn a_run_that_was_killed_is_not_taken_for_one_in_progress() {
    let place = tempfile::tempdir().unwrap();
    let (fake, _) = waiting(place.path());
    let env = jobs(Env::new().with_fake(&fake), &["a"]);
    let running = env.spawn(["sync", "a"]);
    eventually("the run tells of itself", || record(&env, running.pid()).is_some());
    running.signal(rustix::process::Signal::KILL);
    running.wait();
    let text = env.run(["status"]).expect_code(0);
    assert!(text.out().contains("its process has ended without a result"), "{text}");
    assert_eq!(status(&env, &[])["runs"], serde_json::json!([]));
    assert_eq!(records(&env), Vec::<String>::new());
}

/// Names of the records of commands in progress.
fn records(env: &Env) -> Vec<String> {
    let entries = fs::read_dir(env.state().join("running")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn record(env: &Env, pid: u32) -> Option<String> {
    records(env).into_iter().find(|name| name.starts_with(&format!("{pid}-")) && name.ends_with(".json"))
}

/// A tree with a leftover, of which there is a plan.
fn planned() -> (Env, PathBuf) {
    let env = Env::new();
    let root = env.dir().join("mirror/m");
    fs::create_dir_all(&root).unwrap();
    fs::write(root.join("1abc.cif"), "data_1ABC\n").unwrap();
    fs::write(root.join("x~"), "x").unwrap();
    let old = std::time::SystemTime::now() - Duration::from_secs(100 * 24 * 3600);
    fs::File::open(root.join("x~")).unwrap().set_modified(old).unwrap();
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    (env, root)
}

#[test]
fn a_command_that_waits_for_an_answer_is_seen_and_its_end_too() {
    let (env, root) = planned();
    for killed in [true, false] {
        let (input, mut answer) = std::io::pipe().unwrap();
        let mut command = env.command(["clean", "run", "--mode", "interactive"]);
        command.stdin(input);
        let running = Running::start(command);
        running.until_said("Remove? ");
        let seen = status(&env, &[]);
        assert_eq!((&seen["runs"], seen["commands"].as_array().unwrap().len()), (&json!([]), 1), "{seen}");
        let seen = &seen["commands"][0];
        assert_eq!((&seen["command"], &seen["run"]), (&json!("clean run"), &Value::Null), "{seen}");
        assert_eq!((&seen["pid"], &seen["gone"]), (&running.pid().into(), &json!(false)), "{seen}");
        assert_eq!(seen["targets"], json!([root.canonicalize().unwrap().to_str().unwrap()]), "{seen}");
        let head = format!("CLEAN RUN by pid {}, for ", running.pid());
        let text = env.run(["status"]).expect_code(0);
        assert!(text.out().contains(&head), "{text}");
        if killed {
            running.signal(rustix::process::Signal::KILL);
            running.wait();
            let text = env.run(["status"]).expect_code(0);
            assert!(text.out().contains(&head), "{text}");
            assert!(text.out().contains("its process has ended without a result"), "{text}");
        } else {
            writeln!(answer, "y").unwrap();
            running.wait().expect_code(0);
        }
        assert_eq!((&status(&env, &[])["commands"], records(&env).len()), (&json!([]), 0));
    }
}

#[test]
fn every_lasting_command_registers_and_leaves_nothing() {
    let (env, _) = planned();
    let running = env.state().join("running");
    for (args, code) in [
        (&["scan", "./mirror/m"][..], 0),
        (&["verify", "./mirror/m"], 0),
        #[cfg(feature = "search")]
        (&["index", "./mirror/m"], 0),
        (&["reclaim", "./mirror/m"], 0),
        (&["clean", "plan", "./mirror/m"], 0),
        (&["clean", "run", "--yes"], 0),
        (&["clean", "undo", "last"], 0),
        (&["clean", "purge"], 0),
    ] {
        let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        fs::File::open(&running).unwrap().set_modified(long_ago).unwrap();
        env.run(args).expect_code(code);
        assert_ne!(fs::metadata(&running).unwrap().modified().unwrap(), long_ago, "{args:?}");
        assert_eq!(records(&env), Vec::<String>::new(), "{args:?}");
    }
}

#[test]
fn watching_needs_a_terminal_or_json() {
    let env = jobs(Env::new(), &["a"]);
    let ended = env.run(["status", "--watch"]).expect_code(2);
    assert!(ended.err().contains("--watch needs a terminal"), "{ended}");
    let running = env.spawn(["status", "--watch", "--json"]);
    running.until_said("\"event\":\"status\"");
    running.signal(rustix::process::Signal::TERM);
    let ended = running.wait().expect_code(143);
    let mut lines = ended.json();
    assert_eq!(lines.pop().unwrap()["exit_code"], 143, "{ended}");
    assert!(lines.iter().all(|line| line["event"] == "status"), "{ended}");
    env.run(["status", "--max-age", "soon"]).expect_code(2);
}

/// A terminal of tmux's, on a server of its own that is killed when dropped.
struct Terminal {
    dir: tempfile::TempDir,
}

impl Terminal {
    /// With a shell; `None` where there is no tmux.
    fn open() -> Option<Self> {
        let terminal = Terminal { dir: tempfile::tempdir().unwrap() };
        let version = Command::new("tmux").arg("-V").stdout(Stdio::null()).status();
        if version.is_err() {
            crate::support::skipped("there is no tmux");
            return None;
        }
        let shell = ["new-session", "-d", "-x", "100", "-y", "30", "env", "-i", "PS1=ready> ", "TERM=screen"];
        let made = terminal.tmux(&[&shell[..], &["PATH=/usr/bin:/bin", "sh", "-i"]].concat());
        assert!(made.status.success(), "{made:?}");
        Some(terminal)
    }

    fn tmux(&self, args: &[&str]) -> Output {
        let mut tmux = Command::new("tmux");
        tmux.arg("-f/dev/null").arg("-S").arg(self.dir.path().join("socket")).args(args);
        tmux.env("TERM", "screen").stdin(Stdio::null()).output().unwrap()
    }

    fn screen(&self) -> String {
        String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p"]).stdout).into_owned()
    }

    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    #[track_caller]
    fn until(&self, what: &str, condition: impl Fn(&str) -> bool) {
        let mut screen = String::new();
        eventually(&format!("{what}; the screen was\n{}", self.screen()), || {
            screen = self.screen();
            condition(&screen)
        });
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

#[test]
fn the_screen_is_drawn_in_place_and_put_back() {
    let Some(terminal) = Terminal::open() else { return };
    let env = jobs(Env::new(), &["a"]);
    let command = format!(
        "{} -c {} --state-dir {} status --watch; echo code $?",
        env!("CARGO_BIN_EXE_pdb-sync"),
        env.config().display(),
        env.state().display(),
    );
    for leave in ["q", "C-c"] {
        terminal.until("a prompt", |screen| screen.contains("ready>"));
        terminal.keys(&[&command, "Enter"]);
        terminal.until("the page", |screen| {
            screen.starts_with("pdb-sync ")
                && screen.contains("No run in progress.")
                && screen.contains("never")
        });
        let first = terminal.screen().lines().next().unwrap().to_owned();
        terminal.until("the time goes on in the same place", |screen| {
            screen.starts_with("pdb-sync ") && !screen.starts_with(&first)
        });
        terminal.keys(&[leave]);
        terminal
            .until("the shell, as it was", |screen| screen.contains("ready>") && screen.contains("code 0"));
        assert!(!terminal.screen().contains("No run in progress."), "{}", terminal.screen());
        // What is typed is shown again, and lines are lines.
        terminal.keys(&["echo a$((20+2))b", "Enter"]);
        terminal.until("an echo and an answer", |screen| {
            screen.contains("echo a$((") && screen.contains("\na22b")
        });
        terminal.keys(&["clear", "Enter"]);
        terminal.until("a clear screen", |screen| !screen.contains("code 0"));
    }
}

#[test]
fn one_look_is_quick() {
    let env = jobs(Env::new(), &["a", "b"]);
    status(&env, &[]);
    let begun = Instant::now();
    status(&env, &[]);
    // Two looks 0.2 s apart, and nothing that waits for anything; generous for busy machines.
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}
