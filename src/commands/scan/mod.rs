//! `scan`: reports what trees hold and what has changed there.

mod caches;
mod changes;
mod json;
mod lines;
mod progress;
mod summary;
mod tree;
mod troubles;

pub(super) use lines::seconds;
pub(super) use troubles::{tell_damaged, unreadable};

use super::interruption::{READING, interruptible};
use super::targets::{Chosen, Selected, Target, nothing_left, registered, targets};
use super::{Failure, costs, file_locations};
use crate::cli::{Global, ScanArgs};
use crate::config::ScanSettings;
use crate::model::exit_code::ExitCode;
use crate::model::sanitize;
use crate::output::terminal::{JsonPath, Lines, Spinner, Ui, shown};
use crate::scan::inventory::{Inventory, check_names};
use crate::scan::{
    Cache, Checked, Earlier, Ended, Excludes, Options, Saved, ScanError, ScanProgress, ScanRoot, Stop,
    scan_all,
};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// The maximum number of trees scanned in parallel, if they do not share a slow disk.
const PARALLEL: usize = 4;

/// Scans the trees named on the command line.
pub(super) fn run(args: &ScanArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let state_dir = file_locations::state_dir(global)?;
    let cache = Cache::new(&state_dir);
    if let Some(action) = args.cache {
        return caches::run(action, args, &cache, global, ui);
    }
    let chosen = Chosen { arguments: &args.targets, all: args.all, tags: &args.tag };
    let Selected { config, targets, exit } = targets(chosen, global, ui)?;
    if targets.is_empty() {
        return nothing_left(exit, ui);
    }
    let stop = Stop::default();
    let options = options(args, &config.scan, &stop)?;
    let _registered = registered("scan", &targets, &state_dir);
    costs::reached("select");
    let work = Work { args: args.clone(), cache, targets, exit, options, ui: *ui, spinner: ui.spinner() };
    interruptible(&stop, ui, READING, move || work.run())
}

/// Returns the options of the command line over those of `[scan]`.
fn options(args: &ScanArgs, settings: &ScanSettings, stop: &Stop) -> Result<Options, Failure> {
    let patterns = [settings.exclude.as_slice(), args.exclude.as_slice()].concat();
    let exclude = Excludes::new(&patterns).map_err(|bad| Failure::usage(format!("exclude: {bad}")))?;
    Ok(Options {
        threads: args.threads.map_or(settings.threads, usize::from),
        // With `--tree`, the depth limits only the output.
        max_depth: args.max_depth.filter(|_| !args.tree),
        skip_hidden: args.skip_hidden || settings.skip_hidden,
        follow: args.follow,
        one_file_system: args.one_file_system,
        exclude,
        timeout: args.timeout,
        stop: stop.clone(),
        meter: Arc::default(),
    })
}

/// The data for scanning, in a thread of its own.
struct Work {
    args: ScanArgs,
    cache: Cache,
    targets: Vec<Target>,
    /// The best exit code that is still possible.
    exit: ExitCode,
    options: Options,
    ui: Ui,
    spinner: Spinner,
}

impl Work {
    fn run(self) -> Result<ExitCode, Failure> {
        let roots: Vec<ScanRoot> = self.targets.iter().map(|target| ScanRoot::new(&target.root)).collect();
        let mut exit = self.exit;
        let scan = |n: usize, _: &ScanRoot| self.scan(&self.targets[n]);
        let told = scan_all(&roots, PARALLEL, scan, |n, answer| {
            costs::reached("walk");
            let told = self.spinner.suspend(|| match answer {
                Ok(saved) => self.tell(&self.targets[n], saved),
                Err(error) => {
                    self.ui.error(&error.to_string(), None);
                    Ok(ExitCode::Failed)
                }
            });
            costs::reached("report");
            exit = exit.worst(told.inspect_err(|_| self.options.stop.stop())?);
            Ok::<(), Failure>(())
        });
        self.spinner.clear();
        told.map(|()| exit)
    }

