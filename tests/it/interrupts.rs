//! Signals while our own code is at work, and files without an end.

#[cfg(target_os = "linux")]
use crate::support::with_marker;
use crate::support::{Env, Running, eventually, one_job};
use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::process::Signal;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A second is meant; machines may be busy.
const SOON: Duration = Duration::from_secs(5);

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut child = Command::new("gzip").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, text) = (child.stdin.take().unwrap(), text.to_vec());
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut input, &text));
    let packed = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap().unwrap();
    packed
}

/// A file of some megabytes whose contents take minutes: a table of a hundred gigabytes and more.
fn endless(dir: &Path) -> PathBuf {
    std::fs::create_dir_all(dir).unwrap();
    let mut bytes = gzip(b"data_1ABC\n_entry.id 1ABC\nloop_\n_atom_site.id\n");
    let member = gzip(&b"1\n".repeat(5_000_000));
    (0..12_000).for_each(|_| bytes.extend_from_slice(&member));
    let path = dir.join("1abc.cif.gz");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Until the process reads that file.
fn until_open(running: &Running, file: &Path) {
    let fds = PathBuf::from(format!("/proc/{}/fd", running.pid()));
    eventually("the file is open", || {
        let open = std::fs::read_dir(&fds).into_iter().flatten().flatten();
        open.into_iter().any(|fd| std::fs::read_link(fd.path()).is_ok_and(|at| at == file))
    });
}

/// Its code, once it has ended soon after these signals.
#[track_caller]
fn ended_by(running: Running, signals: &[Signal], code: i32) -> crate::support::Ended {
    let told = Instant::now();
    signals.iter().for_each(|signal| running.signal(*signal));
    let ended = running.wait();
    let took = told.elapsed();
    let ended = ended.expect_code(code);
    assert!(took < SOON, "{took:?}\n{ended}");
    ended
}

#[cfg(feature = "search")]
#[test]
fn indexing_one_large_file_is_ended_by_a_signal() {
    let env = Env::new();
    let file = endless(&env.mirror("m"));
    for (signals, code) in [(&[Signal::TERM][..], 143), (&[Signal::INT, Signal::INT], 130)] {
        let running = env.spawn(["index", env.mirror("m").to_str().unwrap()]);
        until_open(&running, &file);
        let ended = ended_by(running, signals, code);
        assert!(ended.err().contains("the index is as it was"), "{ended}");
    }
    let running = env.spawn(["index", env.mirror("m").to_str().unwrap(), "--json"]);
    until_open(&running, &file);
    let ended = ended_by(running, &[Signal::INT], 130);
    assert_eq!(ended.json().last().unwrap()["event"], "result", "{ended}");
    // Nothing half-written is taken for an index; the next build begins anew.
    env.run(["search", "protein"]).expect_code(2);
}

#[cfg(feature = "search")]
#[test]
fn a_sync_is_not_deaf_while_it_indexes() {
    let env = Env::new();
    endless(&env.dir().join("up"));
    let up = format!("{}/", env.dir().join("up").display());
    let env = env.with_config(&one_job(&[&up], &Env::new().mirror("j"), "index = true"));
    let text = std::fs::read_to_string(env.config()).unwrap();
    let dest = text.lines().find(|line| line.starts_with("dest")).unwrap().to_owned();
    let env = env.with_config(&text.replace(&dest, "dest = 'mirror/j'"));
    let copy = env.mirror("j").join("1abc.cif.gz");
    for signal in [Signal::TERM, Signal::INT] {
        let _ = std::fs::remove_file(&copy);
        let running = env.spawn(["sync", "j"]);
        // Not when rsync writes it: when we read it.
        running.until_said("=== Sync Summary ===");
        until_open(&running, &copy);
        let ended = ended_by(running, &[signal], 128 + signal.as_raw());
        assert!(ended.err().contains("the index is as it was"), "{ended}");
    }
}

#[test]
fn verifying_one_large_file_is_ended_by_a_signal() {
    let env = Env::new();
    let file = endless(&env.mirror("m"));
    let running = env.spawn(["verify", env.mirror("m").to_str().unwrap()]);
    until_open(&running, &file);
    let ended = ended_by(running, &[Signal::INT], 130);
    assert!(ended.out().contains("0 compressed files checked, 0 damaged, stopped before the end"), "{ended}");
}

#[test]
fn a_server_that_does_not_answer_holds_no_check_against_a_signal() {
    for command in [&["doctor"][..], &["mirrors", "--check", "wwpdb"]] {
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
            let (env, server) = (Env::new(), TcpListener::bind("127.0.0.1:0").unwrap());
            let address = format!("rsync://{}/m/", server.local_addr().unwrap());
            let job = one_job(&[&address], &env.mirror("j"), "");
            let env = env.with_config(&format!("{job}\n[mirrors.wwpdb]\nonly = [{address:?}]\n"));
            let running = env.spawn(command.iter().chain(&["--json", "--patience", "1h"]));
            let _connection = server.accept().unwrap();
            let ended = ended_by(running, &[signal], code);
            let last = ended.json().pop().unwrap();
            assert_eq!((&last["event"], &last["exit_code"]), (&"result".into(), &code.into()), "{ended}");
        }
    }
}

