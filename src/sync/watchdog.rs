//! When a child has to be ended: its wall clock, its silence, a crawl, the disk that it fills.

use super::activity;
use super::crawl::{Crawl, Look};
use super::process::Cause;
use rustix::process::Pid;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// How often the disk is looked at.
const DISK: Duration = Duration::from_secs(1);

/// How far a child is, by what it has said.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Signs {
    /// Whether it has said anything that only comes after the answer of the other side.
    pub(super) answered: bool,
    /// Whether contents are expected from there.
    pub(super) contents: bool,
    /// Bytes of contents so far.
    pub(super) bytes: u64,
}

/// Watches one child.
#[derive(Debug)]
pub(super) struct Watchdog {
    timeout: Option<Duration>,
    stall: Option<Duration>,
    answer: Option<Duration>,
    crawl: Option<Crawl>,
    signs: Signs,
    min_free: Option<(PathBuf, u64)>,
    started: Instant,
    alive: Instant,
    look: Instant,
    group: Option<Pid>,
    bytes: Option<u64>,
    /// Whether we are not listening, so that silence says nothing.
    deaf: bool,
    /// A question about the disk that has not been answered yet.
    asked: Option<JoinHandle<io::Result<Option<u64>>>>,
}

impl Watchdog {
    /// Bites after `timeout` of wall clock, and after `stall` without a sign of life.
    pub(super) fn new(timeout: Option<Duration>, stall: Option<Duration>) -> Self {
        let now = Instant::now();
        Watchdog {
            timeout,
            stall,
            answer: None,
            crawl: None,
            signs: Signs::default(),
            min_free: None,
            started: now,
            alive: now,
            look: now,
            group: None,
            bytes: None,
            deaf: false,
            asked: None,
        }
    }

    /// Bites too when the other side has not answered after so long, whatever else it says.
    pub(super) fn answer(mut self, limit: Option<Duration>) -> Self {
        self.answer = limit;
        self
    }

    /// Bites too when less than so many bytes a second come over `stall`, while contents come.
    pub(super) fn min_rate(mut self, least: Option<u64>) -> Self {
        self.crawl = least.zip(self.stall).map(|(least, stall)| Crawl::new(least, stall));
        self
    }

    /// Bites too when the file system of `path` has fewer than `bytes` bytes left.
    pub(super) fn min_free(mut self, path: PathBuf, bytes: Option<u64>) -> Self {
        self.min_free = bytes.map(|bytes| (path, bytes));
        self
    }

    /// From now on, about this process group.
    pub(super) fn watch(&mut self, group: Pid) {
        self.group = Some(group);
    }

    /// The child gave a sign of life.
    pub(super) fn heard(&mut self) {
        self.alive = Instant::now();
    }

    /// What the child has said so far.
    pub(super) fn noted(&mut self, signs: Signs) {
        self.signs = signs;
    }

    /// Says whether we have stopped listening for a while: a child that waits for us is not one that has stalled.
    pub(super) fn deaf(&mut self, deaf: bool) {
        self.deaf = deaf;
    }

    /// Returns when the child has to be ended. May be dropped and called again.
    pub(super) async fn bites(&mut self) -> Cause {
        loop {
            let now = Instant::now();
            if now >= self.look {
                if let Some(cause) = self.cause() {
                    return cause;
                }
                if let Some(free) = self.disk_low().await {
                    return Cause::DiskLow(free);
                }
                self.look = now + self.pause();
            }
            sleep_until(self.look).await;
        }
    }

    fn cause(&mut self) -> Option<Cause> {
        if let Some(timeout) = self.timeout
            && self.started.elapsed() >= timeout
        {
            return Some(Cause::Timeout(timeout));
        }
        if let Some(stall) = self.stall
            && self.is_stalled(stall)
        {
            return Some(if self.waits() { Cause::Stuck(stall) } else { Cause::Stalled(stall) });
        }
        if let Some(limit) =
            self.answer.filter(|limit| !self.signs.answered && self.started.elapsed() >= *limit)
        {
            return Some(Cause::Unanswered(limit));
        }
        self.is_crawling()
    }

    /// How long until the next look.
    fn pause(&self) -> Duration {
        let stall = self.stall.map(often);
        let timeout = self.timeout.map(|t| t.saturating_sub(self.started.elapsed()));
        let answer =
            self.answer.filter(|_| !self.signs.answered).map(|a| a.saturating_sub(self.started.elapsed()));
        let disk = self.min_free.as_ref().map(|_| DISK);
        // Not again at once for one that was due just now.
        let answer = answer.map(|answer| answer.max(Duration::from_millis(1)));
        [stall, timeout, answer, disk].into_iter().flatten().min().unwrap_or(Duration::from_secs(3600))
    }

    /// Silent, and not busy either: hashing a large file makes no output, but reads.
    fn is_stalled(&mut self, stall: Duration) -> bool {
        // Whoever was heard a moment ago is not asked for other evidence.
        if self.alive.elapsed() < often(stall) / 2 {
            return false;
        }
        let bytes = self.group.and_then(activity::bytes_read);
        let before = bytes.and_then(|bytes| self.bytes.replace(bytes));
        if self.deaf || (before.is_some() && before != bytes) {
            self.heard();
        }
        self.alive.elapsed() >= stall
    }

    /// Contents come, and next to nothing of them.
    fn is_crawling(&mut self) -> Option<Cause> {
        let (group, stall) = (self.group?, self.stall?);
        let crawl = self.crawl.as_mut()?;
        let Signs { contents, bytes, .. } = self.signs;
        let contents = contents && !self.deaf;
        let read = if contents { activity::read_by_forks(group) } else { None };
        let look = Look { contents, progress: bytes, read };
        let few = crawl.judge(look, || activity::waits(group))?;
        Some(Cause::Crawl(few, stall))
    }

    /// Whether what the other side has sent waits here: then the silence is not its own.
    fn waits(&self) -> bool {
        self.group.is_some_and(activity::waits)
    }

    /// The bytes that are free, if they are too few. A mount that does not answer is for `stall` and `timeout`.
    async fn disk_low(&mut self) -> Option<u64> {
        let (path, least) = self.min_free.clone()?;
        let asked =
            self.asked.get_or_insert_with(|| tokio::task::spawn_blocking(move || super::disk::free(&path)));
        let answer = tokio::time::timeout(DISK, asked).await.ok()?;
        self.asked = None;
        answer.ok()?.ok()?.filter(|free| *free < least)
    }
}

/// How often a child that may be silent for so long is looked at.
fn often(stall: Duration) -> Duration {
    (stall / 8).clamp(Duration::from_millis(20), Duration::from_secs(5))
}
