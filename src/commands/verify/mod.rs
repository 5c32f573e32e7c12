//! `verify`: checks whether compressed files are intact. `--repair` fetches damaged ones again.

mod repair;

use super::interruption::{CHANGING, READING, interruptible};
use super::overlap::without_parts;
use super::scan::{checking, limits, meter, tell_damaged};
use super::targets::{Chosen, Selected, Target, nothing_left, registered, targets};
use super::{Failure, costs, file_locations};
use crate::cli::{Global, VerifyArgs};
use crate::model::exit_code::ExitCode;
use crate::model::hint;
use crate::model::sanitize;
use crate::model::time;
use crate::output::terminal::{Ui, shown};
use crate::output::units::count;
use crate::scan::{Cache, CheckProgress, Checked, Earlier, Options, Stop, check_gzip, storage};
use repair::{Left, Repair};
use serde_json::json;
use std::ffi::OsStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Verifies the trees named on the command line.
pub(super) fn run(args: &VerifyArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let state_dir = file_locations::state_dir(global)?;
    let chosen = Chosen { arguments: &args.targets, all: args.all, tags: &args.tag };
    let Selected { config, targets, exit } = targets(chosen, global, ui)?;
    if args.repair
        && let Some(target) = targets.iter().find(|target| target.job.is_none())
    {
        return Err(Failure::usage_hint(
            format!("--repair needs a job, to know where {} comes from", sanitize::path(&target.root)),
            "name the job that mirrors it",
        ));
    }
    if targets.is_empty() {
        return nothing_left(exit, ui);
    }
    let stop = Stop::default();
    let threads = args.threads.map_or(config.scan.threads, usize::from);
    let options = Options { threads, stop: stop.clone(), ..Options::default() };
    let targets = without_parts(targets, &options, ui)?;
    let cache = Cache::new(&state_dir).within(limits(&config.scan));
    let _registered = registered("verify", &targets, &state_dir);
    costs::reached("select");
    let repair = args.repair.then(|| Repair::new(config, state_dir, *ui));
    let work = Work { targets, exit, cache, options, repair, ui: *ui };
    interruptible(&stop, ui, if args.repair { CHANGING } else { READING }, move || work.run())
}

struct Work {
    targets: Vec<Target>,
    /// The best exit code that is still possible.
    exit: ExitCode,
    cache: Cache,
    options: Options,
    repair: Option<Repair>,
    ui: Ui,
}

impl Work {
    fn run(self) -> Result<ExitCode, Failure> {
        let mut exit = self.exit;
        for target in &self.targets {
            if self.options.stop.is_stopped() {
                return Ok(exit.worst(ExitCode::Partial));
            }
            exit = exit.worst(self.verify(target)?);
        }
        Ok(exit)
    }

    fn verify(&self, target: &Target) -> Result<ExitCode, Failure> {
        let started = Instant::now();
        if self.ui.verbose
            && let Some(storage) = storage(&target.root)
        {
            self.ui.note(&format!("{} is on {storage}", sanitize::path(&target.root)));
        }
        let spinner = self.ui.spinner();
        let options = Options { meter: Arc::new(meter(&spinner, target.label())), ..self.options.clone() };
        let saved = self.cache.scan(&target.root, &options, Earlier::TakeOver);
        spinner.clear();
        let saved = match saved {
            Ok(saved) => saved,
            Err(error) => {
                self.ui.error(&error.to_string(), None);
                return Ok(ExitCode::Failed);
            }
        };
        costs::reached("walk");
        saved.warnings.iter().for_each(|warning| self.ui.warning(warning));
        let unreadable = saved.scan.counts.unreadable;
        if let Some(text) = super::scan::unreadable(&saved.scan) {
            self.ui.warning_lines(&format!("{}: {text}", target.label()));
        }
        let files = Checked::paths(&saved.scan.inventory);
        let checked = self.check(target, &files)?;
        costs::reached("check");
        let mut exit = if unreadable == 0 && checked.whole { ExitCode::Done } else { ExitCode::Partial };
        tell_damaged(&checked.damaged, &self.ui)?;
        let others = Checked::others(&saved.scan.inventory);
        self.tell_others(target, &others);
        let mut left = Left { damaged: checked.damaged.clone(), unconfirmed: Vec::new() };
        if let Some(repair) = self.repair.as_ref().filter(|_| !left.damaged.is_empty() && checked.whole) {
            left = repair.run(target, left.damaged, |paths| self.check(target, paths))?;
            costs::reached("repair");
            self.tell_left(target, &left);
        }
        if !(left.damaged.is_empty() && left.unconfirmed.is_empty()) {
            exit = exit.worst(ExitCode::Failed);
        }
        self.tell(target, &checked, &left, others.len(), started.elapsed(), exit)?;
        Ok(exit)
    }

