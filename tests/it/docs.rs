//! What the README, the man pages and the recipes show is true: configurations are accepted, command lines parse, exit codes are ours.

use crate::support::{Env, skipped};
use clap::{CommandFactory, Parser};
use pdb_sync::cli::Cli;
use pdb_sync::model::exit_code::{CODES, ExitCode};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// What shows people something in fenced blocks: the README, the benches, and the sections of man pages.
fn documents() -> Vec<String> {
    let extra = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("man/extra")).unwrap();
    let extra = extra.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut all: Vec<String> = extra.map(|name| format!("man/extra/{name}")).collect();
    all.sort();
    assert!(all.len() >= 10, "{all:?}");
    all.extend(["README.md", "benches/README.md"].map(String::from));
    all
}

/// Files that run pdb-sync, beside the configurations.
const RECIPES: [&str; 4] = [
    "config-examples/cron/crontab",
    "config-examples/systemd/pdb-sync.service",
    "config-examples/github-actions.yml",
    "config-examples/slurm.sbatch",
];

/// Fenced blocks as (language, line of the fence from 1, text).
fn blocks(markdown: &str) -> Vec<(String, usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(String, usize, String)> = None;
    for (number, line) in markdown.lines().enumerate() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.trim().to_owned(), number + 1, String::new())),
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some((_, _, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence that is never closed");
    found
}

/// The command lines of a text that run `pdb-sync`, from its name up to a pipe, a redirection, a comment or the end.
fn invocations(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let mut found = Vec::new();
    for line in joined.lines().filter(|l| !l.trim_start().starts_with('#')) {
        for (at, name) in line.match_indices("pdb-sync ") {
            if line[..at].ends_with(|c: char| c != ' ' && c != '/' && c != '=' && c != '"' && c != '`') {
                continue;
            }
            let rest = &line[at..];
            let end =
                [" |", " >", " &&", " ||", ";", " #", " 2>"].iter().filter_map(|stop| rest.find(stop)).min();
            let end = end.unwrap_or(rest.len()).max(name.len());
            found.push(rest[..end].trim_end().to_owned());
        }
    }
    found
}

fn config_check(text: &str) -> std::process::Output {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config.toml");
    fs::write(&file, text).unwrap();
    Command::new(env!("CARGO_BIN_EXE_pdb-sync"))
        .arg("-c")
        .arg(&file)
        .args(["config", "check"])
        .env_clear()
        .env("HOME", home.path())
        .current_dir(home.path())
        .output()
        .unwrap()
}

#[test]
fn every_configuration_that_is_shown_is_accepted() {
    let mut count = 0;
    for file in documents() {
        for (_, line, text) in blocks(&read(&file)).into_iter().filter(|(language, ..)| language == "toml") {
            let checked = config_check(&text);
            assert!(checked.status.success(), "{file}:{line}:\n{text}\n{checked:?}");
            count += 1;
        }
    }
    assert!(count >= 4, "only {count} configurations were found");
    // Were nothing checked, this would pass as well.
    let misspelt = config_check("[jobs.a]\nsorce = \"/x/\"\ndest = \"/y\"\n");
    assert_eq!(misspelt.status.code(), Some(ExitCode::Usage.code()), "{misspelt:?}");
}

/// The demo replaces the port and nothing else, so its file must be one that stands by itself.
#[test]
fn the_demos_configuration_is_accepted() {
    let demo = read("config-examples/demo/demo.toml");
    let checked = config_check(&demo);
    assert!(checked.status.success(), "{checked:?}");
    assert_eq!(demo.matches("rsync://127.0.0.1:8730/").count(), 3);
}

#[test]
fn every_command_line_that_is_shown_is_accepted() {
    let mut count = 0;
    let shown = documents().into_iter().flat_map(|file| {
        let blocks = blocks(&read(&file)).into_iter();
        let blocks = blocks.filter(|(language, ..)| !matches!(&**language, "text" | "json" | "toml"));
        blocks.map(move |(_, line, text)| (format!("{file}:{line}"), text)).collect::<Vec<_>>()
    });
    let recipes = RECIPES.map(|file| (file.to_owned(), read(file)));
    for (place, text) in shown.chain(recipes) {
        let found = invocations(&text);
        assert!(!found.is_empty() || !place.starts_with("config-examples"), "{place} runs no pdb-sync");
        for invocation in found {
            let words = shell_words::split(&invocation).unwrap_or_else(|e| panic!("{place}: {e}"));
            if let Err(error) = Cli::try_parse_from(words)
                && error.use_stderr()
            {
                panic!("{place}: {invocation}\n{error}");
            }
            count += 1;
        }
    }
    assert!(count >= 20, "only {count} command lines were found");
}

/// A stranger reads it in three minutes.
#[test]
fn the_readme_is_a_front_page() {
    let readme = read("README.md");
    assert!(readme.len() <= 10_000, "{} bytes", readme.len());
    let typed: String = blocks(&readme).into_iter().map(|(.., text)| text).collect();
    for command in ["sh config-examples/demo/run.sh\n", "sh tests/run.sh\n"] {
        assert!(typed.contains(command), "{command}");
    }
}

/// The examples of a command and of those below it. The description of an example follows after two spaces.
fn check_examples(command: &clap::Command, count: &mut usize) {
    let name = command.get_bin_name().unwrap_or_default();
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let examples = help.split("\n\n").next().and_then(|text| text.strip_prefix("Examples:\n"));
    let examples = examples.unwrap_or_else(|| panic!("`{name} --help` has no examples"));
    for line in examples.lines() {
        assert!(line.len() <= 90, "{name}: {line}");
        let typed = line.trim_start().split("  ").next().unwrap_or_default();
        for invocation in invocations(typed) {
            let words = shell_words::split(&invocation).unwrap_or_else(|e| panic!("{invocation}: {e}"));
            Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{name}: {invocation}\n{error}"));
            *count += 1;
        }
    }
    for child in command.get_subcommands().filter(|child| child.get_name() != "help") {
        check_examples(child, count);
    }
}

#[test]
fn every_help_page_has_examples_that_are_accepted() {
    let mut root = Cli::command();
    root.build();
    let mut count = 0;
    check_examples(&root, &mut count);
    assert!(count > 60, "only {count} examples were found");
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    let ours: Vec<i32> = CODES.iter().map(|code| code.exit.code()).collect();

    let readme = read("README.md");
    let rows = readme.lines().filter_map(|l| l.strip_prefix("| ")?.split_once(" | "));
    let table: Vec<i32> = rows
        .flat_map(|(cell, _)| cell.split(" / ").filter_map(|c| c.trim().parse().ok()).collect::<Vec<_>>())
        .collect();
    assert_eq!(table, ours, "README.md");

    let roff = read("man/pdb-sync.1");
    let section = roff.split(".SH EXIT STATUS\n").nth(1).unwrap();
    let section = section.split(".SH").next().unwrap();
    let codes: Vec<i32> =
        section.lines().filter_map(|l| l.strip_prefix(".B ")?.trim().parse().ok()).collect();
    assert_eq!(codes, ours, "man/pdb-sync.1");
}

#[test]
fn links_to_files_lead_somewhere() {
    for file in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md"] {
        let text = read(file);
        for (_, rest) in text.match_indices("](").map(|(at, _)| text.split_at(at + 2)) {
            let target = rest.split([')', '#']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") {
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(target);
                assert!(path.exists(), "{file} links to {target}");
            }
        }
    }
}

