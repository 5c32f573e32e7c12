//! What scripts see of a day with pdb-sync, as a whole: exit codes, both outputs, the keys of each JSON line, the files that are left behind.
//! `UPDATE=1 cargo test --test it snapshot` rewrites `tests/golden/snapshot/`.
//!
//! A word with a digit in it is a `#` here, since times, sizes and IDs differ from run to run; other tests hold those to what they are.

use crate::support::{Ended, Env, Upstream};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// The strings of JSON lines that programs compare with: they are shown whole.
const WORDS: [&str; 12] = [
    "event", "status", "command", "kind", "action", "class", "unit", "trigger", "job", "origin", "rule",
    "mode",
];

/// Text without what differs from run to run.
fn masked(text: &str, env: &Env) -> String {
    let text = text.replace(env.dir().to_str().unwrap(), "HOME");
    let mut masked = String::new();
    for line in text.lines() {
        let mut words = Vec::new();
        for word in line.split_whitespace() {
            words.push(
                word.split_inclusive(|c: char| !c.is_ascii_alphanumeric())
                    .map(|part| {
                        let name = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
                        let digits = name.contains(|c: char| c.is_ascii_digit());
                        if digits { part.replace(name, "#") } else { part.to_owned() }
                    })
                    .collect::<String>(),
            );
        }
        let mut line = words.join(" ").replace("#.#", "#");
        // The unit of a rate depends on the speed of the machine.
        ["kB/s", "MB/s", "GB/s"].iter().for_each(|unit| line = line.replace(unit, "B/s"));
        writeln!(masked, "  {line}").unwrap();
    }
    masked
}

/// Keys of an object and the types of their values; words that programs compare with, as they are.
fn shape(value: &Value, key: &str, env: &Env) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(yes) => yes.to_string(),
        Value::Number(_) if key == "exit_code" => value.to_string(),
        Value::Number(_) => "#".into(),
        Value::String(text) if WORDS.contains(&key) => format!("{:?}", masked(text, env).trim()),
        Value::String(_) => "\"\"".into(),
        Value::Array(all) => {
            let shapes: BTreeSet<String> = all.iter().map(|one| shape(one, key, env)).collect();
            format!("[{}]", shapes.into_iter().collect::<Vec<_>>().join(", "))
        }
        Value::Object(all) => {
            let one = |(key, value): (&String, &Value)| format!("{key}: {}", shape(value, key, env));
            format!("{{{}}}", all.iter().map(one).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Paths below a directory; a name with a digit stands for all that differ from it in such words only.
fn files(dir: &Path, env: &Env) -> BTreeSet<String> {
    let mut open = vec![dir.to_owned()];
    let mut found = BTreeSet::new();
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            // SQLite's own, which come and go.
            if path.extension().is_some_and(|e| e == "db-shm" || e == "db-wal") {
                continue;
            }
            found.insert(masked(path.to_str().unwrap(), env));
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
            }
        }
    }
    found
}

/// What is seen, as it will be in the golden file.
struct Seen<'a> {
    env: &'a Env,
    text: String,
}

impl Seen<'_> {
    fn take(&mut self, args: &[&str], ended: &Ended) {
        write!(self.text, "$ pdb-sync {}\n= {}\n", args.join(" "), ended.code()).unwrap();
        if args.contains(&"--json") {
            // How often there is progress to tell depends on the time that things take.
            let lines = ended.json();
            let lines = lines.iter().filter(|line| line["event"] != "progress");
            let lines: BTreeSet<String> = lines.map(|line| shape(line, "", self.env)).collect();
            lines.iter().for_each(|line| writeln!(self.text, "  {line}").unwrap());
        } else {
            self.text += &masked(&ended.out(), self.env);
        }
        let errors = masked(&ended.err(), self.env);
        if !errors.is_empty() {
            writeln!(self.text, "2>").unwrap();
            self.text += &errors;
        }
        self.text.push('\n');
    }

    /// Both for people and for programs; what changes something is run once, as its line says.
    fn run(&mut self, args: &str) {
        let args: Vec<&str> = args.split(' ').collect();
        let ended = self.env.run(&args);
        self.take(&args, &ended);
    }

    /// The same file as before, or the test fails and says how to rewrite it.
    fn compare(&self, name: &str) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/snapshot").join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &self.text).unwrap();
        }
        let golden = fs::read_to_string(&file).unwrap_or_default();
        let differs = golden.lines().zip(self.text.lines()).find(|(before, now)| before != now);
        assert!(
            golden == self.text,
            "{name} is not as before, first at {differs:?}; to rewrite it: UPDATE=1 cargo test --test it snapshot\n{}",
            self.text
        );
    }
}

const CONFIG: &str = r#"
[defaults]
retries = 0

[jobs.entries]
source = "rsync://upstream.invalid/m/structures/divided/mmCIF/"
dest = "mirror/entries"
delete = true
tags = ["weekly"]

[jobs.gone]
source = "mirror/gone/"
dest = "mirror/elsewhere"

[[clean.rules]]
name = "left"
pattern = "*.tmp"
action = "delete"
min_age = 0
"#;

fn weekly() -> (Upstream, Env) {
    let upstream = Upstream::new().with_corpus();
    let env = Env::new().with_config(CONFIG).with_pipe(&upstream);
    (upstream, env)
}

#[test]
fn a_day_with_jobs_and_files_looks_as_before() {
    let (upstream, env) = weekly();
    let mut seen = Seen { env: &env, text: String::new() };
    for args in [
        "config check",
        "config show entries",
        "--json list",
        "list",
        "-q sync entries --plan",
        "-q sync entries",
    ] {
        seen.run(args);
    }
    fs::remove_file(upstream.root().join("structures/divided/mmCIF/a8/1a8o.cif.gz")).unwrap();
    upstream.write("structures/divided/mmCIF/zz/1zzz.cif", "data_1zzz\n");
    for args in [
        "--json sync entries --plan",
        "-q sync entries --dry-run",
        "--json sync --all",
        "-q sync gone",
        "sync nobody",
    ] {
        seen.run(args);
    }
    fs::write(env.mirror("entries").join("left.tmp"), "left").unwrap();
    for args in [
        "scan mirror/entries",
        "--json scan mirror/entries",
        "verify mirror/entries",
        "--json verify entries",
        "clean plan entries",
        "--json clean plan entries",
        "clean run --yes",
        "--json clean log",
        "clean undo last",
        "--json clean undo last",
        "history",
        "--json history",
        "--json history show last",
        "--json stats",
        "sync --all --bogus",
        "--json sync nobody",
        "--json scan nowhere",
    ] {
        seen.run(args);
    }
    for dir in [env.state(), env.mirror("entries")] {
        seen.text.extend(files(&dir, &env));
    }
    seen.compare("files.txt");
}

#[cfg(feature = "search")]
#[test]
fn a_day_with_indexes_looks_as_before() {
    let (_upstream, env) = weekly();
    env.run(["sync", "entries"]).expect_code(0);
    let mut seen = Seen { env: &env, text: String::new() };
    for args in [
        "search hydrolase",
        "index entries",
        "--json index entries",
        "index list",
        "--json index list",
        "search virus",
        "--json search virus",
        "search resolution<2 --sort resolution",
        "--json search nothing-like-it",
        "search colour:red",
        "--json search method:",
        "--json search * --facet method --limit 2",
    ] {
        seen.run(args);
    }
    seen.text.extend(files(&env.state(), &env));
    seen.compare("search.txt");
}
