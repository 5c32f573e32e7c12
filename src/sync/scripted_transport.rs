//! A transport without processes, for tests. A function gives the answer to each request; what was asked is kept.

use super::job_events::JobEvents;
use super::transport::{Ended, OnChange, Ran, Request, Transport};
use crate::model::result::Reason;
use crate::rsync::args::Purpose;
use crate::rsync::exit::{Class, Verdict};
use crate::rsync::output::{Count, Line, Reader, Stats};
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The answer to a request.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// Itemized changes, as rsync prints them: `>f+++++++++ NAME`, `*deleting   NAME`.
    changes: Vec<String>,
    /// Files that appear at the destination.
    files: Vec<String>,
    verdict: Verdict,
    /// Files of the source; `None` for a transport that ended without figures.
    total: Option<u64>,
    /// Whether the request only ends when the run stops.
    hangs: bool,
}

impl Answer {
    /// The source has `total` files, and these changes.
    pub(super) fn of(total: u64, changes: &[&str]) -> Self {
        let changes = changes.iter().map(|change| (*change).into()).collect();
        Answer { changes, files: Vec::new(), verdict: Verdict::Ok, total: Some(total), hangs: false }
    }

    /// Files of these names come, from a source with `total` files.
    pub(super) fn brings<N: Into<String>>(total: u64, files: impl IntoIterator<Item = N>) -> Self {
        Answer { files: files.into_iter().map(Into::into).collect(), ..Answer::of(total, &[]) }
    }

    /// The request fails without figures.
    pub(super) fn fails(class: Class, why: &str) -> Self {
        let verdict = Verdict::Failed(class, Reason::new(why));
        Answer { verdict, total: None, ..Answer::of(0, &[]) }
    }

    /// The request goes on until the run stops.
    pub(super) fn hangs() -> Self {
        Answer { hangs: true, ..Answer::of(0, &[]) }
    }

    /// The same with another verdict.
    pub(super) fn but(self, verdict: Verdict) -> Self {
        Answer { verdict, ..self }
    }

    fn ran(&self) -> Ran {
        let count = |files| Count { total: files, dirs: 0, regular: files };
        let stats = self.total.map_or_else(Stats::default, |total| Stats {
            files: Some(count(total)),
            transferred: Some(self.files.len() as u64),
            total_size: Some(total),
            received: Some(1),
            sent: Some(1),
            ..Stats::default()
        });
        let code = match &self.verdict {
            Verdict::Ok => 0,
            Verdict::Vanished(_) => 24,
            Verdict::Partial(_) => 23,
            Verdict::Failed(..) => 12,
        };
        let verdict = Ended::Judged(self.verdict.clone());
        Ran { code: Some(code), verdict, stats, progress: None, unshown: Vec::new() }
    }
}

/// A request: name of the job, host of the source, and `list`, `transfer` or `compare` (a second listing).
pub(super) type Asked = (String, String, &'static str);

/// The transport.
pub(super) struct Script {
    answer: Box<dyn Fn(&Asked) -> Answer + Send + Sync>,
    /// The first requests wait until so many run.
    together: usize,
    state: Mutex<State>,
}

/// How long requests wait for others. A test that waits so long fails.
const TOGETHER: Duration = Duration::from_secs(60);

#[derive(Default)]
struct State {
    asked: Vec<Asked>,
    running: BTreeMap<String, usize>,
    most: BTreeMap<String, usize>,
}

impl Script {
    /// Answers each request by the function.
    pub(super) fn new(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Arc<Self> {
        Script::together(0, answer)
    }

    /// The same; the first requests wait until so many of them run.
    pub(super) fn together(
        together: usize,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Script { answer: Box::new(answer), together, state: Mutex::default() })
    }

    /// Answers the requests in this order, of whatever job they are. The last answer is repeated.
    pub(super) fn in_order(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        let mut answers = answers.into_iter().collect::<Vec<_>>().into_iter().peekable();
        let first = answers.peek().unwrap().clone();
        let answers = Mutex::new((answers, first));
        Script::new(move |_| {
            let mut answers = answers.lock().unwrap();
            let next = answers.0.next().unwrap_or_else(|| answers.1.clone());
            answers.1 = next.clone();
            next
        })
    }

    /// What was asked, in order.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    /// What was asked of one job: `HOST WHAT`.
    pub(super) fn asked_of(&self, job: &str) -> Vec<String> {
        let asked = self.asked().into_iter().filter(|(name, ..)| name == job);
        asked.map(|(_, host, what)| format!("{host} {what}")).collect()
    }

    /// The most requests that ran at the same time, for a host, or for all by the empty name.
    pub(super) fn most(&self, host: &str) -> usize {
        self.state.lock().unwrap().most.get(host).copied().unwrap_or(0)
    }

    fn begin(&self, asked: &Asked) {
        let mut state = self.state.lock().unwrap();
        state.asked.push(asked.clone());
        for host in [asked.1.clone(), String::new()] {
            let running = state.running.entry(host.clone()).or_default();
            *running += 1;
            let running = *running;
            let most = state.most.entry(host).or_default();
            *most = running.max(*most);
        }
    }

    fn end(&self, asked: &Asked) {
        let mut state = self.state.lock().unwrap();
        for host in [asked.1.as_str(), ""] {
            *state.running.get_mut(host).unwrap() -= 1;
        }
    }
}

impl Transport for Script {
    fn refusal<'a>(&'a self, _job_events: &'a JobEvents) -> BoxFuture<'a, Option<Reason>> {
        Box::pin(async { None })
    }

    fn command(&self, _request: &Request<'_>) -> Vec<String> {
        Vec::new()
    }

    fn run<'a>(
        &'a self,
        request: Request<'a>,
        job_events: &'a JobEvents,
        changes: &'a mut OnChange<'_>,
    ) -> BoxFuture<'a, Ran> {
        Box::pin(async move {
            let what = match request.purpose {
                Purpose::List { .. } => "list",
                Purpose::Plan { .. } => "compare",
                Purpose::Transfer => "transfer",
            };
            let asked =
                (request.job.name.clone(), request.source.host().unwrap_or_default().to_owned(), what);
            self.begin(&asked);
            // As a process would, so that others can begin meanwhile.
            tokio::task::yield_now().await;
            let answer = (self.answer)(&asked);
            let begun = Instant::now();
            while self.most("") < self.together && begun.elapsed() < TOGETHER {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let mut ran = answer.ran();
            if answer.hangs {
                job_events.stop.gentle().await;
                (ran.code, ran.verdict) = (None, Ended::Stopped);
            }
            let mut reader = Reader::new(request.purpose);
            for change in &answer.changes {
                let line = format!("{} 1 2026/11/28-15:21:12 {}", &change[..11], &change[12..]);
                let Line::Change(change) = reader.read(line.as_bytes()) else { panic!("{line}") };
                changes(&change);
            }
            for name in &answer.files {
                fs::write(request.job.dest.join(name), "x").unwrap();
            }
            self.end(&asked);
            ran
        })
    }
}
