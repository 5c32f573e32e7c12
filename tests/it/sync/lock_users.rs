//! Locks across users, hosts, and file systems on which directories cannot be locked.

use crate::support::{
    ALICE, BOB, Ended, Env, Fuse, GROUP, Running, eventually, one_job, skipped, without_flock,
};
use std::fs::{self, File, Permissions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;

const ARGS: &str = "delete = true\nrsync_args = [\"--no-p\", \"--no-o\", \"--no-g\", \"--omit-dir-times\"]";

/// A source with a file, and a mirror.
fn env() -> Env {
    let env = Env::new();
    fs::create_dir(env.dir().join("source")).unwrap();
    fs::write(env.dir().join("source/a"), "a").unwrap();
    fs::create_dir(env.mirror("j")).unwrap();
    let from = format!("{}/", env.dir().join("source").display());
    let config = one_job(&[&from], &env.mirror("j"), ARGS);
    env.with_config(&config)
}

fn shared() -> Option<Env> {
    if !rustix::process::geteuid().is_root() {
        skipped("only root can become somebody else");
        return None;
    }
    let env = env();
    chown(env.mirror("j"), Some(ALICE.uid), Some(GROUP)).unwrap();
    fs::set_permissions(env.mirror("j"), Permissions::from_mode(0o2775)).unwrap();
    Some(env)
}

fn stand_in(env: &Env) -> PathBuf {
    env.mirror("j/.pdb-sync/lock")
}

/// Runs it where no `flock` works.
fn without(env: &Env, args: &[&str]) -> Ended {
    let mut command = env.command(args);
    without_flock(&mut command, libc::ENOLCK);
    Running::start(command).wait()
}

/// The file, locked by this process as by one of another host. Dropping it frees the lock, of which another test may hold a copy
/// between its fork and its exec.
struct Held(File);

fn held(env: &Env, note: &str) -> Held {
    fs::create_dir_all(env.mirror("j/.pdb-sync")).unwrap();
    fs::write(stand_in(env), note).unwrap();
    let held = Held(File::options().read(true).write(true).open(stand_in(env)).unwrap());
    assert!(held.set(libc::F_WRLCK));
    held
}

impl Held {
    #[expect(unsafe_code, reason = "locks of open files are not in rustix")]
    fn set(&self, kind: libc::c_int) -> bool {
        // SAFETY: all zeros is a valid `flock`.
        let mut lock: libc::flock = unsafe { std::mem::zeroed() };
        lock.l_type = kind as libc::c_short;
        // SAFETY: the structure lives as long as the call.
        unsafe { libc::fcntl(self.0.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) == 0 }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(libc::F_UNLCK);
    }
}

fn note(host: &str, pid: u32, process: &str) -> String {
    format!(
        "{{\"v\":1,\"pid\":{pid},\"process\":\"{process}\",\"run\":\"RUN0\",\"user\":\"carol\",\"host\":\"{host}\",\
         \"since\":\"2026-01-02T03:04:05Z\"}}"
    )
}

fn host() -> String {
    rustix::system::uname().nodename().to_str().unwrap().into()
}

#[test]
fn a_holder_of_another_user_is_named_with_user_host_process_and_since_when() {
    let Some(env) = shared() else { return };
    let directory = File::open(env.mirror("j")).unwrap();
    directory.lock().unwrap();
    let ended = BOB.run(&env, &["sync", "j", "--json", "--wait-lock", "150ms"]).expect_code(75);
    let own = std::process::id();
    let who = format!("another process: pid {own} (");
    for part in [&who, ", user root, ", &format!(", host {}, running since 20", host())] {
        assert!(ended.finished()["error"].as_str().unwrap().contains(part), "{part}: {ended}");
    }
    assert!(ended.err().is_empty() || ended.err().contains(&who), "{ended}");
    directory.unlock().unwrap();
    BOB.run(&env, &["sync", "j"]).expect_code(0);
    assert!(!stand_in(&env).exists(), "a file where none is needed");
}

#[test]
fn where_flock_does_not_work_users_meet_in_the_mirror() {
    let Some(env) = shared() else { return };
    // A hook that lasts, so that a run holds the lock.
    let go = env.dir().join("go");
    let config = fs::read_to_string(env.config()).unwrap();
    let wait = format!("{config}before = ['until [ -e {} ]; do sleep 0.02; done']\n", go.display());
    fs::write(env.config(), wait).unwrap();
    let mut first = ALICE.command(&env, &["sync", "j"]);
    without_flock(&mut first, libc::ENOLCK);
    let first = Running::start(first);
    eventually("the first says who it is", || {
        fs::read_to_string(stand_in(&env)).is_ok_and(|text| text.contains("\"run\""))
    });
    let meta = fs::metadata(stand_in(&env)).unwrap();
    assert_eq!((meta.mode() & 0o7777, meta.gid()), (0o664, GROUP));
    let dir = fs::metadata(env.mirror("j/.pdb-sync")).unwrap();
    assert_eq!((dir.mode() & 0o7777, dir.gid()), (0o2775, GROUP));
    // Also for those who could lock the directory, as on the server itself.
    for filtered in [true, false] {
        let mut second = BOB.command(&env, &["sync", "j", "--json"]);
        if filtered {
            without_flock(&mut second, libc::ENOLCK);
        }
        let ended = Running::start(second).wait().expect_code(75);
        let error = ended.finished()["error"].as_str().unwrap().to_owned();
        let who = format!("locked by pid {}, run ", first.pid());
        for part in [&*who, ", user uid 3001, ", &format!(", host {}, since 20", host())] {
            assert!(error.contains(part), "{part}: {ended}");
        }
    }
    fs::write(go, "").unwrap();
    first.wait().expect_code(0);
    // It stays, and says nothing.
    assert_eq!(fs::read_to_string(stand_in(&env)).unwrap(), "");
    fs::write(env.dir().join("source/b"), "b").unwrap();
    let mut second = BOB.command(&env, &["sync", "j"]);
    without_flock(&mut second, libc::ENOLCK);
    Running::start(second).wait().expect_code(0);
    assert!(env.mirror("j/b").exists());
    for user in [ALICE, BOB] {
        let locks = fs::read_dir(user.state(&env).join("locks")).unwrap().flatten();
        assert_eq!(locks.filter(|item| item.path().extension().is_some_and(|e| e == "lock")).count(), 0);
    }
}

#[test]
fn a_holder_of_another_host_is_told_as_what_it_is() {
    let env = env();
    let told = |text: &str| {
        let file = held(&env, text);
        let ended = without(&env, &["sync", "j", "--json"]).expect_code(75);
        drop(file);
        ended.finished()["error"].as_str().unwrap().to_owned()
    };
    let away = told(&note("elsewhere", 7, "boot:1"));
    let path = stand_in(&env);
    assert!(
        away.contains("pid 7, run RUN0, user carol, host elsewhere, since 2026-01-02 03:04:05 +00:00"),
        "{away}"
    );
    assert!(
        away.contains(&format!(
            "if that host is gone, and its file server does not free the lock, remove {}",
            path.display()
        )),
        "{away}"
    );
    let gone = told(&note(&host(), 4_000_000, "another boot:1"));
    assert!(gone.contains("; that process has ended, but "), "{gone}");
    for odd in ["", "{\"v\":1", "\u{1b}[31m"] {
        let unknown = told(odd);
        assert!(unknown.contains("another process, which has left no note in "), "{unknown}");
        assert!(!unknown.contains('\u{1b}'), "{unknown}");
    }

    // One that is free, and whose note was left.
    fs::write(&path, note("elsewhere", 7, "boot:1")).unwrap();
    let ended = without(&env, &["sync", "j", "--json"]).expect_code(0);
    let notices = ended.events("notice");
    let text = "pid 7, run RUN0, user carol, host elsewhere, since 2026-01-02 03:04:05 +00:00 ended without releasing the lock of";
    assert!(
        notices.iter().any(|n| n["level"] == "info" && n["text"].as_str().unwrap().contains(text)),
        "{ended}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "");
    let ended = without(&env, &["sync", "j", "--json"]).expect_code(0);
    assert!(!ended.out().contains("without releasing the lock"), "{ended}");

    // Who waits says so, and for how long.
    let file = held(&env, "");
    let ended = without(&env, &["sync", "j", "--json", "--wait-lock", "300ms"]).expect_code(75);
    drop(file);
    let waits =
        |notice: &serde_json::Value| notice["text"].as_str().unwrap().starts_with("waiting for the lock of ");
    assert!(ended.events("notice").iter().any(waits), "{ended}");
    assert!(ended.finished()["duration_s"].as_f64().unwrap() >= 0.3, "{ended}");

    // `clean` asks in the same way.
    let file = held(&env, &note("elsewhere", 7, "boot:1"));
    let ended = without(&env, &["clean", "purge", "j"]).expect_code(75);
    assert!(ended.err().contains("is locked by pid 7, run RUN0, user carol, host elsewhere"), "{ended}");
    drop(file);
    // What somebody else puts in its place is another lock: it is met there.
    let old = held(&env, "");
    fs::remove_file(&path).unwrap();
    without(&env, &["sync", "j"]).expect_code(0);
    drop(old);
}

#[test]
fn a_stand_in_that_cannot_be_locked_costs_the_deletions_and_not_the_transfer() {
    let Some(env) = shared() else { return };
    let mut first = ALICE.command(&env, &["sync", "j"]);
    without_flock(&mut first, libc::ENOLCK);
    Running::start(first).wait().expect_code(0);
    let ours = env.mirror("j/.pdb-sync");
    fs::set_permissions(&ours, Permissions::from_mode(0o700)).unwrap();
    fs::remove_file(env.dir().join("source/a")).unwrap();
    fs::write(env.dir().join("source/b"), "b").unwrap();
    let run = |args: &[&str]| {
        let mut command = BOB.command(&env, args);
        without_flock(&mut command, libc::ENOLCK);
        Running::start(command).wait()
    };
    let ended = run(&["sync", "j", "--json"]).expect_code(3);
    let (error, hint) = (ended.finished()["error"].to_string(), ended.finished()["hint"].to_string());
    assert!(
        error.contains(&format!("{} belongs to uid 3001, group gid 4000, mode 0700", ours.display())),
        "{ended}"
    );
    assert!(hint.contains("chgrp 4000"), "{ended}");
    assert!(env.mirror("j/a").exists() && env.mirror("j/b").exists(), "{ended}");
    // What only removes does nothing.
    let ended = run(&["clean", "purge", "j"]).expect_code(1);
    assert!(ended.err().contains("nothing was touched"), "{ended}");
    // Nothing to delete: nothing to tell.
    fs::write(env.dir().join("source/a"), "a").unwrap();
    run(&["sync", "j"]).expect_code(0);
    // A run of its owner shares it.
    let mut first = ALICE.command(&env, &["sync", "j"]);
    without_flock(&mut first, libc::ENOLCK);
    Running::start(first).wait().expect_code(0);
    fs::remove_file(env.dir().join("source/b")).unwrap();
    run(&["sync", "j"]).expect_code(0);
    assert!(!env.mirror("j/b").exists());
}

#[test]
fn where_nothing_can_be_locked_the_state_directory_keeps_its_own_runs_apart() {
    let Some(fuse) = Fuse::mounted("noflock") else { return };
    let env = env();
    let from = format!("{}/", env.dir().join("source").display());
    let env = env.with_config(&one_job(&[&from], &fuse.path().join("m"), ARGS));
    let ended = without(&env, &["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.finished()["status"], "ok", "{ended}");
    let told = ended.events("notice").into_iter().any(|notice| {
        notice["level"] == "info"
            && notice["text"].as_str().unwrap().contains("stops only other runs with this state directory")
    });
    assert!(told, "{ended}");
    let doctor = without(&env, &["doctor", "--offline"]);
    assert!(doctor.out().contains("nothing can be locked in "), "{doctor}");
}

#[test]
fn doctor_says_what_stands_in_for_the_lock() {
    let env = env();
    let ended = env.run(["doctor", "--offline"]);
    assert!(!ended.out().contains("cannot be locked"), "{ended}");
    let ended = without(&env, &["doctor", "--offline"]);
    assert!(ended.out().contains("directories cannot be locked in "), "{ended}");
    assert!(ended.out().contains(".pdb-sync/lock in the mirror is locked instead"), "{ended}");
    assert_eq!(fs::read_dir(env.mirror("j")).unwrap().count(), 0, "{ended}");
}
