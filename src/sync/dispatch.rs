//! The dispatcher: one loop over finished jobs, signals and ticks.

use super::auto_parallel::{self, AutoParallel};
use super::job_context::JobContext;
use super::job_events::{JobEvents, stamped};
use super::job_runner;
use super::lock_owners::LockOwners;
use super::rsync_transport::RsyncTransport;
use super::signal::{Came, Signals};
use super::slots::{Slot, Slots};
use super::stop::{Stop, StopReason};
use super::transport::Transport;
use super::{Mode, Plan};
use crate::model::event::{Event, Level, Progress, Stamped};
use crate::model::hint::addressed;
use crate::model::result::{Figures, Outcome, Reason, Status, SyncResult};
use crate::model::summary::Summary;
use crate::platform::LoadMeter;
use jiff::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};

/// How often progress is sent.
const TICK: Duration = Duration::from_millis(250);
/// How long the rest of a stopped run may take after the children's grace.
const LAST: Duration = Duration::from_secs(5);
/// How long a slow listener may take for the last events of a run that ends at once.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs the jobs to their ends and sends events to `events`. `signals` end the run early; a closed event channel does not.
pub(crate) async fn run(plan: Plan, events: mpsc::Sender<Stamped>, signals: &mut Signals) -> Summary {
    let transport = Arc::new(RsyncTransport::new(&plan));
    run_over(transport, plan, events, signals).await
}

/// Like [`run`], over another transport than rsync.
pub(super) async fn run_over(
    transport: Arc<dyn Transport>,
    mut plan: Plan,
    events: mpsc::Sender<Stamped>,
    signals: &mut Signals,
) -> Summary {
    // The sort is stable: jobs of one priority keep the order in which they were given.
    plan.jobs.sort_by_key(|job| std::cmp::Reverse(job.priority));
    let signal = match plan.delay {
        Duration::ZERO => None,
        delay => tokio::select! {
            () = tokio::time::sleep(delay) => None,
            number = signals.next() => Some(number),
        },
    };
    let mut dispatch = Dispatch::start(Arc::new(plan), transport, events).await;
    if let Some(number) = signal {
        // No task has run yet, so no job starts.
        dispatch.on_signal(number);
    }
    dispatch.until_done(signals).await;
    let summary = dispatch.summary();
    dispatch.unsaid.push_back((stamped(Event::RunFinished(Arc::new(summary.clone()))), None));
    dispatch.until_done(signals).await;
    summary
}

struct Dispatch {
    plan: Arc<Plan>,
    events: mpsc::Sender<Stamped>,
    stop: Stop,
    slots: Arc<Slots>,
    /// Controls the number of slots; `None` if it is fixed.
    auto_parallel: Option<(AutoParallel, LoadMeter)>,
    started: Instant,
    tasks: JoinSet<(SyncResult, Option<Slot>)>,
    names: HashMap<Id, Arc<str>>,
    progress: Vec<(Arc<str>, watch::Receiver<Option<Progress>>)>,
    results: HashMap<Arc<str>, Arc<SyncResult>>,
    /// Tells the jobs that need a job how it ended.
    ended: HashMap<Arc<str>, watch::Sender<Option<Status>>>,
    /// Events for which the channel had no room yet. A slot is freed when its event was sent: with `fail_fast` no job starts after the
    /// first failure, and the history never shows more jobs at once than allowed.
    unsaid: VecDeque<(Stamped, Option<Slot>)>,
    signal: Option<i32>,
    /// When a run that is stopped stops waiting.
    give_up: Option<tokio::time::Instant>,
    /// When a run that ends at once stops waiting for the reader of its output.
    last_words: Option<tokio::time::Instant>,
}

