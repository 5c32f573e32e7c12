//! The structure of `src/`: which module imports which, who prints, who ends the process, how long a file is.

mod circles;
mod source;

use source::{Reference, references};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Longer files hold more than one idea.
const LONGEST: usize = 400;

/// Modules without input and output: data, rules, parsers, statistics. They import each other only.
const PURE: [&str; 9] = [
    "model",
    "mirrors",
    "config",
    "rsync",
    "clean",
    "scan::inventory",
    "search::entry",
    "search::query",
    "history::stats",
];
/// What lies in a pure module's folder and does the work.
const WORK: [&str; 2] = ["rsync::probe", "clean::removal"];

/// Crates and modules of std that pure modules do not use.
const IMPURE: [&str; 8] =
    ["tokio", "tokio_util", "clap", "indicatif", "std::fs", "std::process", "std::net", "std::thread"];

fn within(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn is_pure(path: &str) -> bool {
    PURE.iter().any(|pure| within(path, pure)) && !WORK.iter().any(|work| within(path, work))
}

/// `clean/removal/undo.rs` is `clean::removal::undo`.
fn module_of(file: &str) -> String {
    file.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::")
}

fn top(path: &str) -> &str {
    path.split("::").next().unwrap_or(path)
}

/// What is wrong with an import of a module of ours.
fn import_fault(from: &str, to: &str) -> Option<&'static str> {
    if top(from) == top(to) {
        let works = |path: &str| is_pure(from) && !is_pure(path);
        return works(to).then_some("a pure module imports work");
    }
    match top(to) {
        "commands" => return Some("commands are imported by nobody"),
        "cli" if top(from) != "commands" => return Some("only commands know the command line"),
        _ => {}
    }
    if top(from) == "model" {
        return Some("model imports nothing of ours");
    }
    if within(from, "output") && !within(from, "output::notify") && top(to) != "model" {
        return Some("output knows events and results, not the work");
    }
    // The root of a crate holds no more than modules: a name that is no module is a function or type of one.
    (is_pure(from) && !is_pure(to)).then_some("a pure module imports work")
}

