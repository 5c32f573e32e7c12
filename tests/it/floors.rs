//! The house stands: who may import whom, who may print, how long a file may be.
//!
//! The floors themselves are read from the documentation of `src/lib.rs`, so that there is one list of them.

mod source;

use source::{Reference, references};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Longer files hold more than one idea.
const LONGEST: usize = 400;

/// Top-level modules by floor, as `src/lib.rs` numbers them: `//! 1. thought (pure): [`config`], [`rsync`]`.
fn floors(lib: &str) -> BTreeMap<String, u8> {
    let numbered = lib.lines().filter_map(|line| {
        let (number, rest) = line.strip_prefix("//! ")?.split_once(". ")?;
        Some((number.parse().ok()?, rest))
    });
    numbered
        .flat_map(|(floor, rest): (u8, &str)| {
            let names = rest.split("[`").skip(1).filter_map(|part| part.split_once("`]"));
            names.map(move |(name, _)| (name.to_owned(), floor)).collect::<Vec<_>>()
        })
        .collect()
}

/// Words import words; speech imports words and speech, for it must not know how the work is done; everything else
/// imports its own floor and what is below.
fn may_import(from: u8, to: u8) -> bool {
    match from {
        3 => to == 0 || to == 3,
        _ => to <= from,
    }
}

/// Crates and modules of std that are kept out of the pure floors.
const IMPURE: &[&str] =
    &["tokio", "tokio_util", "clap", "indicatif", "std::fs", "std::process", "std::net", "std::thread"];

/// What is wrong with a file, a line each.
fn faults(file: &str, text: &str, floors: &BTreeMap<String, u8>) -> Vec<String> {
    let module = file.split(['/', '.']).next().unwrap_or_default();
    let Some(&floor) = floors.get(module) else {
        return vec![format!("{file}: no floor of src/lib.rs names {module}")];
    };
    let glue = floor == 4;
    let speaks = floor == 3;
    references(file, text)
        .into_iter()
        .filter_map(|Reference { line, path, call }| {
            let fault = |why: String| Some(format!("{file}:{line}: {why}"));
            if let Some(inner) = path.strip_prefix("crate::") {
                let to = inner.split("::").next().unwrap_or_default();
                return match floors.get(to) {
                    Some(&to_floor) if !may_import(floor, to_floor) => {
                        fault(format!("{module} (floor {floor}) reaches for {to} (floor {to_floor})"))
                    }
                    _ => None,
                };
            }
            let begins = |prefix: &str| path == prefix || path.starts_with(&format!("{prefix}::"));
            if begins("std::process::exit") || begins("process::exit") {
                return if module == "exit" { None } else { fault(format!("{module} ends the process")) };
            }
            if floor < 2 && IMPURE.iter().any(|name| begins(name)) {
                return fault(format!("{module} is pure but uses {path}"));
            }
            if !glue && begins("clap") {
                return fault(format!("{module} knows the command line ({path})"));
            }
            let last = path.rsplit("::").next().unwrap_or_default();
            if call && matches!(last, "stdout" | "stderr") && !speaks {
                return fault(format!("{module} writes to the terminal ({path})"));
            }
            None
        })
        .collect()
}

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut open = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// `pub mod x;` of `src/lib.rs`.
fn modules(lib: &str) -> Vec<&str> {
    let names = lib.lines().filter_map(|l| l.trim_start_matches("pub ").strip_prefix("mod "));
    names.filter_map(|l| l.strip_suffix(';')).collect()
}

