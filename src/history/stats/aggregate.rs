//! Statistics of one job's past.

use super::{Metric, Spread};
use crate::model::record::{JobRecord, State};
use crate::model::result::Status;
use jiff::{SignedDuration, Timestamp};

/// The period that counts as recent for a trend.
pub(super) const RECENT: SignedDuration = SignedDuration::from_hours(7 * 24);
pub(super) const BEFORE: SignedDuration = SignedDuration::from_hours(5 * 7 * 24);

/// The statistics of one job.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Aggregate {
    /// Name of the job.
    pub job: String,
    /// Number of runs, without those that skipped the job or are still running.
    pub runs: usize,
    /// Number of runs by state, for states that occurred.
    pub states: Vec<(State, usize)>,
    /// The share of successful runs, 0 to 1. Runs ended by users or by the system do not count.
    pub success_rate: Option<f64>,
    /// Number of successful runs whose marker showed that nothing was new.
    pub by_marker: usize,
    /// Duration of the other successful runs, in seconds.
    pub duration: Option<Spread>,
    /// Time that runs waited for a slot, in seconds.
    pub queued: Option<Spread>,
    /// Bytes received per second, in successful runs that received any.
    pub bytes_per_s: Option<Spread>,
    /// Files transferred per second, in successful runs that transferred any.
    pub files_per_s: Option<Spread>,
    /// Bytes received by all runs, as far as known.
    pub bytes: u64,
    /// Files transferred by all runs, as far as known.
    pub files: u64,
    /// The last seven days compared with the four weeks before.
    pub trend: Trend,
    /// The newest run.
    pub last: Option<JobRecord>,
    /// When it last succeeded.
    pub last_success: Option<Timestamp>,
}

/// The relative change of medians: 0.1 is an increase of 10%. `None` if one period has no runs.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Trend {
    /// Duration of successful runs that listed the source.
    pub duration: Option<f64>,
    /// Bytes received by them.
    pub bytes: Option<f64>,
}

impl Aggregate {
    /// Computes the statistics of one job from its past, the newest run first.
    pub(crate) fn of(job: &str, past: &[JobRecord], now: Timestamp) -> Aggregate {
        let tried: Vec<&JobRecord> = past
            .iter()
            .filter(|past| !matches!(past.state, State::Running | State::Ended(Status::Skipped)))
            .collect();
        let well: Vec<&JobRecord> = tried.iter().copied().filter(|past| past.state.is_success()).collect();
        let ended_by_others =
            |past: &&&JobRecord| matches!(past.state, State::Interrupted | State::Ended(Status::Cancelled));
        let judged = tried.len() - tried.iter().filter(ended_by_others).count();
        let listed: Vec<&JobRecord> = well.iter().copied().filter(|past| !past.is_by_marker()).collect();
        // A run without anything to transfer does not show the speed.
        let speed = |metric: Metric| {
            Spread::of(well.iter().filter_map(|past| metric.of(past)).filter(|speed| *speed > 0.0))
        };
        let states = State::all()
            .map(|state| (state, past.iter().filter(|past| past.state == state).count()))
            .filter(|(_, count)| *count > 0);
        Aggregate {
            job: job.into(),
            runs: tried.len(),
            states: states.collect(),
            success_rate: (judged > 0).then(|| well.len() as f64 / judged as f64),
            by_marker: well.len() - listed.len(),
            duration: Spread::of(listed.iter().filter_map(|past| Metric::Duration.of(past))),
            queued: Spread::of(tried.iter().filter_map(|past| Metric::Queued.of(past))),
            bytes_per_s: speed(Metric::BytesPerSecond),
            files_per_s: speed(Metric::FilesPerSecond),
            bytes: tried.iter().filter_map(|past| past.figures.bytes_received).fold(0, u64::saturating_add),
            files: tried
                .iter()
                .filter_map(|past| past.figures.files_transferred)
                .fold(0, u64::saturating_add),
            trend: Trend {
                duration: change(&listed, Metric::Duration, now),
                bytes: change(&listed, Metric::Bytes, now),
            },
            last: past.iter().find(|past| past.state != State::Running).cloned(),
            last_success: well.first().and_then(|past| past.ended()),
        }
    }
}

