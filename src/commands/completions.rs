//! `completions SHELL`

use super::Failure;
use crate::cli::{Cli, CompletionsArgs};
use crate::exit::Exit;
use crate::ui::Ui;
use clap::CommandFactory;

/// Prints the completions of one shell.
pub(super) fn run(args: &CompletionsArgs, ui: &Ui) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "pdb-sync", &mut script);
    ui.raw(&script)?;
    Ok(Exit::Done)
}
