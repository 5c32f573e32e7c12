//! Directories without write permission for their owner, as sources have them with mode 0555.

use super::quick;
use crate::support::{Ended, Env, NOBODY, Somebody, eventually, mode_of, set_dirs, skipped, tree};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A home with a job `a` that deletes, from the directory `source`.
fn home(more: &str) -> (Env, PathBuf, PathBuf) {
    let env = Env::new();
    let job =
        format!("[jobs.a]\nsource = 'source/'\ndest = 'a'\ndelete = true\nmax_delete = '100%'\n{more}\n");
    let env = env.with_config(&quick(&job));
    let (source, dest) = (env.dir().join("source"), env.mirror("a"));
    (env, source, dest)
}

fn write(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Modes and times of all directories, the root's own aside from what is ours.
fn dirs(root: &Path) -> BTreeMap<PathBuf, (u32, SystemTime)> {
    let below = tree(root).into_keys().filter(|path| !path.starts_with(".pdb-sync"));
    let all = below.chain([PathBuf::new()]).filter(|path| root.join(path).is_dir());
    all.map(|path| {
        let meta = fs::metadata(root.join(&path)).unwrap();
        let mode = mode_of(&root.join(&path));
        (path, (mode, meta.modified().unwrap()))
    })
    .collect()
}

/// Records of modes that are changed for a moment.
fn records(env: &Env) -> Vec<PathBuf> {
    let entries = fs::read_dir(env.state().join("journal")).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(".modes.ndjson"))
        .collect()
}

#[track_caller]
fn is_the_source(env: &Env, ended: &Ended) {
    let (source, dest) = (env.dir().join("source"), env.mirror("a"));
    let mut there = tree(&dest);
    there.retain(|path, _| !path.starts_with(".pdb-sync"));
    assert_eq!(there, tree(&source), "{ended}");
    assert_eq!(dirs(&dest), dirs(&source), "{ended}");
    assert_eq!(records(env), Vec::<PathBuf>::new(), "{ended}");
}

/// Several runs over a tree in which all kinds of things change; `root`: the mode of the source's root.
fn converges(run: &dyn Fn(&[&str]) -> Ended, env: &Env, root: u32) {
    let (source, dest) = (env.dir().join("source"), env.mirror("a"));
    let times = std::cell::Cell::new(1_000_000_000);
    let close = || {
        // Every change of a directory shows in its time.
        times.set(times.get() + 1_000);
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(times.get());
        dirs(&source)
            .into_keys()
            .for_each(|dir| fs::File::open(source.join(dir)).unwrap().set_modified(time).unwrap());
        set_dirs(&source, 0o555);
        fs::set_permissions(&source, fs::Permissions::from_mode(root)).unwrap();
    };
    for name in ["a/1", "a/2", "a/b/3", "a/b/c/4", "turns/x/q", "turns/r", "f", "top"] {
        write(&source, name, name);
    }
    close();
    let sync = || run(&["sync", "a", "--json"]).expect_code(0);
    is_the_source(env, &sync());

    set_dirs(&source, 0o755);
    for gone in ["a/2", "f", "top"] {
        fs::remove_file(source.join(gone)).unwrap();
    }
    for gone in ["a/b/c", "turns"] {
        fs::remove_dir_all(source.join(gone)).unwrap();
    }
    for name in ["a/1", "a/new", "a/b/newer", "f/in"] {
        write(&source, name, "another text");
    }
    write(&source, "turns", "a file now");
    close();
    let ended = sync();
    is_the_source(env, &ended);
    let finished = super::finished(&ended, "a");
    assert_eq!(
        (&finished["status"], &finished["error"]),
        (&"ok".into(), &serde_json::Value::Null),
        "{ended}"
    );
    // a/2, a/b/c/4, turns/x/q, turns/r, top.
    assert_eq!(finished["files_deleted"], 5, "{ended}");

    set_dirs(&source, 0o755);
    fs::remove_file(source.join("turns")).unwrap();
    fs::remove_dir_all(source.join("f")).unwrap();
    write(&source, "turns/x/q", "again");
    write(&source, "f", "again");
    close();
    is_the_source(env, &sync());
    // Nothing is left to be done.
    let ended = sync();
    let finished = super::finished(&ended, "a");
    assert_eq!(
        (&finished["files_transferred"], &finished["files_deleted"]),
        (&0.into(), &0.into()),
        "{ended}"
    );
    is_the_source(env, &ended);
    set_dirs(&dest, 0o755);
}

