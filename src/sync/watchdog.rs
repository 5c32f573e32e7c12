//! Decides when a child has to be ended: by its timeout, silence, a crawl, or a nearly full disk.

use super::activity;
use super::child::{Cause, Signs};
use super::crawl::{Crawl, Look};
use rustix::process::Pid;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// How often the free space is checked.
const DISK: Duration = Duration::from_secs(1);

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
    /// Whether its output is not being read at the moment, so that silence proves nothing.
    deaf: bool,
    /// A pending query of the free space.
    asked: Option<JoinHandle<io::Result<Option<u64>>>>,
}

impl Watchdog {
    /// Ends the child after `timeout` of wall-clock time, and after `stall` without a sign of life.
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

    /// Also ends the child if the other side has not answered within `limit`, regardless of other output.
    pub(super) fn answer(mut self, limit: Option<Duration>) -> Self {
        self.answer = limit;
        self
    }

    /// Also ends the child if less than `least` bytes a second arrive over `stall` while contents are expected.
    pub(super) fn min_rate(mut self, least: Option<u64>) -> Self {
        self.crawl = least.zip(self.stall).map(|(least, stall)| Crawl::new(least, stall));
        self
    }

    /// Also ends the child if the file system of `path` has fewer than `bytes` bytes left.
    pub(super) fn min_free(mut self, path: PathBuf, bytes: Option<u64>) -> Self {
        self.min_free = bytes.map(|bytes| (path, bytes));
        self
    }

    /// Sets the process group to watch.
    pub(super) fn watch(&mut self, group: Pid) {
        self.group = Some(group);
    }

    /// Notes a sign of life.
    pub(super) fn heard(&mut self) {
        self.alive = Instant::now();
    }

    /// Notes the child's state.
    pub(super) fn noted(&mut self, signs: Signs) {
        self.signs = signs;
    }

    /// Sets whether reading is suspended. A child that waits for us has not stalled.
    pub(super) fn deaf(&mut self, deaf: bool) {
        self.deaf = deaf;
    }

    /// Returns when the child has to be ended. May be cancelled and called again.
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

    /// Time until the next check.
    fn pause(&self) -> Duration {
        let stall = self.stall.map(often);
        let timeout = self.timeout.map(|t| t.saturating_sub(self.started.elapsed()));
        let answer =
            self.answer.filter(|_| !self.signs.answered).map(|a| a.saturating_sub(self.started.elapsed()));
        let disk = self.min_free.as_ref().map(|_| DISK);
        // At least 1 ms, so that a limit that has just been reached is not checked in a loop.
        let answer = answer.map(|answer| answer.max(Duration::from_millis(1)));
        [stall, timeout, answer, disk].into_iter().flatten().min().unwrap_or(Duration::from_secs(3600))
    }

    /// Whether the child is silent and reads nothing. Hashing a large file produces no output, but reads.
    fn is_stalled(&mut self, stall: Duration) -> bool {
        // Recent output is sufficient evidence.
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

    /// The cause if contents arrive too slowly; `None` otherwise.
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

    /// Whether received bytes wait unread here. Then the other side is not silent.
    fn waits(&self) -> bool {
        self.group.is_some_and(activity::waits)
    }

    /// The free bytes if they are too few; `None` otherwise. A mount that does not answer is left to `stall` and `timeout`.
    async fn disk_low(&mut self) -> Option<u64> {
        let (path, least) = self.min_free.clone()?;
        let asked =
            self.asked.get_or_insert_with(|| tokio::task::spawn_blocking(move || super::disk::free(&path)));
        let answer = tokio::time::timeout(DISK, asked).await.ok()?;
        self.asked = None;
        answer.ok()?.ok()?.filter(|free| *free < least)
    }
}

/// How often a child that may be silent for `stall` is checked.
fn often(stall: Duration) -> Duration {
    (stall / 8).clamp(Duration::from_millis(20), Duration::from_secs(5))
}
