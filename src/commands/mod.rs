//! One file per command: arguments → work → output → exit code.

mod annotate;
mod clean;
mod completions;
mod config;
mod config_files;
mod costs;
mod doctor;
mod error;
pub mod file_locations;
mod history;
mod history_lookup;
#[cfg(feature = "search")]
mod index;
mod interruption;
mod list;
mod mirrors;
mod missing_mirror;
mod overlap;
pub mod overrides;
mod print_commands;
mod reclaim;
mod run_progress;
mod scan;
#[cfg(feature = "search")]
mod search;
pub mod settings;
mod stats;
mod status;
mod suggest;
mod sync;
mod targets;
mod verify;

pub use error::Failure;

use crate::cli::{CacheAction, CleanAction, Cli, Command, ConfigAction, Group, IndexAction, When};
use crate::model::event::Level;
use crate::model::exit_code::ExitCode;
use crate::output::github;
use crate::output::terminal::{Color, Environment, ErrorKind, ErrorObject, Ui, streams};
use clap::Parser;
use std::io;

/// Parses the command line and runs the command.
pub fn main() -> ExitCode {
    if completions::answer() {
        return ExitCode::Done;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let ui = ui(&cli).that_goes_on(goes_on(&cli.command));
    let (exit, mut unwritten) = match dispatch(&cli, &ui) {
        Ok(exit) => (exit, None),
        Err(Failure::Unwritten(error)) => (ExitCode::Done, Some(error)),
        Err(failure) => {
            failure.tell(&ui);
            annotate::failure(&failure, &ui);
            (failure.exit(), None)
        }
    };
    if unwritten.is_none() {
        unwritten = ui.end_of_json(exit).err();
    }
    // The result of `sync` is not its output, so lost output does not change the exit code here.
    if matches!(&cli.command, Command::Sync(args) if !args.print_command) {
        return exit;
    }
    finish(exit, unwritten, &ui)
}

/// Whether a command has a purpose beyond its output: it changes something, or its exit code is a verdict. Such a command continues if its
/// output fails. The others do nothing but print.
fn goes_on(command: &Command) -> bool {
    match command {
        Command::Sync(args) => !args.print_command,
        Command::Scan(args) => !args.list && args.cache.is_none_or(|action| action == CacheAction::Evict),
        Command::Clean(args) => match &args.action {
            CleanAction::Plan(_)
            | CleanAction::Edit(_)
            | CleanAction::Run(_)
            | CleanAction::Undo(_)
            | CleanAction::Verify(_)
            | CleanAction::Purge(_) => true,
            CleanAction::Show(_) | CleanAction::Log(_) | CleanAction::Rules | CleanAction::Explain(_) => {
                false
            }
        },
        Command::Config(args) => matches!(args.action, ConfigAction::Init { .. } | ConfigAction::Check),
        Command::Status(args) => !args.watch,
        Command::Mirrors(args) => args.check,
        Command::Index(args) => !matches!(args.action, Some(IndexAction::List | IndexAction::Where { .. })),
        Command::Verify(_) | Command::Reclaim(_) | Command::Doctor(_) | Command::Stats(_) => true,
        Command::List(_) | Command::History(_) | Command::Search(_) | Command::Completions(_) => false,
    }
}

/// Returns the final exit code. Lost output is a failure, except if the reader closed the pipe.
fn finish(exit: ExitCode, unwritten: Option<io::Error>, ui: &Ui) -> ExitCode {
    match streams::finish().err().or(unwritten) {
        None => exit,
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => exit,
        Some(error) => {
            let why = match error.raw_os_error() {
                Some(code) if Some(code) == streams::closed().raw_os_error() => "it is closed".to_owned(),
                _ => error.to_string(),
            };
            ui.error_text(&format!("cannot write to standard output: {why}"), None);
            exit.worst(ExitCode::Failed)
        }
    }
}

/// Handles `--help`, `--version` and errors of the command line.
fn usage(error: &clap::Error) -> ExitCode {
    // Not `args`, which panics if a word is not UTF-8.
    let words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into()).collect();
    // Words after `--` are for rsync.
    let json = words.iter().take_while(|word| *word != "--").any(|word| word == "--json");
    // Options before the error are used.
    let again = completions::global(&words).map_or_else(String::new, |global| file_locations::again(&global));
    let ui = Ui { json, color: wish(&words), again: again.leak(), ..Ui::default() };
    if error.use_stderr() && Environment::read().github {
        github::annotate(Level::Error, None, error.to_string().trim_end(), json);
    }
    if let Some((text, hint)) = suggest::of(error, &words) {
        ui.error_of(ErrorKind::Usage, &text, Some(&hint));
        return finish(ExitCode::Usage, ui.end_of_json(ExitCode::Usage).err(), &ui);
    }
    let text = error.render();
    if error.use_stderr() {
        // The text quotes arguments, which may be names of files.
        let text = text.to_string();
        let text = text.trim_end();
        match text.strip_prefix("error: ") {
            Some(text) => ui.error_text(text, None),
            None => ui.note_lines(text),
        }
        let (text, hint) = in_short(text);
        ui.error_object(&ErrorObject { hint: Some(&hint), ..ErrorObject::new(ErrorKind::Usage, &text) });
        return finish(ExitCode::Usage, ui.end_of_json(ExitCode::Usage).err(), &ui);
    }
    let told = ui.own(&text.ansi().to_string(), &text.to_string());
    finish(ExitCode::Done, told.err(), &ui)
}

