//! `sync`: from the command line to a run, its reports and its exit code.

use super::interruption::with_signals;
use super::run_progress::RunProgress;
use super::settings::Opened;
use super::{Failure, annotate, file_locations, history_lookup, overrides, print_commands, settings};
use crate::cli::{Global, Group, SyncArgs};
use crate::config::{Config, Overrides, Pause};
use crate::history::{Recorder, Retention};
use crate::model::event::Listener;
use crate::model::exit_code::ExitCode;
use crate::model::job::{Job, SourceOrder};
use crate::model::result::Logs;
use crate::model::run_scope::RunScope;
use crate::model::summary::Summary;
use crate::model::time;
use crate::output;
use crate::output::notify::Notifier;
use crate::output::terminal::Ui;
use crate::platform;
use crate::retention;
use crate::rsync::args as rsync_args;
use crate::rsync::probe;
use crate::sync::{self, Mode, Plan, Signals};
use jiff::Timestamp;
use serde_json::json;
use std::cell::Cell;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;

/// The time limit for a slow reader of our output, after all work is done.
const READER: Duration = Duration::from_secs(24 * 3600);
/// The same after a signal has ended the run.
const READER_AFTER_SIGNAL: Duration = Duration::from_secs(3);
/// The time limit for the history if the reader of our output is stuck.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Runs the jobs that the command line selects.
pub(super) fn run(args: &SyncArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let started = Cell::new(false);
    let ended = run_jobs(args, global, ui, &started);
    if let Err(failure) = &ended
        && !started.get()
    {
        annotate::no_job(&args.jobs, failure, ui);
    }
    ended
}

/// Sets `started` to true just before the listeners receive the first event of the run.
fn run_jobs(args: &SyncArgs, global: &Global, ui: &Ui, started: &Cell<bool>) -> Result<ExitCode, Failure> {
    let opened = settings::open(global)?;
    let all = args.all || (args.rerun_failed && args.jobs.is_empty() && args.tag.is_empty());
    let (config, mut jobs) = opened.select(ui, &args.jobs, all, &args.tag, overrides::overrides(args)?)?;
    if args.rerun_failed {
        jobs = history_lookup::failed_last(jobs, global)?;
        if jobs.is_empty() {
            return nothing_to_rerun(ui);
        }
    }
    if jobs.iter().any(|job| job.source_order == SourceOrder::Fastest) {
        let known = probe::load(&file_locations::state_dir(global)?);
        jobs.iter_mut().for_each(|job| probe::rank(job, &known));
    }
    if args.print_command {
        return print_commands::run(&config, &jobs, global, ui);
    }
    let expect = expected(args, &jobs)?;
    let scope = scope(args, &opened, &jobs);
    let keep = config.sync.log_keep;
    let retention = Retention { age: config.stats.keep, runs: config.stats.keep_runs };
    let notify = config.notify.clone();
    #[cfg(feature = "search")]
    let follow_up = super::index::FollowUp::new(&config, &jobs, file_locations::state_dir(global)?);
    let mut plan = Plan { expect, scope, ..plan(args, global, config, jobs, ui)? };
    let logs = (keep > 0)
        .then(|| Arc::new(output::LogFiles::new(plan.state_dir.join("logs"), &plan.run, plan.mode.is_dry())));
    plan.logs = logs.clone().map(|logs| logs as Arc<dyn Logs>);
    #[cfg(feature = "search")]
    let real = plan.mode == Mode::Real;
    let mut audience = Audience { logs, ..Audience::default() };
    // A dry run is not recorded, since it would distort the statistics, and is not reported to [notify].
    if plan.mode == Mode::Real {
        measure_beside(&plan);
        let recorder = Recorder::start(plan.state_dir.clone(), retention);
        audience.recorder = Some(recorder.map_err(Failure::io("start the writer of the history"))?);
        audience.notifier = notify.is_wanted().then(|| Notifier::start(notify));
    }
    let run = plan.run.clone();
    let log_dirs: Vec<PathBuf> = match keep {
        0 => Vec::new(),
        _ => plan.jobs.iter().map(|job| plan.state_dir.join("logs").join(&job.name)).collect(),
    };
    started.set(true);
    ui.hand_over();
    let ended = go(args, plan, audience, ui);
    for dir in log_dirs {
        retention::prune_apart(&dir, "log", keep, &run, Timestamp::now(), is_log_of_dry_run);
    }
    let (exit, changed) = ended?;
    #[cfg(feature = "search")]
    if real && !matches!(exit, ExitCode::Signal(_)) {
        let indexed = match follow_up.of(&changed) {
            Some(work) => super::costs::noted("index", global, ui, || work.run(ui))?,
            None => ExitCode::Done,
        };
        return Ok(exit.worst(indexed));
    }
    #[cfg(not(feature = "search"))]
    drop(changed);
    Ok(exit)
}

