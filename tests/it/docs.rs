//! What the README shows is true: its configurations are accepted, its command lines parse, its exit codes are ours.

use clap::Parser;
use pdb_sync::cli::Cli;
use pdb_sync::exit::{CODES, Exit};
use std::fs;
use std::path::Path;
use std::process::Command;

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

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
fn every_configuration_in_the_readme_is_accepted() {
    let blocks: Vec<_> = blocks(&read("README.md")).into_iter().filter(|(l, ..)| l == "toml").collect();
    assert!(blocks.len() >= 3, "the README's configurations were not found");
    for (_, line, text) in blocks {
        let checked = config_check(&text);
        assert!(checked.status.success(), "README.md:{line}:\n{text}\n{checked:?}");
    }
    // Were nothing checked, this would pass as well.
    let misspelt = config_check("[jobs.a]\nsorce = \"/x/\"\ndest = \"/y\"\n");
    assert_eq!(misspelt.status.code(), Some(Exit::Usage.code()), "{misspelt:?}");
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
fn every_command_line_in_the_readme_is_accepted() {
    let mut count = 0;
    for (language, line, text) in blocks(&read("README.md")) {
        if matches!(language.as_str(), "text" | "json" | "toml") {
            continue;
        }
        for invocation in invocations(&text) {
            let words = shell_words::split(&invocation).unwrap_or_else(|e| panic!("README.md:{line}: {e}"));
            if let Err(error) = Cli::try_parse_from(words)
                && error.use_stderr()
            {
                panic!("README.md:{line}: {invocation}\n{error}");
            }
            count += 1;
        }
    }
    assert!(count >= 10, "only {count} command lines were found");
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
