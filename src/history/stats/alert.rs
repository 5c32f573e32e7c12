//! Alert rules on past runs.

use super::{Point, Spread};
use crate::model::record::JobRecord;
use jiff::Timestamp;
use std::time::Duration;

/// Minimum number of earlier runs for [`Rule::SlowerThan`].
const HABIT: usize = 5;

/// A rule and the job that it applies to.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// The name of the job; `None` for every job.
    pub job: Option<String>,
    /// The command that it applies to instead of jobs; one of [`super::COMMANDS`].
    pub command: Option<String>,
    /// The condition.
    pub rule: Rule,
}

/// The condition of an alert. All but [`Rule::Age`] examine the newest successful run, and do not fire without one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// A metric is above this value.
    Above(Metric, f64),
    /// A metric is below this value.
    Below(Metric, f64),
    /// It took longer than this many times the duration of earlier runs. At least five earlier runs are required. Runs whose marker showed
    /// that nothing was new are compared with each other only.
    SlowerThan(f64, Point),
    /// The last success is older than this, or none is recorded.
    Age(Duration),
}

/// A metric of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Duration in seconds.
    Duration,
    /// Seconds until it got its slot.
    Queued,
    /// Number of attempts.
    Attempts,
    /// Files transferred.
    Files,
    /// Files deleted.
    Deleted,
    /// Bytes received.
    Bytes,
    /// Bytes received per second of transfer.
    BytesPerSecond,
    /// Files transferred per second of transfer.
    FilesPerSecond,
    /// Number of files at the source.
    TotalFiles,
    /// Bytes at the source.
    TotalBytes,
}

/// The unit of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Time,
    /// Bytes.
    Bytes,
    /// A number without a unit.
    Count,
}

impl Metric {
    /// All metrics.
    pub const ALL: [Metric; 10] = [
        Metric::Duration,
        Metric::Queued,
        Metric::Attempts,
        Metric::Files,
        Metric::Deleted,
        Metric::Bytes,
        Metric::BytesPerSecond,
        Metric::FilesPerSecond,
        Metric::TotalFiles,
        Metric::TotalBytes,
    ];

    /// The word used in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Metric::Duration => "duration",
            Metric::Queued => "queued",
            Metric::Attempts => "attempts",
            Metric::Files => "files",
            Metric::Deleted => "deleted",
            Metric::Bytes => "bytes",
            Metric::BytesPerSecond => "bytes_per_s",
            Metric::FilesPerSecond => "files_per_s",
            Metric::TotalFiles => "total_files",
            Metric::TotalBytes => "total_bytes",
        }
    }

    /// Returns the unit.
    pub fn unit(self) -> Unit {
        match self {
            Metric::Duration | Metric::Queued => Unit::Time,
            Metric::Bytes | Metric::BytesPerSecond | Metric::TotalBytes => Unit::Bytes,
            _ => Unit::Count,
        }
    }

    /// Returns the value for a run; `None` if unknown.
    pub fn of(self, past: &JobRecord) -> Option<f64> {
        let count = |n: Option<u64>| n.map(|n| n as f64);
        let per_second = |n: Option<u64>| {
            // Fetching a marker says nothing about the rate.
            let seconds = past.transferring().filter(|_| !past.is_by_marker())?.as_secs_f64();
            (seconds > 0.0).then_some(n? as f64 / seconds)
        };
        let figures = &past.figures;
        match self {
            Metric::Duration => past.duration.map(|d| d.as_secs_f64()),
            Metric::Queued => past.queued.map(|d| d.as_secs_f64()),
            Metric::Attempts => Some(past.attempts as f64),
            Metric::Files => count(figures.files_transferred),
            Metric::Deleted => count(figures.files_deleted),
            Metric::Bytes => count(figures.bytes_received),
            Metric::BytesPerSecond => per_second(figures.bytes_received),
            Metric::FilesPerSecond => per_second(figures.files_transferred),
            Metric::TotalFiles => count(figures.total_files),
            Metric::TotalBytes => count(figures.total_bytes),
        }
    }

    /// Formats a value for display.
    fn show(self, value: f64) -> String {
        let rate = if matches!(self, Metric::BytesPerSecond | Metric::FilesPerSecond) { "/s" } else { "" };
        match self.unit() {
            Unit::Time => seconds(value),
            Unit::Bytes => format!("{}{rate}", bytesize::ByteSize(value.max(0.0) as u64).display().si()),
            Unit::Count => format!("{}{rate}", (value * 100.0).round() / 100.0),
        }
    }
}

