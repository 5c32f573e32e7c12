//! Values with a unit: time spans, sizes, rates, limits.

use super::patterns::{self, Zero};
use super::value::{Reader, Value, integer, read_text};
use crate::model::job::{MaxDelete, MaxEntries, MaxOlder};
use schemars::Schema;
use std::str::FromStr;
use std::time::Duration;
use toml::Spanned;
use toml::de::DeValue;

/// A time limit; zero in the file means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimit(pub Option<Duration>);

/// A time span, possibly zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause(pub Duration);

/// A time span greater than zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period(pub Duration);

/// A size in bytes; zero in the file is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub Option<u64>);

/// A rate in bytes per second; zero in the file means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(pub Option<u64>);

/// Longer spans would overflow clocks and have no practical use.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let read = if text.bytes().all(|b| b.is_ascii_digit()) && text.bytes().any(|b| b != b'0') {
        Err(format!("{text:?} has no unit: write \"{text}s\" for seconds"))
    } else {
        humantime::parse_duration(text).map_err(|_| {
            format!("{text:?} is not a span of time: write it as \"30s\", \"10m\", \"2h\" or \"1d\"")
        })
    };
    match read {
        Ok(span) if span > LONGEST => Err(format!("{text:?} is out of range: expected at most 100 years")),
        read => read,
    }
}

/// Formats a size exactly, in the largest unit that divides it.
pub(crate) fn bytes_text(bytes: u64) -> String {
    const UNITS: [(&str, u64); 8] = [
        ("TiB", 1 << 40),
        ("TB", 1_000_000_000_000),
        ("GiB", 1 << 30),
        ("GB", 1_000_000_000),
        ("MiB", 1 << 20),
        ("MB", 1_000_000),
        ("KiB", 1 << 10),
        ("KB", 1_000),
    ];
    let unit = UNITS.into_iter().find(|(_, factor)| bytes > 0 && bytes.is_multiple_of(*factor));
    let (unit, factor) = unit.unwrap_or(("B", 1));
    format!("{}{unit}", bytes / factor)
}

impl FromStr for TimeLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        duration(text).map(|span| TimeLimit((!span.is_zero()).then_some(span)))
    }
}

impl FromStr for Pause {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        duration(text).map(Pause)
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match duration(text)? {
            Duration::ZERO => Err(format!("{text:?} is out of range: expected more than 0")),
            span => Ok(Period(span)),
        }
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size: bytesize::ByteSize = text.trim().parse().map_err(|_| {
            format!("{text:?} is not a size: write it as \"10MB\" or \"5GiB\", or as a number of bytes")
        })?;
        Ok(Size(Some(size.0).filter(|bytes| *bytes > 0)))
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.trim();
        let plain = plain.strip_suffix("/s").unwrap_or(plain);
        let read = match plain.parse::<u64>() {
            // A plain number is in KiB, as in rsync.
            Ok(kib) => kib.checked_mul(1024),
            Err(_) => plain.parse::<bytesize::ByteSize>().ok().map(|size| size.0),
        };
        read.map(|bytes| Rate(Some(bytes).filter(|bytes| *bytes > 0))).ok_or_else(|| {
            format!(
                "{text:?} is not a rate: write it as \"5MB\" (per second), or as a number of KiB per second"
            )
        })
    }
}

/// Converts these types to the plain values that other modules use.
macro_rules! plain {
    ($($unit:ty => $plain:ty),+) => {
        $( impl From<$unit> for $plain {
            fn from(value: $unit) -> Self {
                value.0
            }
        } )+
    };
}

plain!(TimeLimit => Option<Duration>, Pause => Duration, Period => Duration, Size => Option<u64>, Rate => Option<u64>);

impl Value for TimeLimit {
    fn expected() -> String {
        "a span of time such as \"10m\" (\"0\" for no limit)".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        if integer(value.get_ref()) == Some(0) { Some(TimeLimit(None)) } else { read_text(value, reader) }
    }

    fn to_toml(&self) -> toml::Value {
        self.0.map_or("0s".into(), crate::model::time::span).into()
    }

    fn schema() -> Schema {
        patterns::span(Zero::AsNumber, "a span of time; 0 is no limit")
    }
}

impl Value for Pause {
    fn expected() -> String {
        "a span of time such as \"30s\"".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        read_text(value, reader)
    }

    fn to_toml(&self) -> toml::Value {
        crate::model::time::span(self.0).into()
    }

