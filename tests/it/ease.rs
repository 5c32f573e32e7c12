//! What a new user types, and what the terminal says: hints that are true, runs by short IDs, `-q`, time zones.

use crate::support::{Env, Upstream, eventually, one_job};
use serde_json::Value;
use std::fs;
use std::process::Command;

/// A mirror `j` of two entries with `keep_deleted`, made by one run and changed by a second.
fn changed_twice() -> (Upstream, Env) {
    let upstream = Upstream::new();
    for name in ["ab/one", "ab/two", "ab/three"] {
        upstream.write(name, name);
    }
    let env = Env::new().with_pipe(&upstream);
    let config = one_job(
        &[&upstream.url("m/")],
        &env.mirror("j"),
        "delete = true\nkeep_deleted = '400d'\ntags = ['w']",
    );
    let env = env.with_config(&config);
    env.run(["sync", "j"]).expect_code(0);
    upstream.write("ab/one", "another, longer one");
    fs::remove_file(upstream.root().join("ab/two")).unwrap();
    (upstream, env)
}

/// Whether this pdb-sync has the command.
fn is_built(words: &[&str]) -> bool {
    cfg!(feature = "search") || !matches!(words[0], "index" | "search")
}

#[test]
fn a_directory_that_is_named_as_a_job_gets_a_hint() {
    let (_upstream, env) = changed_twice();
    fs::create_dir(env.dir().join("t")).unwrap();
    for words in [
        &["scan", "t"][..],
        &["verify", "t"],
        &["index", "t"],
        &["reclaim", "t"],
        &["clean", "plan", "t"],
        &["clean", "purge", "t"],
        &["scan", "--cache", "t"],
    ] {
        if !is_built(words) {
            continue;
        }
        let ended = env.run(words).expect_code(2);
        assert!(ended.err().contains("write ./t"), "{ended}");
    }
    if cfg!(feature = "search") {
        env.run(["index", "j"]).expect_code(0);
        assert!(env.run(["search", "x", "--job", "t"]).expect_code(2).err().contains("write ./t"));
    }
    let ended = env.run(["scan", "jj"]).expect_code(2);
    assert!(ended.err().contains("known are j"), "{ended}");
    // Without any configuration, too.
    fs::remove_file(env.config()).unwrap();
    assert!(env.run(["scan", "t"]).expect_code(2).err().contains("write ./t"));
}

#[test]
fn words_that_are_no_command_get_one() {
    let env = Env::new();
    for (words, hint) in [
        (&["version"][..], "`pdb-sync --version`"),
        (&["run", "j"], "`pdb-sync sync JOB`"),
        (&["help", "undo"], "`pdb-sync clean undo last`"),
        (&["config", "validate"], "`pdb-sync config check`"),
        (&["search", "-n", "5", "x"], "--limit N"),
    ] {
        let ended = env.run(words).expect_code(2);
        assert!(ended.err().contains(hint) && ended.out().is_empty(), "{ended}");
    }
}

#[test]
fn hints_repeat_what_was_given() {
    let env = Env::new();
    let ended = env.run(["-c", "new file.toml", "config", "init"]).expect_code(0);
    assert!(ended.err().contains("`pdb-sync -c 'new file.toml' sync --all --plan`"), "{ended}");
    let ended = env.run(["-c", "missing", "--state-dir", "s", "sync", "j"]).expect_code(2);
    assert!(ended.err().contains("`pdb-sync -c missing --state-dir s config init`"), "{ended}");
    for words in ["list", "status"].map(|word| vec![word]).into_iter().chain([vec!["config", "check"]]) {
        let ended = env.run(words).expect_code(0);
        assert!(ended.err().contains("`pdb-sync config init` writes one"), "{ended}");
    }
}

