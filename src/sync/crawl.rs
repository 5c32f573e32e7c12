//! Detects a transfer that brings almost nothing. Any byte is a sign of life, so a byte a second would keep such a transfer alive forever.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// One measurement.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Look {
    /// Whether contents are expected from the source.
    pub(super) contents: bool,
    /// Bytes of contents so far, as reported by rsync.
    pub(super) progress: u64,
    /// Bytes that rsync has read so far, from the network and from disks; `None` if the kernel does not report them.
    pub(super) read: Option<u64>,
}

/// Counts the bytes that arrive over a window of time. Only time in which contents were expected from the source counts. Time for listing
/// and comparing, and time in which received bytes wait unread here, is left out.
#[derive(Debug)]
pub(super) struct Crawl {
    least: u64,
    window: Duration,
    last: Look,
    at: Instant,
    /// The spans that count, and the bytes of each.
    spans: VecDeque<(Duration, u64)>,
}

impl Crawl {
    /// `least`: bytes a second. `window`: the time over which they are counted.
    pub(super) fn new(least: u64, window: Duration) -> Self {
        Crawl { least, window, last: Look::default(), at: Instant::now(), spans: VecDeque::new() }
    }

    /// Adds a measurement. Returns the bytes of the whole window if they are too few. `waits` returns whether received bytes wait unread
    /// here; it is called only for a slow span.
    pub(super) fn judge(&mut self, now: Look, waits: impl FnOnce() -> bool) -> Option<u64> {
        let span = self.at.elapsed();
        let last = std::mem::replace(&mut self.last, now);
        self.at += span;
        if !last.contents || !now.contents {
            return None;
        }
        // rsync reports a piece of a file when it is complete, and `read` includes what is read from the existing copy. Each is too low for
        // a short time only.
        let read = now.read.zip(last.read).map_or(0, |(now, last)| now.saturating_sub(last));
        let came = read.max(now.progress.saturating_sub(last.progress));
        if self.is_slow(span, came) && waits() {
            return None;
        }
        self.spans.push_back((span, came));
        let (mut time, mut bytes) = self.sum();
        while let Some((first, of_it)) =
            self.spans.front().copied().filter(|(first, _)| time - *first >= self.window)
        {
            self.spans.pop_front();
            (time, bytes) = (time - first, bytes.saturating_sub(of_it));
        }
        (time >= self.window && self.is_slow(time, bytes)).then_some(bytes)
    }

    fn is_slow(&self, time: Duration, bytes: u64) -> bool {
        (bytes as f64) < self.least as f64 * time.as_secs_f64()
    }

    fn sum(&self) -> (Duration, u64) {
        self.spans
            .iter()
            .fold((Duration::ZERO, 0), |(time, bytes), (span, came)| (time + *span, bytes + came))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(contents: bool, progress: u64, read: u64) -> Look {
        Look { contents, progress, read: Some(read) }
    }

    /// Measures every ten seconds; returns each result.
    fn looks(crawl: &mut Crawl, of: impl Fn(u64) -> Look, waits: bool) -> Vec<Option<u64>> {
        let look = |n| {
            crawl.at = Instant::now() - Duration::from_secs(10);
            crawl.judge(of(n), || waits)
        };
        (0..20).map(look).collect()
    }

    #[tokio::test]
    async fn too_few_bytes_over_the_whole_window_are_told() {
        let mut crawl = Crawl::new(1_000, MINUTE);
        let found = looks(&mut crawl, |n| at(true, 0, 10 * n), false);
        // The first measurement only starts the count.
        assert_eq!(found.iter().position(Option::is_some), Some(6));
        assert_eq!(found[6], Some(60));
    }

    #[tokio::test]
    async fn enough_of_either_kind_no_contents_and_what_waits_here_are_no_crawl() {
        let fresh = || Crawl::new(1_000, MINUTE);
        let none = |found: Vec<Option<u64>>| assert!(found.iter().all(Option::is_none), "{found:?}");
        none(looks(&mut fresh(), |n| at(true, 11_000 * n, 0), false));
        none(looks(&mut fresh(), |n| at(true, 0, 11_000 * n), false));
        none(looks(&mut fresh(), |n| at(false, 0, n), false));
        none(looks(&mut fresh(), |n| at(true, 0, n), true));
        // A burst now and then.
        none(looks(&mut fresh(), |n| at(true, n / 6 * 70_000, 0), false));
    }
}
