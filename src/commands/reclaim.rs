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
use crate::system::reclaim::{self, Chunk, Ended, ReclaimRequest, Reclaimed};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::{io, thread};

/// Frees memory that mirroring has filled. The steps run in parallel, and each reports its own measurements.
pub(super) fn run(args: &ReclaimArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let target = args.target.as_deref().map(target_of).transpose()?.flatten();
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

/// Returns the memory that is to be available: a size, or a share of the memory.
fn target_of(text: &str) -> Result<Option<u64>, Failure> {
    let wrong = |wrong: String| Failure::usage(format!("--target: {wrong}"));
    let Some(share) = text.trim().strip_suffix('%') else {
        return Ok(text.parse::<Size>().map_err(wrong)?.0);
    };
    let share: f64 = share.trim().parse().unwrap_or(f64::NAN);
    if !(0.0..=100.0).contains(&share) {
        return Err(wrong(format!("{text:?} is not a share of the memory: write it as \"10%\"")));
    }
    let total = memory().map(|memory| memory.total).ok_or_else(|| {
        Failure::usage_hint("--target: this system does not tell its memory", "give a size, such as 8GiB")
    })?;
    Ok(Some((total as f64 * share / 100.0) as u64))
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
    /// The figures of a tree.
    swept: Option<Reclaimed>,
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
            let body = as_json(step);
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
                Step { name, freed: swept.freed, text: words(&swept), exit, swept: Some(swept) }
            }
            Err(error) => {
                Step { name, freed: None, text: error.to_string(), exit: ExitCode::Failed, swept: None }
            }
        }
    }
}

fn as_json(step: &Step) -> Value {
    let of = |figure: fn(&Reclaimed) -> Option<u64>| step.swept.as_ref().and_then(figure);
    let ended = step.swept.as_ref().and_then(|swept| swept.ended).map(|ended| match ended {
        Ended::Target => "target",
        Ended::InVain => "in_vain",
        Ended::Stopped => "stopped",
    });
    let chunk = |chunk: &Chunk| {
        json!({
            "files": chunk.files, "pressure": chunk.pressure, "cached_bytes": chunk.cached, "freed_bytes": chunk.freed,
        })
    };
    let chunks = step.swept.as_ref().map(|swept| swept.chunks.iter().map(chunk).collect::<Vec<_>>());
    json!({
        "step": step.name, "freed_bytes": step.freed, "text": step.text,
        "files": of(|swept| Some(swept.files)), "unreadable": of(|swept| Some(swept.unreadable)),
        "kept_bytes": of(|swept| swept.kept), "dirty_bytes": of(|swept| swept.dirty),
        "ended": ended, "chunks": chunks,
    })
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
            Step { name, freed, text, exit: ExitCode::Done, swept: None }
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
            swept: None,
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
    Step { name, freed: None, text: format!("not done: {why}"), exit: ExitCode::Partial, swept: None }
}