impl Dispatch {
    async fn start(plan: Arc<Plan>, transport: Arc<dyn Transport>, events: mpsc::Sender<Stamped>) -> Self {
        let (started, stop) = (Instant::now(), Stop::default());
        let auto_parallel = plan.auto.then(|| (AutoParallel::new(plan.parallel), LoadMeter::start()));
        let first = auto_parallel.as_ref().map_or(plan.parallel, |(auto_parallel, _)| auto_parallel.limit());
        let slots = Arc::new(Slots::new(first, &plan.hosts));
        let mut dispatch = Dispatch {
            plan: plan.clone(),
            events,
            stop,
            slots: slots.clone(),
            auto_parallel,
            started,
            tasks: JoinSet::new(),
            names: HashMap::new(),
            progress: Vec::new(),
            results: HashMap::new(),
            ended: plan.jobs.iter().map(|job| (job.name.as_str().into(), watch::Sender::new(None))).collect(),
            unsaid: VecDeque::new(),
            signal: None,
            give_up: None,
            last_words: None,
        };
        let jobs = plan.jobs.iter().map(|job| job.name.clone()).collect();
        let (run, parallel, dry_run) = (plan.run.clone(), plan.parallel, plan.mode != Mode::Real);
        dispatch.say(Event::RunStarted { run, jobs, parallel, dry_run, scope: plan.scope }).await;
        let lock_owners = LockOwners::new(&plan.state_dir, &plan.run);
        for job in &plan.jobs {
            let (progress, latest) = watch::channel(None);
            let name: Arc<str> = job.name.as_str().into();
            let (events, stop) = (dispatch.events.clone(), dispatch.stop.clone());
            let job_events = JobEvents { job: name.clone(), part: None, events, progress, stop };
            let needed =
                |name: &String| Some((name.as_str().into(), dispatch.ended.get(name.as_str())?.subscribe()));
            let context = JobContext {
                needs: job.needs.iter().filter_map(needed).collect(),
                plan: plan.clone(),
                job: job.clone(),
                job_events,
                slots: slots.clone(),
                lock_owners: lock_owners.clone(),
                transport: transport.clone(),
                started,
            };
            let task = dispatch.tasks.spawn(job_runner::run(context));
            dispatch.names.insert(task.id(), name.clone());
            dispatch.progress.push((name, latest));
        }
        dispatch
    }