#[test]
fn a_run_is_meant_by_what_history_shows_of_it() {
    let (_upstream, env) = changed_twice();
    let ended = env.run(["sync", "j"]).expect_code(0);
    let undo = ended
        .out()
        .lines()
        .find_map(|line| line.strip_prefix("undo: pdb-sync clean undo ").map(str::to_owned));
    let id = undo.unwrap_or_else(|| panic!("{ended}"));
    let listed = env.run(["history"]).expect_code(0).out();
    let short = listed.lines().nth(1).unwrap().split_whitespace().nth(3).unwrap().to_owned();
    assert!(short.len() < id.len() && id.starts_with(&short), "{listed}");
    assert!(listed.contains(" +00:00  "), "{listed}");
    for meant in [short.clone(), short.to_lowercase(), id.clone()] {
        assert!(env.run(["history", "show", &meant]).expect_code(0).out().contains(&id));
        let log = env.run(["clean", "log", &meant]).expect_code(0).out();
        assert_eq!(log, "quarantined ab/two\nreplaced    ab/one\n");
    }
    let counts = &env.run(["clean", "log", "--json"]).expect_code(0).events("run")[0]["counts"];
    assert_eq!((&counts["quarantined"], &counts["replaced"]), (&1.into(), &1.into()), "{counts}");
    assert!(env.run(["clean", "undo", &short]).expect_code(0).out().starts_with("2 entries are back"));
    assert_eq!(fs::read_to_string(env.mirror("j/ab/one")).unwrap(), "ab/one");
    let again = env.run(["clean", "undo", "last"]).expect_code(0);
    assert!(again.out().contains(&format!("run {id} was undone on ")), "{again}");
    let again = env.run(["clean", "undo", "last", "--json"]).expect_code(0).json().pop().unwrap();
    assert!(again["undone_before"].is_string() && again["restored"] == 0, "{again}");
    // Both runs begin so. Whatever command is asked, and though one of them alone took something, none is guessed.
    let first = env.run(["history", "--json"]).expect_code(0).events("job").pop().unwrap();
    for words in [["clean", "log", "0"], ["clean", "undo", "0"], ["history", "show", "0"]] {
        let several = env.run(words).expect_code(2);
        let named = format!("the IDs of several runs begin with \"0\": {}, ", first["run"].as_str().unwrap());
        assert!(several.err().contains(&named) && several.err().contains(&id), "{several}");
    }
    let nothing = env.run(["clean", "undo", first["run"].as_str().unwrap()]).expect_code(2);
    assert!(nothing.err().contains("kept nothing"), "{nothing}");
    for words in [["clean", "log", "7Z"], ["clean", "undo", "7Z"], ["history", "show", "7Z"]] {
        env.run(words).expect_code(2);
    }
}

#[test]
fn a_killed_run_tells_what_it_replaced() {
    let (_upstream, env) = changed_twice();
    env.run(["sync", "j"]).expect_code(0);
    let journal = fs::read_dir(env.state().join("journal")).unwrap().map(|entry| entry.unwrap().path());
    let journal =
        journal.into_iter().find(|path| path.to_string_lossy().ends_with(".journal.ndjson")).unwrap();
    // As it is before the end, which comes after what was replaced.
    let text = fs::read_to_string(&journal).unwrap();
    let kept: Vec<&str> =
        text.lines().filter(|l| !l.contains("replaced") && !l.contains("\"end\"")).collect();
    fs::write(&journal, kept.join("\n") + "\n").unwrap();
    let log = env.run(["clean", "log", "last"]).expect_code(0).out();
    assert!(log.contains("replaced    ab/one"), "{log}");
    assert_eq!(env.run(["clean", "log", "--json"]).events("run")[0]["counts"]["replaced"], 1);
}

#[test]
fn unknown_jobs_of_the_past_are_refused_and_forgotten_ones_are_known() {
    let (_upstream, env) = changed_twice();
    for words in [["history", "jj"], ["stats", "jj"]] {
        let ended = env.run(words).expect_code(2);
        assert!(ended.err().contains("known are j"), "{ended}");
    }
    assert_eq!(env.run(["history", "--tag", "w", "--json"]).expect_code(0).events("job").len(), 1);
    assert!(env.run(["history", "--tag", "v"]).expect_code(2).err().contains("no job carries the tag"));
    fs::write(env.config(), "version = 1\n").unwrap();
    assert_eq!(env.run(["history", "j", "--json"]).expect_code(0).events("job").len(), 1);
    env.run(["stats", "j"]).expect_code(0);
    env.run(["history", "nope"]).expect_code(2);
}