impl Alert {
    /// Whether the alert applies to this job.
    pub fn is_about(&self, job: &str) -> bool {
        self.command.is_none() && self.job.as_deref().is_none_or(|about| about == job)
    }

    /// Whether the alert applies to this command.
    pub fn is_about_command(&self, command: &str) -> bool {
        self.command.as_deref() == Some(command)
    }

    /// Returns a message if the alert fires. `None` if it does not, or if it cannot be determined. `past` is that of one job, the newest
    /// first.
    pub fn check(&self, past: &[JobRecord], now: Timestamp) -> Option<String> {
        let mut well = past.iter().filter(|past| past.state.is_success());
        let newest = well.next();
        match self.rule {
            Rule::Above(metric, limit) => {
                let value = metric.of(newest?).filter(|value| *value > limit)?;
                Some(format!("{} is {}, above {}", metric.word(), metric.show(value), metric.show(limit)))
            }
            Rule::Below(metric, limit) => {
                let value = metric.of(newest?).filter(|value| *value < limit)?;
                Some(format!("{} is {}, below {}", metric.word(), metric.show(value), metric.show(limit)))
            }
            Rule::SlowerThan(factor, point) => {
                let took = Metric::Duration.of(newest?)?;
                let alike =
                    well.filter(|past| past.is_by_marker() == newest.is_some_and(JobRecord::is_by_marker));
                let before: Vec<f64> = alike.filter_map(|past| Metric::Duration.of(past)).collect();
                let usual = Spread::of(before.iter().copied()).filter(|_| before.len() >= HABIT)?.get(point);
                (took > factor * usual).then(|| {
                    let (took, usual) = (seconds(took), seconds(usual));
                    format!(
                        "took {took}, more than {factor} times the {} of earlier runs, {usual}",
                        point.word()
                    )
                })
            }
            Rule::Age(limit) => {
                let age = |since| Duration::try_from(now.duration_since(since)).unwrap_or_default();
                let told = |age: Duration| seconds(age.as_secs_f64());
                // A success dated in the future must not hide the age of the others.
                let dated =
                    newest.filter(|past| past.started <= now).or(well.find(|past| past.started <= now));
                // Without a known success, its age is unknown. Not firing would suggest that all is well.
                let Some(ended) = dated.or(newest).and_then(JobRecord::ended) else {
                    return Some(match past.last() {
                        Some(oldest) => format!(
                            "no success of it is recorded, and its oldest recorded run started {} ago",
                            told(age(oldest.started))
                        ),
                        None => "no run of it is recorded".into(),
                    });
                };
                let age = Some(age(ended)).filter(|age| *age > limit)?;
                Some(format!("its last success was {} ago, more than {}", told(age), told(limit)))
            }
        }
    }
}