#[test]
fn lists_and_records_without_an_end_hold_nobody_up() {
    let env = Env::new();
    std::fs::create_dir(env.mirror("m")).unwrap();
    let at = env.mirror("m").to_str().unwrap().to_owned();
    let ended = env.run(["clean", "plan", &at, "--obsolete", "/dev/zero"]).expect_code(2);
    assert!(ended.err().contains("cannot read the list /dev/zero: it is a device"), "{ended}");
    let ended = env.run(["clean", "show", "/dev/zero"]);
    assert!(ended.code() != 0, "{ended}");
    // In the place of what we have written ourselves.
    let up = env.dir().join("up");
    std::fs::create_dir(&up).unwrap();
    std::fs::write(up.join("f"), "contents").unwrap();
    let env = env
        .with_config(&format!("[jobs.j]\nsource = '{}/'\ndest = 'mirror/j'\ndelete = true\n", up.display()));
    env.run(["sync", "j"]).expect_code(0);
    for name in [
        "listings/j.json",
        "listings/j.names",
        "journal/01J-x.journal.ndjson",
        "status/1.json",
        "locks/1.run",
    ] {
        let path = env.state().join(name);
        let _ = std::fs::remove_file(&path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
    }
    env.run(["clean", "log"]).expect_code(0);
    std::fs::write(up.join("g"), "contents").unwrap();
    env.run(["sync", "j"]).expect_code(0);
    assert!(env.mirror("j").join("g").exists());
}

/// A mount whose server does not answer, until it is dropped.
#[cfg(target_os = "linux")]
struct Dead<'f>(&'f crate::support::Fuse);

#[cfg(target_os = "linux")]
impl<'f> Dead<'f> {
    fn now(fuse: &'f crate::support::Fuse) -> Self {
        Self::tell(fuse, Signal::STOP);
        Dead(fuse)
    }

    fn tell(fuse: &crate::support::Fuse, signal: Signal) {
        let pid = rustix::process::Pid::from_raw(fuse.pid() as i32).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

#[cfg(target_os = "linux")]
impl Drop for Dead<'_> {
    fn drop(&mut self) {
        Self::tell(self.0, Signal::CONT);
    }
}

/// Whether a thread of the process waits for a FUSE server, or for nobody knows what.
#[cfg(target_os = "linux")]
fn waits_in_kernel(pid: u32) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    tasks.into_iter().any(|task| {
        let read = |name: &str| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
        ["fuse", "request_wait"].iter().any(|at| read("wchan").contains(at)) || read("stat").contains(") D ")
    })
}

