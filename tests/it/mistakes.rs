//! Mistakes that are found before work begins, with the right one blamed and a hint that helps.

use crate::support::Env;
use std::fs;
use std::os::unix::fs::symlink;

/// A job `j` whose destination is this, below the directory of mirrors, and a job `ok` beside it.
fn at(dest: &str) -> Env {
    let jobs = format!(
        "version = 1\n[defaults]\nroot = 'mirror'\nretries = 0\n[jobs.j]\nsource = 'up/'\ndest = '{dest}'\n\
         [jobs.ok]\nsource = 'up/'\ndest = 'ok'\n"
    );
    let env = Env::new().with_config(&jobs);
    fs::create_dir_all(env.dir().join("up")).unwrap();
    fs::write(env.dir().join("up/f"), "text").unwrap();
    fs::create_dir_all(env.dir().join("mirror")).unwrap();
    fs::write(env.mirror("file"), "").unwrap();
    symlink("nowhere", env.mirror("hanging")).unwrap();
    symlink("file", env.mirror("to-file")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, env.mirror("fifo"), rustix::fs::Mode::from_raw_mode(0o600))
        .unwrap();
    env
}

#[test]
fn what_is_in_the_way_of_a_destination_is_told_alike_by_all() {
    for (dest, text) in [
        ("file", "mirror/file is not a directory, but a file"),
        ("file/a/b", "mirror/file is not a directory, but a file"),
        ("to-file", "mirror/to-file is not a directory, but a file"),
        ("fifo", "mirror/fifo is not a directory, but a FIFO"),
        ("fifo/a", "mirror/fifo is not a directory, but a FIFO"),
        ("hanging", "mirror/hanging is a symbolic link to nowhere, which does not exist"),
        ("hanging/a", "mirror/hanging is a symbolic link to nowhere, which does not exist"),
    ] {
        let env = at(dest);
        let check = env.run(["config", "check", "--json"]).expect_code(2);
        let problem = &check.events("problem")[0];
        assert!(problem["text"].as_str().unwrap().contains(text), "{dest}\n{check}");
        assert!(problem["text"].as_str().unwrap().starts_with("job \"j\": "), "{dest}\n{check}");
        assert_eq!(problem["line"], 7, "{dest}\n{check}");
        let hint = problem["hint"].as_str().unwrap().to_owned();
        assert!(hint.contains("correct `dest`"), "{check}");
        for way in [&["sync", "--all"][..], &["sync", "--all", "--plan"], &["sync", "--all", "--dry-run"]] {
            let ended = env.run([way, &["--json"]].concat()).expect_code(1);
            let finished = ended.events("job_finished");
            let of = |name: &str| finished.iter().find(|job| job["job"] == name).unwrap();
            assert_eq!(of("ok")["status"], "ok", "{way:?}\n{ended}");
            assert_eq!(of("j")["status"], "failed", "{way:?}\n{ended}");
            assert!(of("j")["error"].as_str().unwrap().contains(text), "{way:?}\n{ended}");
            assert_eq!(of("j")["hint"], hint.as_str(), "{way:?}\n{ended}");
            assert_eq!(of("j")["attempts"], 0, "nothing was started: {ended}");
        }
        for way in [&["scan", "j"][..], &["verify", "j"], &["clean", "plan", "j"]] {
            let ended = env.run(way).expect_code(2);
            assert!(ended.err().contains(text) && ended.err().contains(&hint), "{way:?}\n{ended}");
        }
        let doctor = env.run(["doctor", "--offline", "j"]).expect_code(1);
        assert!(doctor.out().contains(text), "{doctor}");
        // What is typed is refused as a whole.
        let typed = env.run(["sync", "ok", "--dest", env.mirror(dest).to_str().unwrap()]).expect_code(2);
        assert!(typed.err().contains(text), "{typed}");
    }
}

