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
pub(super) use progress::meter;
pub(super) use troubles::{tell_damaged, unreadable};

use super::interruption::{READING, interruptible};
use super::overlap::without_parts;
use super::settings::switch;
use super::targets::{Chosen, Selected, Target, nothing_left, registered, targets};
use super::{Failure, costs, file_locations};
use crate::cli::{Global, ScanArgs};
use crate::config::ScanSettings;
use crate::model::exit_code::ExitCode;
use crate::model::sanitize;
use crate::output::terminal::{Done, JsonPath, Lines, Spinner, Ui, shown};
use crate::output::units::count;
use crate::scan::inventory::{Inventory, check_names};
use crate::scan::{
    Cache, CacheLimits, CheckProgress, Checked, Earlier, Ended, Excludes, Options, Saved, ScanError,
    ScanRoot, Stop, Storage, check_gzip, scan_all, storage,
};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
    let targets = without_parts(targets, &options, ui)?;
    let _registered = registered("scan", &targets, &state_dir);
    let cache = cache.within(limits(&config.scan));
    costs::reached("select");
    let work = Work { args: args.clone(), cache, targets, exit, options, ui: *ui, spinner: ui.spinner() };
    interruptible(&stop, ui, READING, move || work.run())
}

/// Returns the limits of the cache.
pub(super) fn limits(settings: &ScanSettings) -> CacheLimits {
    let ScanSettings { cache_entries: entries, cache_bytes: bytes, cache_age: age, .. } = *settings;
    CacheLimits { entries, bytes, age }
}

/// Returns the options of the command line over those of `[scan]`.
fn options(args: &ScanArgs, settings: &ScanSettings, stop: &Stop) -> Result<Options, Failure> {
    let patterns = [settings.exclude.as_slice(), args.exclude.as_slice()].concat();
    let exclude = Excludes::new(&patterns).map_err(|bad| Failure::usage(format!("exclude: {bad}")))?;
    Ok(Options {
        threads: args.threads.map_or(settings.threads, usize::from),
        // With `--tree`, the depth of the command line limits only the output.
        max_depth: match args.max_depth {
            Some(depth) => Some(depth).filter(|_| !args.tree),
            None => settings.max_depth,
        },
        skip_hidden: switch(args.skip_hidden, args.no_skip_hidden, settings.skip_hidden),
        follow: switch(args.follow, args.no_follow, settings.follow),
        one_file_system: switch(args.one_file_system, args.no_one_file_system, settings.one_file_system),
        exclude,
        timeout: args.timeout.map_or(settings.timeout, |time| Some(time).filter(|time| !time.is_zero())),
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
            let target = &self.targets[n];
            // Its progress is shown by the spinner, so this is not done while the spinner is suspended.
            let gzip = match &answer {
                Ok(saved) if self.args.check_gzip => {
                    let checked = self.check_gzip(target, saved);
                    Some(checked.inspect_err(|_| self.options.stop.stop())?)
                }
                _ => None,
            };
            let told = self.spinner.suspend(|| match answer {
                Ok(saved) => self.tell(target, saved, gzip),
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
        let meter = progress::meter(&self.spinner, target.label());
        let options = Options { meter: Arc::new(meter), ..self.options.clone() };
        let earlier = match (self.args.full, self.args.diff) {
            (false, _) => Earlier::TakeOver,
            (true, true) => Earlier::Compare,
            (true, false) => Earlier::Ignore,
        };
        self.cache.scan(&target.root, &options, earlier)
    }

    /// Prints everything about one tree.
    fn tell(&self, target: &Target, saved: Saved, gzip: Option<Checked>) -> Result<ExitCode, Failure> {
        let Saved { scan, before, warnings, .. } = &saved;
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
        if let Some(checked) = gzip {
            tell_damaged(&checked.damaged, &self.ui)?;
            exit = if checked.damaged.is_empty() { exit } else { exit.worst(ExitCode::Failed) };
            exit = if checked.whole { exit } else { exit.worst(ExitCode::Partial) };
            found.gzip = Some(checked);
        }
        troubles::tell(scan, &self.ui);
        found.classes = summary::classes(&scan.inventory, &self.args);
        let body = json::body(target, scan, &found, &self.args);
        self.ui.report(exit, &body, || {
            summary::tell(target, scan, &found, &self.args, &self.ui)?;
            if !self.ui.verbose {
                return Ok(());
            }
            if let Some(storage) = storage(&target.root) {
                self.ui.line(&format!("on {storage}{}", self.threads(&storage)))?;
            }
            caches::tell_use(&saved.totals, &self.ui)
        })?;
        Ok(exit)
    }

    /// Returns how many threads were used at most.
    fn threads(&self, storage: &Storage) -> String {
        let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get());
        match self.options.threads {
            0 => format!(": up to {}", count(storage.most_scan_threads(cores) as u64, "thread", "threads")),
            threads => format!(": {}", count(threads as u64, "thread", "threads")),
        }
    }

    fn check_gzip(&self, target: &Target, saved: &Saved) -> Result<Checked, Failure> {
        let (inventory, options) = (&saved.scan.inventory, &self.options);
        let paths = Checked::paths(inventory);
        let progress = CheckProgress::default();
        let check = || check_gzip(&target.root, &paths, options.threads, &options.stop, &progress);
        let checked = self.spinner.watch(&target.label(), || checking(&progress, paths.len()), check);
        checked.map_err(Failure::io(format!("open {}", sanitize::path(&target.root))))
    }
}

/// Returns the progress of checking this number of files.
pub(super) fn checking(progress: &CheckProgress, files: usize) -> Done {
    let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
    Done { things: load(&progress.files), of: files as u64, bytes: load(&progress.bytes) }
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
