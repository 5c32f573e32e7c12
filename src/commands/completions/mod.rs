//! `completions SHELL`, and the answers to its scripts when the TAB key is pressed.
//!
//! A script calls the program with the words typed so far (`PDB_SYNC_COMPLETE=SHELL pdb-sync -- WORD…`). clap's engine determines the
//! argument of the last word; `candidates.rs` attaches candidates to each argument by the name of its value.

mod candidates;
mod kinds;
mod shells;
mod typed;

use super::Failure;
use crate::cli::{Cli, CompletionsArgs, Global};
use crate::model::exit_code::ExitCode;
use crate::output::terminal::Ui;
use clap::CommandFactory;
use clap_complete::CompleteEnv;
use clap_complete::env::{Elvish, EnvCompleter as _, Powershell, Shells};
use serde_json::json;
use shells::{Shell, VARIABLE};
use std::env;
use std::path::PathBuf;
use typed::Typed;

const NAME: &str = "pdb-sync";
/// The scripts of clap_complete are used for shells without a script of our own.
const SHELLS: Shells<'static> = Shells(&[&Shell::Bash, &Shell::Zsh, &Shell::Fish, &Elvish, &Powershell]);

/// Prints the completion script of a shell.
pub(super) fn run(args: &CompletionsArgs, ui: &Ui) -> Result<ExitCode, Failure> {
    let unknown = || Failure::Other(format!("there are no completions for {}", args.shell));
    let shell = SHELLS.completer(&args.shell.to_string()).ok_or_else(unknown)?;
    let mut script = Vec::new();
    shell
        .write_registration(VARIABLE, NAME, NAME, &program(), &mut script)
        .map_err(Failure::io("write the completions"))?;
    let script = String::from_utf8_lossy(&script).trim().to_owned();
    let body = json!({ "shell": args.shell.to_string(), "script": script });
    ui.report(ExitCode::Done, &body, || ui.raw(format!("{script}\n").as_bytes()))?;
    Ok(ExitCode::Done)
}

/// Returns the program that scripts run if the typed word is not a program: a path if this program was started by a path, else its name.
fn program() -> String {
    let called = env::args_os().next().map(PathBuf::from).unwrap_or_else(|| NAME.into());
    let path = match called.components().count() {
        0 | 1 => called,
        _ => std::path::absolute(&called).unwrap_or(called),
    };
    path.to_string_lossy().into_owned()
}

/// Returns the options for configuration and state from the words of a command line, as far as it can be parsed.
pub(super) fn global(words: &[String]) -> Option<Global> {
    // The last word is still being typed.
    let words = [NAME.to_owned()].into_iter().chain(words.iter().cloned()).chain([String::new()]);
    Typed { words: words.collect() }.global()
}

/// Answers a script. Returns `false` if no script made a request. Errors are not reported, since the output would appear in the user's
/// command line.
pub(super) fn answer() -> bool {
    let Some(shell) = env::var_os(VARIABLE) else { return false };
    let own = [Shell::Bash, Shell::Zsh, Shell::Fish].iter().any(|known| known.is(&shell.to_string_lossy()));
    let completer = CompleteEnv::with_factory(|| {
        let typed = Typed::of(env::args_os());
        candidates::attach(Cli::command(), &typed, own)
    });
    let completer = completer.var(VARIABLE).bin(NAME).completer(program()).shells(SHELLS);
    completer.try_complete(env::args_os(), env::current_dir().ok().as_deref()).unwrap_or(true)
}