/// Whether a log is that of a dry run, which displaces no log of a run.
fn is_log_of_dry_run(log: &Path) -> bool {
    /// More than the first line has.
    const FIRST: u64 = 1024;
    let mut first = Vec::new();
    let read = platform::open_regular(log).and_then(|file| file.take(FIRST).read_to_end(&mut first));
    read.is_ok() && output::is_of_dry_run(&first)
}

/// The listeners of a run besides the printer.
#[derive(Debug, Default)]
struct Audience {
    logs: Option<Arc<output::LogFiles>>,
    recorder: Option<Recorder>,
    notifier: Option<Notifier>,
}

/// Returns the hash of `--expect` in lower case, which is for exactly one job that deletes.
fn expected(args: &SyncArgs, jobs: &[Job]) -> Result<Option<String>, Failure> {
    let Some(hash) = &args.expect else { return Ok(None) };
    let hash = hash.to_ascii_lowercase();
    if !(16..=64).contains(&hash.len()) || !hash.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(Failure::usage_hint(
            format!(
                "--expect {hash:?} is no hash of a plan: it has 64 hexadecimal digits, of which 16 are enough"
            ),
            "`pdb-sync clean show JOB` and `pdb-sync sync JOB --plan` print it",
        ));
    }
    match jobs {
        [job] if job.delete => Ok(Some(hash)),
        [job] => Err(Failure::usage_hint(
            format!("--expect is about deletions, but job {} does not delete", job.name),
            "`delete = true` or --delete makes it delete what the source does not have",
        )),
        _ => Err(Failure::usage(format!("--expect is for exactly one job, but {} are selected", jobs.len()))),
    }
}

/// Returns what these options limit the run to.
fn scope(args: &SyncArgs, opened: &Opened, jobs: &[Job]) -> Option<RunScope> {
    let elsewhere = || {
        // `--dest` may repeat what the file says.
        let as_written = opened.check(&Overrides::default()).map(|config| config.jobs).unwrap_or_default();
        let dest = |job: &Job| as_written.iter().find(|known| known.name == job.name)?.known_dest();
        jobs.iter().any(|job| dest(job) != job.known_dest())
    };
    match () {
        () if args.dest.is_some() && elsewhere() => Some(RunScope::Dest),
        () if args.ids.is_some() => Some(RunScope::Ids),
        () if rsync_args::chooses_files(&args.rsync_args) => Some(RunScope::Filters),
        () => None,
    }
}

fn nothing_to_rerun(ui: &Ui) -> Result<ExitCode, Failure> {
    ui.result(ExitCode::Done, &json!({ "jobs": 0 }))?;
    annotate::outputs(&[], &["nothing to run again".to_owned()], ui);
    ui.note("nothing to run again: of the selected jobs that ran before, each succeeded in its last whole run; runs for some entries or with other filters do not count");
    Ok(ExitCode::Done)
}

/// Whether a job's mirror may have changed. Unknown counts as changed.
fn may_have_changed(result: &crate::model::result::SyncResult) -> bool {
    let figures = result.figures;
    let none = |figure: Option<u64>| figure == Some(0);
    let still = none(figures.files_transferred) && figures.files_deleted.is_none_or(|n| n == 0);
    !result.attempts.is_empty() && !still
}

fn plan(args: &SyncArgs, global: &Global, config: Config, jobs: Vec<Job>, ui: &Ui) -> Result<Plan, Failure> {
    let mode = match (args.dry_run, args.plan) {
        (true, _) => Mode::DryRun,
        (_, true) => Mode::Plan { paths: global.verbose },
        _ => Mode::Real,
    };
    let wait_lock = match args.wait_lock.as_deref().map(str::parse::<Pause>).transpose() {
        Ok(wait) => wait.map_or(Duration::ZERO, |wait| wait.0),
        Err(wrong) => return Err(Failure::usage(format!("--wait-lock: {wrong}"))),
    };
    let state_dir = file_locations::state_dir(global)?;
    Ok(Plan {
        run: retention::next_run(&state_dir),
        named_files: false,
        watch: history_lookup::watch(&config, &jobs, &state_dir, ui),
        jobs,
        parallel: config.sync.parallel,
        auto: config.sync.auto,
        hosts: config.hosts,
        fail_fast: config.sync.fail_fast,
        grace: config.sync.grace,
        bwlimit: config.sync.bwlimit,
        delay: delay(config.sync.jitter, args.jitter.is_some(), mode),
        mode,
        rsync: config.sync.rsync,
        logs: None,
        state_dir,
        wait_lock,
        expect: None,
        scope: None,
        again: file_locations::again(global),
    })
}

