//! No name, line or argument steers the terminal that it is shown on.

use super::{NAME, Scene, os, text};
use crate::support::{Ended, on_terminal};
use std::ffi::OsString;
use std::fs;

/// What is left of a screen when our own colours are taken away.
fn without_colours(screen: &[u8]) -> Vec<u8> {
    let mut left = Vec::new();
    let mut rest = screen;
    while let Some((&first, more)) = rest.split_first() {
        let digits = rest.iter().skip(2).take_while(|b| b.is_ascii_digit() || **b == b';').count();
        // We never blink.
        let colour =
            rest.starts_with(b"\x1b[") && rest.get(2 + digits) == Some(&b'm') && &rest[2..2 + digits] != b"5";
        if colour {
            rest = &rest[digits + 3..];
        } else {
            left.push(first);
            rest = more;
        }
    }
    left
}

#[track_caller]
fn is_clean(ended: &Ended) {
    let left = without_colours(&ended.stdout);
    let shown = String::from_utf8(left).unwrap_or_else(|error| panic!("not UTF-8: {error}\n{ended}"));
    for c in shown.chars() {
        let fine = matches!(c, '\n' | '\t') || !pdb_sync::model::sanitize::steers(c);
        assert!(fine, "{:?} in {shown:?}\n{ended}", c);
    }
    assert!(!ended.err().contains("panicked"), "{ended}");
}

#[test]
fn no_command_lets_a_name_through_to_a_terminal() {
    let scene = Scene::new();
    let mut met = 0;
    for (_, args) in scene.commands() {
        let mut command = scene.env.command(&args);
        // Nobody watches, so that there are no bars, whose own sequences move the cursor.
        command.env("CI", "1");
        let ended = on_terminal(command, "");
        assert!(!ended.stdout.is_empty(), "{ended}");
        is_clean(&ended);
        met += usize::from(ended.out().contains("]0;owned"));
    }
    // Those of `index` and `search` among them, where these are built in.
    let least = if cfg!(feature = "search") { 32 } else { 30 };
    assert!(met >= least, "only {met} commands have met the name");
}

#[test]
fn nor_does_what_is_asked_and_what_is_wrong() {
    let scene = Scene::new();
    let env = &scene.env;
    env.run(["clean", "plan", "j"]);
    let bad = env.dir().join("bad.toml");
    fs::write(
        &bad,
        format!("version = 1\n[jobs.a]\nsource = 'x/'\ndest = 'y'\n'{}' = 1\n", text().replace('\r', "")),
    )
    .unwrap();
    let arg = |bytes: &[u8]| os(bytes).as_os_str().to_owned();
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    let mut wrong: Vec<Vec<OsString>> = vec![
        words(&["clean", "run", "--mode", "interactive"]),
        words(&["clean", "edit"]),
        vec!["config".into(), "init".into(), "--config".into(), arg(&[b"./new".as_slice(), NAME].concat())],
        words(&["-c", "bad.toml", "config", "check"]),
        words(&["-c", "bad.toml", "list"]),
        vec![arg(NAME)],
    ];
    let path = [b"./".as_slice(), NAME].concat();
    for command in [
        "sync",
        "scan",
        "verify",
        "history",
        "stats",
        "status",
        "reclaim",
        "doctor",
        "mirrors",
        "completions",
    ] {
        wrong.push(vec![command.into(), arg(NAME)]);
        wrong.push(vec![command.into(), arg(&path)]);
    }
    for option in ["--config", "--state-dir", "--color", "--nothing"] {
        wrong.push(vec!["list".into(), option.into(), arg(&path)]);
    }
    #[cfg(feature = "search")]
    for query in ["id:", "title:(", "nofield:"] {
        wrong.push(vec!["search".into(), format!("{query}{}", text()).into()]);
    }
    for args in wrong {
        let mut command = env.command(&args);
        command.env("CI", "1").env("EDITOR", format!("false '{}'", text()));
        let ended = on_terminal(command, "n\n");
        assert!(!ended.stdout.is_empty(), "{ended}");
        is_clean(&ended);
    }
}

#[test]
fn what_watches_and_asks_is_clean_too() {
    let scene = Scene::new();
    for args in [vec!["sync", "j"], vec!["scan", "j", "--full"], vec!["verify", "j"]] {
        // Bars and spinners have sequences of their own.
        let ended = on_terminal(scene.env.command(args), "");
        for bad in
            [&b"\x1b]"[..], b"\x07", b"\x1b[5m", b"\xc2\x9b", b"\xff", b"\xe2\x80\xae", b"\xe2\x80\x8b"]
        {
            assert!(!ended.stdout.windows(bad.len()).any(|found| found == bad), "{bad:?}\n{ended}");
        }
    }
}

#[cfg(feature = "search")]
#[test]
fn a_pipe_gets_names_as_they_are() {
    let scene = Scene::new();
    scene.env.run(["index", "j"]).expect_code(3);
    let path = scene.mirror().join(os(&[NAME, b".cif"].concat()));
    let path = path.as_os_str().as_encoded_bytes();
    let out = |args: &[&str]| scene.env.run(args).expect_code(0).stdout;
    assert_eq!(out(&["search", "capsid", "--paths"]), [path, b"\n"].concat());
    assert_eq!(out(&["search", "capsid", "--paths", "-0"]), [path, b"\0"].concat());
    assert_eq!(out(&["search", "capsid", "--format", "{file}"]), [path, b"\n"].concat());
    // People's text is the same for `less`.
    for args in [&["search", "capsid"][..], &["search", "*"], &["list"], &["scan", "j", "--list"]] {
        let shown = String::from_utf8(out(args)).unwrap();
        assert!(shown.chars().all(|c| c == '\n' || !pdb_sync::model::sanitize::steers(c)), "{shown:?}");
    }
    let other = scene.env.dir().join(os(&[NAME, b".toml"].concat()));
    fs::copy(scene.env.config(), &other).unwrap();
    let mut command = scene.env.command(["config", "path", "-c"]);
    let out = command.arg(&other).output().unwrap().stdout;
    assert_eq!(out, [other.as_os_str().as_encoded_bytes(), b"\n"].concat());
}