/// No name that somebody else has chosen ends a line of ours or looks like another.
#[test]
fn a_name_forges_no_line_of_an_error() {
    let env = at("j");
    let forged = "x\nerror: forged\u{1b}[31m";
    let shown = "x\\nerror: forged\\u{1b}[31m";
    let dir = format!("./{forged}");
    let file = env.dir().join(forged);
    fs::write(&file, "").unwrap();
    let file = file.to_str().unwrap();
    let missing = format!("{file}/none");
    for (words, code) in [
        (vec!["scan", &*dir], 2),
        (vec!["scan", &*missing], 2),
        (vec!["verify", &*dir], 2),
        (vec!["clean", "plan", &*missing], 2),
        (vec!["reclaim", &*missing], 2),
        (vec!["clean", "show", &*missing], 2),
        (vec!["clean", "explain", &*missing], 1),
        (vec!["-c", &*missing, "list"], 2),
        (vec!["-c", &*missing, "config", "check"], 2),
        (vec!["-c", &*missing, "sync", "--all"], 2),
        (vec!["stats", "--prometheus", &*missing], 1),
        (vec!["history", "show", forged], 2),
        (vec!["sync", forged], 2),
        (vec!["scan", forged], 2),
        (vec!["sync", "ok", "--dest", &*missing], 2),
    ] {
        let ended = env.run(&words).expect_code(code);
        assert!(!ended.err().contains("\nerror: forged") && !ended.err().contains('\u{1b}'), "{ended}");
        assert!(ended.err().contains(shown) || ended.err().contains("forged\\u{1b}"), "{words:?}\n{ended}");
        // JSON has its own escapes.
        let ended = env.run([&["--json"], &words[..]].concat()).expect_code(code);
        assert!(
            ended.json().iter().any(|line| line["event"] == "error" || line["event"] == "problem"),
            "{ended}"
        );
    }
}

#[test]
fn two_names_that_are_not_utf8_look_different() {
    use std::os::unix::ffi::OsStrExt;
    let env = Env::new();
    for (name, shown) in [(&b"\xff.toml"[..], "\\xff.toml"), (b"\xfe.toml", "\\xfe.toml")] {
        let name = std::ffi::OsStr::from_bytes(name);
        let ended = env.run([std::ffi::OsStr::new("-c"), name, "list".as_ref()]).expect_code(2);
        assert!(ended.err().contains(shown), "{ended}");
    }
}

#[test]
fn a_list_of_what_would_go_is_named_only_if_it_names_something() {
    let env = at("j");
    fs::remove_file(env.dir().join("up/f")).unwrap();
    fs::create_dir_all(env.mirror("j")).unwrap();
    let sync = |way: &[&str]| {
        let ended = env.run([&["sync", "j", "--delete", "--json"], way].concat()).expect_code(4);
        ended.finished()["hint"].as_str().unwrap().to_owned()
    };
    for way in [&[][..], &["--plan"], &["--dry-run"]] {
        let hint = sync(way);
        assert!(hint.contains("--allow-empty-source") && !hint.contains("clean show"), "{way:?}: {hint}");
    }
    fs::write(env.mirror("j/kept"), "").unwrap();
    let hint = sync(&["--plan"]);
    assert!(hint.ends_with("; pdb-sync clean show j shows what would have been deleted"), "{hint}");
    assert_eq!(env.run(["clean", "show", "j", "--export", "nul"]).expect_code(0).out(), "kept\0");
}

