//! `clean purge`

use super::shared;
use crate::clean::path::OURS;
use crate::clean::removal::{
    self, ApplyProgress, OURS_IN_THE_WAY, Order, Purge, Purged, WriteAccess, open_below,
};
use crate::cli::{Global, PurgeArgs};
use crate::commands::interruption::{CHANGING, interruptible};
use crate::commands::targets::{Chosen, targets};
use crate::commands::{Failure, costs, file_locations};
use crate::config::Pause;
use crate::model::exit_code::ExitCode;
use crate::model::sanitize;
use crate::model::time::{local, rfc3339};
use crate::output::terminal::{Ui, shown};
use crate::output::units::{bytes, count};
use crate::retention;
use crate::scan::Stop;
use crate::system::running::Registration;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Purges expired entries of the quarantines, tree by tree. Without an age on the command line, the first run that finds an entry expired
/// only marks it. An age on the command line takes effect at once.
pub(super) fn run(args: &PurgeArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let keep = args.older_than.as_deref().map(str::parse::<Pause>).transpose();
    let keep = keep.map_err(|why| Failure::usage(format!("--older-than: {why}")))?.map(|pause| pause.0);
    let order = keep.map_or(Order::Marked, Order::OlderThan);
    let config = shared::config(global)?;
    let state = file_locations::state_dir(global)?;
    let mut exit = ExitCode::Done;
    let roots: BTreeSet<PathBuf> = if args.targets.is_empty() && args.tag.is_empty() {
        let known = removal::list(&state).map_err(Failure::io("read the journals"))?;
        let roots = known.iter().filter_map(|found| removal::root_of(&found.begin.root));
        roots.filter(|root| root.is_absolute() && root.is_dir()).collect()
    } else {
        let chosen = Chosen { arguments: &args.targets, all: false, tags: &args.tag };
        let selected = targets(chosen, global, ui)?;
        exit = selected.exit;
        selected.targets.into_iter().map(|target| target.root).collect()
    };
    let mut work = Vec::new();
    for root in roots {
        let run = retention::next_run(&state);
        match shared::lock(&root, &config, global, &run, ui)? {
            Ok(locks) => work.push((root, locks)),
            Err(busy) => exit = exit.worst(busy),
        }
    }
    let trees = work.iter().map(|(root, _)| root.to_string_lossy().into_owned()).collect();
    let _registered = Registration::new(&state, "clean purge", trees);
    costs::reached("select");
    let stop = Stop::default();
    let told = *ui;
    let (asked, ui, dry) = (stop.clone(), *ui, args.dry_run);
    interruptible(&stop, &told, CHANGING, move || {
        let mut all = Purged::default();
        for (root, locks) in work {
            if asked.is_stopped() {
                break;
            }
            let cannot = || Failure::io(format!("open {}", sanitize::path(&root)));
            let dir = match super::verify::open(&root) {
                Ok(dir) => dir,
                // An error in one tree does not stop the others.
                Err(error) => {
                    let failure = cannot()(error);
                    ui.error(&failure.to_string(), failure.hint());
                    exit = exit.worst(ExitCode::Failed);
                    continue;
                }
            };
            if !dry && let Some(refusal) = removal::cannot_purge(&dir, &root) {
                let text = format!("cannot purge the quarantine of {}: {refusal}", sanitize::path(&root));
                ui.error(&text, Some(&refusal.hint));
                exit = exit.worst(ExitCode::Failed);
                continue;
            }
            let begun = |run: &str| removal::note_purge(&state, &root.canonicalize()?, run);
            let (now, stop) = (retention::now(), || asked.is_stopped());
            let tree = if dry {
                WriteAccess::new(dir, &root, &state).map_err(cannot())?
            } else {
                shared::open_to_change(&dir, &root, &state, &ui)?
            };
            let meter = ApplyProgress::default();
            let purge =
                Purge { tree: &tree, order, now: &now, dry, begun: &begun, stop: &stop, meter: &meter };
            let label = sanitize::path(&root).to_string();
            let purged =
                match ui.spinner().watch(&label, || shared::done(&meter, 0), || removal::purge(&purge)) {
                    Ok(purged) => purged,
                    Err(error) => {
                        let way = open_below::in_the_way(tree.root(), OURS).map(|(_, kind)| kind);
                        let text = format!("cannot purge the quarantine of {}: ", sanitize::path(&root));
                        match way {
                            Some(kind) => {
                                ui.error(&format!("{text}.pdb-sync is {kind}"), Some(OURS_IN_THE_WAY))
                            }
                            None => ui.error(&format!("{text}{error}"), None),
                        }
                        exit = exit.worst(ExitCode::Failed);
                        continue;
                    }
                };
            if !dry {
                shared::escape_quarantines(&tree, &root, &state, &asked, &ui);
            }
            shared::tell_modes(&tree, &root, &ui);
            drop(tree);
            drop(locks);
            purged.warnings.iter().for_each(|why| ui.warning(&format!("{}: {why}", sanitize::path(&root))));
            for (path, why) in &purged.why {
                ui.error(&format!("{}: {}: {why}", sanitize::path(&root), shown(path)), None);
                exit = exit.worst(ExitCode::Failed);
            }
            all.runs.extend(purged.runs);
            all.kept.extend(purged.kept);
            all.marked.extend(purged.marked);
            all.entries += purged.entries;
            all.bytes += purged.bytes;
        }
        costs::reached("purge");
        let due = all.marked.values().min().and_then(|s| jiff::Timestamp::from_second(*s).ok());
        let marked: Vec<_> = all.marked.keys().collect();
        let body = json!({
            "runs": all.runs, "kept": all.kept, "marked": marked, "due": due.map(rfc3339), "entries": all.entries,
            "bytes": all.bytes, "dry_run": dry, "stopped": asked.is_stopped(),
        });
        ui.report(exit, &body, || {
            // The report of a dry run is what was asked for, so `-q` does not suppress it.
            let stopped = asked.is_stopped();
            let say = |text: &str| if dry || stopped { ui.line(text) } else { ui.outcome(text) };
            say(&format!(
                "{} {} of {}, {}; {} kept{}",
                if dry { "would remove" } else { "removed" },
                count(all.entries, "entry", "entries"),
                count(all.runs.len() as u64, "run", "runs"),
                bytes(all.bytes),
                count(all.kept.len() as u64, "run", "runs"),
                if stopped { "; stopped before the end: repeat the command to continue" } else { "" },
            ))?;
            if let Some(due) = due {
                let runs = count(all.marked.len() as u64, "run", "runs");
                let would = if dry { " would be" } else { "" };
                let due = local(due);
                say(&format!(
                    "{runs}{would} marked, to be removed by a run after {due}; --older-than DUR does not wait"
                ))?;
            }
            Ok(())
        })?;
        Ok(exit)
    })
}
