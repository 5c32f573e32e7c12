//! `--json`: every line of every command is as the schema has it, by the schema and by jq, and every kind of line is seen.

use crate::support::lines::{kinds, parse};
use crate::support::{Ended, Env, Fake, Upstream, one_job, skipped};
use rustix::process::Signal;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// What every line must be, and the last one. `$code` is the exit code of the command.
const JQ: &str = r#"
(map(keys_unsorted[:2] == ["event", "time"] and (.time | test("^[0-9-]{10}T[0-9:]{8}\\.[0-9]{3}Z$"))) | all)
and (.[-1] | (.event == "result" or .event == "run_finished") and .exit_code == $code)
and (map(del(.schema) | .. | objects | .job? // empty | type == "string" and (contains("/") | not)) | all)
"#;

/// The kinds of lines of a command, each of which is as it should be.
#[track_caller]
fn heard(ended: &Ended) -> Vec<(Value, &'static str)> {
    let lines = parse(&ended.out()).unwrap_or_else(|fault| panic!("{fault}\n{ended}"));
    let (last, _) = lines.last().unwrap_or_else(|| panic!("nothing\n{ended}"));
    assert!(["result", "run_finished"].contains(&last["event"].as_str().unwrap()), "{ended}");
    assert_eq!(last["exit_code"], ended.code(), "{ended}");
    let code = ended.code().to_string();
    let jq = Command::new("jq")
        .args(["-s", "-e", "--argjson", "code", &code, JQ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    match jq {
        Ok(mut jq) => {
            jq.stdin.take().unwrap().write_all(&ended.stdout).unwrap();
            let told = jq.wait_with_output().unwrap();
            assert!(told.status.success(), "jq: {told:?}\n{ended}");
        }
        Err(_) => skipped("there is no jq, its opinion of the lines is not asked for"),
    }
    lines
}

/// What has been seen so far.
#[derive(Default)]
struct Seen(BTreeSet<&'static str>);

impl Seen {
    /// Runs a command with `--json`, which ends so. `name` is what the result calls it.
    #[track_caller]
    fn run(&mut self, env: &Env, name: &str, args: &[&str], code: i32) {
        let ended = env.run([&["--json"], args].concat()).expect_code(code);
        self.take(&ended, name);
    }

    #[track_caller]
    fn take(&mut self, ended: &Ended, name: &str) {
        for (line, kind) in heard(ended) {
            assert!(line["event"] != "result" || line["command"] == name, "{ended}");
            self.0.insert(kind);
        }
    }
}

/// A mirror with everything that has a kind of line of its own.
fn scene(upstream: &Upstream) -> Env {
    let env = Env::new().with_pipe(upstream).with_var("EDITOR", "true");
    fs::create_dir(env.mirror("a")).unwrap();
    fs::write(env.mirror("a").join("foreign."), "x").unwrap();
    fs::write(env.mirror("a").join("whole-not.gz"), b"\x1f\x8b no gzip file").unwrap();
    fs::create_dir(env.mirror("b")).unwrap();
    for file in ["a/x~", "b/y~"] {
        let old = File::create(env.mirror(file)).unwrap();
        old.set_modified(SystemTime::now() - Duration::from_secs(400 * 86_400)).unwrap();
    }
    env.with_config(
        "version = 1\n[defaults]\nroot = 'mirror'\nretries = 0\n[jobs.a]\nsource = 'up::m/'\ndest = 'a'\ntags = ['t']\ndelete = true\nmax_delete = 1000\n\
         [jobs.b]\nsource = 'up::m/'\ndest = 'b'\nenabled = false\ndescription = 'second'\n\
         [[stats.alerts]]\njob = 'a'\nage_above = '1ms'\n[[stats.alerts]]\nmetric = 'files'\nabove = 0\n\
         [[clean.rules]]\nname = 'tilde'\npattern = '**/*~'\naction = 'delete'\nreason = 'old'\n",
    )
}

#[test]
fn every_kind_of_line_is_as_the_schema_has_it() {
    let upstream = Upstream::new().with_corpus();
    let env = scene(&upstream);
    let mut seen = Seen::default();
    configuration(&env, &mut seen);
    runs(&env, &mut seen);
    trees(&env, &mut seen);
    cleaning(&env, &mut seen);
    machine(&env, &mut seen);
    #[cfg(feature = "search")]
    searching(&env, &mut seen);
    transfers(&mut seen);
    let built = |kind: &&str| {
        let searches = ["index.", "index-", "search.", "stats.searches"];
        cfg!(feature = "search") || !searches.iter().any(|start| kind.starts_with(start))
    };
    let missing: Vec<_> = kinds().into_iter().filter(built).filter(|kind| !seen.0.contains(kind)).collect();
    assert!(missing.is_empty(), "no test prints {missing:?}");
}

fn configuration(env: &Env, seen: &mut Seen) {
    seen.run(env, "config init", &["config", "init", "-c", "new.toml"], 0);
    seen.run(env, "config check", &["config", "check"], 0);
    fs::write(env.dir().join("bad.toml"), "[jobs.x]\nsorce = 'up::m/'\ndest = 'a'\n").unwrap();
    seen.run(env, "config check", &["config", "check", "-c", "bad.toml"], 2);
    seen.run(env, "config show", &["config", "show", "--origin"], 0);
    seen.run(env, "config path", &["config", "path"], 0);
    seen.run(env, "config schema", &["config", "schema"], 0);
    seen.run(env, "config schema", &["config", "schema", "--events"], 0);
    seen.run(env, "completions", &["completions", "bash"], 0);
    seen.run(env, "list", &["list"], 0);
    // Its job has no mirror yet.
    fs::write(env.dir().join("none.toml"), "[jobs.n]\nsource = 'up::m/'\ndest = 'n'\n").unwrap();
    seen.run(env, "scan", &["scan", "--all", "-c", "none.toml"], 0);
}

fn runs(env: &Env, seen: &mut Seen) {
    seen.run(env, "history", &["history"], 0);
    seen.run(env, "sync", &["sync", "a"], 0);
    seen.run(env, "sync", &["sync", "a", "--plan"], 0);
    seen.run(env, "sync", &["sync", "a", "--print-command"], 0);
    seen.run(env, "sync", &["sync", "--rerun-failed"], 0);
    seen.run(env, "list", &["list", "--tag", "t"], 0);
    seen.run(env, "history", &["history"], 0);
    seen.run(env, "history show", &["history", "show", "last"], 0);
    seen.run(env, "scan", &["scan", "a"], 0);
    seen.run(env, "scan", &["scan", ".", "./mirror"], 0);
    seen.run(env, "stats", &["stats"], 0);
    seen.run(env, "stats", &["stats", "--check"], 1);
    seen.run(env, "stats", &["stats", "--prometheus", "x.prom"], 0);
}

fn trees(env: &Env, seen: &mut Seen) {
    fs::write(env.mirror("a").join("new"), "new").unwrap();
    let all =
        ["--diff", "--check-names", "--check-gzip", "--top", "3", "--by-extension", "--by-age", "--by-size"];
    seen.run(env, "scan", &[&["scan", "a", "./mirror/b"], &all[..]].concat(), 1);
    seen.run(env, "scan", &["scan", "a", "--list"], 0);
    seen.run(env, "scan", &["scan", "a", "--tree"], 0);
    seen.run(env, "scan", &["scan", "--cache"], 0);
    seen.run(env, "scan", &["scan", "--cache=evict"], 0);
    seen.run(env, "verify", &["verify", "a"], 1);
    // The last line has the exit code of the whole, those before it their own.
    let ended = env.run(["--json", "verify", "a", "./mirror/b"]).expect_code(1);
    let codes: Vec<Value> = ended.events("result").iter().map(|result| result["exit_code"].clone()).collect();
    assert_eq!(codes, [1, 1], "{ended}");
    let ended = env.run(["--json", "verify", "./mirror/b", "a"]).expect_code(1);
    let codes: Vec<Value> = ended.events("result").iter().map(|result| result["exit_code"].clone()).collect();
    assert_eq!(codes, [0, 1], "{ended}");
}

fn cleaning(env: &Env, seen: &mut Seen) {
    seen.run(env, "clean rules", &["clean", "rules"], 0);
    seen.run(env, "clean plan", &["clean", "plan", "a", "./mirror/b"], 0);
    seen.run(env, "clean plan", &["clean", "plan", "a"], 0);
    seen.run(env, "clean show", &["clean", "show"], 0);
    seen.run(env, "clean edit", &["clean", "edit"], 0);
    seen.run(env, "clean verify", &["clean", "verify"], 0);
    seen.run(env, "clean explain", &["clean", "explain", "mirror/a/x~"], 0);
    seen.run(env, "clean run", &["clean", "run", "--mode", "dry-run", "-v"], 0);
    seen.run(env, "clean run", &["clean", "run", "--yes"], 0);
    seen.run(env, "clean log", &["clean", "log"], 0);
    seen.run(env, "clean log", &["clean", "log", "last"], 0);
    seen.run(env, "clean undo", &["clean", "undo", "last"], 0);
    seen.run(env, "clean purge", &["clean", "purge"], 0);
    let refused = env.run(["--json", "clean", "show", "--export", "csv"]).expect_code(2);
    seen.take(&refused, "clean show");
}

fn machine(env: &Env, seen: &mut Seen) {
    seen.run(env, "status", &["status"], 0);
    seen.run(env, "status", &["status", "--max-age", "1ms"], 1);
    let watch = env.spawn(["--json", "status", "--watch"]);
    watch.until_said("\"status\"");
    watch.signal(Signal::INT);
    seen.take(&watch.wait().expect_code(130), "status");
    let doctor = env.run(["--json", "doctor", "--offline"]);
    seen.take(&doctor, "doctor");
    seen.run(env, "mirrors", &["mirrors"], 0);
    let reclaim = env.run(["--json", "reclaim", "a"]);
    seen.take(&reclaim, "reclaim");
}

#[cfg(feature = "search")]
fn searching(env: &Env, seen: &mut Seen) {
    seen.run(env, "index", &["index", "a", "./mirror/b"], 3);
    seen.run(env, "search", &["search", "capsid", "--facets", "kind"], 0);
    seen.run(env, "search", &["search", "xylophone", "--fail-on-empty"], 1);
    seen.run(env, "stats", &["stats"], 0);
    seen.run(env, "index list", &["index", "list"], 0);
    seen.run(env, "index where", &["index", "where", "a"], 0);
    let (input, mut queries) = std::io::pipe().unwrap();
    let mut command = env.command(["--json", "search", "--repl"]);
    command.stdin(input);
    let repl = crate::support::Running::start(command);
    writeln!(queries, "capsid").unwrap();
    // The answer is there before the next query.
    repl.until_said("\"event\":\"result\"");
    writeln!(queries, "nofield:x").unwrap();
    drop(queries);
    seen.take(&repl.wait().expect_code(1), "search");
    seen.run(env, "index remove", &["index", "remove", "a", "--yes"], 0);
}

/// What the real rsync cannot be made to do.
fn transfers(seen: &mut Seen) {
    let progress = "partial            1000  50%  100.00kB/s    0:00:01 (xfr#1, to-chk=1/2)\nraw 0d\n";
    let fake = Fake::new(&format!(
        "[1]
err rsync: connection unexpectedly closed
exit 12
[2]
{progress}wait-file @dest/go
out
stats 9 3 0
"
    ));
    let env = Env::new().with_fake(&fake);
    let config = one_job(&["up::m/"], &env.mirror("j"), "retries = 1\nbefore = [\"echo hello\"]");
    let env = env.with_config(&config);
    let running = env.spawn(["--json", "-v", "sync", "j"]);
    running.until_said("\"progress\"");
    fs::write(env.mirror("j").join("go"), "").unwrap();
    seen.take(&running.wait().expect_code(0), "sync");
    let failed = env.run(["--json", "-v", "sync", "j", "--stall", "x"]);
    seen.take(&failed, "");
}

/// ExitCode code, and the errors.
#[track_caller]
fn errors(ended: &Ended) -> Vec<Value> {
    let lines = heard(ended);
    lines.into_iter().map(|(line, _)| line).filter(|line| line["event"] == "error").collect()
}

#[test]
fn errors_are_objects() {
    let env = Env::new();
    // The command line.
    for (args, text, hint) in [
        (&["frobnicate"][..], "unrecognized subcommand 'frobnicate'", "--help"),
        (&["sync", "--delte"], "unexpected argument '--delte' found", "--delete"),
        (&["history", "-n", "5"], "-n is a dry run, which this command does not have", "--limit N"),
        (&["clean"], "requires a subcommand", "--help"),
        (&[], "requires a subcommand", "--help"),
        (&["history", "show"], "required arguments were not provided", "--help"),
    ] {
        let ended = env.run([&["--json"], args].concat()).expect_code(2);
        let errors = errors(&ended);
        assert_eq!((errors.len(), &errors[0]["kind"]), (1, &"usage".into()), "{ended}");
        assert!(errors[0]["text"].as_str().unwrap().contains(text), "{ended}");
        assert!(errors[0]["hint"].as_str().unwrap().contains(hint), "{ended}");
        assert!(!ended.err().is_empty(), "people are told, too");
    }
    // rsync's own --json, were there one.
    let ended = env.run(["sync", "x", "--", "--json", "--"]).expect_code(2);
    assert_eq!(ended.out(), "", "{ended}");
    // The configuration: a file that is missing, and a problem at its place each.
    let ended = env.run(["--json", "sync", "x"]).expect_code(2);
    assert!(errors(&ended)[0]["hint"].as_str().unwrap().contains("config init"), "{ended}");
    let env = env.with_config("[jobs.x]\nsorce = 'a::b/'\ndest = 'x'\n\n[sync]\n  paralel = 3\n");
    for command in ["sync", "list", "status", "stats"] {
        let ended = env.run([command, "--json"]).expect_code(2);
        let errors = errors(&ended);
        let file = env.config();
        let places: Vec<_> = errors
            .iter()
            .map(|error| (error["file"].as_str().unwrap(), error["line"].as_u64(), error["column"].as_u64()))
            .collect();
        let file = file.to_str().unwrap();
        assert!(places.contains(&(file, Some(2), Some(1))), "{ended}");
        assert!(places.contains(&(file, Some(6), Some(3))), "{ended}");
        assert!(errors.iter().all(|error| error["kind"] == "config"), "{ended}");
    }
    fs::remove_file(env.config()).unwrap();
    let ended = env.run(["--json", "scan", "./nowhere"]).expect_code(2);
    assert!(errors(&ended)[0]["text"].as_str().unwrap().contains("cannot find ./nowhere"), "{ended}");
    // The machine.
    let ended = env.run(["--json", "stats", "--prometheus", "/nowhere/x.prom"]).expect_code(1);
    let errors = errors(&ended);
    assert_eq!(errors[0]["kind"], "io", "{ended}");
    assert!(
        errors[0]["text"].as_str().unwrap().contains("cannot write the metrics /nowhere/x.prom"),
        "{ended}"
    );
}

/// A guard's refusal is told as what it is, and a result that comes with an error stays the last line.
#[test]
fn a_result_stays_the_last_line() {
    let env = Env::new();
    fs::create_dir(env.mirror("a")).unwrap();
    let old = File::create(env.mirror("a").join("x~")).unwrap();
    old.set_modified(SystemTime::now() - Duration::from_secs(400 * 86_400)).unwrap();
    heard(&env.run(["--json", "clean", "plan", "./mirror/a"]).expect_code(0));
    let ended = env.run(["--json", "clean", "run", "--yes", "--expect", "0123456789abcdef"]).expect_code(4);
    assert_eq!(errors(&ended)[0]["kind"], "blocked", "{ended}");
    // What a run had in the quarantine is not there any more.
    heard(&env.run(["--json", "clean", "run", "--yes", "--quarantine"]).expect_code(0));
    fs::remove_dir_all(env.mirror("a").join(".pdb-sync")).unwrap();
    let ended = env.run(["--json", "clean", "undo", "last"]).expect_code(1);
    let lines = ended.json();
    assert_eq!((&lines[0]["event"], &lines[1]["event"]), (&"error".into(), &"result".into()), "{ended}");
    assert_eq!(lines[1]["lost"], true, "{ended}");
}

/// The schema as it is printed judges lines as readers do: what later versions add is no mistake.
#[test]
fn the_schema_that_is_printed_judges_lines() {
    let env = Env::new().with_config("[jobs.a]\nsource = 'a::b/'\ndest = 'mirror/a'\n");
    let printed = env.run(["config", "schema", "--events"]).expect_code(0);
    let schema = jsonschema::draft202012::new(&serde_json::from_str(&printed.out()).unwrap()).unwrap();
    let lines = env.run(["list", "--json"]).expect_code(0).json();
    assert!(lines.len() == 2 && lines.iter().all(|line| schema.is_valid(line)), "{lines:?}");
    let with = |key: &str, value: Value| {
        let mut line = lines[0].clone();
        line[key] = value;
        schema.is_valid(&line)
    };
    assert!(with("later", 1.into()));
    assert!(!with("event", "jbo".into()));
    assert!(!with("time", "2026-11-28T18:10:23Z".into()), "no milliseconds");
    assert!(!with("enabled", "yes".into()));
    assert!(!with("age_s", (-1).into()));
    assert!(with("age_s", Value::Null));
}
