//! `search`: runs a query and prints the hits to standard output.

mod options;
mod repl;
mod searched;

use super::Failure;
use super::costs::{self, Clock};
use crate::cli::{Global, SearchArgs};
use crate::model::exit_code::ExitCode;
use crate::output::terminal::Ui;
use options::{Options, understood};
use searched::Searched;

/// Searches once, or until the end of standard input.
pub(super) fn run(args: &SearchArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let text = args.query.join(" ");
    // Errors of the query are reported before anything is opened.
    let node = understood(&text)?;
    let options = Options::new(args)?;
    let mut clock = Clock::start(if args.repl { "search --repl" } else { "search" });
    let (searched, damaged) = Searched::open(args, global, ui)?;
    costs::reached("open");
    let exit = if args.repl {
        repl::run(&searched, &options, &mut clock, ui)?
    } else {
        searched.answer(&text, node, &options, ui)?
    };
    let exit = if damaged { exit.worst(ExitCode::Partial) } else { exit };
    // A session without a query was no search.
    if !args.repl || costs::has_queries() {
        clock.note(exit, global, ui);
    }
    Ok(exit)
}