/// Returns clap's message and its tip. Without a tip, the tip is `--help`.
fn in_short(text: &str) -> (String, String) {
    let mut parts = text.split("\n\n").map(str::trim);
    let wrong = parts.next().unwrap_or_default();
    let wrong = wrong.strip_prefix("error: ").unwrap_or(wrong).to_owned();
    let tips: Vec<&str> = parts.filter_map(|part| part.strip_prefix("tip: ")).collect();
    match tips.as_slice() {
        [] => (
            wrong,
            "`pdb-sync --help` lists the commands, and `--help` after a command its options".to_owned(),
        ),
        tips => (wrong, tips.join("; ")),
    }
}

/// Returns the name of the command as typed.
fn name(cli: &Cli) -> &'static str {
    match &cli.command {
        Command::Sync(_) => "sync",
        Command::List(_) => "list",
        Command::Status(_) => "status",
        Command::Reclaim(_) => "reclaim",
        Command::Doctor(_) => "doctor",
        Command::Mirrors(_) => "mirrors",
        Command::History(args) if args.action.is_some() => "history show",
        Command::History(_) => "history",
        Command::Stats(_) => "stats",
        Command::Index(args) => match &args.action {
            None => "index",
            Some(IndexAction::List) => "index list",
            Some(IndexAction::Where { .. }) => "index where",
            Some(IndexAction::Remove { .. }) => "index remove",
        },
        Command::Search(_) => "search",
        Command::Scan(_) => "scan",
        Command::Verify(_) => "verify",
        Command::Completions(_) => "completions",
        Command::Clean(args) => match &args.action {
            CleanAction::Plan(_) => "clean plan",
            CleanAction::Show(_) => "clean show",
            CleanAction::Edit(_) => "clean edit",
            CleanAction::Verify(_) => "clean verify",
            CleanAction::Run(_) => "clean run",
            CleanAction::Undo(_) => "clean undo",
            CleanAction::Log(_) => "clean log",
            CleanAction::Purge(_) => "clean purge",
            CleanAction::Rules => "clean rules",
            CleanAction::Explain(_) => "clean explain",
        },
        Command::Config(args) => match &args.action {
            ConfigAction::Init { .. } => "config init",
            ConfigAction::Show { .. } => "config show",
            ConfigAction::Check => "config check",
            ConfigAction::Schema { .. } => "config schema",
            ConfigAction::Path => "config path",
        },
    }
}