    fn schema() -> Schema {
        patterns::span(Zero::AsText, "a span of time")
    }
}

impl Value for Period {
    fn expected() -> String {
        Pause::expected()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        read_text(value, reader)
    }

    fn to_toml(&self) -> toml::Value {
        Pause(self.0).to_toml()
    }

    fn schema() -> Schema {
        patterns::span(Zero::Refused, "a span of time, more than 0")
    }
}

/// Reads a string, or a non-negative integer, which is parsed like the same digits in a string.
fn read_number_or_text<T: Value + FromStr<Err = String>>(
    value: &Spanned<DeValue<'_>>,
    reader: &mut Reader<'_>,
) -> Option<T> {
    if !value.get_ref().is_integer() {
        return read_text(value, reader);
    }
    let read = integer(value.get_ref()).and_then(|n| u64::try_from(n).ok());
    let read = read.map_or(Err(()), |n| n.to_string().parse().map_err(|_| ()));
    if read.is_err() {
        reader.wrong_type(value, &T::expected());
    }
    read.ok()
}

impl Value for Size {
    fn expected() -> String {
        "a size such as \"10MB\" or \"5GiB\", or a number of bytes".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        read_number_or_text(value, reader)
    }

    fn to_toml(&self) -> toml::Value {
        bytes_text(self.0.unwrap_or(0)).into()
    }

    fn schema() -> Schema {
        patterns::size()
    }
}

impl Value for Rate {
    fn expected() -> String {
        "a rate such as \"5MB\" (per second), or a number of KiB per second".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        read_number_or_text(value, reader)
    }

    fn to_toml(&self) -> toml::Value {
        bytes_text(self.0.unwrap_or(0)).into()
    }

    fn schema() -> Schema {
        patterns::rate()
    }
}

macro_rules! limits {
    ($($limit:ident),+) => {
        $(
            impl Value for $limit {
                fn expected() -> String {
                    "a number of files, or a share such as \"10%\"".into()
                }

                fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
                    read_number_or_text(value, reader)
                }

                /// The default has no notation in the file, and is never in a layer.
                fn to_toml(&self) -> toml::Value {
                    match self {
                        $limit::Files(n) if i64::try_from(*n).is_ok() => (*n as i64).into(),
                        limit => limit.to_string().into(),
                    }
                }

                fn schema() -> Schema {
                    patterns::share()
                }
            }
        )+
    };
}

limits!(MaxDelete, MaxEntries, MaxOlder);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_sizes_and_rates_are_read() {
        assert_eq!("0".parse(), Ok(TimeLimit(None)));
        assert_eq!("0s".parse(), Ok(TimeLimit(None)));
        assert_eq!("6h".parse(), Ok(TimeLimit(Some(Duration::from_secs(6 * 3600)))));
        assert_eq!("0s".parse(), Ok(Pause(Duration::ZERO)));
        assert_eq!("20GiB".parse(), Ok(Size(Some(20 << 30))));
        assert_eq!("0".parse(), Ok(Size(None)));
        assert_eq!("5MB".parse(), Ok(Rate(Some(5_000_000))));
        assert_eq!("5MB/s".parse(), Ok(Rate(Some(5_000_000))));
        assert_eq!("100".parse(), Ok(Rate(Some(102_400))), "a bare number is KiB, as in rsync");
        assert_eq!("0".parse(), Ok(Rate(None)));
    }

    #[test]
    fn spans_are_written_in_one_unit() {
        for text in ["400d", "10m", "90s", "1d", "36h", "1500ms", "0s"] {
            assert_eq!(crate::model::time::span(duration(text).unwrap()), text);
        }
    }

    #[test]
    fn what_is_no_span_or_size_is_refused() {
        for bad in ["", "30", "-1s", "soon", "1000000y", "1e3s"] {
            assert!(bad.parse::<TimeLimit>().is_err(), "{bad}");
        }
        assert!("0s".parse::<Period>().is_err());
        for bad in ["", "much", "5 bananas", "-1", "18446744073709551615"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
        assert!("5 bananas".parse::<Size>().is_err());
    }

    #[test]
    fn bytes_are_written_exactly() {
        for (bytes, text) in [(5_000_000, "5MB"), (20 << 30, "20GiB"), (1_025, "1025B"), (0, "0B")] {
            assert_eq!(bytes_text(bytes), text);
            assert_eq!(text.parse::<bytesize::ByteSize>().unwrap().0, bytes);
        }
    }
}
