//! `config` and `list`, through the binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use crate::support::{Env, Fuse};
use assert_cmd::Command;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A home directory of its own, and nothing of the surrounding environment that could matter.
struct Home {
    dir: TempDir,
}

impl Home {
    fn new() -> Self {
        Home { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    fn file(&self) -> PathBuf {
        self.path().join(".config/pdb-sync/config.toml")
    }

    fn with(self, text: impl AsRef<[u8]>) -> Self {
        fs::create_dir_all(self.file().parent().unwrap()).unwrap();
        fs::write(self.file(), text).unwrap();
        self
    }

    fn pdb_sync(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pdb-sync"));
        command
            .env_clear()
            .env("HOME", self.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.current_dir(self.path()).args(args);
        command
    }

    /// Exit code, standard output, standard error.
    fn run(&self, args: &[&str]) -> (i32, String, String) {
        end_of(&mut self.pdb_sync(args))
    }

    fn json(&self, args: &[&str]) -> (i32, Vec<Value>) {
        let (code, out, err) = self.run(args);
        assert!(err.is_empty(), "{err}");
        let lines = crate::support::lines::parse(&out).unwrap();
        (code, lines.into_iter().map(|(line, _)| line).collect())
    }
}

fn end_of(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn examples() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("config-examples");
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

const TWO: &str = "
[sync]
parallel = 2
[defaults]
root = '~/mirrors'
tags = ['weekly']
[jobs.mmcif]
source = 'rsync://rsync.rcsb.org:33444/ftp_data/structures/divided/mmCIF/'
dest = 'mmCIF'
delete = true
[jobs.local]
source = '/data/'
dest = 'local'
enabled = false
tags = ['copy']
preset = 'safe'
description = 'a copy'
";

#[test]
fn every_example_passes_the_check() {
    let home = Home::new();
    let files = examples();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let (code, out, err) = home.run(&["config", "check", "--config", file.to_str().unwrap()]);
        assert_eq!((code, err.as_str()), (0, ""), "{}", file.display());
        assert!(out.contains(": ok, ") && !out.contains(", 0 jobs"), "{out}");
    }
}

#[test]
fn init_writes_a_good_file_once() {
    let examples = [
        &[][..],
        &["--from", "pdb"],
        &["--from", "alphafold"],
        &["--from", "ci"],
        &["--from", "benchmark"],
        &["--from", "benchmark"],
    ];
    for (n, from) in examples.into_iter().enumerate() {
        let home = Home::new();
        let list = home.file().with_file_name("benchmark-ids.txt");
        let own = n + 1 == examples.len();
        if own {
            fs::create_dir_all(list.parent().unwrap()).unwrap();
            fs::write(&list, "1abc\n").unwrap();
        }
        let args = [&["config", "init"][..], from].concat();
        let (code, _, err) = home.run(&args);
        assert_eq!(code, 0, "{err}");
        assert!(err.contains(&format!("wrote {}", home.file().display())), "{err}");
        assert_eq!(home.run(&["config", "check"]).0, 0);
        assert_eq!(list.exists(), from.contains(&"benchmark"), "{err}");
        assert_eq!(own, fs::read_to_string(&list).is_ok_and(|text| text == "1abc\n"));
        assert_eq!(own, err.contains("kept the list of entries, which was there: "), "{err}");
        let written = fs::read(home.file()).unwrap();
        let (code, _, err) = home.run(&args);
        assert_eq!(code, 2);
        assert!(err.contains("exists already"), "{err}");
        assert_eq!(fs::read(home.file()).unwrap(), written);
    }
}

#[test]
fn init_does_not_write_through_a_dangling_link() {
    let home = Home::new();
    fs::create_dir_all(home.file().parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(home.path().join("elsewhere"), home.file()).unwrap();
    assert_eq!(home.run(&["config", "init"]).0, 2);
    assert!(!home.path().join("elsewhere").exists());
}

#[test]
fn check_tells_every_problem_and_exits_with_2() {
    let home =
        Home::new().with("[sync]\nparalel = 2\n[jobs.a]\nsource = 'h::m'\ndest = 7\n[clean]\nkeeep = '1d'\n");
    let (code, out, err) = home.run(&["config", "check"]);
    assert_eq!((code, out.as_str()), (2, ""));
    let file = home.file().display().to_string();
    for text in [
        format!("error: {file}:2:1: unknown key \"paralel\" in [sync]"),
        "did you mean \"parallel\"?".into(),
        format!("error: {file}:5:8: dest: expected a path, found the integer 7"),
        format!("error: {file}:7:1: unknown key \"keeep\" in [clean]"),
    ] {
        assert!(err.contains(&text), "{text}\n{err}");
    }

    let (code, events) = home.json(&["config", "check", "--json"]);
    assert_eq!(code, 2);
    let problems: Vec<_> = events.iter().filter(|event| event["event"] == "problem").collect();
    assert_eq!(problems.len(), 3);
    assert_eq!((&problems[0]["line"], &problems[0]["column"]), (&2.into(), &1.into()));
    assert_eq!(problems[2]["severity"], "error");
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["ok"], &last["jobs"]), (&"result".into(), &false.into(), &Value::Null));
}

#[test]
fn a_broken_file_stops_every_command_but_the_check_says_why() {
    let home = Home::new().with("[jobs.a\nsource = 'h::m'\n");
    for args in [&["list"][..], &["config", "show"], &["config", "check"]] {
        let (code, out, err) = home.run(args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}");
        assert!(err.contains(":1:8: not valid TOML"), "{err}");
    }
    let home = Home::new().with(b"a = '\xff'");
    let (code, _, err) = home.run(&["config", "check"]);
    assert_eq!(code, 2);
    assert!(err.contains(":1:6: not valid UTF-8"), "{err}");
    let (code, events) = home.json(&["config", "check", "--json"]);
    assert_eq!((code, events.len()), (2, 2));
}

#[test]
fn a_named_file_must_be_there_and_the_default_one_need_not() {
    let home = Home::new();
    for args in [&["-c", "no.toml", "list"][..], &["config", "check", "-c", "no.toml"]] {
        let (code, _, err) = home.run(args);
        assert_eq!(code, 2);
        assert!(err.contains("no.toml") && err.contains("config init"), "{err}");
    }
    let (code, _, _) = end_of(home.pdb_sync(&["list"]).env("PDB_SYNC_CONFIG", "no.toml"));
    assert_eq!(code, 2);
    let (code, out, err) = home.run(&["list"]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert!(err.contains("does not exist") && err.contains("config init"), "{err}");
    assert_eq!(home.run(&["config", "show"]).0, 0);
    assert_eq!(home.run(&["config", "check"]).0, 0);
    // A directory is there, but cannot be read.
    assert_eq!(home.run(&["list", "-c", "/"]).0, 2);
}

#[test]
fn the_file_is_found_by_option_then_environment_then_convention() {
    let home = Home::new();
    let path = |command: &mut Command| end_of(command).1.trim().to_string();
    assert_eq!(path(&mut home.pdb_sync(&["config", "path"])), home.file().to_str().unwrap());
    assert_eq!(
        path(home.pdb_sync(&["config", "path"]).env("XDG_CONFIG_HOME", "/x")),
        "/x/pdb-sync/config.toml"
    );
    let both = |args: &[&str]| path(home.pdb_sync(args).env("PDB_SYNC_CONFIG", "/e.toml"));
    assert_eq!(both(&["config", "path"]), "/e.toml");
    assert_eq!(both(&["config", "path", "-c", "/o.toml"]), "/o.toml");
}

#[test]
fn what_is_shown_says_whence_and_reads_as_the_same() {
    let home = Home::new().with(TWO);
    let (code, shown, _) = home.run(&["config", "show", "--origin"]);
    assert_eq!(code, 0);
    let dest = home.path().join("mirrors/mmCIF");
    for line in [
        format!("dest = {:?}  # from {}:9", dest.to_str().unwrap(), home.file().display()),
        format!("tags = [\"weekly\"]  # [defaults] {}:6", home.file().display()),
        "checksum = true  # preset safe".into(),
        "retry_delay = \"2s\"  # default".into(),
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
    fs::write(home.path().join("shown.toml"), &shown).unwrap();
    let again = home.run(&["config", "show", "-c", "shown.toml"]).1;
    assert_eq!(again, home.run(&["config", "show"]).1);

    let one = home.run(&["config", "show", "local"]).1;
    assert!(one.contains("[jobs.local]") && !one.contains("mmcif"));
    let (code, _, err) = home.run(&["config", "show", "mmcfi"]);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean \"mmcif\"?"), "{err}");
}

#[test]
fn list_shows_every_job_or_those_of_a_tag() {
    let home = Home::new().with(TWO);
    let (code, out, err) = home.run(&["list"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[1].starts_with("mmcif  yes  -     -    rsync.rcsb.org:33444  /"), "{out}");
    assert!(lines[2].ends_with("copy    a copy"), "{out}");
    assert_eq!(home.run(&["list", "--tag", "copy"]).1.lines().count(), 2);
    let (code, _, err) = home.run(&["list", "--tag", "weakly"]);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean \"weekly\"?"), "{err}");
}

#[test]
fn list_speaks_json() {
    let home = Home::new().with(TWO);
    let (code, events) = home.json(&["list", "--json"]);
    assert_eq!((code, events.len()), (0, 3));
    let mut job = events[1].clone();
    assert!(job.as_object_mut().unwrap().remove("time").is_some());
    assert_eq!(
        job,
        serde_json::json!({
            "event": "job", "job": "local", "name": "local", "enabled": false, "tags": ["copy"], "sources": ["/data/"],
            "host": "local", "hosts": ["local"], "dest": home.path().join("mirrors/local"), "delete": false, "preset": "safe",
            "priority": 0, "description": "a copy", "last": null, "last_success": null, "age_s": null,
        })
    );
    assert_eq!((&events[2]["event"], &events[2]["jobs"]), (&"result".into(), &2.into()));
}

#[test]
fn the_schema_is_json_of_the_right_dialect() {
    let (code, out, _) = Home::new().run(&["config", "schema"]);
    let schema: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0);
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn deleting_in_this_very_home_is_refused() {
    let home = Home::new().with("[jobs.a]\nsource = 'h::m/'\ndest = '~'\ndelete = true");
    let (code, _, err) = home.run(&["list"]);
    assert_eq!(code, 2);
    assert!(err.contains("which is a home directory"), "{err}");
}

#[test]
fn two_links_to_one_directory_are_one_destination() {
    let home = Home::new();
    fs::create_dir(home.path().join("real")).unwrap();
    std::os::unix::fs::symlink("real", home.path().join("link")).unwrap();
    let home =
        home.with("[jobs.a]\nsource='h::m/'\ndest='~/real/x'\n[jobs.b]\nsource='h::m/'\ndest='~/link/x'");
    let (code, _, err) = home.run(&["config", "check"]);
    assert_eq!(code, 2);
    assert!(err.contains("have the same destination"), "{err}");
}

#[test]
fn files_that_options_name_are_looked_at_unless_a_hook_may_make_them() {
    let job = "[jobs.j]\nsource = \"h::m/\"\ndest = \"m\"\nrsync_args = [\"-v\", \"--exclude-from=rules\"]\n";
    let home = Home::new().with(job);
    let (code, _, err) = home.run(&["config", "check"]);
    assert_eq!(code, 2, "{err}");
    assert!(
        err.contains(":4:")
            && err.contains("--exclude-from names ")
            && err.contains("/rules, which cannot be used"),
        "{err}"
    );
    fs::write(home.file().with_file_name("rules"), "drop\n").unwrap();
    assert_eq!(home.run(&["config", "check"]).0, 0);
    let home = Home::new().with(format!("{job}before = [\"touch rules\"]\n"));
    assert_eq!(home.run(&["config", "check"]).0, 0);
}

#[test]
fn a_glob_of_the_index_is_looked_at() {
    for text in [
        "[index]\nexclude = [\"[*.cif\"]\n",
        "[jobs.j]\nsource = \"h::m/\"\ndest = \"m\"\nindex = { include = [\"[*.cif\"] }\n",
    ] {
        let (code, _, err) = Home::new().with(text).run(&["config", "check"]);
        assert!(code == 2 && err.contains("\"[*.cif\" is not a pattern"), "{code} {err}");
    }
}

#[test]
fn variables_in_paths_are_expanded_and_unset_ones_are_mistakes() {
    let text = "[jobs.j]\nsource = \"$PDB_DATA/up/\"\ndest = \"${PDB_DATA}/m\"\nrsync_args = [\"--exclude-from=rules\"]\n";
    let home = Home::new().with(text);
    let data = home.path().join("data");
    fs::create_dir_all(data.join("up")).unwrap();
    fs::write(data.join("up/keep"), "x").unwrap();
    fs::write(data.join("up/drop"), "x").unwrap();
    fs::write(home.file().with_file_name("rules"), "drop\n").unwrap();
    let (code, _, err) = end_of(home.pdb_sync(&["sync", "j"]).env("PDB_DATA", &data));
    assert_eq!(code, 0, "{err}");
    assert!(data.join("m/keep").exists() && !data.join("m/drop").exists());
    let (code, out, err) = home.run(&["config", "check"]);
    assert_eq!(code, 2, "{out}{err}");
    assert!(err.contains("config.toml:2:") && err.contains("has no variable PDB_DATA"), "{err}");
    assert!(err.contains("config.toml:3:"), "{err}");
    let (code, _, err) = end_of(home.pdb_sync(&["config", "check"]).env("PDB_DATA", ""));
    assert!(code == 2 && err.contains("variable PDB_DATA of the environment is empty"), "{err}");
    for (dest, why) in [("%USERPROFILE%/m", "%…%"), ("~bob/m", "~/…"), ("/a/$", "dollar sign")] {
        let home = Home::new().with(format!("[jobs.j]\nsource = \"/s/\"\ndest = \"{dest}\"\n"));
        let (code, _, err) = home.run(&["config", "check"]);
        assert!(code == 2 && err.contains(why), "{err}");
    }
}

#[test]
fn a_file_system_that_folds_names_makes_two_spellings_one() {
    let Some(fuse) = Fuse::mounted("fold") else { return };
    fs::create_dir(fuse.path().join("PDB")).unwrap();
    let job = |name: &str, dest: &str| {
        format!("[jobs.{name}]\nsource = 'h::m/'\ndest = {:?}\n", fuse.path().join(dest))
    };
    let check = |jobs: &[String], state: &Path| {
        let env = Env::new().with_config(&format!("version = 1\n{}", jobs.concat()));
        let ended = env.run(["--state-dir", state.to_str().unwrap(), "config", "check"]);
        (ended.code(), ended.err() + &ended.out())
    };
    let plain = tempfile::tempdir().unwrap();
    let (code, told) = check(&[job("a", "PDB"), job("b", "pdb")], plain.path());
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("jobs \"a\" and \"b\" have the same destination"), "{told}");
    assert!(told.contains("that of \"a\" is set on line 4"), "{told}");
    let (code, told) = check(&[job("a", "PDB"), job("b", "pdb/x")], plain.path());
    assert!(code == 2 && told.contains("lies inside that of job \"a\""), "{told}");
    // Jobs give their names to files of the state directory.
    let (code, told) = check(&[job("J", "x"), job("j", "y")], &fuse.path().join("PDB"));
    assert!(code == 2 && told.contains("differs from that of job \"J\" on line 2 only in case"), "{told}");
    let (code, told) = check(&[job("J", "x"), job("j", "y")], plain.path());
    assert_eq!(code, 0, "{told}");
}
