//! `clean`: rules give a plan that can be reviewed; its removals can be undone.

mod apply_plan;
mod dry_run;
mod edit;
mod log;
mod plan;
mod plan_summary;
mod plans;
mod purge;
mod removal_modes;
mod rulebook;
mod rules;
mod run;
mod run_result;
mod shared;
mod show;
mod undo;
mod verify;

pub(super) use verify::root_of_run;

use super::Failure;
use crate::cli::{CleanAction, CleanArgs, Global};
use crate::model::exit_code::ExitCode;
use crate::output::terminal::Ui;

/// Runs `clean`.
pub(super) fn run(args: &CleanArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    match &args.action {
        CleanAction::Plan(args) => {
            super::costs::noted("clean plan", global, ui, || plan::run(args, global, ui))
        }
        CleanAction::Show(args) => show::run(args, global, ui),
        CleanAction::Edit(args) => edit::run(args, global, ui),
        CleanAction::Verify(args) => verify::run(args, global, ui),
        CleanAction::Run(args) => run::run(args, global, ui),
        CleanAction::Undo(args) => undo::run(args, global, ui),
        CleanAction::Log(args) => log::run(args, global, ui),
        CleanAction::Purge(args) if args.dry_run => purge::run(args, global, ui),
        CleanAction::Purge(args) => {
            super::costs::noted("clean purge", global, ui, || purge::run(args, global, ui))
        }
        CleanAction::Rules => rules::list(global, ui),
        CleanAction::Explain(args) => rules::explain(args, global, ui),
    }
}