/// `1.50s` below a minute; otherwise whole seconds in the two largest units.
fn seconds(value: f64) -> String {
    if value < 60.0 {
        return format!("{value:.2}s");
    }
    crate::model::time::about(Duration::from_secs(value.min(1e15) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::stats::testing::past;
    use crate::model::record::State;
    use crate::model::result::Status;

    fn check(rule: Rule, past: &[JobRecord]) -> Option<String> {
        Alert { job: None, command: None, rule }.check(past, Timestamp::from_second(10_000_000).unwrap())
    }

    #[test]
    fn figures_are_compared_with_their_limits() {
        let mut one = past(0, 90);
        one.figures.bytes_received = Some(45_000_000);
        let past = [one];
        assert_eq!(
            check(Rule::Above(Metric::Duration, 60.0), &past).as_deref(),
            Some("duration is 1m 30s, above 1m")
        );
        assert_eq!(check(Rule::Above(Metric::Duration, 90.0), &past), None);
        assert_eq!(
            check(Rule::Below(Metric::BytesPerSecond, 1e6), &past).as_deref(),
            Some("bytes_per_s is 500.0 kB/s, below 1.0 MB/s")
        );
        assert_eq!(check(Rule::Below(Metric::Deleted, 1e9), &past), None, "what is unknown is not below");
        assert_eq!(
            check(Rule::Above(Metric::Attempts, 0.5), &past).as_deref(),
            Some("attempts is 1, above 0.5")
        );
        assert_eq!(check(Rule::Above(Metric::Duration, 0.0), &[]), None);
    }

    #[test]
    fn slow_is_what_is_slower_than_the_habit() {
        let rule = Rule::SlowerThan(2.0, Point::P95);
        let mut runs: Vec<JobRecord> = (1..=5).map(|age| past(age, 10)).collect();
        runs.insert(0, past(0, 25));
        let told = check(rule, &runs).unwrap();
        assert_eq!(told, "took 25.00s, more than 2 times the p95 of earlier runs, 10.00s");
        runs[0].duration = Some(Duration::from_secs(20));
        assert_eq!(check(rule, &runs), None);
        runs[0].duration = Some(Duration::from_secs(99));
        assert_eq!(check(rule, &runs[..5]), None, "four runs are no habit");
        runs[1].state = State::Ended(Status::Failed);
        assert_eq!(check(rule, &runs), None, "a failed run is no habit either");
    }

    #[test]
    fn short_questions_are_compared_with_each_other() {
        use crate::model::event::Phase;
        let rule = Rule::SlowerThan(2.0, Point::P50);
        let asked =
            |past: JobRecord| JobRecord { phases: vec![(Phase::Marker, Duration::from_secs(1))], ..past };
        let mut runs: Vec<JobRecord> = (1..=9).map(|age| asked(past(age, 1))).collect();
        runs.insert(0, past(0, 60));
        assert_eq!(check(rule, &runs), None, "it is the first run that listed the source");
        runs.extend((10..15).map(|age| past(age, 20)));
        assert!(check(rule, &runs).unwrap().ends_with("earlier runs, 20.00s"));
        runs[0] = asked(past(0, 3));
        runs[0].figures.bytes_received = Some(100);
        assert!(check(rule, &runs).unwrap().ends_with("earlier runs, 1.00s"));
        assert_eq!(check(Rule::Below(Metric::BytesPerSecond, 1e6), &runs), None);
    }

    #[test]
    fn old_is_what_has_not_succeeded_for_long() {
        let rule = Rule::Age(Duration::from_secs(8 * 86_400));
        let mut runs = [past(3, 60), past(9, 60)];
        assert_eq!(check(rule, &runs), None);
        runs[0].state = State::Ended(Status::Failed);
        let told = check(rule, &runs).unwrap();
        assert!(told.starts_with("its last success was 8d 23h ago, more than 8d"), "{told}");
        runs[1].state = State::Interrupted;
        let never = "no success of it is recorded, and its oldest recorded run started 9d ago";
        assert_eq!(check(rule, &runs).as_deref(), Some(never));
    }

    #[test]
    fn what_never_succeeded_is_older_than_any_limit() {
        let rule = Rule::Age(Duration::from_secs(8 * 86_400));
        let failed = JobRecord { state: State::Ended(Status::Failed), ..past(0, 60) };
        let told = check(rule, &[failed]).unwrap();
        assert_eq!(told, "no success of it is recorded, and its oldest recorded run started 0.00s ago");
        assert_eq!(check(rule, &[]).as_deref(), Some("no run of it is recorded"));
        let ahead = past(-1, 60);
        assert_eq!(
            check(rule, std::slice::from_ref(&ahead)),
            None,
            "a clock that was set back makes nothing old"
        );
        let told = check(rule, &[ahead, past(9, 60)]).unwrap();
        assert!(told.starts_with("its last success was 8d 23h ago"), "{told}");
    }

    #[test]
    fn a_rule_may_be_about_one_job() {
        let alert = Alert { job: Some("a".into()), command: None, rule: Rule::Above(Metric::Files, 1.0) };
        assert!(alert.is_about("a") && !alert.is_about("b"));
        assert!(Alert { job: None, ..alert }.is_about("b"));
    }
}
