//! Runs the parts of a transfer: takes them from a queue, over as many connections as the host has left.

use super::Parts;
use super::part_plan::PartPlan;
use super::progress::PartProgress;
use super::result::{Ended as PartEnd, Todo, at_once};
use crate::model::event::{Event, Level, Phase, Progress};
use crate::model::part::{PartResult, PartTry};
use crate::model::result::Reason;
use crate::rsync::args::{self, Purpose};
use crate::rsync::exit::{Class, Verdict};
use crate::sync::attempt::AttemptRunner;
use crate::sync::attempt_end::AttemptEnd;
use crate::sync::backoff;
use crate::sync::blocking::off_thread;
use crate::sync::job_events::JobEvents;
use crate::sync::listing::ChangedList;
use crate::sync::slots::{Connection, LINGER};
use crate::sync::transfer::Moved;
use crate::sync::transfer_list::Listed;
use crate::sync::transport::{Ended, Ran, Request, Show};
use futures::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How often the progress is summed up, and free connections are looked for.
const TICK: Duration = Duration::from_millis(250);

/// What is shared by the parts of one transfer.
struct Pool<'p> {
    attempt: &'p AttemptRunner<'p>,
    changed: Arc<Mutex<ChangedList>>,
    lost: Arc<HashSet<Vec<u8>>>,
    /// The weight up to which an entry is small.
    small: u64,
    left_out: &'p [Vec<u8>],
    /// By how many connections the bandwidth is divided.
    connections: u64,
    /// Number of transfers so far.
    transfers: AtomicU32,
    /// The latest progress of the running parts.
    latest: Mutex<Vec<(u32, watch::Receiver<Option<Progress>>)>>,
    progress: Mutex<PartProgress>,
}

/// How a pool ended.
#[derive(Default)]
struct PoolEnd {
    moved: Moved,
    stopped: bool,
    disk_low: Option<u64>,
    failed: Option<(Class, Reason)>,
    partial: Option<Reason>,
    vanished: Option<Reason>,
    code: Option<i32>,
    /// When each part ran, unless the server refused it.
    ran: Vec<(Instant, Instant)>,
    /// The largest number of retries of a part.
    retries: u32,
}

impl AttemptRunner<'_> {
    /// Transfers all parts. Returns how many files were transferred (`None` if unknown), and the verdict.
    pub(in crate::sync) async fn bring_parts(
        &mut self,
        parts: &mut Parts,
        left_out: &[Vec<u8>],
    ) -> Result<(Option<u64>, Verdict), AttemptEnd> {
        let (before, started) = (self.figures, Instant::now());
        self.job_events.progress.send_replace(None);
        let queue: VecDeque<Todo> = parts.queue.drain(..).map(|plan| Todo::new(plan, self.number)).collect();
        let pool = Pool {
            attempt: self,
            changed: Arc::new(Mutex::new(std::mem::replace(&mut parts.changed, ChangedList::new()))),
            lost: Arc::new(std::mem::take(&mut parts.lost)),
            small: parts.small,
            left_out,
            connections: parts.connections as u64,
            transfers: AtomicU32::new(self.transfers),
            latest: Mutex::default(),
            progress: Mutex::new(PartProgress::new(parts.load, queue.len())),
        };
        let (end, results) = pool.run(queue, parts.connections).await;
        let (transfers, changed) = (pool.transfers.load(Ordering::Relaxed), pool.changed.clone());
        drop(pool);
        if let Some(changed) = Arc::into_inner(changed) {
            parts.changed = changed.into_inner().unwrap_or_else(PoisonError::into_inner);
        }
        self.transfers = transfers;
        self.parts.extend(results);
        self.connections = self.connections.max(at_once(&end.ran) as u32);
        self.part_retries = self.part_retries.max(end.retries);
        self.phases.push((Phase::Transfer, started.elapsed()));
        self.code = end.code;
        self.count_moved(before, &end.moved);
        let verdict = match end {
            PoolEnd { stopped: true, .. } => return Err(AttemptEnd::Stopped),
            PoolEnd { disk_low: Some(free), .. } => return Err(self.disk_low(free)),
            PoolEnd { failed: Some((class, reason)), .. } => Verdict::Failed(class, reason),
            PoolEnd { partial: Some(reason), .. } => Verdict::Partial(reason),
            PoolEnd { vanished: Some(reason), .. } => Verdict::Vanished(reason),
            _ => Verdict::Ok,
        };
        Ok((end.moved.files(), verdict))
    }
}