#[test]
fn quiet_says_nothing_of_what_went_well() {
    let (upstream, env) = changed_twice();
    if cfg!(feature = "search") {
        let ended = env.run(["index", "j", "-q"]).expect_code(0);
        assert!(ended.out().is_empty() && ended.err().is_empty(), "{ended}");
    }
    fs::write(env.mirror("j/ab/x~"), "").unwrap();
    let old = Command::new("touch").args(["-d", "9 days ago"]).arg(env.mirror("j/ab/x~")).status().unwrap();
    assert!(old.success());
    for words in [
        &["clean", "plan", "j"][..],
        &["clean", "verify"],
        &["clean", "run", "--yes"],
        &["clean", "undo", "last"],
        &["clean", "purge"],
        &["config", "check"],
        &["verify", "j"],
        &["reclaim", "j"],
        &["status", "--max-age", "8d"],
        &["sync", "j"],
        &["sync", "j", "-n"],
        &["stats", "--check"],
    ] {
        let ended = env.run(words.iter().chain(&["-q"])).expect_code(0);
        assert!(ended.out().is_empty() && ended.err().is_empty(), "{ended}");
    }
    for words in [
        &["list"][..],
        &["history"],
        &["history", "show", "last"],
        &["stats"],
        &["search", "-l", "1", "*"],
        &["scan", "j"],
        &["clean", "show"],
        &["clean", "log"],
        &["clean", "rules"],
        &["clean", "run", "-n"],
        &["config", "show"],
        &["config", "path"],
        &["status"],
        &["sync", "j", "--plan"],
    ] {
        if !is_built(words) {
            continue;
        }
        let ended = env.run(words.iter().chain(&["-q"]));
        assert!(!ended.out().is_empty() && ended.err().is_empty(), "{ended}");
    }
    // What is not as it should be is told.
    fs::write(env.mirror("j/ab/1abc.cif.gz"), "no gzip").unwrap();
    if cfg!(feature = "search") {
        let ended = env.run(["index", "j", "-q"]).expect_code(3);
        assert!(ended.out().is_empty() && ended.err().contains("could not be read"), "{ended}");
    }
    drop(upstream);
    fs::remove_dir_all(env.mirror("j")).unwrap();
    let ended = env.run(["sync", "j", "-q", "--retries", "0"]).expect_code(1);
    assert!(ended.out().starts_with("=== Sync Summary ==="), "{ended}");
}

#[test]
fn a_plan_for_each_of_several_trees() {
    let (_upstream, env) = changed_twice();
    fs::create_dir(env.dir().join("other")).unwrap();
    for words in [&["--all"][..], &["--tag", "w"], &["j"]] {
        let ended = env.run(["clean", "plan", "--json"].iter().chain(words)).expect_code(0);
        assert!(ended.json().pop().unwrap()["plan"].is_string(), "{ended}");
    }
    let ended = env.run(["clean", "plan", "j", "./other", "--json"]).expect_code(0);
    let plans: Vec<Value> = ended.events("plan");
    let roots: Vec<&str> = plans.iter().filter_map(|plan| plan["root"].as_str()).collect();
    assert!(roots.len() == 2 && roots[1].ends_with("/other"), "{ended}");
    assert_eq!(ended.json().pop().unwrap()["plans"], 2, "{ended}");
    env.run(["clean", "plan", "j", "./other", "-o", "plan"]).expect_code(2);
    env.run(["clean", "plan"]).expect_code(2);
    let ended = env.run(["clean", "run"]).expect_code(2);
    assert!(ended.err().contains("--yes") && ended.err().contains("--dry-run"), "{ended}");
}

#[test]
fn times_are_those_of_the_reader_and_spans_as_they_are_written() {
    let (_upstream, env) = changed_twice();
    let shown = env.run(["config", "show", "j"]).expect_code(0).out();
    assert!(shown.contains("keep_deleted = \"400d\""), "{shown}");
    let env = env.with_var("TZ", "Asia/Kolkata");
    if !std::path::Path::new("/usr/share/zoneinfo/Asia/Kolkata").exists() {
        return crate::support::skipped("there are no time zones");
    }
    env.run(["sync", "j"]).expect_code(0);
    for words in [
        &["history"][..],
        &["history", "show", "last"],
        &["clean", "log"],
        &["status"],
        &["doctor", "--offline"],
    ] {
        let ended = env.run(words);
        assert!(ended.out().contains(" +05:30"), "{ended}");
    }
    let started = &env.run(["history", "--json"]).events("job")[0]["started"];
    assert!(started.as_str().unwrap().ends_with('Z'), "{started}");
}

#[test]
#[cfg_attr(not(feature = "search"), ignore = "it asks index and search, too")]
fn a_search_that_nobody_answers_does_not_say_that_nothing_matches() {
    let (_upstream, env) = changed_twice();
    env.run(["index", "j"]).expect_code(0);
    let ended = env.run(["search", "x", "--timeout", "0s"]).expect_code(3);
    assert!(ended.err().contains("no answer in time from j"), "{ended}");
    assert!(!ended.err().contains("nothing matches"), "{ended}");
}

