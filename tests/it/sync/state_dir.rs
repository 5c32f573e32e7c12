//! A state directory that cannot be used: the transfer comes and counts, and what is missing is said everywhere alike.

use super::{finished, jobs, local, log, quick};
use crate::support::{Ended, Env, Fake, Running, skipped, with_mounts};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Read-only, and every byte and every inode in use.
const READ_ONLY: &str = "mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\" || exit 99\n";
const FULL: &str =
    "mount -t tmpfs -o size=64k none \"$0\" || exit 99\nhead -c 65536 /dev/zero >\"$0/filler\"\n";
const NO_INODES: &str = "mount -t tmpfs -o nr_inodes=1 none \"$0\" || exit 99\n";

/// A home with one job `a`, whose hook says where the log is.
fn home() -> Env {
    local("after = ['echo \"log=<$PDB_SYNC_LOG> status=<$PDB_SYNC_STATUS>\"']")
}

/// What a run in JSON says of itself, and that its exit code is the same.
#[track_caller]
fn end(ended: &Ended) -> Value {
    let end = ended.json().pop().unwrap();
    assert_eq!(end["event"], "run_finished", "{ended}");
    assert_eq!(end["exit_code"], ended.code(), "{ended}");
    end
}

fn warnings(end: &Value) -> Vec<String> {
    end["warnings"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// The transfer came, and the run has a history and logs only as far as `history` and `log` say.
#[track_caller]
fn judge(ended: &Ended, env: &Env, history: bool, log: bool) {
    assert_eq!(ended.code(), 0, "{ended}");
    assert_eq!(fs::read_to_string(env.mirror("a/f")).unwrap(), "contents\n", "{ended}");
    let (job, end) = (finished(ended, "a"), end(ended));
    assert_eq!((&job["status"], &job["error"]), (&"ok".into(), &Value::Null), "{ended}");
    assert_eq!(job["log"].is_null(), !log, "{ended}");
    let heard = format!("log=<{}> status=<ok>", job["log"].as_str().unwrap_or_default());
    assert!(ended.out().contains(&heard), "hooks are told the same: {ended}");
    let told = warnings(&end);
    let about = |what: &str| told.iter().any(|text| text.contains(what));
    assert_eq!(about("this run is missing from it"), !history, "{ended}");
    assert_eq!(about("the job a left no log: cannot write the log "), !log, "{ended}");
    assert_eq!(told.len(), usize::from(!history) + usize::from(!log), "{ended}");
    assert_eq!(end["unwritten"], Value::Array(vec![]), "{ended}");
    for text in ["cannot write the log ", "the history "] {
        assert_eq!(ended.err().matches(text).count(), usize::from(about(text)), "each is told once: {ended}");
    }
}

#[test]
fn a_state_directory_of_the_wrong_kinds_fails_nothing() {
    type Spoil = fn(&Env);
    let file = |env: &Env, name: &str| {
        fs::create_dir_all(env.state().join(name).parent().unwrap()).unwrap();
        fs::write(env.state().join(name), "in the way").unwrap();
    };
    let others: Spoil = |env| {
        fs::create_dir(env.state()).unwrap();
        for name in ["plans", "journal", "locks", "running", "inventory", "index", "mirrors.json"] {
            fs::write(env.state().join(name), "in the way").unwrap();
        }
    };
    let spoils: [(Spoil, bool, bool); 6] = [
        (|env| fs::write(env.state(), "in the way").unwrap(), false, false),
        (|env| fs::create_dir_all(env.state().join("history.db")).unwrap(), false, true),
        (|env| fs::create_dir_all(env.state().join("logs")).unwrap(), true, true),
        (others, true, true),
        (|env| std::os::unix::fs::symlink("/nowhere/at/all", env.state()).unwrap(), false, false),
        (|env| std::os::unix::fs::symlink("state", env.state()).unwrap(), false, false),
    ];
    for (spoil, history, log) in spoils {
        let env = home();
        spoil(&env);
        judge(&env.run(["sync", "a", "--json"]), &env, history, log);
    }
    for name in ["logs", "logs/a"] {
        let env = home();
        file(&env, name);
        judge(&env.run(["sync", "a", "--json"]), &env, true, false);
        let past = env.run(["history", "--json"]).expect_code(0).events("job");
        assert_eq!((past.len(), &past[0]["log"]), (1, &Value::Null));
    }
}

#[test]
fn a_disk_that_is_full_or_read_only_fails_nothing() {
    for mount in [READ_ONLY, FULL, NO_INODES] {
        let env = home();
        let script = format!("{mount}\"$@\"");
        let Some(ended) = with_mounts(&env, &script, &["sync", "a", "--json"]) else {
            return skipped("no file system may be mounted here");
        };
        judge(&ended, &env, false, false);
        // The same for people, in the summary, which is last.
        let ended = with_mounts(&env, &script, &["sync", "a"]).unwrap().expect_code(0);
        let out = ended.out();
        let summary = out.split_once("=== Sync Summary ===\n").unwrap().1;
        assert!(summary.starts_with("Total: 1 | Success: 1 | Failed: 0\nwarning: "), "{ended}");
        assert!(summary.contains("\nwarning: the job a left no log: "), "{ended}");
        assert!(summary.contains("\nAll syncs completed successfully.\n"), "{ended}");
        assert!(!summary.contains("  log: "), "{ended}");
    }
}

#[test]
fn a_log_that_fills_the_disk_ends_there_and_the_other_jobs_have_none() {
    let fake =
        Fake::new("[if mirror/a/]\nlines 4000 of many bytes each, to fill what there is\n[*]\nstats 1 1 0\n");
    let more = jobs(&["a", "b", "c"], "");
    let env = Env::new().with_fake(&fake).with_config(&quick(&more));
    let script = "mount -t tmpfs -o size=160k none \"$0\" || exit 99\n\"$@\"; code=$?\nls \"$0\"/logs/* >&2; exit $code";
    let Some(ended) = with_mounts(&env, script, &["sync", "--all", "--json", "--parallel", "1"]) else {
        return skipped("no file system may be mounted here");
    };
    let ended = ended.expect_code(0);
    let told = warnings(&end(&ended));
    let log = finished(&ended, "a")["log"].as_str().unwrap().to_owned();
    assert!(told.iter().any(|text| text.starts_with(&format!("the log {log} is not complete: "))), "{ended}");
    assert!(told.iter().any(|text| text.starts_with("the jobs b, c left no log: ")), "{ended}");
    assert!(told.iter().any(|text| text.ends_with("this run is missing from it")), "{ended}");
    assert!(finished(&ended, "b")["log"].is_null() && finished(&ended, "c")["log"].is_null(), "{ended}");
    let logs = ended.err().lines().filter(|line| line.ends_with(".log")).count();
    assert_eq!(logs, 1, "no empty file is left: {ended}");
}

#[test]
fn reports_for_machines_say_that_history_and_log_are_missing() {
    let env = home();
    fs::write(env.state(), "in the way").unwrap();
    let (summary, output) = (env.dir().join("summary.md"), env.dir().join("output"));
    let env = env
        .with_var("GITHUB_ACTIONS", "true")
        .with_var("GITHUB_STEP_SUMMARY", summary.as_os_str())
        .with_var("GITHUB_OUTPUT", output.as_os_str());
    let ended = env.run(["sync", "a", "--junit", "report.xml"]).expect_code(0);
    assert!(ended.out().contains("::warning title=pdb-sync::the job a left no log: "), "{ended}");
    let markdown = fs::read_to_string(summary).unwrap();
    assert!(markdown.contains("1 of 1 job succeeded") && markdown.contains("left no log"), "{markdown}");
    assert!(fs::read_to_string(output).unwrap().contains("failed=\n"), "{ended}");
    let report = fs::read_to_string(env.dir().join("report.xml")).unwrap();
    let report = roxmltree::Document::parse(&report).unwrap();
    let figures = ["failures", "errors"].map(|name| report.root_element().attribute(name));
    assert_eq!(figures, [Some("0"); 2]);
    let warned = report.descendants().any(|node| {
        node.has_tag_name("property")
            && node.attribute("name") == Some("warning")
            && node.attribute("value").is_some_and(|value| value.contains("missing from it"))
    });
    assert!(warned, "{ended}");
}

#[test]
fn output_that_was_asked_for_and_is_missing_fails_the_run_everywhere_alike() {
    let env = local("");
    fs::create_dir(env.dir().join("report")).unwrap();
    let ended = env.run(["sync", "a", "--json", "--junit", "report"]).expect_code(1);
    let end = end(&ended);
    let unwritten = end["unwritten"][0].as_str().unwrap();
    assert_eq!(unwritten, "cannot write the JUnit report report: it is a directory", "{ended}");
    assert_eq!(finished(&ended, "a")["status"], "ok", "{ended}");
    let shown = env.run(["history", "show", "last", "--json"]).expect_code(0);
    assert_eq!(shown.events("result")[0]["run_exit_code"], 1, "{shown}");
    let shown = env.run(["history", "show", "last"]).expect_code(0);
    assert!(shown.out().contains("\nnot all output was written: "), "{shown}");
    assert!(!shown.out().contains("All syncs completed successfully"), "{shown}");
    let ended = env.run(["sync", "a", "--junit", "report"]).expect_code(1);
    assert!(ended.out().contains("\nnot all output was written: cannot write the JUnit report"), "{ended}");
    assert!(!ended.out().contains("All syncs completed successfully"), "{ended}");
}

/// Runs the program as nobody, whose home it is but for the state directory. Only root can do that.
fn somebody(env: &Env) -> impl Fn(&[&str]) -> Ended {
    // A copy of the program, since its directory need not be for everybody.
    let program = env.dir().join("pdb-sync");
    fs::copy(env!("CARGO_BIN_EXE_pdb-sync"), &program).unwrap();
    for path in [env.dir().to_owned(), env.mirror("")] {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::chown(&path, Some(65534), Some(65534)).unwrap();
    }
    move |args| {
        let who = ["--reuid=65534", "--regid=65534", "--clear-groups"].map(Into::into).into_iter();
        let args = who.chain([program.clone().into_os_string()]).chain(args.iter().map(Into::into));
        Running::start(env.program("setpriv", args)).wait()
    }
}

#[test]
fn who_may_not_write_the_state_directory_of_another_still_transfers() {
    if !rustix::process::geteuid().is_root() {
        return skipped("only root can become somebody else");
    }
    let env = home();
    let run = somebody(&env);
    fs::create_dir(env.state()).unwrap();
    fs::set_permissions(env.state(), fs::Permissions::from_mode(0o755)).unwrap();
    judge(&run(&["sync", "a", "--json"]), &env, false, false);
    // With a history of root's, and a directory for logs that is not for others.
    env.run(["sync", "a"]).expect_code(0);
    fs::set_permissions(env.state().join("logs/a"), fs::Permissions::from_mode(0o700)).unwrap();
    judge(&run(&["sync", "a", "--json"]), &env, false, false);
    assert_eq!(run(&["history", "--json"]).expect_code(0).events("job").len(), 1);
    assert!(log(&env, "a").is_some());
}

#[test]
fn what_takes_away_refuses_without_a_journal_and_what_only_looks_goes_on() {
    let env = local("");
    env.run(["sync", "a"]).expect_code(0);
    fs::write(env.mirror("a/x~"), "x").unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3 * 86_400);
    fs::File::open(env.mirror("a/x~")).unwrap().set_modified(old).unwrap();
    for args in [&["scan", "a"][..], &["clean", "plan", "a", "-o", "p.plan.ndjson"]] {
        env.run(args).expect_code(0);
    }
    let run = |args: &[&str]| {
        let ended = with_mounts(&env, &format!("{READ_ONLY}\"$@\""), args);
        if let Some(ended) = &ended {
            assert!(env.mirror("a/x~").exists(), "{ended}");
        }
        ended
    };
    let plan = "p.plan.ndjson";
    let Some(ended) = run(&["clean", "run", plan, "--yes"]) else {
        return skipped("no file system may be mounted here");
    };
    let ended = ended.expect_code(1);
    assert!(
        ended.err().contains(&format!("state directory {}: Read-only", env.state().display())),
        "{ended}"
    );
    assert!(ended.err().contains("hint: nothing was touched; "), "{ended}");
    let ended = run(&["clean", "plan", "a"]).unwrap().expect_code(1);
    assert!(ended.err().contains("hint: -o FILE writes it elsewhere"), "{ended}");
    for args in [
        &["clean", "run", plan, "--mode", "dry-run"][..],
        &["clean", "plan", "a", "-o", "q.plan.ndjson"],
        &["clean", "show", plan],
        &["clean", "log"],
        &["clean", "purge"],
        &["scan", "a"],
        &["verify", "a"],
        &["history"],
        &["history", "show", "last"],
        &["stats"],
        &["stats", "--prometheus", "m.prom"],
        &["list"],
        &["status"],
    ] {
        run(args).unwrap().expect_code(0);
    }

    // What a run took away is brought back only where that can be written down.
    env.run(["clean", "run", plan, "--yes"]).expect_code(0);
    assert!(!env.mirror("a/x~").exists());
    let script = format!("{READ_ONLY}\"$@\"");
    let ended = with_mounts(&env, &script, &["clean", "undo", "last"]).unwrap().expect_code(1);
    assert!(ended.err().contains("cannot open the journal ") && ended.err().contains("hint: "), "{ended}");
    assert!(!env.mirror("a/x~").exists(), "{ended}");
    env.run(["clean", "undo", "last"]).expect_code(0);
    assert!(env.mirror("a/x~").exists());
}

#[test]
fn a_journal_that_cannot_be_made_is_not_blamed_on_the_destination() {
    let env = local("keep_deleted = '30d'");
    fs::create_dir(env.state()).unwrap();
    fs::write(env.state().join("journal"), "in the way").unwrap();
    fs::create_dir_all(env.mirror("a")).unwrap();
    fs::write(env.mirror("a/old"), "x").unwrap();
    let ended = env.run(["sync", "a", "--json", "--delete"]);
    let job = finished(&ended, "a");
    let said = format!("{} {}", job["error"], job["hint"]);
    assert!(said.contains(&env.state().join("journal").display().to_string()), "{ended}");
    assert!(said.contains("is the state directory writable"), "{ended}");
    assert!(!said.contains("quarantine in") && env.mirror("a/old").exists(), "{ended}");
}

#[test]
fn doctor_tells_which_part_cannot_be_used() {
    let env = local("");
    env.run(["sync", "a"]).expect_code(0);
    let findings = |env: &Env| {
        let ended = env.run(["doctor", "--offline", "--json"]);
        let state = ended.events("check").into_iter().filter(|finding| finding["area"] == "state");
        state.map(|finding| (finding["verdict"].clone(), finding["text"].to_string())).collect::<Vec<_>>()
    };
    let found = findings(&env);
    assert!(found.len() == 1 && found[0].0 == "ok", "{found:?}");
    fs::remove_dir_all(env.state().join("logs/a")).unwrap();
    for name in ["logs", "locks", "running"] {
        let _ = fs::remove_dir(env.state().join(name));
        fs::write(env.state().join(name), "in the way").unwrap();
    }
    for name in ["plans", "journal"] {
        fs::write(env.state().join(name), "in the way").unwrap();
    }
    for name in ["history.db-wal", "history.db-shm", "history.db"] {
        let _ = fs::remove_file(env.state().join(name));
    }
    fs::create_dir(env.state().join("history.db")).unwrap();
    let found = findings(&env);
    for (name, verdict) in [
        ("logs", "warn"),
        ("locks", "warn"),
        ("running", "warn"),
        ("plans", "fail"),
        ("journal", "fail"),
        ("history.db", "warn"),
    ] {
        let path = env.state().join(name).display().to_string();
        assert!(
            found.iter().any(|(word, text)| word == verdict && text.contains(&path)),
            "{name}: {found:?}"
        );
    }
    assert_eq!(found.len(), 7, "{found:?}");
}

#[cfg(feature = "search")]
#[test]
fn an_index_that_may_only_be_read_is_searched_and_one_that_may_not_is_not_damaged() {
    let env = local("");
    env.run(["sync", "a"]).expect_code(0);
    env.run(["index", "a"]).expect_code(0);
    let Some(ended) = with_mounts(&env, &format!("{READ_ONLY}\"$@\""), &["search", "*"]) else {
        return skipped("no file system may be mounted here");
    };
    ended.expect_code(0);
    if !rustix::process::geteuid().is_root() {
        return skipped("only root can run a command as somebody else");
    }
    let run = somebody(&env);
    let index =
        fs::read_dir(env.state().join("index/a")).unwrap().flatten().find(|item| item.path().is_dir());
    let files: Vec<_> = fs::read_dir(index.unwrap().path()).unwrap().flatten().collect();
    for (mode, code, said) in [(0o600, 2, "Permission denied"), (0o644, 0, "")] {
        for file in &files {
            fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
        }
        let ended = run(&["search", "*"]).expect_code(code);
        assert!(ended.err().contains(said) && !ended.err().contains("damaged"), "{ended}");
    }
}

#[cfg(feature = "search")]
#[test]
fn an_index_that_cannot_be_written_is_a_warning_of_sync_and_a_failure_of_index() {
    let env = local("index = true");
    fs::create_dir(env.state()).unwrap();
    fs::write(env.state().join("index"), "in the way").unwrap();
    let ended = env.run(["sync", "a", "--json"]).expect_code(0);
    end(&ended);
    assert!(ended.err().contains("warning: a was not indexed: cannot make the directory "), "{ended}");
    let ended = env.run(["index", "a"]).expect_code(1);
    assert!(ended.err().contains("hint: indexes lie in the state directory"), "{ended}");
}
