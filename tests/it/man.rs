//! Man pages and completions follow from the command line's one definition; `UPDATE=1 cargo test man` rewrites the pages.

mod config_page;
mod markdown;

use crate::support::skipped;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use pdb_sync::output::schema;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("man")
}

/// Every page by file name: the program, its commands, and theirs, then the formats of files and lines.
fn pages() -> BTreeMap<String, String> {
    let mut root = without_help(pdb_sync::cli::Cli::command());
    root.build();
    let mut pages = BTreeMap::new();
    add(&root, None, &mut pages);
    for (name, keys) in FORMATS {
        pages.insert(format!("{name}.5"), format_page(name, &keys()));
    }
    let list = list_of(&pages);
    let first = pages.get_mut("pdb-sync.1").unwrap();
    *first = first.replacen(".SH CONFIGURATION\n", &format!(".SH PAGES\n{list}.SH CONFIGURATION\n"), 1);
    pages
}

/// Words are neither hyphenated nor spread over the line: many are names that are typed.
const AS_TYPED: &str = ".nh\n.ad l\n";

/// Writes the generated sections of a page.
type Section = fn() -> String;

/// The pages of section 5, and what generates their keys.
const FORMATS: [(&str, Section); 2] = [("pdb-sync-config", config_page::keys), ("pdb-sync-json", json_keys)];

/// A page that describes a format: its hand-written sections, then its keys.
fn format_page(name: &str, keys: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let title = escaped(&name.to_uppercase());
    let head = format!(".TH {title} 5 {} \"pdb\\-sync {version}\" \"File Formats\"\n{AS_TYPED}", date());
    let others =
        FORMATS.iter().filter(|(other, _)| *other != name).map(|(other, _)| ((*other).to_owned(), 5));
    let commands =
        ["pdb-sync", "pdb-sync-config-check", "pdb-sync-config-schema"].map(|page| (page.to_owned(), 1));
    let see_also = references(&commands.into_iter().chain(others).collect::<Vec<_>>());
    wrapped(&format!("{head}{}{keys}{see_also}", extra(name, 5)))
}

/// The hand-written sections of a page; none if it has no file.
fn extra(name: &str, section: u8) -> String {
    let file = directory().join("extra").join(format!("{name}.{section}.md"));
    match fs::read_to_string(file) {
        Ok(text) => markdown::roff(&text, &format!("{name}({section})")),
        Err(_) => String::new(),
    }
}

/// All pages with what they are about, from their sections NAME.
fn list_of(pages: &BTreeMap<String, String>) -> String {
    let mut all: Vec<(&str, &str, &str)> = Vec::new();
    for (file, text) in pages.iter().filter(|(file, _)| *file != "pdb-sync.1") {
        let (name, section) = file.rsplit_once('.').unwrap();
        let about = text.split(".SH NAME\n").nth(1).unwrap().split(".SH").next().unwrap();
        all.push((name, section, about.split_once(" \\- ").unwrap().1));
    }
    // By name: a command stands before its own commands.
    all.sort();
    let one = |(name, section, about): (&str, &str, &str)| {
        format!(".TP\n.BR {} ({section})\n{}\n", escaped(name), about.replace('\n', " ").trim())
    };
    wrapped(&all.into_iter().map(one).collect::<String>())
}

/// The lines of `--json`, from where they are declared.
fn json_keys() -> String {
    let mut out = String::new();
    let mut above = String::new();
    for object in schema::objects() {
        let commands = match object.commands {
            [] => "every command".to_owned(),
            commands => commands.join(", "),
        };
        if commands != above {
            out.push_str(&format!(".SH {}\n", escaped(&commands.to_uppercase())));
            above = commands;
        }
        out.push_str(&format!(".SS {}\n", escaped(object.event)));
        if !object.about.is_empty() {
            out.push_str(&format!("{}\n", escaped(object.about)));
        }
        keys(object.keys, "", &mut out);
    }
    out
}

