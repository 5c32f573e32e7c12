//! Formats and parses times and time spans for people. Machine-readable output has RFC 3339 in UTC, and seconds.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

/// Formats a time for machines: `2026-11-28T18:10:23.042Z`.
pub fn rfc3339(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// Returns seconds for machines, to the millisecond.
pub fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000.0).round() / 1_000.0
}

/// Formats an RFC 3339 time like [`rfc3339`]; `None` if it cannot be parsed.
pub fn rfc3339_of(text: &str) -> Option<String> {
    text.parse().ok().map(rfc3339)
}

/// Formats a time in the local time zone, with its offset: `2026-11-28 19:10:23 +01:00`.
pub fn local(time: Timestamp) -> String {
    in_zone(time, TimeZone::system())
}

/// Formats a local time to the minute, where the [`offset`] is shown elsewhere: `2026-11-28 19:10`.
pub fn minute(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Returns the offset of the local time zone at this time: `+01:00`.
pub fn offset(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%:z").to_string()
}

/// Formats an RFC 3339 time like [`local`]. Text that cannot be parsed is returned unchanged.
pub fn local_of(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), local)
}

/// Formats a time like [`local`] to the millisecond, for records that are matched by time.
pub fn local_exact(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S%.3f %:z").to_string()
}

fn in_zone(time: Timestamp, zone: TimeZone) -> String {
    time.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// Formats a span exactly, so that parsing returns the same span: `400d`, `36h`, `90m`, `1500ms`. If one unit would need a large number,
/// two are used: `1d 1s`.
pub fn span(span: Duration) -> String {
    const UNITS: [(&str, u128); 9] = [
        ("d", 86_400_000_000_000),
        ("y", 31_557_600_000_000_000),
        ("month", 2_630_016_000_000_000),
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
    ];
    /// From this number on, a second, larger unit is used.
    const MANY: u128 = 10_000;
    let nanos = span.as_nanos();
    if nanos == 0 {
        return "0s".into();
    }
    let whole = UNITS.into_iter().find(|(_, unit)| nanos.is_multiple_of(*unit));
    if let Some((name, unit)) = whole.filter(|(name, unit)| nanos / unit < MANY || *name == "d") {
        let many = if name == "month" && nanos > unit { "s" } else { "" };
        return format!("{}{name}{many}", nanos / unit);
    }
    let (mut parts, mut rest) = (Vec::new(), nanos);
    for (name, unit) in UNITS.into_iter().filter(|(name, _)| !matches!(*name, "y" | "month")) {
        if rest >= unit {
            parts.push(format!("{}{name}", rest / unit));
            rest %= unit;
        }
    }
    parts.join(" ")
}

/// Formats a span roughly, in whole seconds, by its two largest units: `9d 2h`, `1h 5m`, `45s`.
pub fn about(time: Duration) -> String {
    let (seconds, mut parts) = (time.as_secs(), Vec::new());
    let mut rest = seconds;
    for (name, unit) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        if rest >= unit && parts.len() < 2 {
            parts.push(format!("{}{name}", rest / unit));
        } else if !parts.is_empty() {
            break;
        }
        rest %= unit;
    }
    if parts.is_empty() { "0s".into() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_those_of_the_reader_and_say_so() {
        let time: Timestamp = "2026-11-28T23:10:23.4Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(in_zone(time, zone), "2026-11-29 01:10:23 +02:00");
        assert_eq!(in_zone(time, TimeZone::UTC), "2026-11-28 23:10:23 +00:00");
        assert_eq!(local_of("soon"), "soon");
    }

    #[test]
    fn spans_are_written_as_people_write_them() {
        for text in ["0s", "400d", "30d", "36h", "90m", "10m", "45s", "1500ms", "6h", "1y", "1month", "7d"] {
            assert_eq!(span(humantime::parse_duration(text).unwrap()), text);
        }
        assert_eq!(span(Duration::from_secs(48 * 3600)), "2d");
        assert_eq!(span(Duration::from_secs(86_401)), "1d 1s");
        for (seconds, text) in [(0, "0s"), (45, "45s"), (3_905, "1h 5m"), (784_805, "9d 2h"), (86_401, "1d")]
        {
            assert_eq!(about(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn seconds_for_machines_have_milliseconds() {
        assert_eq!(seconds(Duration::from_micros(1_234_567)), 1.235);
    }

    proptest! {
        #[test]
        fn a_span_is_read_as_itself(secs in 0u64..4_000_000_000, nanos in prop_oneof![Just(0), 0u32..1_000_000_000]) {
            let time = Duration::new(secs, nanos);
            prop_assert_eq!(humantime::parse_duration(&span(time)).unwrap(), time);
        }
    }
}
