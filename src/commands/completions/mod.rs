//! `completions SHELL`, and what its scripts ask for at each press of the TAB key.
//!
//! A script calls the program with the words typed so far (`PDB_SYNC_COMPLETE=SHELL pdb-sync -- WORD…`). clap's engine finds out which
//! argument the last word is; `candidates.rs` attaches to each argument, by the name of its value, what fits there.

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
use shells::Shell;
use std::env;
use std::path::PathBuf;
use typed::Typed;

/// Which shell asks; set by the scripts only.
const VARIABLE: &str = "PDB_SYNC_COMPLETE";
const NAME: &str = "pdb-sync";
/// Those of clap_complete serve where we have no script of our own.
const SHELLS: Shells<'static> = Shells(&[&Shell::Bash, &Shell::Zsh, &Shell::Fish, &Elvish, &Powershell]);

/// Prints the completions of one shell.
pub(super) fn run(args: &CompletionsArgs, ui: &Ui) -> Result<ExitCode, Failure> {
    let unknown = || Failure::Other(format!("there are no completions for {}", args.shell));
    let shell = SHELLS.completer(&args.shell.to_string()).ok_or_else(unknown)?;
    let mut script = Vec::new();
    shell
        .write_registration(VARIABLE, NAME, NAME, &program(), &mut script)
        .map_err(Failure::io("write the completions"))?;
    if ui.json {
        let script = String::from_utf8_lossy(&script);
        ui.result(ExitCode::Done, &json!({ "shell": args.shell.to_string(), "script": script.trim() }))?;
        return Ok(ExitCode::Done);
    }
    ui.raw(String::from_utf8_lossy(&script).trim().as_bytes())?;
    ui.raw(b"\n")?;
    Ok(ExitCode::Done)
}

/// What scripts run where what was typed is no program: a path if this program was called by one, else its name.
fn program() -> String {
    let called = env::args_os().next().map(PathBuf::from).unwrap_or_else(|| NAME.into());
    let path = match called.components().count() {
        0 | 1 => called,
        _ => std::path::absolute(&called).unwrap_or(called),
    };
    path.to_string_lossy().into_owned()
}

/// The options among the words of a command line, as far as it can be understood, that say where configuration and state are.
pub(super) fn global(words: &[String]) -> Option<Global> {
    // The last word of those that are being typed is not finished.
    let words = [NAME.to_owned()].into_iter().chain(words.iter().cloned()).chain([String::new()]);
    Typed { words: words.collect() }.global()
}

/// Answers a script. `false`: no script is asking. Whatever goes wrong is silent, since it would be printed into somebody's command line.
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