/// What is wrong with a file, a line each.
fn faults(file: &str, text: &str) -> Vec<String> {
    let module = module_of(file);
    let (speaks, commands) =
        (within(&module, "output"), within(&module, "commands") || within(&module, "cli"));
    references(file, text)
        .into_iter()
        .filter_map(|Reference { line, path, call, .. }| {
            let fault = |why: &str| Some(format!("{file}:{line}: {path}: {why}"));
            if let Some(to) = path.strip_prefix("crate::") {
                return import_fault(&module, to).and_then(fault);
            }
            let begins = |prefix: &str| within(&path, prefix);
            if begins("std::process::exit") || begins("process::exit") {
                return if module == "exit" { None } else { fault("only src/exit.rs ends the process") };
            }
            if is_pure(&module) && IMPURE.iter().any(|name| begins(name)) {
                return fault("a pure module does no work");
            }
            if !commands && begins("clap") {
                return fault("only cli and commands know the command line");
            }
            let last = path.rsplit("::").next().unwrap_or_default();
            if call && matches!(last, "stdout" | "stderr") && !speaks {
                return fault("only output writes to the terminal");
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
    found.retain(|(file, _)| file != "lib.rs" && file != "main.rs");
    found.sort();
    found
}

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

#[test]
fn every_module_keeps_the_rules_of_imports() {
    let sources = sources();
    let faults: Vec<_> = sources.iter().flat_map(|(file, text)| faults(file, text)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Top-level modules too: modules may import each other although no files do.
#[test]
fn no_imports_form_a_circle() {
    let sources = sources();
    for imports in [circles::of_files(&sources), circles::of_modules(&sources)] {
        assert!(imports.len() >= 10, "{imports:?}");
        let circles = circles::circles(&imports);
        assert!(circles.is_empty(), "circles of imports:\n{}", circles.join("\n"));
    }
}

#[test]
fn every_module_is_on_the_map() {
    let map = read("ARCHITECTURE.md");
    let modules: BTreeSet<String> =
        sources().iter().map(|(file, _)| top(&module_of(file)).to_owned()).collect();
    assert!(modules.len() >= 10, "{modules:?}");
    for module in modules.iter().map(String::as_str).chain(PURE).chain(WORK) {
        let name = module.rsplit("::").next().unwrap();
        let named = [format!(" {name}.rs "), format!(" {name}/ ")];
        assert!(named.iter().any(|n| map.contains(n)), "ARCHITECTURE.md does not show {module}");
    }
}

#[test]
fn no_file_is_too_long() {
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
fn a_circle_of_modules_is_seen() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let line = [
        file("main/mod.rs", "use crate::sync;"),
        file("sync/mod.rs", "use crate::scan;"),
        file("scan/mod.rs", "use crate::model::job;"),
        file("model/job.rs", ""),
    ];
    assert!(circles::circles(&circles::of_modules(&line)).is_empty());
    let back = [&line[..], &[file("scan/deep/a.rs", "fn f() { crate::sync::run(); }")]].concat();
    assert_eq!(circles::circles(&circles::of_modules(&back)), ["scan → sync", "sync → scan"]);
}

#[test]
fn a_circle_of_files_is_seen_however_it_is_written() {
    let circles = |files: &[(&str, &str)]| {
        let files: Vec<_> =
            files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        circles::circles(&circles::of_files(&files))
    };
    let two = ["a/b.rs → a/c.rs", "a/c.rs → a/b.rs"];
    for (there, back) in [
        ("use super::c::C;", "use super::b::B;"),
        ("use super::{c::C, e};", "fn f() { crate::a::b::g(); }"),
        // Re-exports lead on.
        ("use super::{self as up, C};", "use crate::x::B;"),
        ("fn f() -> super::C { x }", "use crate::a::B as X;"),
        ("use crate::a; fn f() { a::c::g(); }", "use super::b; fn f() { b::h(); }"),
    ] {
        let files = [
            ("x/mod.rs", "pub use crate::a::B;"),
            ("a/mod.rs", "mod b; mod c; mod d; pub use b::B; pub(crate) use c::{self, C};"),
            ("a/b.rs", there),
            ("a/c.rs", back),
            ("a/d.rs", "use super::c::C;"),
        ];
        assert_eq!(circles(&files), two, "{there} {back}");
    }
    let child = [("a/mod.rs", "mod b; fn f() { b::g(); }"), ("a/b.rs", "fn g() { super::f(); }")];
    assert_eq!(circles(&child), ["a/b.rs → a/mod.rs", "a/mod.rs → a/b.rs"]);
}

#[test]
fn what_is_no_circle_of_files_is_not_taken_for_one() {
    let files = [
        ("a/mod.rs", "mod b; mod c; pub use b::B; fn f() { c::g(); }"),
        // The re-export leads to the file beside, and a visibility is no import.
        ("a/c.rs", "use super::B; pub(in crate::a) fn g() { X(pub(super)); }"),
        ("a/b.rs", "#[cfg(test)] mod tests { use super::super::c::g; } // super::c::g"),
        ("a/d/mod.rs", "mod e; pub use e::{self, E};"),
        ("a/d/e.rs", "use super::super::d::{self}; use crate::a::b;"),
    ];
    let files: Vec<_> = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    assert_eq!(circles::circles(&circles::of_files(&files)), Vec::<String>::new());
}

#[test]
fn a_breach_is_seen_however_it_is_written() {
    for (file, text) in [
        ("model/job.rs", "use crate::sync::Unit;"),
        ("model/job.rs", "use crate::{exit::end, model::hint};"),
        ("model/job/limit.rs", "use crate::{model, cli as line};"),
        ("model/job/limit.rs", "use super::super::super::sync::Unit;"),
        ("model/job/limit.rs", "fn f() { super::super::super::sync::start(); }"),
        ("config/mod.rs", "fn f() -> crate::sync::X { todo() }"),
        ("config/mod.rs", "mac! { a => crate::cli::Cli }"),
        ("config/mod.rs", "use std::{fs, path::Path};"),
        ("config/mod.rs", "fn f() { std::fs::read(x); }"),
        ("clean/plan.rs", "use crate::platform;"),
        ("history/stats/mod.rs", "use crate::platform;"),
        ("rsync/args.rs", "use tokio::sync;"),
        ("rsync/args.rs", "use crate::scan::walk;"),
        ("rsync/args.rs", "use super::probe;"),
        ("clean/judge.rs", "use crate::clean::removal::Quarantine;"),
        ("search/query/parse.rs", "use crate::search::engine::SearchEngine;"),
        ("output/terminal/mod.rs", "use crate::config::Config;"),
        ("output/mod.rs", "use crate::sync;"),
        ("sync/mod.rs", "use crate::commands::Failure;"),
        ("sync/mod.rs", "use crate::cli::Cli;"),
        ("sync/mod.rs", "use clap::Parser;"),
        ("sync/mod.rs", "fn f() { std::io::stdout().lock(); }"),
        ("commands/mod.rs", "fn f() { io::stderr(); }"),
        ("commands/mod.rs", "fn f() { std::process::exit(1) }"),
    ] {
        assert_eq!(faults(file, text).len(), 1, "{file}: {text}: {:?}", faults(file, text));
    }
}

/// What a crate offers is not called by hand.
#[test]
fn unsafe_blocks_are_few() {
    let blocks: usize = sources().iter().map(|(_, text)| text.matches("unsafe {").count()).sum();
    assert!(blocks <= 6, "{blocks}");
}

#[test]
fn what_is_allowed_is_not_a_breach() {
    for (file, text) in [
        ("config/mod.rs", "use crate::model::job::Job; use crate::rsync; use crate::clean::Rule;"),
        ("config/mod.rs", "// use crate::sync;\n/// [`crate::sync`]\nconst A: &str = \"crate::sync\";"),
        ("config/mod.rs", "#[cfg(test)] mod tests { use crate::commands::main; use std::fs; }"),
        ("config/mod.rs", "mod a { use super::b; }"),
        ("clean/removal/undo.rs", "use crate::platform; use std::fs;"),
        ("sync/process.rs", "fn f() { Command::new(x).stdout(Stdio::piped()); child.stderr.take(); }"),
        ("exit.rs", "fn f() { std::process::exit(1) }"),
        ("output/terminal/text.rs", "fn f() { std::io::stdout(); }"),
        ("commands/mod.rs", "use crate::{cli, sync, config}; use clap::Parser;"),
    ] {
        assert_eq!(faults(file, text), Vec::<String>::new(), "{text}");
    }
}
