//! `clean plan`

use super::plans::{self, ENDING};
use super::rulebook;
use super::shared;
use crate::clean::removal::{self, Planned, print_of};
use crate::clean::{Action, Header, Judge, Lists, Rule};
use crate::cli::{Global, PlanArgs};
use crate::commands::interruption::{READING, interruptible};
use crate::commands::scan::{meter, unreadable};
use crate::commands::targets::{Chosen, Selected, Target, registered, targets};
use crate::commands::{Failure, costs, file_locations};
use crate::config::Config;
use crate::model::exit_code::ExitCode;
use crate::model::sanitize;
use crate::output::OutputFile;
use crate::output::terminal::{Done, Ui};
use crate::output::units::{bytes, count, grouped};
use crate::platform;
use crate::scan::{Options, Stop};
use serde_json::json;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A tree to plan for, with the rules and lists of the plan.
struct Job {
    target: Target,
    rules: Vec<Rule>,
    lists: Lists,
    job: Option<crate::model::job::Job>,
    output: Option<PathBuf>,
}

/// The data that all plans of a command share.
struct Work {
    config: Config,
    options: Options,
    state: PathBuf,
    dir: PathBuf,
    /// Whether there are several plans.
    several: bool,
    ui: Ui,
}

/// The sums over all plans.
#[derive(Default)]
struct Sum {
    plans: u64,
    entries: u64,
    bytes: u64,
    errors: u64,
}

/// Scans each tree, judges its entries, and writes a plan.
pub(super) fn run(args: &PlanArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let chosen = Chosen { arguments: &args.targets, all: args.all, tags: &args.tag };
    let Selected { config, targets, exit } = targets(chosen, global, ui)?;
    let mut exit = exit;
    if args.output.is_some() && targets.len() > 1 {
        return Err(Failure::usage_hint(
            format!("--output is for exactly one plan, but {} trees are selected", targets.len()),
            "leave it out: each plan gets a file in the state directory, and its path is printed",
        ));
    }
    let state = file_locations::state_dir(global)?;
    let mut jobs = Vec::new();
    for target in targets {
        if let Some(why) = crate::config::danger(&target.root, &platform::host_facts()) {
            let text = format!("{} {why}: nothing there can be cleaned", sanitize::path(&target.root));
            exit = exit.worst(shared::blocked(ui, &text, Some("name the mirror itself")));
            continue;
        }
        let rules = rulebook::all_rules(&config, &args.with, &args.without)?;
        let job = target.job.clone().or_else(|| rulebook::job_at(&config, &target.root).cloned());
        let lists = rulebook::lists(job.as_ref(), &target.root, &args.obsolete, &state, ui)?;
        jobs.push(Job { target, rules, lists, job, output: args.output.clone() });
    }
    costs::reached("select");
    let _registered = registered("clean plan", jobs.iter().map(|job| &job.target), &state);
    let stop = Stop::default();
    let options = Options {
        threads: config.scan.threads,
        one_file_system: true,
        stop: stop.clone(),
        ..Options::default()
    };
    // If no tree is left, the sum is printed too.
    let several = jobs.len() != 1;
    let work = Work { config, options, state, dir: plans::dir(global)?, several, ui: *ui };
    interruptible(&stop, ui, READING, move || {
        let (mut exit, mut sum) = (exit, Sum::default());
        for job in jobs {
            exit = exit.worst(match work.plan(job, &mut sum) {
                // An error in one tree does not stop the others.
                Err(failure @ Failure::Io { .. }) if several => {
                    work.ui.error(&failure.to_string(), failure.hint());
                    ExitCode::Failed
                }
                done => done?,
            });
            if work.options.stop.is_stopped() {
                break;
            }
        }
        if several {
            let body = json!({
                "plans": sum.plans, "entries": sum.entries, "bytes": sum.bytes, "errors": sum.errors,
            });
            work.ui.report(ExitCode::Done, &body, || {
                if sum.plans > 0 {
                    work.ui.note("`pdb-sync clean run` does the last of these plans; `pdb-sync clean run PLAN` does another one");
                }
                Ok(())
            })?;
        }
        Ok(exit)
    })
}