impl Pool<'_> {
    /// Runs parts until the queue is empty and the last has ended, or one has failed for good.
    async fn run(&self, mut queue: VecDeque<Todo>, mut limit: usize) -> (PoolEnd, Vec<PartResult>) {
        let (events, slots) = (self.attempt.job_events, self.attempt.slots);
        let host = self.attempt.source.host();
        let (mut end, mut results) = (PoolEnd::default(), Vec::new());
        let mut running = FuturesUnordered::new();
        // Parts that are tried again, and when.
        let mut waiting: Vec<(Instant, Todo)> = Vec::new();
        // The connections by number; the first belongs to the job. `true`: in use.
        let mut used = vec![false; limit];
        // Connections in addition to it that are free between two parts.
        let mut kept: Vec<Option<Connection>> = (0..limit).map(|_| None).collect();
        let mut halved = false;
        // What was missing or could not be written in a part is tried once more when no other part runs.
        let mut last: Vec<Todo> = Vec::new();
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let over = end.stopped || end.disk_low.is_some() || end.failed.is_some();
            while !over && running.len() < limit && !queue.is_empty() {
                let Some(number) = used.iter().position(|used| !used) else { break };
                let connection = match kept[number].take() {
                    None if number > 0 => slots.try_connect(host),
                    kept => kept,
                };
                // The job never waits for a connection while it has one.
                if number > 0 && connection.is_none() {
                    break;
                }
                let Some(todo) = queue.pop_front() else { break };
                used[number] = true;
                running.push(self.run_part(todo, number, connection));
            }
            if queue.is_empty() || slots.is_wanted(host) {
                kept.fill_with(|| None);
            }
            if running.is_empty() && queue.is_empty() && waiting.is_empty() && !over {
                // One after another.
                queue.extend(last.pop());
                if !queue.is_empty() {
                    continue;
                }
            }
            if running.is_empty() && (over || queue.is_empty() && waiting.is_empty()) {
                break;
            }
            let next = waiting.iter().map(|(time, _)| *time).min().filter(|_| !over);
            let ended = tokio::select! {
                Some((ended, number, connection)) = running.next() => {
                    used[number] = false;
                    kept[number] = connection.filter(|_| !slots.is_wanted(host));
                    ended
                }
                () = at(next), if next.is_some() => {
                    let now = Instant::now();
                    queue.extend(waiting.extract_if(.., |(time, _)| *time <= now).map(|(_, todo)| todo));
                    continue;
                }
                () = events.stop.gentle(), if !end.stopped => {
                    end.stopped = true;
                    continue;
                }
                _ = ticks.tick() => {
                    self.tell_progress();
                    continue;
                }
            };
            let PartEnd { mut todo, ran, tried, time } = ended;
            let Some(ran) = ran else {
                let text = "cannot write the list of the names to transfer to a temporary file";
                let reason = Reason::new(text).hint("is there room where TMPDIR points?");
                end.failed.get_or_insert((Class::Here, reason));
                results.push(todo.result);
                continue;
            };
            todo.result.tries.push(tried);
            end.ran.extend(Some(time).filter(|_| !ran.has_no_room()));
            end.moved.add(&ran, self.attempt.source.is_remote());
            end.code = if matches!(ran.verdict, Ended::Judged(Verdict::Ok)) { end.code } else { ran.code };
            let again = !std::mem::replace(&mut todo.again, true);
            match ran.verdict {
                Ended::Stopped => end.stopped = true,
                Ended::DiskLow(free) => end.disk_low = Some(free),
                Ended::Judged(Verdict::Ok) => {
                    todo.result.done = true;
                    locked(&self.progress).ended(todo.part().index, todo.plan.load);
                }
                // Another part may have been in the way, such as one that took away the write permission of a directory at its end.
                Ended::Judged(Verdict::Vanished(_) | Verdict::Partial(_)) if again => {
                    last.push(todo);
                    continue;
                }
                Ended::Judged(Verdict::Vanished(reason)) => _ = end.vanished.get_or_insert(reason),
                Ended::Judged(Verdict::Partial(reason)) => _ = end.partial.get_or_insert(reason),
                // Only a server that refuses a connection without others is really full.
                Ended::Judged(Verdict::Failed(Class::Busy, _)) if limit > 1 || !running.is_empty() => {
                    limit = if halved { limit.min(running.len()) } else { limit / 2 }.max(1);
                    slots.refused(host);
                    kept.fill_with(|| None);
                    if !std::mem::replace(&mut halved, true) {
                        let text = format!(
                            "{} has no room for so many connections; this job has at most {limit} in this run",
                            self.attempt.source.host_label()
                        );
                        events.notice(Level::Warning, text).await;
                    }
                    todo.again = !again;
                    // The server may still count connections that have ended.
                    waiting.push((Instant::now() + LINGER, todo));
                    continue;
                }
                Ended::Judged(Verdict::Failed(class, reason)) => {
                    let of_part = JobEvents { part: Some(todo.part()), ..events.clone() };
                    of_part.errors(ran.unshown).await;
                    let retried = matches!(class, Class::Retry | Class::Signalled | Class::Once);
                    let delay = backoff::wait(self.attempt.job, class, todo.retries);
                    if let Some(delay) = delay.filter(|_| retried && end.failed.is_none()) {
                        todo.retries += 1;
                        todo.again = !again;
                        end.retries = end.retries.max(todo.retries);
                        self.tell_retry(&todo, ran.code, reason, delay).await;
                        waiting.push((Instant::now() + delay, todo));
                        continue;
                    }
                    end.failed.get_or_insert((class, reason));
                }
            }
            results.push(todo.result);
        }
        results.extend(
            waiting.into_iter().map(|(_, todo)| todo).chain(queue).chain(last).map(|todo| todo.result),
        );
        results.sort_by_key(|result| result.part.index);
        self.tell_progress();
        if results.iter().all(|result| result.done) {
            // What failed was made good.
            end.code = Some(0);
            events.progress.send_replace(Some(locked(&self.progress).complete()));
        }
        (end, results)
    }

    /// Transfers a part once. Returns the connection for the next one.
    async fn run_part(
        &self,
        todo: Todo,
        number: usize,
        connection: Option<Connection>,
    ) -> (PartEnd, usize, Option<Connection>) {
        let (started, time) = (Timestamp::now(), Instant::now());
        let ran = match self.listed(&todo.plan).await {
            Some(listed) => Some(self.transfer(&listed, &todo).await),
            None => None,
        };
        locked(&self.latest).retain(|(part, _)| *part != todo.part().index);
        let error = ran.as_ref().and_then(error_of);
        let exit_code = ran.as_ref().and_then(|ran| ran.code);
        let time = (time, Instant::now());
        let (duration, own) = (time.1 - time.0, number as u32 + 1);
        let tried = PartTry { connection: own, started, duration, exit_code, error };
        (PartEnd { todo, ran, tried, time }, number, connection)
    }

    async fn transfer(&self, listed: &Listed, todo: &Todo) -> Ran {
        let (progress, latest) = watch::channel(None);
        locked(&self.latest).push((todo.part().index, latest));
        let part = Some(todo.part());
        let events = JobEvents { part, progress, ..self.attempt.job_events.clone() };
        let expected = Some(todo.plan.load.files);
        self.request(listed, expected, &events).await
    }

    async fn request(&self, listed: &Listed, expected: Option<u64>, events: &JobEvents) -> Ran {
        let AttemptRunner { transport, number, .. } = self.attempt;
        let transfer = self.transfers.fetch_add(1, Ordering::Relaxed) + 1;
        let of = (&listed.job, &listed.job.sources[0]);
        let request = self.attempt.request(of, Purpose::Transfer, Show::Lines, self.left_out);
        let keep = request.keep.map(|_| self.attempt.layer(transfer));
        let request = Request { expected, keep, several: true, ..request };
        let command = transport.command(&request);
        events.phase(*number, Phase::Transfer, &command).await;
        transport.run(request, events, &mut |_| true).await
    }

    /// Writes the list of a part.
    async fn listed(&self, plan: &PartPlan) -> Option<Listed> {
        let (changed, lost, plan) = (self.changed.clone(), self.lost.clone(), plan.clone());
        let (job, source) = (self.attempt.job.clone(), self.attempt.source.clone());
        let (connections, small) = (self.connections, self.small);
        let write = move || {
            let mut changed = locked(&changed);
            let Listed { job, list } = plan.listed(&mut changed, &lost, small, &job, &source)?;
            Some(Listed { job: args::for_part(job, connections), list })
        };
        off_thread(&self.attempt.job_events.stop, write).await.flatten()
    }

    async fn tell_retry(&self, todo: &Todo, exit_code: Option<i32>, reason: Reason, delay: Duration) {
        let JobEvents { job, .. } = self.attempt.job_events;
        let (part, source) = (Some(todo.part()), self.attempt.source.text.clone());
        let (job, attempt, reason) = (job.clone(), self.attempt.number, reason.text);
        let retry = Event::Retry { job, part, attempt, exit_code, reason, delay, source };
        self.attempt.job_events.say(retry).await;
    }

    fn tell_progress(&self) {
        let mut rate = None;
        let mut progress = locked(&self.progress);
        for (part, latest) in &*locked(&self.latest) {
            let Some(now) = *latest.borrow() else { continue };
            progress.note(*part, now);
            rate = now.rate.map(|now| now + rate.unwrap_or(0.0)).or(rate);
        }
        self.attempt.job_events.progress.send_replace(Some(progress.sum(rate)));
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

fn error_of(ran: &Ran) -> Option<String> {
    match &ran.verdict {
        Ended::Judged(Verdict::Ok) => None,
        Ended::Judged(Verdict::Vanished(reason) | Verdict::Partial(reason) | Verdict::Failed(_, reason)) => {
            Some(reason.text.clone())
        }
        Ended::Stopped => Some("stopped".into()),
        Ended::DiskLow(_) => Some("the disk is nearly full".into()),
    }
}