/// A paragraph a key; those of objects in it have its name before theirs.
fn keys(keys: &[schema::Key], above: &str, out: &mut String) {
    for key in keys {
        let name = format!("{above}{}", key.name);
        let may = if key.optional { ", may be missing" } else { "" };
        out.push_str(&format!(
            ".TP\n.B {}\n{}{may}. {}\n",
            escaped(&name),
            escaped(&key.kind.words()),
            escaped(key.about)
        ));
        self::keys(key.kind.keys(), &format!("{name}."), out);
    }
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
    // The longest title stands twice in the first line of a page, beside what the manual is called: that has to be short.
    let man = Man::new(command.clone())
        .title(name.to_uppercase())
        .date(date())
        .source(concat!("pdb-sync ", env!("CARGO_PKG_VERSION")))
        .manual("User Commands");
    let mut out = String::new();
    out.push_str(&section(|w| man.render_title(w)));
    out.push_str(AS_TYPED);
    out.push_str(&section(|w| man.render_name_section(w)));
    out.push_str(&format!(".SH SYNOPSIS\n.B {}\n", escaped(usage.trim_start_matches("Usage: "))));
    out.push_str(&section(|w| man.render_options_section(w)));
    // The first page lists all pages.
    if command.has_subcommands() && name != "pdb-sync" {
        out.push_str(&section(|w| man.render_subcommands_section(w)));
    }
    // Behind the examples of the program are its exit codes, which have a section of their own.
    let examples =
        examples.as_deref().and_then(|text| text.split("\n\n").next()?.strip_prefix("Examples:\n"));
    if let Some(examples) = examples {
        out.push_str(&format!(".SH EXAMPLES\n.nf\n{}\n.fi\n", literal(examples)));
    }
    // What `--help` says beyond the examples.
    let long = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    if let Some((_, queries)) = long.split_once("\n\nQueries:\n") {
        out.push_str(&format!(".SH QUERIES\n.nf\n{}\n.fi\n", literal(queries.trim_end())));
    }
    let extra = extra(name, 1);
    // The codes are those of every command.
    let (before, after) = match extra.find(".SH ENVIRONMENT\n").filter(|_| name == "pdb-sync") {
        Some(at) => extra.split_at(at),
        None => (&*extra, ""),
    };
    out.push_str(before);
    if name == "pdb-sync" {
        out.push_str(&exit_status());
    }
    out.push_str(after);
    out.push_str(&see_also(&command, name, &extra));
    wrapped(&out)
}

/// The section on exit codes, from the program's own table.
fn exit_status() -> String {
    let heading = ".SH EXIT STATUS\nWhen several apply, the worst wins: a signal, 1, 4, 3, 75, 0.\n";
    let one = |code: &pdb_sync::model::exit_code::Code| {
        format!(".TP\n.B {}\n{}\n", code.exit.code(), escaped(code.meaning))
    };
    heading.to_owned() + &pdb_sync::model::exit_code::CODES.iter().map(one).collect::<String>()
}

/// The day of the release in the change log; for what is not released yet, the day when the pages were last looked through.
fn date() -> String {
    const UNRELEASED: &str = "2026-11-28";
    let log = fs::read_to_string(directory().join("../CHANGELOG.md")).unwrap();
    let heading = concat!("## [", env!("CARGO_PKG_VERSION"), "] - ");
    log.lines().find_map(|line| line.strip_prefix(heading)).unwrap_or(UNRELEASED).trim().to_owned()
}

/// The pages above and below, and the formats that the sections mention; the program's names pages of other programs too.
fn see_also(command: &Command, name: &str, extra: &str) -> String {
    let mut above: Vec<String> = name.match_indices('-').map(|(at, _)| name[..at].to_owned()).collect();
    above.retain(|page| page != "pdb");
    let below = command.get_subcommands().map(|child| format!("{name}-{}", child.get_name()));
    let mut pages: Vec<(String, u8)> = above.into_iter().chain(below).map(|page| (page, 1)).collect();
    pages.sort();
    let mentioned = |format: &str| {
        name == format || name == "pdb-sync" || extra.contains(&format!("\\fB{}\\fR(5)", escaped(format)))
    };
    let formats = FORMATS.iter().filter(|(format, _)| mentioned(format));
    pages.extend(formats.map(|(format, _)| ((*format).to_owned(), 5)));
    if name == "pdb-sync" {
        pages.extend([("rsync".into(), 1), ("rsyncd.conf".into(), 5)]);
    }
    references(&pages)
}

/// The section that names other pages.
fn references(pages: &[(String, u8)]) -> String {
    let lines = pages.iter().enumerate().map(|(n, (page, section))| {
        let comma = if n + 1 < pages.len() { "," } else { "" };
        format!(".BR {} ({section}){comma}\n", escaped(page))
    });
    format!(".SH SEE ALSO\n{}", lines.collect::<String>())
}