/// The median of the recent period compared with that of the weeks before.
fn change(well: &[&JobRecord], metric: Metric, now: Timestamp) -> Option<f64> {
    let age = |past: &JobRecord| now.duration_since(past.started);
    let median = |from: SignedDuration, to: SignedDuration| {
        let within = well.iter().filter(|past| age(past) >= from && age(past) < to);
        Spread::of(within.filter_map(|past| metric.of(past))).map(|spread| spread.p50)
    };
    let (recent, before) = (median(SignedDuration::ZERO, RECENT)?, median(RECENT, BEFORE)?);
    (before > 0.0).then(|| recent / before - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::stats::testing::past;
    use crate::model::event::Phase;
    use std::time::Duration;

    fn now() -> Timestamp {
        Timestamp::from_second(10_000_001).unwrap()
    }

    fn with(days: i64, status: Status) -> JobRecord {
        JobRecord { state: State::Ended(status), ..past(days, 1) }
    }

    #[test]
    fn only_what_was_tried_counts() {
        let mut runs = vec![past(0, 10), past(1, 20), with(2, Status::Failed), with(3, Status::Skipped)];
        runs.push(JobRecord { state: State::Interrupted, duration: None, ..past(4, 1) });
        runs.insert(0, JobRecord { state: State::Running, duration: None, ..past(0, 1) });
        let all = Aggregate::of("a", &runs, now());
        assert_eq!((all.runs, all.success_rate), (4, Some(2.0 / 3.0)));
        assert_eq!(all.duration.unwrap().mean, 15.0);
        let words: Vec<_> = all.states.iter().map(|(state, count)| (state.word(), *count)).collect();
        assert_eq!(words, [("ok", 2), ("failed", 1), ("skipped", 1), ("interrupted", 1), ("running", 1)]);
        assert_eq!(all.last.unwrap().run, "R0");
        assert_eq!(all.last_success, Some(Timestamp::from_second(10_000_010).unwrap()));
    }

    #[test]
    fn speed_is_that_of_runs_that_fetched_something() {
        let mut runs = [past(0, 10), past(1, 10), past(2, 10)];
        runs[0].figures.bytes_received = Some(1_000);
        runs[1].figures.bytes_received = Some(0);
        runs[0].phases = vec![(Phase::Transfer, Duration::from_secs(2))];
        let all = Aggregate::of("a", &runs, now());
        assert_eq!(all.bytes_per_s.unwrap().p50, 500.0, "of the transfer, not of the hooks");
        assert_eq!((all.bytes, all.files_per_s), (1_000, None));
    }

    #[test]
    fn the_time_is_that_of_runs_that_listed_the_source() {
        let mut runs = [past(0, 1), past(1, 20), past(2, 1), past(8, 10)];
        for asked in [0, 2] {
            runs[asked].phases = vec![(Phase::Marker, Duration::from_secs(1))];
        }
        let all = Aggregate::of("a", &runs, now());
        assert_eq!((all.runs, all.by_marker, all.success_rate), (4, 2, Some(1.0)));
        assert_eq!((all.duration.unwrap().mean, all.trend.duration), (15.0, Some(1.0)));
        let only = Aggregate::of("a", &runs[..1], now());
        assert_eq!((only.duration, only.last_success.is_some()), (None, true));
    }

    #[test]
    fn a_trend_needs_both_sides() {
        let runs = [past(1, 30), past(6, 30), past(8, 20), past(20, 20), past(60, 999)];
        assert_eq!(Aggregate::of("a", &runs, now()).trend.duration, Some(0.5));
        assert_eq!(Aggregate::of("a", &runs[..2], now()).trend.duration, None);
        assert_eq!(Aggregate::of("a", &runs[2..], now()).trend, Trend::default());
        assert_eq!(Aggregate::of("a", &[], now()).success_rate, None);
    }
}
