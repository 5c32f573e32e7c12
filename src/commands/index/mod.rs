//! `index`, and the indexing of changed jobs after a `sync`.

mod stored;
mod summary;

use super::interruption::{Ended, READING, stoppable, with_signals};
use super::targets::{LeftOut, no_directory};
use super::{Failure, costs, file_locations, settings};
use crate::cli::{Global, IndexArgs};
use crate::config::{Config, IndexSettings, Overrides, is_path};
use crate::model::exit_code::ExitCode;
use crate::model::hint;
use crate::model::job::{Indexing, Job};
use crate::model::sanitize;
use crate::model::time;
use crate::output::terminal::{Done, ErrorKind, Ui};
use crate::output::units;
use crate::platform;
use crate::scan::Stop;
use crate::search::entry;
use crate::search::{self, Built, IndexOptions, IndexPlace, Progress, SearchError, Target};
use crate::sync::Signals;
use crate::system::running::Registration;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;
use summary::{per_second, tell, tell_unread};

/// Builds or updates the indexes named on the command line, or does something else with indexes.
pub(super) fn run(args: &IndexArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let state = file_locations::state_dir(global)?;
    if let Some(action) = &args.action {
        return stored::run(action, &state, global, ui);
    }
    let (mut work, mut left_out) = (Vec::new(), LeftOut::new(state.clone()));
    let (paths, names): (Vec<&String>, Vec<&String>) =
        args.targets.iter().partition(|target| is_path(target));
    let names: Vec<String> = names.into_iter().cloned().collect();
    let mut settings = IndexSettings::default();
    if !names.is_empty() || args.all || !args.tag.is_empty() || paths.is_empty() {
        let opened = settings::open(global)?;
        let known = opened.check(&Overrides::default()).map(|config| config.jobs).unwrap_or_default();
        no_directory(&names, known.iter().map(|job| job.name.as_str()))?;
        let (config, jobs) = opened.select(ui, &names, args.all, &args.tag, Overrides::default())?;
        settings = config.index.clone();
        let mut none = true;
        for job in jobs {
            // A job named on the command line is indexed in any case.
            if job.index.enabled || names.contains(&job.name) {
                none = false;
                if left_out.unless_there(&job, names.contains(&job.name)).is_some() {
                    work.push(of_job(&job, &config.index, &state));
                }
            }
        }
        if none && paths.is_empty() {
            return Err(Failure::usage_hint(
                "none of the selected jobs is to be indexed",
                "set index = true, or name the job",
            ));
        }
    } else if let Ok(config) =
        settings::open(global).and_then(|opened| opened.check(&Overrides::default()).map_err(Failure::from))
    {
        // A path needs no configuration, but the settings of [index] apply to it too.
        settings = config.index;
    }
    for path in paths {
        work.push(of_path(Path::new(path), &settings, &state)?);
    }
    for (_, options) in &mut work {
        change(options, args);
    }
    let exit = left_out.tell(work.is_empty(), ui)?;
    costs::reached("select");
    let _registered = registered(&work, &state);
    let mut total = with_signals(async |signals| all(&work, signals, ui).await)?;
    total.worst(exit);
    total.finish(ui)
}

/// Shows other processes what is being indexed, until the value is dropped.
fn registered<'a>(work: impl IntoIterator<Item = &'a (Target, IndexOptions)>, state: &Path) -> Registration {
    let targets = work.into_iter().map(|(target, _)| target.place.label.clone()).collect();
    Registration::new(state, "index", targets)
}

fn of_job(job: &Job, settings: &IndexSettings, state: &Path) -> (Target, IndexOptions) {
    let target = Target { place: IndexPlace::of_job(state, &job.name), root: job.dest.clone() };
    (target, options(settings, &job.index))
}

fn of_path(path: &Path, settings: &IndexSettings, state: &Path) -> Result<(Target, IndexOptions), Failure> {
    let root = path.canonicalize().map_err(|error| {
        Failure::usage_hint(
            format!("cannot index {}: {error}", sanitize::path(&path)),
            "give a directory that is there",
        )
    })?;
    if !root.is_dir() {
        return Err(Failure::named(
            format!("cannot index {}: it is not a directory", sanitize::path(&path)),
            Some("name a directory"),
        ));
    }
    let files = Indexing {
        include: settings.include.clone(),
        exclude: settings.exclude.clone(),
        ..Indexing::default()
    };
    Ok((Target { place: IndexPlace::of_path(state, &root), root }, options(settings, &files)))
}