#[test]
fn an_option_is_said_to_be_where_it_is() {
    let env = at("j");
    let hint = |words: &[&str]| {
        let ended = env.run(words).expect_code(0);
        ended.finished()["hint"].as_str().unwrap_or_else(|| panic!("{ended}")).to_owned()
    };
    let typed = hint(&["sync", "j", "--json", "--", "--max-size=1"]);
    assert!(typed.starts_with("--max-size=1 on the command line leaves files out"), "{typed}");
    let config =
        fs::read_to_string(env.config()).unwrap().replace("'j'\n", "'j'\nrsync_args = ['--max-size=1']\n");
    fs::write(env.config(), &config).unwrap();
    let own = hint(&["sync", "j", "--json"]);
    assert!(own.starts_with("--max-size=1 in `rsync_args` leaves files out"), "{own}");
    let both = hint(&["sync", "j", "--json", "--", "--min-size=1k"]);
    assert!(
        both.contains("--max-size=1 in `rsync_args` and --min-size=1k on the command line leave "),
        "{both}"
    );
    // The last one counts.
    let over = hint(&["sync", "j", "--json", "--", "--max-size=2"]);
    assert!(over.starts_with("--max-size=2 on the command line"), "{over}");
    for (option, told) in [
        ("--exclude-from=/nowhere/list", "the command line: --exclude-from names /nowhere/list"),
        ("--password-file=/nowhere/pw", "--password-file works with rsync daemons only"),
    ] {
        let ended = env.run(["sync", "j", "--", option]);
        assert!(ended.err().contains(told) || ended.out().contains(told), "{ended}");
        assert!(!ended.err().contains("rsync_args") && !ended.out().contains("rsync_args"), "{ended}");
    }
}

#[test]
fn options_of_rsync_that_are_written_as_keys_get_the_way_to_write_them() {
    for (key, hint) in [
        ("max_size = '1g'", "rsync_args = [\"--max-size=…\"]"),
        ("min_size = 1", "rsync_args = [\"--min-size=…\"]"),
        ("partial_dir = 'x'", "rsync_args = [\"--partial-dir=…\"]"),
        ("link_dest = 'x'", "rsync_args = [\"--link-dest=…\"]"),
        ("checksum-choice = 'x'", "rsync_args = [\"--checksum-choice=…\"]"),
        ("numeric_ids = true", "rsync_args = [\"--numeric-ids\"]"),
        ("no_perms = true", "rsync_args = [\"--no-perms\"]"),
        ("delete_after = true", "`delete = true`"),
    ] {
        for section in ["[defaults]\n", "[jobs.k]\nsource = 'up/'\ndest = 'k'\n"] {
            let env = Env::new().with_config(&format!("{section}{key}\n"));
            let problem = env.run(["config", "check", "--json"]).expect_code(2).events("problem").remove(0);
            assert!(problem["hint"].as_str().unwrap().contains(hint), "{key}: {problem}");
        }
    }
    let env = Env::new().with_config("[sync]\nmax_size = '1g'\n");
    let problem = env.run(["config", "check", "--json"]).expect_code(2).events("problem").remove(0);
    assert!(problem["hint"].as_str().unwrap().ends_with("of [defaults] or [jobs.NAME]"), "{problem}");
}

#[test]
fn errors_about_files_are_of_their_kind() {
    let env = at("j");
    for (words, kind) in [
        (&["-c", "none.toml", "sync", "j"][..], "config"),
        (&["-c", "none.toml", "list"], "config"),
        (&["scan", "/nonexistent"], "io"),
        (&["scan", "./up/f"], "io"),
        (&["verify", "/nonexistent"], "io"),
        (&["clean", "plan", "/nonexistent"], "io"),
        (&["clean", "show", "./none.plan"], "io"),
        (&["clean", "run", "./none.plan", "--yes"], "io"),
        (&["clean", "explain", "./none"], "io"),
        (&["clean", "plan", "./up", "--obsolete", "none"], "io"),
        (&["scan", "j"], "io"),
        (&["scan", "jj"], "usage"),
        (&["sync"], "usage"),
    ] {
        let ended = env.run([&["--json"], words].concat()).expect_code(2);
        let errors = ended.events("error");
        assert_eq!((errors.len(), &errors[0]["kind"]), (1, &kind.into()), "{words:?}\n{ended}");
    }
    fs::remove_file(env.config()).unwrap();
    let ended = env.run(["--json", "sync", "j"]).expect_code(2);
    assert_eq!(ended.events("error")[0]["kind"], "config", "{ended}");
}