/// A path is from the root, or from `src/`; a name without a folder is in one of both.
#[test]
fn the_files_that_the_architecture_names_exist() {
    let text = read("ARCHITECTURE.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_path = |word: &&str| {
        let plain =
            word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"/._-".contains(&b));
        // Names below a state directory, a mirror or the root of the system are no files of ours.
        let ours = !word.starts_with(['/', '.']) || word.starts_with(".ci/");
        plain
            && ours
            && (word.ends_with('/') || word.rsplit('/').next().is_some_and(|name| name.contains('.')))
    };
    let fenced = |block: &(String, usize, String)| block.2.clone();
    let outside = blocks(&text).iter().map(fenced).fold(text.clone(), |text, block| text.replace(&block, ""));
    let words =
        outside.split('`').skip(1).step_by(2).filter(|word| word.contains('/') || word.ends_with(".rs"));
    let mut count = 0;
    for word in words.filter(is_path) {
        // Of a folder, that it is one.
        let found = [root.join(word), root.join("src").join(word)];
        let is_there = |path: &PathBuf| if word.ends_with('/') { path.is_dir() } else { path.is_file() };
        assert!(found.iter().any(is_there), "ARCHITECTURE.md names {word}");
        count += 1;
    }
    assert!(count > 50, "only {count} paths were found");
    // The map: a file or a folder a line, indented below the folder that it is in.
    let map = &blocks(&text)[0].2;
    let mut above = PathBuf::new();
    for line in map.lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        match line.len() - line.trim_start().len() {
            0 if name.ends_with('/') => above = root.join(name),
            2 if name.ends_with(['/', 's', 'h']) => {
                assert!(above.join(name).exists(), "the map has {name} in {}", above.display());
            }
            _ => continue,
        }
        assert!(above.is_dir(), "the map has {}", above.display());
    }
}

