//! Fetches damaged files again: from each source in turn, exactly these files, compared by checksum.

use super::super::Failure;
use super::super::targets::Target;
use crate::commands::interruption::with_signals;
use crate::config::Config;
use crate::model::event::{Event, Level, Stream};
use crate::model::job::Job;
use crate::model::result::{Outcome, SyncResult};
use crate::model::summary::Summary;
use crate::output::terminal::{Ui, shown};
use crate::rsync::fetch_files::FetchFiles;
use crate::scan::{Checked, Damage};
use crate::sync::{self, Mode, Plan};
use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;

/// Damaged files, by path relative to the root.
pub(super) type Damaged = Vec<(Vec<u8>, Damage)>;

/// The files that a repair did not fix.
pub(super) struct Left {
    /// Files that are still damaged.
    pub(super) damaged: Damaged,
    /// Files whose state is unknown: rsync did not report that it fetched them, or the check was stopped. By path.
    pub(super) unconfirmed: Vec<Vec<u8>>,
}

impl Left {
    fn is_empty(&self) -> bool {
        self.damaged.is_empty() && self.unconfirmed.is_empty()
    }
}

/// The data to run rsync with.
pub(super) struct Repair {
    config: Config,
    state_dir: PathBuf,
    ui: Ui,
}

impl Repair {
    pub(super) fn new(config: Config, state_dir: PathBuf, ui: Ui) -> Self {
        Repair { config, state_dir, ui }
    }

    /// Fetches `damaged` again from the job's sources, in turn, until `check` finds the files intact and rsync has reported that it fetched
    /// them. Returns the remaining files.
    pub(super) fn run(
        &self,
        target: &Target,
        damaged: Damaged,
        check: impl Fn(&[Vec<u8>]) -> Result<Checked, Failure>,
    ) -> Result<Left, Failure> {
        let mut left = Left { damaged, unconfirmed: Vec::new() };
        let Some(job) = &target.job else { return Ok(left) };
        for source in &job.sources {
            let Some(picked) = FetchFiles::from(source) else {
                self.ui.warning(&format!("{}: cannot fetch single files from {}", job.name, source.text));
                continue;
            };
            let mut paths: Vec<Vec<u8>> = left.damaged.into_iter().map(|(path, _)| path).collect();
            paths.append(&mut left.unconfirmed);
            self.ui.note(&format!("{}: fetching {} again from {}", job.name, paths.len(), source.text));
            let summary = self.fetch(job, &picked, &paths)?;
            let again = check(&paths)?;
            left.damaged = again.damaged;
            let whole = paths.len() - left.damaged.len();
            // A check that was stopped says nothing about the files that it did not reach.
            if !again.whole || !summary.results.iter().any(|result| vouches(result, whole)) {
                let damaged: HashSet<&[u8]> = left.damaged.iter().map(|(path, _)| path.as_slice()).collect();
                paths.retain(|path| !damaged.contains(path.as_slice()));
                left.unconfirmed = paths;
            }
            if left.is_empty() || !again.whole || summary.signal.is_some() {
                break;
            }
        }
        Ok(left)
    }

    /// Fetches these files, by path relative to the root.
    fn fetch(&self, job: &Job, picked: &FetchFiles, paths: &[Vec<u8>]) -> Result<Summary, Failure> {
        let tried = || "write the list of files to fetch again".to_owned();
        let mut list =
            tempfile::Builder::new().prefix("pdb-sync-files").tempfile().map_err(Failure::io(tried()))?;
        let names = picked.list(paths.iter().map(Vec::as_slice));
        list.write_all(&names).and_then(|()| list.flush()).map_err(Failure::io(tried()))?;
        let mut rsync_args = job.rsync_args.clone();
        rsync_args.extend([format!("--files-from={}", list.path().to_string_lossy()), "--from0".to_owned()]);
        // Exactly these files are transferred: nothing is deleted, and the run is not announced as a run of the whole job. Other files of
        // the source are not read, and a damaged file here does not count as newer.
        let job = Job {
            sources: vec![picked.source.clone()],
            delete: false,
            allow_empty_source: true,
            allow_older: true,
            checksum: true,
            before: Vec::new(),
            after: Vec::new(),
            on_failure: Vec::new(),
            rsync_args,
            ..job.clone()
        };
        let plan = Plan {
            run: crate::retention::next_run(&self.state_dir),
            jobs: vec![job],
            parallel: 1,
            auto: false,
            hosts: self.config.hosts.clone(),
            fail_fast: false,
            grace: self.config.sync.grace,
            bwlimit: self.config.sync.bwlimit.clone(),
            delay: Duration::ZERO,
            mode: Mode::Real,
            rsync: self.config.sync.rsync.clone(),
            state_dir: self.state_dir.clone(),
            logs: None,
            wait_lock: Duration::ZERO,
            named_files: true,
            expect: None,
            scope: None,
            watch: crate::history::stats::Watch::default(),
            again: self.ui.again.into(),
        };
        with_signals(async |signals| {
            let (events, mut told) = mpsc::channel(64);
            let ui = self.ui;
            let teller = tokio::spawn(async move {
                while let Some(stamped) = told.recv().await {
                    tell(&stamped, &ui);
                }
            });
            let summary = sync::run(plan, events, signals).await;
            // It ends when the last sender is dropped, which has just happened. A panic in it was reported already.
            let _ = teller.await;
            Ok(summary)
        })
    }
}

/// Whether rsync's own figures show that it fetched this number of files, or found them equal to the source's by checksum. The exit code
/// does not show that: rsync also ends with 0 if the server closes the connection before anything was listed.
fn vouches(result: &SyncResult, whole: usize) -> bool {
    let whole = Some(whole as u64);
    let figures = &result.figures;
    match result.outcome {
        Outcome::Ok | Outcome::Warned(_) => figures.total_files >= whole,
        Outcome::Partial(_) => figures.total_files >= whole && figures.files_transferred >= whole,
        _ => false,
    }
}

/// Reports errors, as text of rsync and of our own.
fn tell(stamped: &crate::model::event::Stamped, ui: &Ui) {
    match &stamped.event {
        Event::Output { job, stream: Stream::Stderr, lines, .. } => {
            for line in lines.iter() {
                ui.note(&format!("[{job}] {}", shown(line)));
            }
        }
        Event::Notice { level: Level::Warning, text, .. } => ui.warning(text),
        Event::JobFinished(result) => {
            let reason = match &result.outcome {
                Outcome::Ok if result.figures.total_files.is_none() => {
                    let text =
                        "rsync ended without an error and without its figures: nothing counts as fetched";
                    return ui.warning(&format!("{}: {text}", result.job));
                }
                Outcome::Ok => return,
                Outcome::Skipped(skip) => return ui.warning(&format!("{}: {}", result.job, skip.text())),
                Outcome::Warned(reason)
                | Outcome::Partial(reason)
                | Outcome::Blocked(reason)
                | Outcome::Failed(reason)
                | Outcome::Cancelled(reason) => reason,
            };
            ui.warning(&format!("{}: {}", result.job, reason.text));
            reason.hint.iter().for_each(|hint| ui.note(&format!("  hint: {hint}")));
        }
        _ => {}
    }
}