    /// Reports files that a repair did not fix, with a hint.
    fn tell_left(&self, target: &Target, left: &Left) {
        const MOST: usize = 10;
        if !left.damaged.is_empty() {
            self.ui.warning(&format!("{}: {} still damaged", target.label(), left.damaged.len()));
            self.ui.note("  hint: these may be damaged at the source too, or gone from it");
            for (path, damage) in left.damaged.iter().take(MOST) {
                self.ui.note(&format!("  {}: {damage}", shown(path)));
            }
        }
        if !left.unconfirmed.is_empty() {
            let n = left.unconfirmed.len();
            let text =
                format!("{}: {n} may be whole now, but nothing shows that they were fetched", target.label());
            self.ui.warning(&text);
            self.ui.note(&format!(
                "  hint: {} checks them again; a sync with `checksum = true` compares them with the source",
                hint::command([OsStr::new("verify"), target.argument()])
            ));
            left.unconfirmed.iter().take(MOST).for_each(|path| self.ui.note(&format!("  {}", shown(path))));
        }
    }

    fn check(&self, target: &Target, paths: &[Vec<u8>]) -> Result<Checked, Failure> {
        let progress = CheckProgress::default();
        let Options { threads, stop, .. } = &self.options;
        let check = || check_gzip(&target.root, paths, *threads, stop, &progress);
        let done = || checking(&progress, paths.len());
        let checked = self.ui.spinner().watch(&target.label(), done, check);
        checked.map_err(Failure::io(format!("open {}", sanitize::path(&target.root))))
    }

    /// Reports files in other compression formats. They are not checked, and must not appear to be intact.
    fn tell_others(&self, target: &Target, others: &[(Vec<u8>, &'static str)]) {
        let Some((path, how)) = others.first() else { return };
        let files = count(others.len() as u64, "file is", "files are");
        let text = format!(
            "{}: {files} compressed in another way than gzip and not checked, such as {} by {how}",
            target.label(),
            shown(path)
        );
        self.ui.warning(&text);
    }

    fn tell(
        &self,
        target: &Target,
        checked: &Checked,
        left: &Left,
        others: usize,
        took: Duration,
        exit: ExitCode,
    ) -> Result<(), Failure> {
        let (left, unconfirmed) = (left.damaged.len(), left.unconfirmed.len());
        let repaired = self.repair.as_ref().map(|_| checked.damaged.len() - left - unconfirmed);
        let body = json!({
            "root": target.root.to_string_lossy(),
            "job": target.job.as_ref().map(|job| &job.name),
            "checked": checked.files,
            "bytes": checked.bytes,
            "damaged": left,
            "repaired": repaired,
            "unconfirmed": self.repair.as_ref().map(|_| unconfirmed),
            "not_checked": others,
            "complete": checked.whole,
            "elapsed_s": time::seconds(took),
            "duration_s": time::seconds(took),
        });
        let text = || {
            let files = count(checked.files, "compressed file", "compressed files");
            let repaired = repaired.filter(|n| *n > 0).map(|n| format!(", {n} repaired")).unwrap_or_default();
            let early = if checked.whole { "" } else { ", stopped before the end" };
            // Damaged files have been reported one by one.
            self.ui.outcome(&format!("{}: {files} checked, {left} damaged{repaired}{early}", target.label()))
        };
        Ok(self.ui.report(exit, &body, text)?)
    }
}
