//! Standard output that is closed, full, or read by nobody any more.

use super::{Kind, Scene};
use crate::support::{Env, tree};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

/// What a shell does to the streams of a program.
const CLOSED: &str = ">&-";
const FULL: &str = ">/dev/full";
const ALL_CLOSED: &str = "<&- >&- 2>&-";

/// `pdb-sync` behind a shell that does something to its streams.
fn behind(env: &Env, streams: &str, args: &[impl AsRef<OsStr>]) -> Command {
    let script = format!(r#"exec "$0" "$@" {streams}"#);
    let mut command = env.program("/bin/sh", ["-c", &script, env!("CARGO_BIN_EXE_pdb-sync")]);
    command.args(args);
    command
}

/// With a reader that has gone before anything is written.
fn unread(env: &Env, args: &[impl AsRef<OsStr>]) -> Command {
    let mut command = env.command(args);
    command.stdout(std::io::pipe().unwrap().1);
    command
}

/// The exit code, as the shell has it, standard output and standard error.
fn ended(mut command: Command) -> (i32, Vec<u8>, String) {
    let output = command.stderr(Stdio::piped()).output().unwrap();
    let code = output.status.code().or_else(|| output.status.signal().map(|n| 128 + n)).unwrap();
    (code, output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The worst of a code and 1, in the contract's order.
fn failed(code: i32) -> i32 {
    if code == 2 { 2 } else { 1 }
}

#[test]
fn every_command_tells_what_it_could_not_print_and_jobs_are_judged_by_themselves() {
    let scene = Scene::new();
    let env = &scene.env;
    let all = scene.commands();
    let usual: Vec<_> = all.iter().map(|(_, args)| ended(env.command(args))).collect();
    for (what, message) in [(CLOSED, "it is closed"), (FULL, "No space left on device"), ("unread", "")] {
        for ((kind, args), (code, out, _)) in all.iter().zip(&usual) {
            assert!(!out.is_empty(), "{args:?} prints nothing");
            let (now, _, err) =
                ended(if what == "unread" { unread(env, args) } else { behind(env, what, args) });
            let told = err.matches("cannot write to standard output").count();
            let silent = *kind == Kind::Jobs || what == "unread";
            // What a reader that has gone did not take counts for nothing.
            let expected = if silent { *code } else { failed(*code) };
            assert_eq!((now, told), (expected, usize::from(!silent)), "{what} {args:?}\n{err}");
            assert!(silent || err.contains(message), "{what} {args:?}\n{err}");
            assert!(!err.contains("panicked") && !err.contains("roken pipe"), "{what} {args:?}\n{err}");
        }
    }
}

#[test]
fn work_is_done_to_its_end_whoever_hears_of_it() {
    for what in [CLOSED, FULL, "unread"] {
        let scene = Scene::new();
        let env = &scene.env;
        let go = |args: &[&OsStr]| {
            ended(if what == "unread" { unread(env, args) } else { behind(env, what, args) })
        };
        let (mirror, sound) = (scene.mirror(), scene.sound());
        let words = |words: &'static [&'static str]| words.iter().map(OsStr::new).collect::<Vec<_>>();
        let before = tree(&mirror);
        for args in [
            vec![OsStr::new("scan"), mirror.as_os_str(), sound.as_os_str()],
            vec![OsStr::new("index"), mirror.as_os_str(), sound.as_os_str()],
            words(&["clean", "plan", "j"]),
            words(&["clean", "run", "--yes"]),
        ] {
            go(&args);
        }
        assert_eq!(env.run(["scan", "--cache", "--json"]).json().len(), 3, "{what}");
        if cfg!(feature = "search") {
            let found = env.run(["search", "capsid", "--json"]).json();
            assert_eq!(
                found.iter().filter(|line| line["event"] == "hit").count(),
                1,
                "one entry, in two trees"
            );
            assert_eq!(found[0]["also"].as_array().unwrap().len(), 1, "{what}");
        }
        assert_ne!(tree(&mirror), before, "{what}");
        go(&words(&["clean", "undo", "last"]));
        assert_eq!(tree(&mirror), before, "{what}");
    }
}

#[test]
fn without_any_stream_nothing_is_damaged() {
    let scene = Scene::new();
    let env = &scene.env;
    let before = tree(&scene.sound());
    for (kind, args) in scene.commands() {
        let (code, _, _) = ended(behind(env, ALL_CLOSED, &args));
        assert!([0, 1, 2, 3].contains(&code), "{kind:?} {args:?}: {code}");
    }
    assert_eq!(tree(&scene.sound()), before);
    for file in ["history", "stats", "scan --cache", "clean log", "list"] {
        let ended = env.run(file.split(' ').chain(["--json"])).expect_code(0);
        assert!(ended.stderr.is_empty() && ended.json().len() > 1, "{file}: {ended}");
    }
    env.run(["clean", "show"]).expect_code(0);
    assert!(fs::read_dir(env.state()).unwrap().all(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        !name.contains("damaged") && !name.contains("corrupt")
    }));
}

#[test]
fn what_names_a_stream_that_is_closed_is_told_so() {
    let scene = Scene::new();
    let env = &scene.env;
    let (code, _, err) = ended(behind(env, CLOSED, &["stats", "--prometheus", "/dev/stdout"]));
    assert!(code == 1 && err.contains("descriptor 1 is not open"), "{code} {err}");
    // Somebody who gives us /dev/null in any way wants to hear nothing, and is not told of it.
    for null in [">/dev/null", "1<>/dev/null"] {
        let (code, _, err) = ended(behind(env, null, &["list"]));
        assert_eq!((code, err.as_str()), (0, ""), "{null}");
    }
    let (code, out, err) = ended(behind(env, "2>&-", &["list"]));
    assert!(code == 0 && !out.is_empty() && err.is_empty(), "{code} {err}");
}
