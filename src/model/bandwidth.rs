//! The bandwidth of a whole run, and when which limit holds.

/// A limit for all jobs of a run together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bandwidth {
    /// Bytes per second at all times; `None`: no limit.
    Always(Option<u64>),
    /// Limits by time of day. At other times there is none.
    Times(Vec<Window>),
}

/// A part of each day, in minutes since midnight, local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first minute.
    pub from: u16,
    /// The minute after the last. Before `from`: on the next day. The same as `from`: a whole day.
    pub to: u16,
    /// Bytes per second; `None`: no limit.
    pub rate: Option<u64>,
}

impl Window {
    /// Whether it holds in this minute of the day.
    pub fn holds(self, minute: u16) -> bool {
        match self.from < self.to {
            true => (self.from..self.to).contains(&minute),
            false => minute >= self.from || minute < self.to,
        }
    }
}

/// rsync takes whole KiB per second, at least one.
const UNIT: u64 = 1024;

impl Bandwidth {
    /// Returns the limit of one of `jobs` jobs that run at the same time, at this minute of the day: its own, or its share of the whole, which is
    /// rounded down. Bytes per second; `None`: no limit.
    pub fn of_job(&self, own: Option<u64>, jobs: usize, minute: u16) -> Option<u64> {
        let whole = match self {
            Bandwidth::Always(rate) => *rate,
            Bandwidth::Times(windows) => {
                windows.iter().find(|window| window.holds(minute)).and_then(|window| window.rate)
            }
        };
        let Some(whole) = whole else { return own };
        let share = (whole / jobs.max(1) as u64 / UNIT * UNIT).max(UNIT);
        Some(own.map_or(share, |own| own.min(share)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_all_jobs_are_never_more_than_the_whole() {
        let all = Bandwidth::Always(Some(10 << 10));
        assert_eq!(all.of_job(None, 3, 0), Some(3 << 10));
        assert_eq!(all.of_job(Some(2 << 10), 3, 0), Some(2 << 10));
        assert_eq!(all.of_job(Some(9 << 10), 3, 0), Some(3 << 10));
        assert_eq!(all.of_job(None, 100, 0), Some(UNIT), "rsync has no smaller limit");
        assert_eq!(Bandwidth::Always(None).of_job(Some(5), 3, 0), Some(5));
    }

    #[test]
    fn a_timetable_holds_at_its_times_and_over_midnight() {
        let window = |from: u16, to: u16, rate| Window { from: from * 60, to: to * 60, rate };
        let table = Bandwidth::Times(vec![
            window(8, 18, Some(5 << 20)),
            window(22, 6, Some(50 << 20)),
            window(6, 8, None),
        ]);
        let at = |hour: u16, own| table.of_job(own, 1, hour * 60);
        assert_eq!([8, 17, 18, 21].map(|hour| at(hour, None)), [Some(5 << 20), Some(5 << 20), None, None]);
        assert_eq!(
            [22, 23, 0, 5, 6].map(|hour| at(hour, None)),
            [Some(50 << 20), Some(50 << 20), Some(50 << 20), Some(50 << 20), None]
        );
        assert_eq!(
            [7, 20].map(|hour| at(hour, Some(77))),
            [Some(77), Some(77)],
            "the job keeps its own limit"
        );
    }
}