#[test]
fn a_mirror_of_them_converges() {
    for more in ["", "keep_deleted = '30d'"] {
        for root in [0o755, 0o555] {
            let (env, source, _) = home(more);
            fs::create_dir(&source).unwrap();
            let somebody = Somebody::new(&env);
            converges(&|args| somebody.run(args), &env, root);
        }
    }
}

#[test]
fn nobody_but_root_writes_into_them_over_several_connections() {
    let (env, source, dest) = home("connections = 4");
    let somebody = Somebody::new(&env);
    for n in 0..200 {
        write(&source, &format!("one/{n}"), &"x".repeat(n * 10));
        write(&source, &format!("two/three/{n}"), "text");
    }
    let connections = |ended: &Ended| super::finished(ended, "a")["connections"].as_u64().unwrap();
    // Within a second, rsync takes two times of a directory for the same.
    let close = |mode: u32, time: u64| {
        for dir in ["one", "two/three", "two", ""].map(|dir| source.join(dir)) {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(time);
            fs::File::open(&dir).unwrap().set_modified(time).unwrap();
        }
        fs::set_permissions(source.join("one"), fs::Permissions::from_mode(mode)).unwrap();
    };
    let sync = || somebody.run(&["sync", "a", "--json"]).expect_code(0);
    close(0o755, 1_000_000_000);
    let ended = sync();
    assert!(connections(&ended) > 1, "{ended}");
    is_the_source(&env, &ended);
    // The mode of a directory changes, and with it all of its files.
    for n in 0..200 {
        write(&source, &format!("one/{n}"), "a longer text");
    }
    close(0o555, 1_000_001_000);
    let ended = sync();
    assert_eq!(connections(&ended), 1, "{ended}");
    is_the_source(&env, &ended);
    // Neither the mode nor the time of the directory changes.
    for n in 0..200 {
        write(&source, &format!("one/{n}"), &"y".repeat(100 + n));
    }
    close(0o555, 1_000_001_000);
    let ended = sync();
    assert_eq!(connections(&ended), 1, "{ended}");
    is_the_source(&env, &ended);
    // A mirror from nothing.
    set_dirs(&dest, 0o755);
    fs::remove_dir_all(&dest).unwrap();
    let ended = sync();
    assert_eq!(connections(&ended), 1, "{ended}");
    is_the_source(&env, &ended);
    set_dirs(&dest, 0o755);
}

#[test]
fn for_root_there_is_nothing_to_change() {
    if !rustix::process::geteuid().is_root() {
        return skipped("only root ignores modes");
    }
    let (env, source, _) = home("keep_deleted = '30d'");
    fs::create_dir(&source).unwrap();
    converges(&|args| env.run(args), &env, 0o555);
}

#[test]
fn what_was_removed_and_replaced_in_them_comes_back() {
    let (env, source, dest) = home("keep_deleted = '30d'");
    let somebody = Somebody::new(&env);
    for name in ["a/1", "a/2", "a/b/3", "a/b/c/4"] {
        write(&source, name, name);
    }
    set_dirs(&source, 0o555);
    somebody.run(&["sync", "a"]).expect_code(0);
    let (before, modes) = (tree(&dest), dirs(&dest));
    set_dirs(&source, 0o755);
    fs::remove_dir_all(source.join("a/b")).unwrap();
    fs::remove_file(source.join("a/2")).unwrap();
    write(&source, "a/1", "another text");
    set_dirs(&source, 0o555);
    somebody.run(&["sync", "a"]).expect_code(0);
    assert!(!dest.join("a/b").exists());
    somebody.run(&["clean", "undo", "last"]).expect_code(0);
    let mut after = tree(&dest);
    // The newer version of what was replaced is kept.
    after.retain(|path, _| !path.starts_with(".pdb-sync"));
    assert_eq!(after, before);
    let mut again = dirs(&dest);
    // Their times are those that the second transfer gave them.
    again.insert("a".into(), modes[Path::new("a")]);
    again.insert(PathBuf::new(), modes[Path::new("")]);
    assert_eq!(again, modes);
    assert_eq!((mode_of(&dest.join("a")), mode_of(&dest)), (0o555, 0o555));
    somebody.run(&["clean", "purge", "--older-than", "0s", "./mirror/a"]).expect_code(0);
    assert!(!dest.join(".pdb-sync").exists());
    assert_eq!((mode_of(&dest.join("a")), mode_of(&dest)), (0o555, 0o555));
    assert_eq!(records(&env), Vec::<PathBuf>::new());
}