#[test]
fn nobody_reaches_up() {
    let floors = floors(&read("src/lib.rs"));
    let rooms = sources().into_iter().filter(|(file, _)| file != "lib.rs" && file != "main.rs");
    let faults: Vec<_> = rooms.flat_map(|(file, text)| faults(&file, &text, &floors)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_module_has_a_floor_and_is_on_the_map() {
    let lib = read("src/lib.rs");
    let (floors, map) = (floors(&lib), read("ARCHITECTURE.md"));
    let modules = modules(&lib);
    assert!(modules.len() >= 10, "src/lib.rs was misread: {modules:?}");
    for module in modules {
        assert!(floors.contains_key(module), "src/lib.rs gives {module} no floor");
        let named = [format!(" {module}.rs "), format!(" {module}/ ")];
        assert!(named.iter().any(|n| map.contains(n)), "ARCHITECTURE.md does not show {module}");
    }
}

#[test]
fn one_file_one_idea() {
    let long: Vec<_> = sources()
        .iter()
        .map(|(file, text)| (file.clone(), text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .collect();
    assert!(long.is_empty(), "more than {LONGEST} lines: {long:?}");
}

/// Two names that are not UTF-8 would look the same, and a line end in one would end a line of ours.
#[test]
fn paths_are_shown_in_one_way() {
    let raw = |line: &str| line.replace(".display().si()", "").contains(".display()");
    let mut found = Vec::new();
    for (file, text) in sources() {
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        if !file.ends_with("tests.rs") && !file.contains("tests/") {
            found
                .extend(text.lines().filter(|line| raw(line)).map(|line| format!("{file}: {}", line.trim())));
        }
    }
    assert!(found.is_empty(), "sanitize::path shows paths: {found:#?}");
    assert!(raw("path.display()") && !raw("ByteSize(1).display().si()"));
}

#[test]
fn the_floors_are_read_from_lib() {
    let floors = floors("//! 0. words: [`job`], [`exit`]\n//! 3. speech: [`ui`]\npub mod job;\n");
    assert_eq!(
        floors.iter().map(|(m, f)| (m.as_str(), *f)).collect::<Vec<_>>(),
        [("exit", 0), ("job", 0), ("ui", 3)]
    );
}

#[test]
fn a_breach_is_seen_however_it_is_written() {
    let floors = floors(&read("src/lib.rs"));
    let count = |file: &str, text: &str| faults(file, text, &floors).len();
    for (file, text) in [
        ("job/mod.rs", "use crate::sync::Unit;"),
        ("job/mod.rs", "use crate::{exit_code::ExitCode, rsync::args};"),
        ("job/limit.rs", "use crate::{exit, cli as line};"),
        ("job/limit.rs", "use super::super::run::Unit;"),
        ("job/limit.rs", "fn f() { super::super::run::start(); }"),
        ("exit.rs", "use super::ui;"),
        ("config/mod.rs", "fn f() -> crate::sync::X { todo() }"),
        ("config/mod.rs", "mac! { a => crate::cli::Cli }"),
        ("config/mod.rs", "use std::{fs, path::Path};"),
        ("config/mod.rs", "fn f() { std::fs::read(x); }"),
        ("rsync/args.rs", "use tokio::sync;"),
        ("ui.rs", "use crate::config::Config;"),
        ("report/mod.rs", "use crate::sync;"),
        ("run/mod.rs", "use crate::commands::Failure;"),
        ("run/mod.rs", "use clap::Parser;"),
        ("run/mod.rs", "fn f() { std::io::stdout().lock(); }"),
        ("commands/mod.rs", "fn f() { io::stderr(); }"),
        ("commands/mod.rs", "fn f() { std::process::exit(1) }"),
        ("nowhere/mod.rs", ""),
    ] {
        assert_eq!(count(file, text), 1, "{file}: {text}");
    }
}

#[test]
fn what_is_allowed_is_not_a_breach() {
    let floors = floors(&read("src/lib.rs"));
    for (file, text) in [
        ("config/mod.rs", "use crate::model::job::Job; use crate::rsync;"),
        ("config/mod.rs", "// use crate::sync;\n/// [`crate::sync`]\nconst A: &str = \"crate::sync\";"),
        ("config/mod.rs", "#[cfg(test)] mod tests { use crate::commands::main; use std::fs; }"),
        ("config/mod.rs", "use super::job; mod a { use super::b; }"),
        ("run/process.rs", "fn f() { Command::new(x).stdout(Stdio::piped()); child.stderr.take(); }"),
        ("exit.rs", "fn f() { std::process::exit(1) }"),
        ("ui.rs", "fn f() { std::io::stdout(); }"),
        ("commands/mod.rs", "use crate::{cli, run, config}; use clap::Parser;"),
    ] {
        assert_eq!(faults(file, text, &floors), Vec::<String>::new(), "{text}");
    }
}