#[cfg(target_os = "linux")]
#[test]
fn a_mount_that_does_not_answer_holds_no_command_against_a_signal() {
    let Some(fuse) = crate::support::Fuse::mounted("") else { return };
    let env = Env::new();
    for n in 0..10 {
        std::fs::create_dir(fuse.path().join(format!("d{n}"))).unwrap();
    }
    let at = fuse.path().to_str().unwrap().to_owned();
    for command in [&["scan", &at][..], &["clean", "plan", &at], &["verify", &at], &["index", &at]] {
        if command[0] == "index" && cfg!(not(feature = "search")) {
            continue;
        }
        let _dead = Dead::now(&fuse);
        let running = env.spawn(command);
        eventually("it waits for the mount", || waits_in_kernel(running.pid()));
        ended_by(running, &[Signal::TERM], 143);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_destination_that_does_not_answer_holds_no_sync_against_a_signal() {
    let Some(fuse) = crate::support::Fuse::mounted("") else { return };
    let env = Env::new();
    std::fs::create_dir(env.dir().join("up")).unwrap();
    std::fs::write(env.dir().join("up/f"), "contents").unwrap();
    let hook = "before = ['echo ready; while ! test -e go; do sleep 0.05; done']";
    let up = format!("{}/", env.dir().join("up").display());
    let env = env.with_config(&one_job(&[&up], &fuse.path().join("j"), hook));
    let running = env.spawn(["sync", "j", "--json"]);
    running.until_said("ready");
    let _dead = Dead::now(&fuse);
    std::fs::write(env.dir().join("go"), "").unwrap();
    eventually("it waits for the mount", || waits_in_kernel(running.pid()));
    let ended = ended_by(running, &[Signal::TERM], 143);
    assert_eq!(ended.finished()["status"], "cancelled", "{ended}");
    assert_eq!(ended.json().last().unwrap()["event"], "run_finished", "{ended}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_takes_long_to_list_is_left_at_a_signal() {
    let Some(fuse) = crate::support::Fuse::mounted("slow") else { return };
    let dir = fuse.path().join("many");
    std::fs::create_dir(&dir).unwrap();
    (0..10_000).for_each(|n| drop(std::fs::File::create(dir.join(format!("{n}.cif.gz"))).unwrap()));
    let env = Env::new();
    let at = dir.to_str().unwrap().to_owned();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let running = env.spawn(["scan", &at]);
        until_open(&running, &dir);
        ended_by(running, &[signal], code);
    }
    for command in [&["clean", "plan", &at][..], &["verify", &at]] {
        let running = env.spawn(command);
        until_open(&running, &dir);
        ended_by(running, &[Signal::TERM], 143);
    }
    assert!(with_marker(&at).is_empty(), "nobody is left behind");
}

/// A mirror on a slow disk with files that a run of `clean` has put into the quarantine.
#[cfg(target_os = "linux")]
fn quarantined(fuse: &crate::support::Fuse, env: &Env) -> PathBuf {
    const FILES: usize = 200;
    let root = fuse.path().join("m");
    std::fs::create_dir(&root).unwrap();
    let old = std::time::SystemTime::now() - Duration::from_secs(9 * 86_400);
    for n in 0..FILES {
        let file = std::fs::File::create(root.join(format!("{n:03}~"))).unwrap();
        file.set_modified(old).unwrap();
    }
    env.run(["clean", "plan", root.to_str().unwrap()]).expect_code(0);
    env.run(["clean", "run", "--yes", "--max-delete", "100%"]).expect_code(0);
    root
}

#[cfg(target_os = "linux")]
#[test]
fn undo_that_a_signal_ends_is_gone_on_with() {
    let Some(fuse) = crate::support::Fuse::mounted("slow") else { return };
    let env = Env::new();
    let root = quarantined(&fuse, &env);
    let back = |n: usize| root.join(format!("{n:03}~")).exists();
    for (signal, code, some) in [(Signal::INT, 130, 0), (Signal::TERM, 143, 40), (Signal::HUP, 129, 80)] {
        let running = env.spawn(["clean", "undo", "last"]);
        eventually("undo gets so far", || back(some));
        let ended = ended_by(running, &[signal], code);
        assert!(ended.out().contains("stopped before the end"), "{ended}");
        assert!(!back(199), "that was no end before the end: {ended}");
    }
    env.run(["clean", "undo", "last"]).expect_code(0);
    assert!((0..200).all(back) && !root.join(".pdb-sync").exists());
    let counts = &env.run(["clean", "log", "--json"]).expect_code(0).events("run")[0]["counts"];
    assert_eq!((&counts["quarantined"], &counts["restored"]), (&200.into(), &200.into()), "{counts}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_purge_that_a_signal_ends_is_gone_on_with() {
    let Some(fuse) = crate::support::Fuse::mounted("slow") else { return };
    let env = Env::new();
    let root = quarantined(&fuse, &env);
    let place = root.join(".pdb-sync/quarantine");
    let begun = || {
        let runs = std::fs::read_dir(&place).into_iter().flatten().flatten();
        runs.into_iter().any(|run| run.file_name().to_string_lossy().starts_with("purging-"))
    };
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let running = env.spawn(["clean", "purge", "--older-than", "0"]);
        let held = running.pid();
        eventually("purge has begun, and holds the tree", || {
            begun()
                && std::fs::read_dir(format!("/proc/{held}/fd")).into_iter().flatten().flatten().any(|fd| {
                    std::fs::read_link(fd.path()).is_ok_and(|at| at.starts_with(&place) && at != place)
                })
        });
        let ended = ended_by(running, &[signal], code);
        assert!(ended.out().contains("stopped before the end"), "{ended}");
        assert!(begun(), "it ended before it was told to: {ended}");
    }
    // What is half purged cannot come back, and is said to be so.
    let lost = env.run(["clean", "undo", "last"]).expect_code(1);
    assert!(lost.err().contains("was purged on"), "{lost}");
    env.run(["clean", "purge", "--older-than", "0"]).expect_code(0);
    assert!(!root.join(".pdb-sync").exists());
}