/// Returns a random delay before the run. `asked`: the command line asks for it. Otherwise nobody should wait for it.
fn delay(jitter: Option<Duration>, asked: bool, mode: Mode) -> Duration {
    let wanted = asked || mode == Mode::Real && !io::stdin().is_terminal();
    jitter.filter(|_| wanted).map_or(Duration::ZERO, |jitter| jitter.mul_f64(fastrand::f64()))
}

/// Measures in the background which sources are fastest, for the next run. Nothing waits for it. If it fails, the next run measures again.
fn measure_beside(plan: &Plan) {
    if plan.jobs.iter().any(|job| job.source_order == SourceOrder::Fastest) {
        let (jobs, state_dir) = (plan.jobs.clone(), plan.state_dir.clone());
        thread::spawn(move || probe::refresh(&jobs, &state_dir));
    }
}

/// Returns the exit code, and the jobs whose mirrors may have changed.
fn go(args: &SyncArgs, plan: Plan, audience: Audience, ui: &Ui) -> Result<(ExitCode, Vec<String>), Failure> {
    let Audience { logs, recorder, notifier } = audience;
    let mut changed = Vec::new();
    let mut others: Vec<Box<dyn Listener>> = Vec::new();
    others.extend(recorder.iter().map(|recorder| Box::new(recorder.clone()) as Box<dyn Listener>));
    others.push(Box::new(RunProgress::new(&plan.state_dir)));
    let (events, printer) = output::start(output::Options {
        color: ui.color,
        quiet: ui.quiet,
        verbose: ui.verbose,
        json: ui.json,
        group: group(args),
        junit: args.junit.clone(),
        logs,
        others,
        ..output::Options::default()
    })
    .map_err(Failure::io("start the printer"))?;
    let exit = with_signals(async |signals| {
        if !plan.delay.is_zero() {
            let delay = Duration::from_secs(plan.delay.as_secs().max(1));
            ui.note(&format!("the run starts in {} (jitter)", time::span(delay)));
        }
        let (typed, requests) = tokio::sync::mpsc::channel(1);
        // A request that waits already is enough.
        platform::on_status_request(move || !matches!(typed.try_send(()), Err(TrySendError::Closed(()))));
        signals.answer(Some(requests)).map_err(Failure::io("listen for SIGUSR1"))?;
        let mut summary = sync::run(plan, events, signals).await;
        changed = summary
            .results
            .iter()
            .filter(|result| may_have_changed(result))
            .map(|result| result.job.to_string())
            .collect();
        let patience = if summary.signal.is_some() { READER_AFTER_SIGNAL } else { READER };
        let rest = tokio::task::spawn_blocking(move || printer.join(patience));
        let heard = tokio::select! {
            told = rest => match told {
                Ok(told) => {
                    (summary.warnings, summary.unwritten) = (told.warnings, told.lost);
                    told.complete
                }
                Err(error) => {
                    summary.unwritten.push(format!("output: {error}"));
                    false
                }
            },
            number = signals.next() => {
                summary.signal.get_or_insert(number);
                false
            }
        };
        let exit = summary.exit();
        // The history's listener is blocked behind the stuck output, or did not yet have the final list of lost outputs.
        if let Some(recorder) = recorder.filter(|_| !heard || !summary.unwritten.is_empty()) {
            recorder.end(&summary);
            recorder.finish(LAST_WORDS);
        }
        match notifier {
            Some(_) if signals.is_hard() => {
                ui.warning("no notification of [notify] was sent: the run was ended at once");
                Ok(exit)
            }
            Some(notifier) => Ok(notified(notifier, summary, exit, signals, ui).await),
            None => Ok(exit),
        }
    })?;
    Ok((exit, changed))
}

/// Returns the format of the option; `None`: the environment decides.
fn group(args: &SyncArgs) -> Option<output::Group> {
    match args.group {
        Some(Group::Github) => Some(output::Group::Github),
        Some(Group::Gitlab) => Some(output::Group::Gitlab),
        Some(Group::None) => Some(output::Group::None),
        None => args.github.then_some(output::Group::Github),
    }
}

/// Sends the notifications of `[notify]`. Only a signal ends this early.
async fn notified(
    notifier: Notifier,
    summary: Summary,
    exit: ExitCode,
    signals: &mut Signals,
    ui: &Ui,
) -> ExitCode {
    let telling = tokio::task::spawn_blocking(move || notifier.finish(&summary));
    tokio::select! {
        told = telling => {
            let told = told.unwrap_or_default();
            told.complaints.iter().for_each(|line| ui.passed_on(line));
            told.problems.iter().for_each(|problem| ui.warning_as_is(problem));
            exit
        }
        number = signals.next() => exit.worst(ExitCode::Signal(number)),
    }
}
