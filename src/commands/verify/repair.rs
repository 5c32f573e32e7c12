//! Fetching damaged files again: each source in turn, exactly these files, compared by checksum.

use super::super::Failure;
use super::super::targets::Target;
use crate::config::Config;
use crate::event::{Event, Level, Stream};
use crate::job::{Hooks, Job};
use crate::result::Outcome;
use crate::rsync::pick::Picked;
use crate::run::{self, Mode, Plan, Signals};
use crate::scan::Damage;
use crate::ui::Ui;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Damaged files, by path relative to the root.
pub(super) type Damaged = Vec<(Vec<u8>, Damage)>;

/// What is needed to run rsync.
pub(super) struct Repair {
    config: Config,
    state_dir: PathBuf,
    ui: Ui,
}

impl Repair {
    pub(super) fn new(config: Config, state_dir: PathBuf, ui: Ui) -> Self {
        Repair { config, state_dir, ui }
    }

    /// Fetches `damaged` again from the job's sources, in turn, until `check` finds them whole. Returns what is left.
    pub(super) fn run(
        &self,
        target: &Target,
        mut damaged: Damaged,
        check: impl Fn(&[Vec<u8>]) -> Result<Damaged, Failure>,
    ) -> Result<Damaged, Failure> {
        let Some(job) = &target.job else { return Ok(damaged) };
        for source in &job.sources {
            let Some(picked) = Picked::from(source) else {
                self.ui.warning(&format!("{}: cannot fetch single files from {}", job.name, source.text));
                continue;
            };
            self.ui.note(&format!("{}: fetching {} again from {}", job.name, damaged.len(), source.text));
            let stopped = self.fetch(job, &picked, &damaged)?;
            let paths: Vec<Vec<u8>> = damaged.into_iter().map(|(path, _)| path).collect();
            damaged = check(&paths)?;
            if damaged.is_empty() || stopped {
                break;
            }
        }
        Ok(damaged)
    }

    /// Whether the run was stopped.
    fn fetch(&self, job: &Job, picked: &Picked, damaged: &Damaged) -> Result<bool, Failure> {
        let tried = || "write the list of files to fetch again".to_owned();
        let mut list =
            tempfile::Builder::new().prefix("pdb-sync-files").tempfile().map_err(Failure::io(tried()))?;
        let names = picked.list(damaged.iter().map(|(path, _)| path.as_slice()));
        list.write_all(&names).and_then(|()| list.flush()).map_err(Failure::io(tried()))?;
        let mut rsync_args = job.rsync_args.clone();
        rsync_args.extend([format!("--files-from={}", list.path().display()), "--from0".to_owned()]);
        // Exactly these files: nothing is deleted, and nobody is told that the whole job ran.
        let job = Job {
            sources: vec![picked.source.clone()],
            delete: false,
            checksum: true,
            hooks: Hooks { timeout: job.hooks.timeout, ..Hooks::default() },
            rsync_args,
            ..job.clone()
        };
        let plan = Plan {
            run: crate::expiry::next_run(&self.state_dir),
            jobs: vec![job],
            parallel: 1,
            auto: false,
            hosts: self.config.hosts.clone(),
            fail_fast: false,
            grace: self.config.sync.grace,
            mode: Mode::Real,
            rsync: self.config.sync.rsync.clone(),
            state_dir: self.state_dir.clone(),
            logs: None,
            wait_lock: Duration::ZERO,
            watch: crate::stats::Watch::default(),
            again: "pdb-sync".into(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Failure::io("start the runtime"))?;
        let summary = runtime.block_on(async {
            let mut signals = Signals::listen().map_err(Failure::io("listen for signals"))?;
            let (events, mut told) = mpsc::channel(64);
            let ui = self.ui;
            let teller = tokio::spawn(async move {
                while let Some(stamped) = told.recv().await {
                    tell(&stamped, &ui);
                }
            });
            let summary = run::run(plan, events, &mut signals, CancellationToken::new()).await;
            // It ends when the last sender is gone, which has just happened; a panic there has told itself.
            let _ = teller.await;
            Ok::<_, Failure>(summary)
        });
        runtime.shutdown_background();
        Ok(summary?.signal.is_some())
    }
}

/// What went wrong, in rsync's words and ours.
fn tell(stamped: &crate::event::Stamped, ui: &Ui) {
    match &stamped.event {
        Event::Output { job, stream: Stream::Stderr, lines } => {
            for line in lines.iter() {
                ui.note(&format!("[{job}] {}", super::shown(line)));
            }
        }
        Event::Notice { level: Level::Warning, text, .. } => ui.warning(text),
        Event::JobFinished(result) => {
            let reason = match &result.outcome {
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
