//! What rsync prints, line by line.
//!
//! A file may be *named* like anything that rsync says, so what a line can mean depends on what was asked for and on what
//! came before it; the [`Reader`] knows both.

mod change;
mod name;
mod progress;
mod stats;

pub use change::{Change, ChangeKind};
pub use name::unescape;
pub use stats::{Count, Stats};

use super::args::Purpose;
use crate::model::event::Progress;

/// What a line of standard output says. Total: any bytes are some line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Line<'a> {
    /// `--info=progress2`; not for people.
    Progress(Progress),
    /// An itemized change of a dry run.
    Change(Change<'a>),
    /// A line of `--stats` that went into [`Reader::stats`].
    Stat,
    /// Anything else.
    Text(&'a [u8]),
}

/// Reads the standard output of one run of rsync.
///
/// - Changes are recognised in dry runs only, where every name stands behind its itemized change.
/// - Progress is recognised in a [`Purpose::Transfer`] only. Names stand alone there, and one that looks exactly like progress
///   is taken for it: it is not shown, and moves the bar until the next real one.
/// - Figures are recognised only in a block that begins with `Number of files:` after an empty line; a later block replaces an
///   earlier one. No name comes after an empty line, and rsync's own block is the last.
#[derive(Debug, Clone)]
pub struct Reader {
    purpose: Purpose,
    stats: Stats,
    /// The line before was empty.
    after_blank: bool,
    /// Within the block of figures.
    in_stats: bool,
    /// The highest percentage so far.
    percent: Option<f64>,
}

impl Reader {
    /// For the output of a run with the arguments of that purpose.
    pub fn new(purpose: Purpose) -> Self {
        Reader { purpose, stats: Stats::default(), after_blank: false, in_stats: false, percent: None }
    }

    /// The figures so far; those of a run that ended in order are complete.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Reads one line, without the `\n` or `\r` that ended it (rsync ends progress with either).
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

    /// Reads a line whose end has not come yet: progress that is there from its first column to its last. The same line is read
    /// again when its end comes.
    pub fn begun(&mut self, beginning: &[u8]) -> Option<Progress> {
        if self.purpose != Purpose::Transfer || self.in_stats || !progress::is_whole(beginning) {
            return None;
        }
        let now = progress::read(beginning)?;
        Some(self.advance(now))
    }

    /// Bytes of a growing list: the percentage may fall, which helps nobody.
    fn advance(&mut self, mut now: Progress) -> Progress {
        now.percent = match (self.percent, now.percent) {
            (Some(old), Some(new)) => Some(old.max(new)),
            (old, new) => new.or(old),
        };
        self.percent = now.percent;
        now
    }
}

/// The figures in the whole output of a run with the arguments of that purpose. Without them nothing has happened, whatever the
/// exit code says: rsync ends with 0 where a server or something in front of it ends the conversation early.
pub fn figures(purpose: Purpose, output: &str) -> Stats {
    let mut reader = Reader::new(purpose);
    for line in output.split(['\n', '\r']) {
        let _ = reader.read(line.as_bytes());
    }
    *reader.stats()
}

/// Digits and nothing else; `None` also for what does not fit.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |n, digit| match digit {
        b'0'..=b'9' => n.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
