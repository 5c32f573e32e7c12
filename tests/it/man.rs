//! Man pages and completions follow from the command line's one definition; `UPDATE=1 cargo test man` rewrites the pages.

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("man")
}

/// Every page by file name: the program, its commands, and theirs.
fn pages() -> BTreeMap<String, String> {
    let mut root = without_help(pdb_sync::cli::Cli::command());
    root.build();
    let mut pages = BTreeMap::new();
    add(&root, None, &mut pages);
    pages
}

/// `help` needs no page, and no mention in others.
fn without_help(command: Command) -> Command {
    command.disable_help_subcommand(true).mut_subcommands(without_help)
}

fn add(command: &Command, parent: Option<&str>, pages: &mut BTreeMap<String, String>) {
    let name =
        parent.map_or_else(|| command.get_name().to_owned(), |p| format!("{p}-{}", command.get_name()));
    pages.insert(format!("{name}.1"), page(command, &name));
    for child in command.get_subcommands() {
        add(child, Some(&name), pages);
    }
}

fn page(command: &Command, name: &str) -> String {
    let command = command.clone().display_name(name);
    let examples = command.get_after_help().map(ToString::to_string);
    let usage = command.clone().render_usage().to_string();
    let man = Man::new(command.clone())
        .title(name)
        .source(concat!("pdb-sync ", env!("CARGO_PKG_VERSION")))
        .manual("Mirrors of the Protein Data Bank");
    let mut out = String::new();
    out.push_str(&section(|w| man.render_title(w)));
    out.push_str(&section(|w| man.render_name_section(w)));
    out.push_str(&format!(".SH SYNOPSIS\n.B {}\n", escaped(usage.trim_start_matches("Usage: "))));
    out.push_str(&section(|w| man.render_options_section(w)));
    if command.has_subcommands() {
        out.push_str(&section(|w| man.render_subcommands_section(w)));
    }
    if let Some(examples) = examples.as_deref().and_then(|e| e.strip_prefix("Examples:\n")) {
        out.push_str(&format!(".SH EXAMPLES\n.nf\n{}\n.fi\n", escaped(examples)));
    }
    // What `--help` says beyond the examples.
    let long = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    if let Some((_, queries)) = long.split_once("\n\nQueries:\n") {
        out.push_str(&format!(".SH QUERIES\n.nf\n{}\n.fi\n", escaped(queries.trim_end())));
    }
    let fragment = directory().join("extra").join(name).with_extension("roff");
    out.push_str(
        &fs::read_to_string(fragment).unwrap_or_else(|_| ".SH SEE ALSO\n.BR pdb\\-sync (1)\n".into()),
    );
    out
}

/// One section, without the definition of the apostrophe that clap_mangen repeats before each; the title keeps it.
fn section(render: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> String {
    const APOSTROPHE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";
    let mut out = Vec::new();
    render(&mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    let body = out.replace(APOSTROPHE, "");
    if body.starts_with(".TH") { format!("{APOSTROPHE}{body}") } else { body }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

#[cfg(feature = "search")]
#[test]
fn the_pages_are_fresh() {
    let (directory, pages) = (directory(), pages());
    let mut stale = Vec::new();
    for (file, text) in &pages {
        if fs::read_to_string(directory.join(file)).ok().as_ref() == Some(text) {
            continue;
        }
        if std::env::var_os("UPDATE").is_some() {
            fs::write(directory.join(file), text).unwrap();
        } else {
            stale.push(file.clone());
        }
    }
    let entries = fs::read_dir(&directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    stale.extend(entries.filter(|name| name.ends_with(".1") && !pages.contains_key(name)));
    assert!(stale.is_empty(), "stale pages in man/: {stale:?}; to rewrite them: UPDATE=1 cargo test man");
}

/// Options, sections and fragments that belong to no page would be lost without a word.
#[test]
fn nothing_is_left_out() {
    let pages = pages();
    for name in ["pdb-sync.1", "pdb-sync-sync.1", "pdb-sync-config.1", "pdb-sync-config-init.1"] {
        assert!(pages.contains_key(name), "{name} in {:?}", pages.keys());
    }
    assert!(pages["pdb-sync-sync.1"].contains(r"\fB\-\-max\-delete\fR"), "{}", pages["pdb-sync-sync.1"]);
    for section in ["OPTIONS", "EXIT STATUS", "FILES", "ENVIRONMENT", "CONFIGURATION", "SEE ALSO"] {
        let quoted = [format!(".SH {section}\n"), format!(".SH \"{section}\"\n")];
        assert!(quoted.iter().any(|q| pages["pdb-sync.1"].contains(q)), "no {section} in pdb-sync.1");
    }
    for fragment in fs::read_dir(directory().join("extra")).unwrap() {
        let page = fragment.unwrap().path().with_extension("1");
        let page = page.file_name().unwrap().to_str().unwrap();
        assert!(pages.contains_key(page), "man/extra has a fragment for {page}, which is no page");
    }
}

/// Where the machine has the shell, it reads its completions without a complaint; every shell's name every command.
#[test]
fn completions_are_what_their_shells_read() {
    for (shell, program, check) in
        [("bash", "bash", "-n"), ("zsh", "zsh", "-n"), ("fish", "fish", "--no-execute")]
    {
        let printed = process::Command::new(env!("CARGO_BIN_EXE_pdb-sync"))
            .args(["completions", shell])
            .output()
            .unwrap();
        assert!(printed.status.success(), "completions {shell}: {printed:?}");
        let script = String::from_utf8(printed.stdout).unwrap();
        for word in ["sync", "config", "print-command", "max-delete"] {
            assert!(script.contains(word), "{shell} does not complete {word}");
        }
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(script.as_bytes()).unwrap();
        match process::Command::new(program).arg(check).arg(file.path()).output() {
            Ok(read) => assert!(read.status.success() && read.stderr.is_empty(), "{program}: {read:?}"),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{program}: {error}"),
        }
    }
}
