//! Formats durations, sizes and counts for people.

use bytesize::ByteSize;
use std::time::Duration;

/// Formats a duration: `45.23s`, `3m 20s`, `3h 57m`, `2d 3h`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 59.995 {
        return format!("{seconds:.2}s");
    }
    let seconds = seconds.round() as u64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours) {
        (0, 0) => format!("{minutes}m {:02}s", seconds % 60),
        (0, _) => format!("{hours}h {:02}m", minutes % 60),
        _ => format!("{days}d {:02}h", hours % 24),
    }
}

/// Formats a changing duration in whole seconds, `45s`; from a minute on like [`duration`].
pub fn whole(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds => duration(Duration::from_secs(seconds)),
    }
}

/// Formats a size: `999 B`, `3.4 MB`. Units are powers of 1000, as in rsync's figures and for disks.
pub fn bytes(bytes: u64) -> String {
    ByteSize(bytes).display().si().to_string()
}

/// Formats a rate: `1.2 MB/s`. `None` if it is not a number or not positive.
pub fn rate(per_second: f64) -> Option<String> {
    (per_second.is_finite() && per_second >= 1.0).then(|| format!("{}/s", bytes(per_second as u64)))
}

/// Formats a number per second of anything: `3,199`; below a hundred with a decimal, `12.5`.
pub fn pace(per_second: f64) -> String {
    match per_second {
        slow if !slow.is_finite() || slow <= 0.0 => "0".into(),
        slow if slow < 99.95 => format!("{slow:.1}"),
        fast => grouped(fast.round() as u64),
    }
}

/// Estimates the remaining time at the average speed. `None` while that would be a guess: before anything is done, and in the first two
/// seconds.
pub fn left(done: u64, total: u64, elapsed: Duration) -> Option<Duration> {
    if done == 0 || elapsed < Duration::from_secs(2) || done >= total {
        return None;
    }
    let seconds = (total - done) as f64 / done as f64 * elapsed.as_secs_f64();
    Duration::try_from_secs_f64(seconds).ok()
}

/// Formats a number with its digits in groups of three.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a count with its noun: `1 file`, `2,000 files`, `3 tries`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        for (seconds, text) in [
            (0.0, "0.00s"),
            (15.076, "15.08s"),
            (59.994, "59.99s"),
            (59.996, "1m 00s"),
            (200.4, "3m 20s"),
            (14_220.0, "3h 57m"),
            (183_600.0, "2d 03h"),
        ] {
            assert_eq!(duration(Duration::from_secs_f64(seconds)), text);
        }
    }

    #[test]
    fn what_changes_is_told_in_whole_seconds() {
        assert_eq!(whole(Duration::from_millis(1_999)), "1s");
        assert_eq!(whole(Duration::from_millis(60_900)), "1m 00s");
    }

    #[test]
    fn a_pace_has_a_decimal_only_where_it_matters() {
        for (pace_, text) in
            [(0.0, "0"), (0.25, "0.2"), (99.94, "99.9"), (99.96, "100"), (3199.3096, "3,199")]
        {
            assert_eq!(pace(pace_), text);
        }
        assert_eq!(pace(f64::NAN), "0");
    }

    #[test]
    fn what_is_left_is_told_once_something_is_known() {
        let seconds = Duration::from_secs;
        assert_eq!(left(0, 1_000_000, seconds(60)), None);
        assert_eq!(left(1, 1_000_000, Duration::from_millis(200)), None);
        assert_eq!(left(25, 100, seconds(10)), Some(seconds(30)));
        assert_eq!(left(100, 100, seconds(10)), None);
    }

    #[test]
    fn sizes_count_by_thousands() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(3_400_000), "3.4 MB");
        assert_eq!(rate(1_260_000.0).as_deref(), Some("1.3 MB/s"));
        assert_eq!(rate(f64::NAN), None);
        assert_eq!(rate(f64::INFINITY), None);
        assert_eq!(count(1, "file", "files"), "1 file");
        assert_eq!(count(0, "file", "files"), "0 files");
        assert_eq!(count(1_234_567, "file", "files"), "1,234,567 files");
    }
    #[test]
    fn numbers_are_grouped() {
        for (n, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(n), text);
        }
    }
}