    fn scan(&self, target: &Target) -> Result<Saved, ScanError> {
        let known =
            if self.spinner.is_visible() { self.cache.known(&target.root, &self.options) } else { None };
        let meter = if self.spinner.is_visible() {
            ScanProgress::with_callback(progress::callback(self.spinner.clone(), target.label(), known))
        } else {
            ScanProgress::default()
        };
        let options = Options { meter: Arc::new(meter), ..self.options.clone() };
        let earlier = match (self.args.full, self.args.diff) {
            (false, _) => Earlier::TakeOver,
            (true, true) => Earlier::Compare,
            (true, false) => Earlier::Ignore,
        };
        self.cache.scan(&target.root, &options, earlier)
    }

    /// Prints everything about one tree.
    fn tell(&self, target: &Target, saved: Saved) -> Result<ExitCode, Failure> {
        let Saved { scan, before, warnings } = &saved;
        for warning in warnings {
            self.ui.warning(warning);
        }
        let mut exit = match scan.ended {
            _ if scan.counts.unreadable > 0 => ExitCode::Partial,
            Some(Ended::Timeout | Ended::Stopped) => ExitCode::Partial,
            None => ExitCode::Done,
        };
        let mut found = summary::Found::default();
        if self.args.list {
            lines::list(&scan.inventory, &self.ui)?;
        }
        if self.args.diff {
            found.changes = changes::tell(before.as_ref(), &scan.inventory, &self.ui)?;
        }
        if self.args.tree {
            tree::tell(&scan.inventory, self.args.max_depth, &self.ui)?;
        }
        if self.args.check_names {
            let faulty = tell_names(&scan.inventory, &self.ui)?;
            found.names = Some(faulty);
            exit = if faulty > 0 { exit.worst(ExitCode::Partial) } else { exit };
        }
        if self.args.check_gzip {
            let checked = self.check_gzip(target, &saved)?;
            exit = if checked.damaged.is_empty() { exit } else { exit.worst(ExitCode::Failed) };
            exit = if checked.whole { exit } else { exit.worst(ExitCode::Partial) };
            found.gzip = Some(checked);
        }
        troubles::tell(scan, &self.ui);
        found.classes = summary::classes(&scan.inventory, &self.args);
        let body = json::body(target, scan, &found, &self.args);
        self.ui.report(exit, &body, || summary::tell(target, scan, &found, &self.args, &self.ui))?;
        Ok(exit)
    }

    fn check_gzip(&self, target: &Target, saved: &Saved) -> Result<Checked, Failure> {
        let (inventory, options) = (&saved.scan.inventory, &self.options);
        let done = AtomicU64::new(0);
        let checked = Checked::of(inventory, options.threads, &options.stop, &done);
        let checked = checked.map_err(Failure::io(format!("open {}", sanitize::path(&target.root))))?;
        tell_damaged(&checked.damaged, &self.ui)?;
        Ok(checked)
    }
}

#[derive(Serialize)]
struct NameLine {
    #[serde(flatten)]
    path: JsonPath,
    faults: Vec<Fault>,
}

#[derive(Serialize)]
struct Fault {
    fault: &'static str,
    text: String,
}

/// Lists names that other systems cannot store, or that look misleading, and returns their number.
fn tell_names(inventory: &Inventory, ui: &Ui) -> Result<u64, Failure> {
    let mut lines = Lines::new(ui);
    let count = check_names(inventory, |faulty| {
        let path = faulty.dir.path_of(faulty.name);
        let faults = || faulty.faults.iter().map(|fault| (fault.word(), fault.to_string()));
        let body = || NameLine {
            path: path.clone().into(),
            faults: faults().map(|(fault, text)| Fault { fault, text }).collect(),
        };
        let text = || {
            let faults: Vec<String> = faults().map(|(_, text)| shown(text.as_bytes())).collect();
            format!("{}: {}", shown(&path), faults.join("; "))
        };
        lines.item("name", body, text)
    })?;
    lines.flush()?;
    Ok(count)
}