/// Runs `sync` until it is killed while a directory is writable for the moment.
fn killed(somebody: &Somebody<'_>, env: &Env, dir: &Path) {
    for _ in 0..20 {
        for n in 0..3_000 {
            write(dir, &format!("old-{n}"), "");
        }
        somebody.own(env.dir());
        fs::set_permissions(dir, fs::Permissions::from_mode(0o1555)).unwrap();
        let running = somebody.spawn(&["sync", "a"]);
        eventually("it deletes, or has come to its end", || {
            mode_of(dir) != 0o1555 || !crate::support::is_running(running.pid())
        });
        running.signal(Signal::KILL);
        running.wait();
        if mode_of(dir) != 0o1555 {
            assert_eq!((mode_of(dir), records(env).len()), (0o1755, 1));
            return;
        }
    }
    panic!("it was never killed in time");
}

#[test]
fn after_a_kill_the_next_run_puts_the_mode_back() {
    // The last word is on whoever runs next; rsync is told to leave modes alone.
    let (env, source, dest) = home("rsync_args = ['--no-perms', '--omit-dir-times']");
    write(&source, "a/stays", "x");
    let somebody = Somebody::new(&env);
    somebody.run(&["sync", "a"]).expect_code(0);
    let dir = dest.join("a");
    for next in [
        &["sync", "a"][..],
        &["sync", "a", "--no-delete"],
        &["clean", "purge", "./mirror/a"],
        &["clean", "purge", "./mirror"],
    ] {
        killed(&somebody, &env, &dir);
        // Who only looks changes nothing.
        somebody.run(&["sync", "a", "--dry-run"]).expect_code(0);
        somebody.run(&["clean", "purge", "--dry-run", "./mirror/a"]).expect_code(0);
        assert_eq!((mode_of(&dir), records(&env).len()), (0o1755, 1), "{next:?}");
        let ended = somebody.run(next).expect_code(0);
        assert_eq!(mode_of(&dir), 0o1555, "{next:?}\n{ended}");
        // That of another tree is only appended to.
        let ended = somebody.run(&["sync", "a"]).expect_code(0);
        assert_eq!(records(&env), Vec::<PathBuf>::new(), "{next:?}\n{ended}");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "{ended}");
    }
}

#[test]
fn a_setgid_bit_that_would_be_lost_is_not_risked() {
    if !rustix::process::geteuid().is_root() {
        return skipped("only root can give a directory to a group of others");
    }
    let (env, source, dest) = home("rsync_args = ['--no-perms', '--no-group', '--omit-dir-times']");
    for name in ["theirs/stays", "ours/stays"] {
        write(&source, name, "x");
    }
    let somebody = Somebody::new(&env);
    somebody.run(&["sync", "a"]).expect_code(0);
    for name in ["theirs", "ours"] {
        write(&dest, &format!("{name}/old"), "x");
        let gid = if name == "ours" { NOBODY } else { 1234 };
        lchown(dest.join(name), Some(NOBODY), Some(gid)).unwrap();
        fs::set_permissions(dest.join(name), fs::Permissions::from_mode(0o2555)).unwrap();
    }
    let ended = somebody.run(&["sync", "a", "--json"]).expect_code(3);
    let finished = super::finished(&ended, "a");
    let error = finished["error"].as_str().unwrap();
    assert!(error.contains("group gid 1234, mode 2555"), "{ended}");
    assert!(error.contains("1 entry could not be deleted: theirs/old: Permission denied"), "{ended}");
    assert!(error.contains("making it writable would lose its setgid bit"), "{ended}");
    assert_eq!((mode_of(&dest.join("theirs")), mode_of(&dest.join("ours"))), (0o2555, 0o2555), "{ended}");
    assert!(dest.join("theirs/old").exists() && !dest.join("ours/old").exists(), "{ended}");
    assert_eq!(records(&env), Vec::<PathBuf>::new());
}
