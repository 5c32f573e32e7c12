//! `reclaim`

use super::interruption::{READING, interruptible};
use super::targets::{Chosen, Selected, Target, registered, targets};
use super::{Failure, costs, file_locations};
use crate::cli::{Global, ReclaimArgs};
use crate::config::Size;
use crate::model::exit_code::ExitCode;
use crate::output::terminal::Ui;
use crate::output::units;
use crate::platform::{Memory, memory};
use crate::scan::Stop;
use crate::system::reclaim::{self, Ended, ReclaimRequest, Reclaimed};
use serde_json::json;
use std::path::PathBuf;
use std::{io, thread};

/// Frees memory that mirroring has filled. The steps run in parallel, and each reports its own measurements.
pub(super) fn run(args: &ReclaimArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let target = args.target.as_deref().map(str::parse::<Size>).transpose();
    let target =
        target.map_err(|wrong| Failure::usage(format!("--target: {wrong}")))?.and_then(|size| size.0);
    let chosen = Chosen { arguments: &args.targets, all: args.all, tags: &args.tag };
    let Selected { targets: trees, exit, .. } = targets(chosen, global, ui)?;
    let stop = Stop::default();
    let order = ReclaimRequest { since: None, target, write_first: args.sync, stop: stop.clone() };
    let state_dir = file_locations::state_dir(global)?;
    // Registering creates the directory.
    let own = state_dir.is_dir().then(|| state_dir.clone());
    let _registered = registered("reclaim", &trees, &state_dir);
    costs::reached("select");
    let work = Work { trees, exit, own, order, kernel: args.kernel, ui: *ui };
    interruptible(&stop, ui, READING, move || work.run())
}

struct Work {
    trees: Vec<Target>,
    /// The best exit code that is still possible.
    exit: ExitCode,
    /// The state directory, if it was there.
    own: Option<PathBuf>,
    order: ReclaimRequest,
    kernel: bool,
    ui: Ui,
}

/// The text and the figures of a step.
struct Step {
    name: String,
    freed: Option<u64>,
    text: String,
    exit: ExitCode,
}

impl Work {
    fn run(self) -> Result<ExitCode, Failure> {
        let before = memory();
        let steps = self.steps();
        let after = memory();
        costs::reached("release");
        let mut exit = self.exit;
        for step in &steps {
            exit = exit.worst(step.exit);
            let body = json!({"step": step.name, "freed_bytes": step.freed, "text": step.text});
            self.ui.item("step", &body, || {
                let text = format!("{}: {}", step.name, step.text);
                if step.exit == ExitCode::Done { self.ui.outcome(&text) } else { self.ui.line(&text) }
            })?;
        }
        let figure =
            |of: fn(&Memory) -> Option<u64>| (before.as_ref().and_then(of), after.as_ref().and_then(of));
        let (available, cached) = (figure(|memory| memory.available), figure(|memory| memory.cached));
        let freed = steps.iter().filter_map(|step| step.freed).reduce(|a, b| a + b);
        let body = json!({
            "freed_bytes": freed,
            "available_bytes": {"before": available.0, "after": available.1},
            "cached_bytes": {"before": cached.0, "after": cached.1},
        });
        self.ui.report(exit, &body, || {
            let told = |(before, after): (Option<u64>, Option<u64>)| {
                let told = |bytes: Option<u64>| bytes.map_or("unknown".into(), units::bytes);
                format!("{} before, {} now", told(before), told(after))
            };
            self.ui.outcome(&format!("available memory: {}; cached files: {}", told(available), told(cached)))
        })?;
        Ok(exit)
    }

    /// Runs all steps in parallel, since they are independent.
    fn steps(&self) -> Vec<Step> {
        thread::scope(|scope| {
            let mut running = Vec::new();
            for tree in &self.trees {
                running.push(scope.spawn(|| self.tree(tree.label(), &tree.root)));
            }
            if let Some(own) = &self.own {
                running.push(scope.spawn(|| self.tree("own files".into(), own)));
            }
            if self.kernel {
                running.push(scope.spawn(slab));
                running.push(scope.spawn(compact));
            }
            running.into_iter().filter_map(|step| step.join().ok()).collect()
        })
    }

    fn tree(&self, name: String, root: &std::path::Path) -> Step {
        match reclaim::sweep(root, &self.order) {
            Ok(swept) => {
                let exit = if swept.unreadable > 0 { ExitCode::Partial } else { ExitCode::Done };
                Step { name, freed: swept.freed, text: words(&swept), exit }
            }
            Err(error) => Step { name, freed: None, text: error.to_string(), exit: ExitCode::Failed },
        }
    }
}

fn words(swept: &Reclaimed) -> String {
    let files = units::count(swept.files, "file", "files");
    let mut text = match swept.freed {
        Some(freed) => format!("released {} of {files}", units::bytes(freed)),
        None if swept.files == 0 => format!("released nothing: {files}"),
        None => format!("asked for {files}; the kernel does not report the result"),
    };
    if let Some(kept) = swept.kept.filter(|kept| *kept > 0) {
        text += &format!("; {} stay in memory", units::bytes(kept));
        if let Some(dirty) = swept.dirty.filter(|dirty| *dirty > 0) {
            text +=
                &format!(", {} of them not on the disk yet (--sync writes them first)", units::bytes(dirty));
        }
    }
    if swept.unreadable > 0 {
        let unreadable = units::count(swept.unreadable, "file", "files");
        text += &format!("; {unreadable} could not be opened");
    }
    match swept.ended {
        Some(Ended::Target) => text += "; stopped: enough memory is available",
        Some(Ended::InVain) => text += "; stopped: the kernel released almost nothing",
        Some(Ended::Stopped) => text += "; stopped",
        None => {}
    }
    text
}

fn slab() -> Step {
    let name = "names and inodes".into();
    match reclaim::drop_slab() {
        Ok(freed) => {
            let text = match freed {
                Some(freed) => format!("the kernel's reclaimable caches are {} smaller", units::bytes(freed)),
                None => "asked for; the kernel does not report the result".into(),
            };
            Step { name, freed, text, exit: ExitCode::Done }
        }
        Err(error) => refused(name, &error),
    }
}

fn compact() -> Step {
    let name = "compaction".into();
    match reclaim::compact() {
        Ok(()) => Step {
            name,
            freed: None,
            text: "done; it releases no memory by itself".into(),
            exit: ExitCode::Done,
        },
        Err(error) => refused(name, &error),
    }
}

fn refused(name: String, error: &io::Error) -> Step {
    let why = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "only root may do this".into(),
        io::ErrorKind::NotFound => "this kernel does not offer it".into(),
        _ => error.to_string(),
    };
    Step { name, freed: None, text: format!("not done: {why}"), exit: ExitCode::Partial }
}