    /// Runs until every job has ended and all events were sent, or until waiting is over. Signals are handled also while the channel is
    /// full.
    async fn until_done(&mut self, signals: &mut Signals) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut looks = tokio::time::interval_at(
            tokio::time::Instant::now() + auto_parallel::PERIOD,
            auto_parallel::PERIOD,
        );
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let events = self.events.clone();
        while !self.tasks.is_empty() || !self.unsaid.is_empty() {
            let (last, unsaid) = (self.give_up, !self.unsaid.is_empty());
            let words = self.last_words;
            tokio::select! {
                Some(done) = self.tasks.join_next_with_id(), if !self.tasks.is_empty() => self.done(done),
                permit = events.reserve(), if unsaid => {
                    // A closed channel means that there is no listener any more. The results do not depend on it.
                    if let (Some((event, _slot)), Ok(permit)) = (self.unsaid.pop_front(), permit) {
                        permit.send(event);
                    }
                }
                () = self.stop.hard(), if words.is_none() => {
                    self.last_words = Some(tokio::time::Instant::now() + LAST_WORDS);
                }
                () = at(words), if unsaid => self.say_what_fits(),
                came = signals.any() => match came {
                    Came::End(number) => self.on_signal(number),
                    Came::Status => self.tell_status(),
                },
                // A reader that neither reads nor closes must not prevent the end.
                () = at(last) => {
                    self.stop.force();
                    self.give_up = None;
                }
                _ = ticks.tick() => self.tell_progress(),
                _ = looks.tick(), if self.auto_parallel.is_some() => self.govern(),
            }
        }
    }

    /// Sends the pending events without waiting. What a stuck listener has no room for is dropped.
    fn say_what_fits(&mut self) {
        for (event, _slot) in self.unsaid.drain(..) {
            if self.events.try_send(event).is_err() {
                break;
            }
        }
    }

    /// The first signal stops gently, the second at once.
    fn on_signal(&mut self, number: i32) {
        if self.signal.is_some() {
            return self.stop.force();
        }
        self.signal = Some(number);
        self.give_up = Some(tokio::time::Instant::now() + self.plan.grace + LAST);
        self.stop.ask(StopReason::Signal(number));
        let text = format!(
            "{}: ending transfers, which takes up to {} each; a second signal ends them at once",
            super::signal::name(number),
            crate::model::time::span(self.plan.grace)
        );
        // Dropped if the channel is full.
        let _ = self.events.try_send(stamped(Event::Notice { job: None, level: Level::Warning, text }));
    }

    fn done(&mut self, done: Result<(Id, (SyncResult, Option<Slot>)), JoinError>) {
        let (mut result, slot) = match done {
            Ok((_, ended)) => ended,
            Err(error) => match self.names.get(&error.id()) {
                Some(job) => (broken(&self.plan, job.clone(), error), None),
                None => return,
            },
        };
        if self.plan.fail_fast && matches!(result.status(), Status::Failed | Status::Blocked) {
            self.stop.ask(StopReason::FailFast(result.job.to_string()));
        }
        result.outcome.map_hint(|hint| addressed(hint, &self.plan.again).into_owned());
        let result = Arc::new(result);
        self.progress.retain(|(job, _)| *job != result.job);
        self.results.insert(result.job.clone(), result.clone());
        if let Some(ended) = self.ended.get(&result.job) {
            ended.send_replace(Some(result.status()));
        }
        self.unsaid.push_back((stamped(Event::JobFinished(result)), slot));
    }

    /// Adjusts the number of slots to the load of the machine.
    fn govern(&mut self) {
        let Some((auto_parallel, meter)) = &mut self.auto_parallel else { return };
        let decision = auto_parallel.judge(&meter.read(), self.slots.in_demand(), Instant::now());
        let Some(decision) = decision else { return };
        match decision.from.checked_sub(decision.to) {
            Some(fewer) => self.slots.lower(fewer),
            None => (decision.from..decision.to).for_each(|_| self.slots.raise()),
        }
        let notice = Event::Notice { job: None, level: Level::Debug, text: decision.to_string() };
        // Dropped if the channel is full.
        let _ = self.events.try_send(stamped(notice));
    }

    /// Passes a request for the status on, after the latest progress.
    fn tell_status(&mut self) {
        self.tell_progress();
        // A listener that is so far behind could not answer in time.
        let _ = self.events.try_send(stamped(Event::StatusRequested));
    }

    fn tell_progress(&mut self) {
        for (job, latest) in &mut self.progress {
            if !latest.has_changed().unwrap_or(false) {
                continue;
            }
            let Some(progress) = *latest.borrow_and_update() else { continue };
            let event = stamped(Event::Progress { job: job.clone(), part: None, progress });
            // Only the latest progress counts: what does not fit now is sent at the next tick.
            let _ = self.events.try_send(event);
        }
    }

    fn summary(&self) -> Summary {
        let results =
            self.plan.jobs.iter().filter_map(|job| self.results.get(job.name.as_str()).cloned()).collect();
        Summary {
            run: self.plan.run.clone(),
            dry_run: self.plan.mode.is_dry(),
            results,
            duration: self.started.elapsed(),
            signal: self.signal,
            warnings: Vec::new(),
            unwritten: Vec::new(),
        }
    }

    /// Sends an event; waits for a slow listener unless the run ends now.
    async fn say(&self, event: Event) {
        tokio::select! {
            biased;
            _ = self.events.send(stamped(event)) => {}
            () = self.stop.hard() => {}
        }
    }
}

async fn at(time: Option<tokio::time::Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// The result of a job whose task panicked. Other jobs are not affected.
fn broken(plan: &Plan, job: Arc<str>, error: JoinError) -> SyncResult {
    let text = match error.try_into_panic() {
        Ok(panic) => {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            format!("internal error, please report it: {words}")
        }
        Err(_) => "its task was cancelled".into(),
    };
    SyncResult {
        run: plan.run.clone(),
        scope: plan.scope,
        dry_run: plan.mode.is_dry(),
        job,
        outcome: Outcome::Failed(Reason::new(text)),
        attempts: Vec::new(),
        started: Timestamp::now(),
        duration: Duration::ZERO,
        queued: Duration::ZERO,
        figures: Figures::default(),
        source: None,
        fallback: None,
        log: None,
        alerts: Vec::new(),
        warnings: Vec::new(),
        undo: None,
        connections: 0,
        parts: Vec::new(),
        missing_ids: None,
    }
}
