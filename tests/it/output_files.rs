//! Options that take an output file: devices and FIFOs are written to, links stay, and the rest is refused.

use crate::support::{Ended, Env, Running, eventually, skipped};
use rustix::io::Errno;
use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::thread;

/// A home with a job `a` and a history of it.
fn home() -> Env {
    let env = Env::new();
    fs::create_dir(env.dir().join("a")).unwrap();
    fs::write(env.dir().join("a/f"), "x").unwrap();
    let env =
        env.with_config("version = 1\n[defaults]\nroot = 'mirror'\n[jobs.a]\nsource = 'a/'\ndest = 'a'\n");
    env.run(["sync", "a"]).expect_code(0);
    env
}

/// Each command with an option that names a file which is replaced, up to that name, and what the file holds then.
const WAYS: [(&[&str], &str); 3] = [
    (&["stats", "--prometheus"], "# HELP pdb_sync_"),
    (&["sync", "a", "--junit"], "<?xml "),
    (&["clean", "plan", "a", "-o"], "{\"pdb_sync_plan\":1,"),
];

fn run(env: &Env, way: &[&str], file: &str) -> Ended {
    env.run(way.iter().chain([&file]))
}

#[test]
fn a_symlink_stays_and_what_it_points_to_is_replaced() {
    for (way, content) in WAYS {
        let env = home();
        let at = |name: &str| env.dir().join(name);
        fs::create_dir(at("sub")).unwrap();
        symlink("sub/target", at("link")).unwrap();
        symlink("link", at("far")).unwrap();
        // It is made, and then replaced with the mode that somebody gave it.
        run(&env, way, "far").expect_code(0);
        fs::write(at("sub/target"), "old").unwrap();
        fs::set_permissions(at("sub/target"), fs::Permissions::from_mode(0o664)).unwrap();
        let ended = run(&env, way, "far").expect_code(0);
        assert!(
            at("far").is_symlink() && at("link").is_symlink() && !at("sub/target").is_symlink(),
            "{ended}"
        );
        assert!(fs::read_to_string(at("sub/target")).unwrap().starts_with(content), "{ended}");
        assert_eq!(fs::metadata(at("sub/target")).unwrap().permissions().mode() & 0o7777, 0o664, "{ended}");
        assert_eq!(fs::read_dir(at("sub")).unwrap().count(), 1, "no temporary file is left: {ended}");
        symlink("loop", at("loop")).unwrap();
        let ended = run(&env, way, "loop").expect_code(1);
        // The words are those of the C library.
        let why = format!("(os error {})", Errno::LOOP.raw_os_error());
        assert!(ended.err().contains(" loop: ") && ended.err().contains(&why), "{ended}");
    }
}

#[test]
fn directories_and_sockets_are_refused() {
    for (way, _) in WAYS {
        let env = home();
        fs::create_dir(env.dir().join("sub")).unwrap();
        let _socket = UnixListener::bind(env.dir().join("socket")).unwrap();
        for (name, why) in
            [("sub", "it is a directory"), ("sub/", "it is a directory"), ("socket", "it is a socket")]
        {
            let ended = run(&env, way, name).expect_code(1);
            assert!(ended.err().contains(&format!("{name}: {why}")), "{ended}");
        }
        assert!(fs::symlink_metadata(env.dir().join("socket")).unwrap().file_type().is_socket());
        assert_eq!(fs::read_dir(env.dir().join("sub")).unwrap().count(), 0);
    }
}