/// The finished job that pdb-sync-json(5) shows is as the program tells it: the same keys, in the same order, with values of the same kind.
#[test]
fn the_event_that_is_shown_is_that_of_the_program() {
    let page = read("man/extra/pdb-sync-json.5.md");
    let samples = blocks(&page).into_iter().filter(|(language, ..)| language == "json");
    let samples: Vec<Value> = samples.map(|(.., text)| serde_json::from_str(&text).unwrap()).collect();
    let shown = samples.iter().find(|sample| sample["event"] == "job_finished").unwrap();
    let env =
        Env::new().with_config("version = 1\n[jobs.mmcif]\nsource = 'source/'\ndest = 'mirror/mmcif'\n");
    fs::create_dir(env.dir().join("source")).unwrap();
    fs::write(env.dir().join("source/f"), "contents").unwrap();
    let ended = env.run(["sync", "mmcif", "--json"]).expect_code(0);
    let told = ended.json().into_iter().find(|event| event["event"] == "job_finished").unwrap();
    assert_eq!(outline(shown), outline(&told), "as the program tells it:\n{told}");
}

/// Keys and kinds of values.
fn outline(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "string".into(),
        Value::Array(all) => format!("[{}]", all.iter().map(outline).collect::<Vec<_>>().join(", ")),
        Value::Object(all) => {
            let all: Vec<_> = all.iter().map(|(key, value)| format!("{key}: {}", outline(value))).collect();
            format!("{{{}}}", all.join(", "))
        }
    }
}

/// Our scripts, and what they source: files that say by their first line that they are for a shell.
fn scripts(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            if name != "target" && name != ".git" {
                scripts(&path, found);
            }
            continue;
        }
        let text = fs::read(&path).unwrap();
        let first = text.split(|b| *b == b'\n').next().unwrap_or_default();
        let first = String::from_utf8_lossy(first);
        if (first.starts_with("#!") && first.ends_with("sh")) || first.starts_with("# shellcheck shell=") {
            found.push(path);
        }
    }
}

#[test]
fn shellcheck_has_nothing_to_say_about_our_scripts() {
    let mut command = Command::new("shellcheck");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    scripts(root, &mut found);
    assert!(found.len() > 10, "{found:?}");
    command.current_dir(root).args(["-x", "-P", "SCRIPTDIR", "-P", "."]).args(&found);
    match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => skipped("shellcheck is not installed"),
        checked => {
            let checked = checked.unwrap();
            assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
        }
    }
}

#[test]
fn shellcheck_has_nothing_to_say_about_what_is_to_be_typed() {
    for file in documents() {
        for (language, line, text) in blocks(&read(&file)) {
            if !matches!(language.as_str(), "sh" | "bash") {
                continue;
            }
            // Zsh's own array, which Bash does not have.
            let mut command = Command::new("shellcheck");
            command.args(["-s", "bash", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = match command.spawn() {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    return skipped("shellcheck is not installed");
                }
                child => child.unwrap(),
            };
            let text = text.replace("${fpath[1]}", "$FPATH");
            child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
            let checked = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&checked.stdout);
            assert!(checked.status.success(), "{file}:{line}:\n{text}\n{said}");
        }
    }
}

#[test]
fn what_runs_the_program_is_found_in_a_text() {
    let text = "pdb-sync sync --all | tee log\n# pdb-sync nothing\n\
        3 4 * * * /usr/local/bin/pdb-sync sync --tag weekly >>log 2>&1\n\
        ExecStart=/usr/local/bin/pdb-sync sync \\\n  --all\nUser=pdb-sync\n~/.config/pdb-sync/x my-pdb-sync x\n";
    let found = invocations(text);
    let words: Vec<Vec<String>> = found.iter().map(|i| shell_words::split(i).unwrap()).collect();
    assert_eq!(
        words,
        [
            vec!["pdb-sync", "sync", "--all"],
            vec!["pdb-sync", "sync", "--tag", "weekly"],
            vec!["pdb-sync", "sync", "--all"]
        ]
    );
}
