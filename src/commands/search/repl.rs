//! `search --repl`: one query per line, one engine for all of them.

use super::options::{Options, understood};
use super::searched::Searched;
use crate::commands::Failure;
use crate::commands::costs::Clock;
use crate::model::exit_code::ExitCode;
use crate::output::terminal::Ui;
use crate::search::query;
use serde_json::json;
use std::io::{self, BufRead, IsTerminal};

/// Reads queries until the end of standard input or `:quit`. Errors are reported, and reading continues.
pub(super) fn run(
    searched: &Searched,
    options: &Options,
    clock: &mut Clock,
    ui: &Ui,
) -> Result<ExitCode, Failure> {
    let input = io::stdin();
    let people = input.is_terminal();
    if people {
        let indexes = searched.engine.labels().join(", ");
        ui.note(&format!("{} documents of {indexes}; :help, :stats, :quit", searched.engine.documents()));
    }
    let mut exit = ExitCode::Done;
    let mut lines = input.lock().lines();
    // The time of a user at a prompt is not a cost of the search.
    while let Some(line) = clock.idle(|| lines.next()) {
        let line = line.map_err(Failure::io("read standard input"))?;
        match line.trim() {
            "" => {}
            ":quit" | ":q" => break,
            ":stats" => stats(searched, ui)?,
            ":help" => {
                for line in query::help() {
                    ui.note(&line);
                }
            }
            text => match understood(text) {
                Ok(node) => {
                    exit = exit.worst(searched.answer(text, node, options, ui)?);
                    // The reader waits for the answer before it sends the next query.
                    ui.release()?;
                }
                Err(failure) => {
                    failure.tell(ui);
                    if !people {
                        exit = exit.worst(ExitCode::Failed);
                    }
                }
            },
        }
    }
    stats(searched, ui)?;
    Ok(exit)
}

fn stats(searched: &Searched, ui: &Ui) -> Result<(), Failure> {
    let stats = searched.engine.cache_stats();
    let body = json!({
        "hits": stats.hits, "misses": stats.misses, "evictions": stats.evictions,
        "entries": stats.entries, "bytes": stats.bytes,
    });
    ui.item("cache", &body, || {
        ui.note(&format!(
            "cache: {} hits, {} misses, {} evictions, {} answers in {} bytes",
            stats.hits, stats.misses, stats.evictions, stats.entries, stats.bytes
        ));
        Ok(())
    })?;
    Ok(())
}