#[test]
fn a_failed_job_is_no_job_without_changes_in_a_report() {
    let env = Env::new();
    let env_config = one_job(&["./missing/"], &env.mirror("j"), "");
    let env = env.with_config(&env_config);
    env.run(["sync", "j", "--junit", "reports/j.xml"]).expect_code(1);
    let report = fs::read_to_string(env.dir().join("reports/j.xml")).unwrap();
    assert!(report.contains("failures=\"1\"") && !report.contains("nothing to change"), "{report}");
}

#[test]
fn rsyncs_deletion_is_answered_by_ours() {
    let (_upstream, env) = changed_twice();
    let ended = env.run(["sync", "j", "--", "--delete"]).expect_code(2);
    assert!(ended.err().contains("`--delete`") && ended.err().contains("`delete = true`"), "{ended}");
    let ended = env.run(["sync", "j", "--", "--max-delete=3"]).expect_code(2);
    assert!(ended.err().contains("`--max-delete`"), "{ended}");
}

/// Nothing is dropped in any terminal.
#[test]
fn tables_fit_terminals_of_any_width() {
    if !["/usr/bin/tmux", "/usr/local/bin/tmux", "/bin/tmux"].iter().any(|path| fs::exists(path).unwrap()) {
        return crate::support::skipped("tmux is not installed");
    }
    let (upstream, env) = changed_twice();
    drop(upstream);
    fs::remove_dir_all(env.mirror("j")).unwrap();
    let reason =
        env.run(["sync", "j", "--json", "--retries", "0"]).expect_code(1).finished()["error"].clone();
    let plain = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    for columns in ["60", "80", "120"] {
        let socket = env.dir().join(format!("tmux.{columns}"));
        let tmux = |args: &[&str]| {
            let mut command = env.program("tmux", ["-S"]);
            command.arg(&socket).args(args).env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8");
            command.output().unwrap()
        };
        let line = format!(
            "for command in history stats 'clean rules -v'; do '{}' $command; done; echo READY; exec cat",
            env!("CARGO_BIN_EXE_pdb-sync")
        );
        tmux(&["-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", "200", "sh", "-c", &line]);
        let mut screen = String::new();
        eventually("the tables are there", || {
            screen = String::from_utf8(tmux(&["capture-pane", "-p"]).stdout).unwrap();
            screen.contains("READY")
        });
        tmux(&["kill-server"]);
        for heading in ["REASON", "TREND", "MEANS", "RECEIVED"] {
            assert!(screen.contains(heading), "{columns}: {heading}\n{screen}");
        }
        assert!(
            plain(&screen).contains(&plain(reason.as_str().unwrap()[..20].as_ref())),
            "{columns}\n{screen}"
        );
        assert!(plain(&screen).contains("knownending"), "{columns}\n{screen}");
        assert!(!screen.contains('…'), "{columns}\n{screen}");
    }
}

/// Every command line that a message names has the `-c` and `--state-dir` that were given, also where the command line is wrong.
#[test]
fn hints_repeat_the_options_that_were_given() {
    let env = Env::new();
    let (config, state) = (env.dir().join("other config.toml"), env.dir().join("other state"));
    let text = "version = 1\n[defaults]\nroot = 'mirror'\n[jobs.a]\nsource = 'up/'\ndest = 'a'\n[jobs.gone]\nsource = 'up/'\ndest = 'gone'\n";
    std::fs::write(&config, text).unwrap();
    std::fs::create_dir_all(env.mirror("a/sub")).unwrap();
    std::fs::write(env.mirror("a/.f.AbC123"), "").unwrap();
    let given = ["-c", config.to_str().unwrap(), "--state-dir", state.to_str().unwrap()];
    let again = format!("`pdb-sync {} ", shell_words::join(given));
    let mirror = env.mirror("a/.f.AbC123");
    for args in [
        &["clean", "explain", mirror.to_str().unwrap(), "-v"][..],
        &["clean", "explain", mirror.to_str().unwrap(), "-v", "--json"],
        &["scan", "--all"],
        &["scan", "--all", "--json"],
        &["history", "show", "nope"],
        &["clean", "show"],
        &["clean", "undo", "last"],
        &["run", "a"],
        &["scan", "gone"],
        &["sync", "./nosuch"],
        &["config", "check", "nonsense"],
        &["validate"],
    ] {
        let ended = env.run(given.iter().chain(args));
        let said = ended.out().replace("\\\"", "\"") + &ended.err();
        let named = said.matches("`pdb-sync ").count();
        assert_eq!(named, said.matches(&again).count(), "{ended}");
        if args[0] != "config" {
            assert!(named > 0, "{ended}");
        }
    }
}