/// Lines of text that are no longer than `mandoc -Tlint` wants them. What is shown as it stands stays as it is.
fn wrapped(page: &str) -> String {
    const LONGEST: usize = 79;
    let mut out = String::new();
    let mut literal = false;
    for line in page.lines() {
        match line {
            ".nf" => literal = true,
            ".fi" => literal = false,
            _ => {}
        }
        if literal || line.starts_with('.') || line.len() <= LONGEST {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        let mut length = 0;
        for word in line.split(' ') {
            // A word that begins like a request would be taken for one.
            let request = word.starts_with(['.', '\'']);
            if length > 0 && length + 1 + word.len() > LONGEST && !request && !word.is_empty() {
                out.push('\n');
                length = 0;
            } else if length > 0 {
                out.push(' ');
                length += 1;
            }
            out.push_str(word);
            length += word.len();
        }
        out.push('\n');
    }
    out
}

/// One section, without the definition of the apostrophe that clap_mangen repeats before each; the title keeps it.
fn section(render: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> String {
    const APOSTROPHE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";
    let mut out = Vec::new();
    render(&mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    // What stands between a text and its possible values, and between paragraphs: one empty line.
    let body = out.replace(APOSTROPHE, "").replace(".br\n\n.br\n", ".sp\n").replace("\n\n", "\n.sp\n");
    if body.starts_with(".TH") { format!("{APOSTROPHE}{body}") } else { body }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('Å', "\\[oA]")
}

/// What may be typed: with the characters that typesetters replace by prettier ones.
fn literal(text: &str) -> String {
    escaped(text).replace('\'', "\\(aq").replace('`', "\\(ga").replace('^', "\\(ha").replace('~', "\\(ti")
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
    stale.extend(
        entries.filter(|name| (name.ends_with(".1") || name.ends_with(".5")) && !pages.contains_key(name)),
    );
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
        let page = fragment.unwrap().path();
        let page = page.file_stem().unwrap().to_str().unwrap();
        assert!(pages.contains_key(page), "man/extra has sections for {page}, which is no page");
    }
}

/// What reads man pages finds nothing to complain about.
#[test]
fn readers_of_man_pages_do_not_complain() {
    let pages: Vec<PathBuf> = fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "1" || end == "5"))
        .collect();
    assert!(pages.len() > 30, "{pages:?}");
    for (program, args) in [
        ("mandoc", &["-T", "lint"][..]),
        ("groff", &["-man", "-w", "w", "-t", "-T", "utf8", "-z"]),
        ("man", &["--warnings=w", "-E", "UTF-8", "-l", "-Tutf8", "-Z"]),
    ] {
        // Others of that name, such as mandoc's own, know no warnings.
        if program == "man" && !is_man_db() {
            skipped("man is not man-db's");
            continue;
        }
        for page in &pages {
            let read =
                match process::Command::new(program).args(args).arg(page).env("LC_ALL", "C.UTF-8").output() {
                    Ok(read) => read,
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                        skipped(&format!("{program} is not installed"));
                        break;
                    }
                    Err(error) => panic!("{program}: {error}"),
                };
            let said = if program == "man" { &[][..] } else { &read.stdout };
            let said = String::from_utf8_lossy(&[said, &read.stderr].concat()).into_owned();
            let faults: Vec<&str> = said.lines().collect();
            assert!(faults.is_empty(), "{program} {}: {faults:#?}", page.display());
        }
    }
}

fn is_man_db() -> bool {
    let version = process::Command::new("man").arg("--version").output();
    version.is_ok_and(|version| String::from_utf8_lossy(&version.stdout).starts_with("man 2."))
}

/// Each page names every page below it, and the first one lists all pages.
#[test]
fn every_page_is_named_by_the_one_above() {
    let pages = pages();
    let commands = pages.keys().filter_map(|file| file.strip_suffix(".1"));
    for name in commands.filter(|name| *name != "pdb-sync") {
        let above = name.rsplit_once('-').unwrap().0;
        let reference = format!(".BR {} (1)", escaped(name));
        let (_, see_also) = pages[&format!("{above}.1")].rsplit_once(".SH SEE ALSO\n").unwrap();
        assert!(see_also.contains(&reference), "{above}.1 does not name {name}");
    }
    let (_, list) = pages["pdb-sync.1"].split_once(".SH PAGES\n").unwrap();
    let list = list.split(".SH").next().unwrap();
    for file in pages.keys().filter(|file| *file != "pdb-sync.1") {
        let (name, section) = file.rsplit_once('.').unwrap();
        assert!(list.contains(&format!(".BR {} ({section})\n", escaped(name))), "{file} is not in the list");
    }
}

/// Where the machine has the shell, it reads its completions without a complaint. What they complete, `completions.rs` tells.
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
        assert!(script.contains("PDB_SYNC_COMPLETE="), "{shell}'s does not ask: {script}");
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(script.as_bytes()).unwrap();
        match process::Command::new(program).arg(check).arg(file.path()).output() {
            Ok(read) => assert!(read.status.success() && read.stderr.is_empty(), "{program}: {read:?}"),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{program}: {error}"),
        }
    }
}