/// Returns the option by which a command prints something other than lines of JSON.
fn other_output(command: &Command) -> Option<&'static str> {
    let given = match command {
        Command::Search(args) => {
            vec![(args.ids, "--ids"), (args.paths, "--paths"), (args.format.is_some(), "--format")]
        }
        Command::Clean(args) => match &args.action {
            CleanAction::Show(args) => vec![(args.export.is_some(), "--export")],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    given.into_iter().find_map(|(given, option)| given.then_some(option))
}

/// Returns the colour setting of a command line that cannot be parsed or asks for help.
fn wish(words: &[String]) -> Color {
    let next = words.iter().skip(1).map(String::as_str).chain([""]);
    let said = words.iter().zip(next).find_map(|(word, next)| match word.strip_prefix("--color") {
        Some("") => Some(next),
        Some(value) => value.strip_prefix('='),
        None => None,
    });
    match said {
        Some("always") => Color::Always,
        Some("never") => Color::Never,
        _ => Color::Auto,
    }
}

fn dispatch(cli: &Cli, ui: &Ui) -> Result<ExitCode, Failure> {
    file_locations::check_state_dir(&cli.global)?;
    // clap does not detect this conflict if --json is before the command.
    if let Some(option) = other_output(&cli.command).filter(|_| ui.json) {
        let text = format!("{option} does not print lines of JSON, as --json requires");
        return Err(Failure::usage_hint(text, "leave one of them out"));
    }
    match &cli.command {
        Command::Completions(args) => completions::run(args, ui),
        Command::List(args) => list::run(args, &cli.global, ui),
        Command::Reclaim(args) => {
            costs::noted("reclaim", &cli.global, ui, || reclaim::run(args, &cli.global, ui))
        }
        Command::Status(args) => status::run(args, &cli.global, ui),
        Command::Doctor(args) => doctor::run(args, &cli.global, ui),
        Command::Mirrors(args) => mirrors::run(args, &cli.global, ui),
        Command::Config(args) => config::run(args, &cli.global, ui),
        Command::Clean(args) => clean::run(args, &cli.global, ui),
        Command::History(args) => history::run(args, &cli.global, ui),
        Command::Stats(args) => stats::run(args, &cli.global, ui),
        // These build nothing.
        #[cfg(feature = "search")]
        Command::Index(args) if args.action.is_some() => index::run(args, &cli.global, ui),
        #[cfg(feature = "search")]
        Command::Index(args) => costs::noted("index", &cli.global, ui, || index::run(args, &cli.global, ui)),
        #[cfg(feature = "search")]
        Command::Search(args) => search::run(args, &cli.global, ui),
        #[cfg(not(feature = "search"))]
        Command::Index(_) | Command::Search(_) => Err(Failure::usage_hint(
            "this pdb-sync was built without search",
            "build it with `cargo install --features search`",
        )),
        // Lists or removes caches and scans nothing.
        Command::Scan(args) if args.cache.is_some() => scan::run(args, &cli.global, ui),
        Command::Scan(args) => costs::noted("scan", &cli.global, ui, || scan::run(args, &cli.global, ui)),
        Command::Verify(args) => {
            costs::noted("verify", &cli.global, ui, || verify::run(args, &cli.global, ui))
        }
        Command::Sync(args) => sync::run(args, &cli.global, ui),
    }
}

fn ui(cli: &Cli) -> Ui {
    let global = &cli.global;
    let github = matches!(&cli.command, Command::Sync(args) if args.github || args.group == Some(Group::Github))
        || Environment::read().github;
    let color = match global.color {
        When::Auto => Color::Auto,
        When::Always => Color::Always,
        When::Never => Color::Never,
    };
    // Leaked once per process, so that all output can use it.
    let again = file_locations::again(global).leak();
    let (quiet, verbose, json) = (global.quiet, global.verbose, global.json);
    Ui { color, quiet, verbose, json, again, github, command: name(cli), ..Ui::default() }
}