fn options(settings: &IndexSettings, files: &Indexing) -> IndexOptions {
    IndexOptions {
        threads: settings.threads,
        memory: settings.memory,
        read: entry::Options {
            sequences: settings.sequences,
            fasta: settings.fasta,
            text_limit: settings.text_limit,
            whole: false,
        },
        include: files.include.clone(),
        exclude: files.exclude.clone(),
        rebuild: false,
    }
}

fn change(options: &mut IndexOptions, args: &IndexArgs) {
    options.rebuild = args.rebuild;
    options.threads = args.threads.unwrap_or(options.threads);
    options.read.sequences |= args.sequences;
    options.read.fasta |= args.fasta;
    if !args.include.is_empty() {
        options.include.clone_from(&args.include);
    }
    if !args.exclude.is_empty() {
        options.exclude.clone_from(&args.exclude);
    }
}

/// The results of several builds.
#[derive(Default)]
struct Total {
    built: Vec<Built>,
    exit: Option<ExitCode>,
}

impl Total {
    fn worst(&mut self, exit: ExitCode) {
        self.exit = Some(self.exit.map_or(exit, |known| known.worst(exit)));
    }

    fn finish(self, ui: &Ui) -> Result<ExitCode, Failure> {
        let sum = |of: fn(&Built) -> u64| self.built.iter().map(of).sum::<u64>();
        let elapsed: Duration = self.built.iter().map(|built| built.elapsed).sum();
        let body = json!({
            "files_seen": sum(|b| b.files_seen), "files_read": sum(|b| b.files_read),
            "documents": sum(|b| b.documents), "removed": sum(|b| b.removed), "errors": sum(|b| b.errors),
            "elapsed_s": time::seconds(elapsed), "duration_s": time::seconds(elapsed),
            "bytes_read": sum(|b| b.bytes_read),
            "files_per_s": per_second(sum(|b| b.files_read), elapsed),
            "bytes_per_s": per_second(sum(|b| b.bytes_read), elapsed),
            "index_documents": sum(|b| b.total.0), "index_errors": sum(|b| b.total.1),
            "unread_files": sum(|b| b.unread_files),
            "peak_memory_bytes": platform::peak_memory(),
        });
        let exit = self.exit.unwrap_or(ExitCode::Done);
        ui.result(exit, &body)?;
        Ok(exit)
    }
}

/// Builds one index after the other, since each build uses all cores.
async fn all(work: &[(Target, IndexOptions)], signals: &mut Signals, ui: &Ui) -> Result<Total, Failure> {
    let mut total = Total::default();
    for (target, options) in work {
        let label = &target.place.label;
        match build(target, options, signals, ui).await? {
            Build::Done(built, signal) => {
                costs::reached_after("compare", built.compared, "read");
                tell(label, &built, ui)?;
                // Unread files give this exit code until they are read or removed. Broken files give it only in the run that reads them.
                if built.errors > 0 || built.unread_files > 0 || !built.unreadable.is_empty() {
                    total.worst(ExitCode::Partial);
                }
                total.built.push(*built);
                // The signal came too late to stop this build, but prevents the next one.
                if let Some(number) = signal {
                    total.worst(ExitCode::Signal(number));
                    break;
                }
            }
            Build::Failed(error @ SearchError::Busy(_)) => {
                let hint = "wait for it, or look for a process that hangs";
                ui.error_of(ErrorKind::Locked, &error.to_string(), Some(hint));
                total.worst(ExitCode::Locked);
            }
            Build::Failed(error @ SearchError::Glob(_)) => return Err(Failure::usage(error.to_string())),
            Build::Failed(error) => {
                let hint = if !target.root.exists() {
                    "the mirror is not there yet: sync it first"
                } else if target.place.refusal().is_some() {
                    "indexes lie in the state directory: make it writable, make room, or give --state-dir another"
                } else {
                    "look into it, and index again"
                };
                ui.error(&format!("{label} was not indexed: {error}"), Some(hint));
                total.worst(ExitCode::Failed);
            }
            Build::Signal(number) => {
                ui.note(&format!("{label}: stopped; the index is as it was"));
                total.worst(ExitCode::Signal(number));
                break;
            }
        }
    }
    Ok(total)
}