#[test]
fn an_output_file_in_no_directory_is_named_as_it_was_given() {
    let env = at("j");
    fs::write(env.dir().join("plain"), "").unwrap();
    for (file, why) in [
        ("none/x.prom", "none does not exist"),
        ("none/deep/x.prom", "none/deep does not exist"),
        ("plain/x.prom", "plain is not a directory"),
    ] {
        let ended = env.run(["stats", "--prometheus", file]).expect_code(1);
        let err = ended.err();
        assert!(
            err.starts_with(&format!("error: cannot write the metrics {file}: the directory ")),
            "{ended}"
        );
        assert!(err.contains(why) && err.contains("\n  hint: ") && !err.contains(".pdb-sync-"), "{ended}");
    }
    assert!(!env.dir().join("none").exists());
    // Where directories are made, what is in their way is named.
    let ended = env.run(["sync", "ok", "--junit", "plain/deep/x.xml"]).expect_code(1);
    assert!(ended.err().contains("plain/deep/x.xml") && !ended.err().contains(".pdb-sync-"), "{ended}");
}

#[test]
fn what_a_hook_leaves_behind_is_in_the_result() {
    let env = at("j");
    let hooks = "'j'\nbefore = ['sleep 600 & echo begun']\n";
    let config = fs::read_to_string(env.config()).unwrap();
    fs::write(env.config(), config.replace("'j'\n", hooks)).unwrap();
    let warned = |warnings: &serde_json::Value| {
        let all = warnings.as_array().unwrap();
        assert_eq!(all.len(), 1, "{warnings}");
        assert!(all[0].as_str().unwrap().contains("left processes running"), "{warnings}");
    };
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.finished()["status"], "ok");
    warned(&ended.finished()["warnings"]);
    let jobs = env.run(["history", "--json"]).expect_code(0).events("job");
    warned(&jobs[0]["warnings"]);
    // -q has no summary of a job that is ok, but its warnings.
    let quiet = env.run(["sync", "j", "-q"]).expect_code(0);
    assert!(quiet.out().is_empty() && quiet.err().contains("left processes running"), "{quiet}");
    for words in [&["sync", "j"][..], &["history", "show", "last"]] {
        let out = env.run(words).expect_code(0).out();
        assert!(
            out.contains("  warning: hook ") && out.contains("left processes running"),
            "{words:?}: {out}"
        );
    }
}

#[test]
fn a_hook_that_fails_gets_a_hint() {
    for (key, hook, hint) in [
        ("before", "exit 3", "look at what the hook printed, and run it by hand; nothing was transferred"),
        ("before", "no-such-command-anywhere", "is the program that it runs installed"),
        ("after", "exit 3", "look at what the hook printed"),
        ("after", "exit 75", "only a hook of `before` skips a job with this exit code"),
    ] {
        let env = at("j");
        let config = fs::read_to_string(env.config()).unwrap();
        let hooks = format!("'j'\n{key} = ['{hook}']\n");
        fs::write(env.config(), config.replace("'j'\n", &hooks)).unwrap();
        let finished = env.run(["sync", "j", "--json"]).expect_code(1).finished();
        assert!(finished["hint"].as_str().unwrap().starts_with(hint), "{key} {hook}: {finished}");
    }
}

#[test]
fn a_plan_says_once_that_it_lists() {
    let env = at("j");
    fs::write(env.dir().join("up/g.gz"), "text").unwrap();
    let config = fs::read_to_string(env.config()).unwrap();
    let more = "'j'\ninclude = ['*.gz']\nexclude = ['*']\nrsync_args = ['--max-size=1', '--update']\n";
    fs::write(env.config(), config.replace("'j'\n", more)).unwrap();
    for way in ["--plan", "--dry-run"] {
        let ended = env.run(["sync", "j", way]);
        assert_eq!(ended.err().matches("listing what would change").count(), 1, "{ended}");
    }
}