impl Work {
    fn plan(&self, work: Job, sum: &mut Sum) -> Result<ExitCode, Failure> {
        let Job { target, rules, lists, job, output } = work;
        let ui = &self.ui;
        // Each name sorts after the one before.
        let new = || self.dir.join(format!("{}{ENDING}", crate::retention::next_run(&self.state)));
        let output = output.unwrap_or_else(new);
        let time = jiff::Timestamp::now();
        let judge = rulebook::judge(rules, &self.config, job.as_ref(), &target.root, lists, &self.state)?;
        // The scan uses no cache: a cached directory could miss changes that matter for deletions.
        let spinner = ui.spinner();
        let options = Options { meter: Arc::new(meter(&spinner, target.label())), ..self.options.clone() };
        let found = crate::scan::scan(&target.root, &options, None);
        spinner.clear();
        let found = found
            .map_err(|error| Failure::io(format!("scan {}", sanitize::path(&target.root)))(error.source))?;
        costs::reached("walk");
        if found.ended.is_some() {
            ui.note("stopped; no plan was written");
            return Ok(ExitCode::Partial);
        }
        let totals = found.inventory.totals();
        let Some(root) = found.inventory.dir(crate::scan::inventory::DirId::ROOT) else {
            return Err(Failure::usage(format!("{} is gone", sanitize::path(&target.root))));
        };
        let header = Header {
            pdb_sync_plan: 1,
            time: time.to_string(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            user: rustix::process::getuid().as_raw(),
            job: job.as_ref().map(|job| job.name.clone()),
            root: print_of(&target.root, root.stat().dev, root.stat().inode),
            tree_entries: totals.files + totals.symlinks + totals.other + totals.dirs.saturating_sub(1),
            tree_bytes: totals.bytes,
            rules: judge
                .rules()
                .iter()
                .filter(|rule| rule.on)
                .map(|rule| crate::clean::RuleNote { name: rule.name.clone(), reason: rule.reason.clone() })
                .collect(),
            rules_blake3: Some(judge.hash()),
            ..Header::default()
        };
        let as_one = removal::keeps_inodes(&target.root);
        let written =
            spinner.watch(&format!("{}: applying the rules", target.label()), Done::default, || {
                write(&output, |out| {
                    let mut out = Stoppable(out, &self.options.stop);
                    let (planned, _) = removal::plan(&found.inventory, &judge, &header, as_one, &mut out)?;
                    Ok(planned)
                })
            });
        costs::reached("judge");
        let (planned, file) = match written {
            Err(_) if self.options.stop.is_stopped() => {
                ui.note("stopped; no plan was written");
                return Ok(ExitCode::Partial);
            }
            written => written?,
        };
        let unread = found.counts.unreadable;
        sum.plans += 1;
        sum.entries += planned.footer.entries;
        sum.bytes += planned.footer.bytes;
        sum.errors += unread;
        // Planning goes on if this cannot be determined.
        let expired =
            File::open(&target.root).and_then(|root| removal::expired(&root, &crate::retention::now())).ok();
        let expired = expired.map(|runs| runs.len() as u64);
        let body = as_json(&output, &target.root, &judge, &planned, unread, expired);
        let text = || {
            tell(&output, &file, &header, &judge, &planned, ui)?;
            if let Some(runs) = expired.filter(|runs| *runs > 0) {
                let runs = count(runs, "run in quarantine has", "runs in quarantine have");
                ui.note(&format!(
                    "{runs} expired; `pdb-sync clean purge` \
                               marks expired runs, and removes them when it runs again a day later"
                ));
            }
            Ok(())
        };
        match self.several {
            true => ui.item("plan", &body, text)?,
            false => ui.report(ExitCode::Done, &body, text)?,
        }
        if let Some(text) = unreadable(&found) {
            ui.warning_lines(&format!("{}: {text}", target.label()));
            return Ok(ExitCode::Partial);
        }
        Ok(ExitCode::Done)
    }
}

fn as_json(
    output: &Path,
    root: &Path,
    judge: &Judge,
    planned: &Planned,
    unread: u64,
    expired: Option<u64>,
) -> serde_json::Value {
    let found = judge.rules().iter().zip(&planned.by_rule).filter(|(_, found)| found.all().entries > 0);
    let by_rule: serde_json::Map<_, _> = found
        .map(|(rule, found)| {
            let (sum, reviewed) = (found.all(), found.reviewed.entries);
            let sums = json!({"entries": sum.entries, "bytes": sum.bytes, "upstream_unknown": reviewed});
            (rule.name.clone(), sums)
        })
        .collect();
    let footer = &planned.footer;
    json!({
        "plan": output.to_string_lossy(), "root": root.to_string_lossy(),
        "hash": footer.blake3, "entries": footer.entries, "bytes": footer.bytes,
        "protected": planned.protected, "errors": unread, "expired_runs": expired, "by_rule": by_rule,
    })
}

fn tell(
    output: &Path,
    file: &OutputFile,
    header: &Header,
    judge: &Judge,
    planned: &Planned,
    ui: &Ui,
) -> io::Result<()> {
    // Output after the plan on standard output would make it invalid.
    let say = |text: &str| {
        if file.is_stdout() {
            ui.note(text);
            return Ok(());
        }
        ui.outcome(text)
    };
    say(&format!(
        "{} of {} in {}, {}",
        count(planned.footer.entries, "entry", "entries"),
        grouped(header.tree_entries),
        header.root.path,
        bytes(planned.footer.bytes)
    ))?;
    let lines = judge.rules().iter().zip(&planned.by_rule).flat_map(|(rule, found)| {
        [(rule, rule.action, found.as_ruled), (rule, Action::Review, found.reviewed)]
    });
    for (rule, action, sum) in lines.filter(|(_, _, sum)| sum.entries > 0) {
        say(&format!(
            "  {:<14} {:<7} {:>9}  {:>10}  {}",
            rule.name,
            action.word(),
            grouped(sum.entries),
            bytes(sum.bytes),
            rule.reason
        ))?;
    }
    say(&format!("plan: {}", sanitize::path(&output)))?;
    let unknown = planned.by_rule.iter().any(|found| found.reviewed.entries > 0);
    for mirror in judge.mirrors().iter().filter(|mirror| unknown && mirror.names.is_none()) {
        ui.note(&format!(
            "the names that upstream has of {0} are not known yet: built-in rules mark for review what they would delete; a \
                     complete run of `pdb-sync sync {0}` records them",
            mirror.job
        ));
    }
    Ok(())
}

/// A writer that fails after a stop request.
struct Stoppable<'o>(&'o mut dyn Write, &'o Stop);

impl Write for Stoppable<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.1.is_stopped() {
            return Err(io::Error::other("stopped"));
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes the file under a temporary name and renames it when it is complete.
fn write<T>(
    output: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<T>,
) -> Result<(T, OutputFile), Failure> {
    let file = OutputFile::find(output).and_then(OutputFile::make_directory);
    // The names in a mirror may be private.
    let written = file.and_then(|file| Ok((file.replace(0o600, fill)?, file)));
    let tried = format!("write the plan {}", sanitize::path(&output));
    written.map_err(Failure::io_hint(tried, "-o FILE writes it elsewhere"))
}