enum Build {
    /// Has the signal that arrived after everything was read.
    Done(Box<Built>, Option<i32>),
    Failed(SearchError),
    Signal(i32),
}

/// Builds an index and shows the progress. A build that is abandoned leaves the index unchanged.
async fn build(
    target: &Target,
    options: &IndexOptions,
    signals: &mut Signals,
    ui: &Ui,
) -> Result<Build, Failure> {
    let (stop, spinner) = (Stop::default(), ui.spinner());
    let work = {
        let (target, options, stop, spinner) =
            (target.clone(), options.clone(), stop.clone(), spinner.clone());
        move || {
            let progress = Progress::default();
            let done = || Done {
                things: progress.done.load(Ordering::Relaxed),
                of: progress.files.load(Ordering::Relaxed),
                bytes: progress.bytes.load(Ordering::Relaxed),
            };
            spinner.watch(&target.place.label, done, || search::build(&target, &options, &progress, &stop))
        }
    };
    Ok(match stoppable(signals, &stop, READING, work).await? {
        Ended::Done(Ok(built), signal) => Build::Done(Box::new(built), signal),
        Ended::Done(Err(SearchError::Stopped), Some(number)) => Build::Signal(number),
        Ended::Done(Err(error), _) => Build::Failed(error),
        Ended::Abandoned(number) => {
            spinner.clear();
            Build::Signal(number)
        }
    })
}

/// The indexing after a `sync`, for jobs with `after_sync`.
pub(super) struct FollowUp {
    work: Vec<(String, (Target, IndexOptions))>,
    state: PathBuf,
}

impl FollowUp {
    pub(super) fn new(config: &Config, jobs: &[Job], state: PathBuf) -> Self {
        let wanted = jobs.iter().filter(|job| job.index.after_sync);
        let work = wanted.map(|job| (job.name.clone(), of_job(job, &config.index, &state)));
        FollowUp { work: work.collect(), state }
    }

    /// Keeps the jobs that changed; `None` if none of them is to be indexed.
    pub(super) fn of(mut self, changed: &[String]) -> Option<Self> {
        self.work.retain(|(name, _)| changed.contains(name));
        (!self.work.is_empty()).then_some(self)
    }

    /// Builds the indexes. The summary has been printed, so output goes to standard error.
    pub(super) fn run(self, ui: &Ui) -> Result<ExitCode, Failure> {
        let _registered = registered(self.work.iter().map(|(_, work)| work), &self.state);
        with_signals(async |signals| self.all(signals, ui).await)
    }

    async fn all(&self, signals: &mut Signals, ui: &Ui) -> Result<ExitCode, Failure> {
        let mut exit = ExitCode::Done;
        for (name, (target, options)) in &self.work {
            match build(target, options, signals, ui).await? {
                Build::Done(built, signal) => {
                    let documents = units::count(built.total.0, "document", "documents");
                    ui.note(&format!("{name}: indexed, {documents}, in {}", units::duration(built.elapsed)));
                    tell_unread(name, &built, ui);
                    if let Some(number) = signal {
                        return Ok(ExitCode::Signal(number));
                    }
                }
                // Another process is building the index from the same files.
                Build::Failed(SearchError::Busy(_)) => {}
                // As with history and logs, the mirror is not affected, and the exit code has been printed already.
                Build::Failed(error) if target.place.refusal().is_some() => ui.warning(&format!(
                    "{name} was not indexed: {error}; {} does it when the state directory can be written to",
                    hint::command(["index", name])
                )),
                Build::Failed(error) => {
                    ui.error(
                        &format!("{name} was not indexed: {error}"),
                        Some(&format!("{} tries it again", hint::command(["index", name]))),
                    );
                    exit = exit.worst(ExitCode::Failed);
                }
                Build::Signal(number) => {
                    ui.note(&format!("{name}: indexing was stopped; the index is as it was"));
                    return Ok(ExitCode::Signal(number));
                }
            }
        }
        Ok(exit)
    }
}
