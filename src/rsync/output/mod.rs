//! Parses rsync's output, line by line.
//!
//! A file may be *named* like any other line of rsync, so the meaning of a line depends on the purpose of the run and on earlier lines. The
//! [`Reader`] keeps track of both.

mod change;
mod name;
mod progress;
mod stats;

pub use change::{Change, ChangeKind};
pub use name::unescape;
pub use stats::{Count, Stats};

use super::args::Purpose;
use crate::model::event::Progress;

/// A parsed line of standard output. Every sequence of bytes is some kind of line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Line<'a> {
    /// Progress from `--info=progress2`; not shown to people.
    Progress(Progress),
    /// An itemized change of a dry run.
    Change(Change<'a>),
    /// A line of `--stats` that went into [`Reader::stats`].
    Stat,
    /// Anything else.
    Text(&'a [u8]),
}

/// Parses the standard output of one run of rsync.
///
/// - Changes are recognised in dry runs only, where every name follows its itemized change.
/// - Progress is recognised in a [`Purpose::Transfer`] only. There names have their own lines, and a name that looks exactly like progress
///   is taken for it: it is not shown, and the progress is wrong until the next real one.
/// - Figures are recognised only in a block that starts with `Number of files:` after an empty line; a later block replaces an earlier one.
///   No name follows an empty line, and rsync's own block is the last.
#[derive(Debug, Clone)]
pub struct Reader {
    purpose: Purpose,
    stats: Stats,
    /// Whether the previous line was empty.
    after_blank: bool,
    /// Whether the line is within the block of figures.
    in_stats: bool,
    /// The highest percentage so far.
    percent: Option<f64>,
}

impl Reader {
    /// Creates a reader for the output of a run with the arguments for this purpose.
    pub fn new(purpose: Purpose) -> Self {
        Reader { purpose, stats: Stats::default(), after_blank: false, in_stats: false, percent: None }
    }

    /// Returns the figures so far. They are complete if the run ended regularly.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Parses one line, without the `\n` or `\r` that ended it (rsync ends progress with either).
    pub fn read<'a>(&mut self, line: &'a [u8]) -> Line<'a> {
        let Some(first) = line.first() else {
            (self.after_blank, self.in_stats) = (true, false);
            return Line::Text(line);
        };
        let after_blank = std::mem::take(&mut self.after_blank);
        if after_blank && line.starts_with(stats::FIRST) {
            self.stats = Stats::default();
            self.in_stats = true;
        }
        if self.in_stats {
            if self.stats.read(line) {
                return Line::Stat;
            }
            self.in_stats = false;
        }
        match self.purpose {
            Purpose::List { .. } | Purpose::Plan { .. } => {
                change::read(line).map_or(Line::Text(line), Line::Change)
            }
            Purpose::Transfer if matches!(first, b' ' | b'0'..=b'9') => {
                progress::read(line).map_or(Line::Text(line), |now| Line::Progress(self.advance(now)))
            }
            Purpose::Transfer => Line::Text(line),
        }
    }

    /// Parses a line without its end: progress that is complete from its first column to its last. The same line is parsed again when its
    /// end arrives.
    pub fn begun(&mut self, beginning: &[u8]) -> Option<Progress> {
        if self.purpose != Purpose::Transfer || self.in_stats || !progress::is_whole(beginning) {
            return None;
        }
        let now = progress::read(beginning)?;
        Some(self.advance(now))
    }

    /// Keeps the percentage from falling, which happens while the file list grows.
    fn advance(&mut self, mut now: Progress) -> Progress {
        now.percent = match (self.percent, now.percent) {
            (Some(old), Some(new)) => Some(old.max(new)),
            (old, new) => new.or(old),
        };
        self.percent = now.percent;
        now
    }
}

/// Returns the figures in the whole output of a run with the arguments for this purpose. Without figures nothing was done, whatever the
/// exit code: rsync exits with 0 if a server, or a front end of it, closes the connection early.
pub fn figures(purpose: Purpose, output: &str) -> Stats {
    let mut reader = Reader::new(purpose);
    for line in output.split(['\n', '\r']) {
        let _ = reader.read(line.as_bytes());
    }
    *reader.stats()
}

#[cfg(test)]
mod tests;