/// A device of the test's own, so that nothing happens to the machine's if this goes wrong.
#[cfg(target_os = "linux")]
fn device(path: &Path) -> bool {
    let made = Command::new("mknod").arg(path).args(["c", "1", "3"]).output();
    // A device that may be made need not be one that may be opened.
    made.is_ok_and(|made| made.status.success()) && fs::write(path, "x").is_ok()
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_is_written_to_and_stays() {
    let env = home();
    let null = env.dir().join("null");
    if !device(&null) {
        return skipped("no device may be made here");
    }
    symlink("null", env.dir().join("link")).unwrap();
    // No driver has this number; nothing is opened anyway.
    let disk =
        Command::new("mknod").arg(env.dir().join("disk")).args(["b", "7", "1048575"]).status().unwrap();
    for (way, _) in WAYS {
        if disk.success() {
            let ended = run(&env, way, "disk").expect_code(1);
            assert!(ended.err().contains(" disk: it is a disk, which would be overwritten"), "{ended}");
        }
        for name in ["null", "link", "/dev/null"] {
            run(&env, way, name).expect_code(0);
            assert!(
                fs::metadata(env.dir().join(name)).unwrap().file_type().is_char_device(),
                "{way:?} {name}"
            );
        }
        let ended = run(&env, way, "/dev/full").expect_code(1);
        assert!(ended.err().contains("/dev/full: No space left on device"), "{ended}");
    }
    assert!(env.dir().join("link").is_symlink());
}

#[test]
fn a_fifo_is_written_to_if_somebody_reads_it() {
    for (way, content) in WAYS {
        let env = home();
        let fifo = env.dir().join("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let ended = run(&env, way, "fifo").expect_code(1);
        assert!(ended.err().contains(" fifo: it is a FIFO without a reader"), "{ended}");
        let reader = thread::spawn({
            let fifo = fifo.clone();
            move || fs::read_to_string(fifo).unwrap()
        });
        // Until the reader has come.
        eventually("it is written to", || run(&env, way, "fifo").code() == 0);
        assert!(reader.join().unwrap().starts_with(content));
        assert!(fs::symlink_metadata(&fifo).unwrap().file_type().is_fifo());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn descriptors_are_written_to_and_not_replaced() {
    for (way, content) in WAYS {
        let env = home();
        let shell = |script: &str| {
            let words = ["-c", script, "sh", env!("CARGO_BIN_EXE_pdb-sync")].into_iter();
            Running::start(env.program("sh", words.chain(way.iter().copied()))).wait().expect_code(0)
        };
        // A pipe, a file that others write to as well, and one more descriptor.
        let ended = shell("\"$@\" /dev/stdout");
        assert!(ended.out().contains(content), "{ended}");
        shell("{ echo before; \"$@\" /dev/stdout; echo after; } >out");
        let out = fs::read_to_string(env.dir().join("out")).unwrap();
        assert!(out.starts_with("before\n") && out.contains(content) && out.ends_with("\nafter\n"), "{out}");
        shell("\"$@\" /dev/fd/7 7>seven");
        assert!(fs::read_to_string(env.dir().join("seven")).unwrap().starts_with(content));
        // What was not opened for us is none of ours.
        let ended = run(&env, way, "/dev/fd/77").expect_code(1);
        assert!(ended.err().contains("/dev/fd/77: descriptor 77 is not open"), "{ended}");
    }
}

#[test]
fn a_plan_on_standard_output_is_a_plan_and_nothing_else() {
    let env = home();
    fs::write(env.mirror("a/x~"), "x").unwrap();
    let ended = env.run(["clean", "plan", "a", "-o", "/dev/stdout"]).expect_code(0);
    assert!(ended.err().contains("plan: /dev/stdout"), "{ended}");
    fs::write(env.dir().join("plan.ndjson"), &ended.stdout).unwrap();
    env.run(["clean", "show", "./plan.ndjson"]).expect_code(0);
}

#[test]
fn a_configuration_is_never_written_over_nor_through_a_link_but_devices_take_it() {
    let env = Env::new();
    let init = |file: &str| env.run(["config", "init", "-c", file]);
    init("new.toml").expect_code(0);
    symlink("target.toml", env.dir().join("link")).unwrap();
    for name in ["new.toml", "link"] {
        let ended = init(name).expect_code(2);
        assert!(ended.err().contains(&format!("{name} exists already")), "{ended}");
    }
    assert!(!env.dir().join("target.toml").exists());
    assert!(init("/dev/stdout").expect_code(0).out().contains("version = 1"));
    init("/dev/null").expect_code(0);
    for (name, why) in [("mirror", "it is a directory"), ("nowhere/", "it is a directory")] {
        let ended = init(name).expect_code(1);
        assert!(ended.err().contains(why), "{ended}");
    }
}

#[test]
fn files_of_github_are_appended_to_whatever_they_are() {
    let env = home();
    symlink("real", env.dir().join("output")).unwrap();
    fs::write(env.dir().join("real"), "before=1\n").unwrap();
    let env = env
        .with_var("GITHUB_ACTIONS", "true")
        .with_var("GITHUB_OUTPUT", "output")
        .with_var("GITHUB_STEP_SUMMARY", "fifo");
    assert!(Command::new("mkfifo").arg(env.dir().join("fifo")).status().unwrap().success());
    let ended = env.run(["sync", "a"]).expect_code(1);
    assert!(ended.err().contains("it is a FIFO without a reader"), "{ended}");
    assert!(env.dir().join("output").is_symlink());
    assert!(fs::read_to_string(env.dir().join("real")).unwrap().starts_with("before=1\nchanged="), "{ended}");
}
