//! One file a command: arguments → deed → speech → exit code.

mod annotate;
mod clean;
mod completions;
mod config;
mod costs;
mod doctor;
mod error;
mod history;
#[cfg(feature = "search")]
mod index;
mod list;
pub mod locate;
pub mod overrides;
mod past;
mod reclaim;
mod record;
#[cfg(feature = "search")]
mod repl;
mod scan;
#[cfg(feature = "search")]
mod search;
pub mod settings;
mod stats;
mod status;
mod sync;
mod targets;
mod verify;

pub use error::Failure;

use crate::cli::{Cli, Command, When};
use crate::event::Level;
use crate::exit::Exit;
use crate::report::github;
use crate::ui::{Color, Environment, Ui};
use clap::Parser;

/// Reads the command line and does what it says.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            if error.use_stderr() && Environment::read().github {
                github::annotate(Level::Error, None, error.to_string().trim_end(), false);
            }
            // Nobody is left to tell if this fails: `pdb-sync --help | head -1`.
            let _ = error.print();
            return exit;
        }
    };
    let ui = ui(&cli);
    match dispatch(&cli, &ui) {
        Ok(exit) => exit,
        Err(Failure::ReaderGone) => Exit::Done,
        Err(failure) => {
            ui.error(&failure.to_string(), failure.hint());
            annotate::failure(&failure, &ui);
            failure.exit()
        }
    }
}

fn dispatch(cli: &Cli, ui: &Ui) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Completions(args) => completions::run(args, ui),
        Command::List(args) => list::run(args, &cli.global, ui),
        Command::Reclaim(args) => reclaim::run(args, &cli.global, ui),
        Command::Status(args) => status::run(args, &cli.global, ui),
        Command::Doctor(args) => doctor::run(args, &cli.global, ui),
        Command::Config(args) => config::run(args, &cli.global, ui),
        Command::Clean(args) => clean::run(args, &cli.global, ui),
        Command::History(args) => history::run(args, &cli.global, ui),
        Command::Stats(args) => stats::run(args, &cli.global, ui),
        #[cfg(feature = "search")]
        Command::Index(args) => costs::noted("index", &cli.global, ui, || index::run(args, &cli.global, ui)),
        // How long somebody sits before it is no cost of a search.
        #[cfg(feature = "search")]
        Command::Search(args) if args.repl => search::run(args, &cli.global, ui),
        #[cfg(feature = "search")]
        Command::Search(args) => {
            costs::noted("search", &cli.global, ui, || search::run(args, &cli.global, ui))
        }
        #[cfg(not(feature = "search"))]
        Command::Index(_) | Command::Search(_) => Err(Failure::usage_hint(
            "this pdb-sync was built without search",
            "build it with `cargo install --features search`",
        )),
        // Looks after what scans have kept, and scans nothing.
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
    let github = matches!(&cli.command, Command::Sync(args) if args.github) || Environment::read().github;
    let color = match global.color {
        When::Auto => Color::Auto,
        When::Always => Color::Always,
        When::Never => Color::Never,
    };
    Ui { color, quiet: global.quiet, verbose: global.verbose, json: global.json, github }
}
