//! Values of `[[stats.alerts]]`: metrics, bounds, and factors of earlier runs.

use super::suggestion::nearest;
use super::units::{Period, Size};
use super::value::{Reader, Value, read_text};
use crate::history::stats::{COMMANDS, Metric, Point, Unit};
use schemars::Schema;
use std::str::FromStr;
use toml::Spanned;
use toml::de::DeValue;

/// `"2x p95"`: a factor and a percentile of earlier runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slower(pub f64, pub Point);

/// A limit of a figure: a number, a span of time or a size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// A number in the unit of the figure: seconds, bytes or a count.
    Plain(f64),
    /// Seconds, from a span of time.
    Time(f64),
    /// Bytes, from a size.
    Bytes(f64),
}

impl Bound {
    /// Returns the number, if the bound fits the unit.
    pub(super) fn of(self, unit: Unit) -> Option<f64> {
        match (self, unit) {
            (Bound::Plain(n), _) | (Bound::Time(n), Unit::Time) | (Bound::Bytes(n), Unit::Bytes) => Some(n),
            _ => None,
        }
    }
}

/// A command whose costs are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostedCommand(pub &'static str);

impl FromStr for CostedCommand {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        COMMANDS.into_iter().find(|known| *known == text).map(CostedCommand).ok_or_else(|| {
            let near =
                nearest(text, COMMANDS).map_or(String::new(), |near| format!("; did you mean {near:?}?"));
            format!("the costs of {text:?} are not recorded: expected one of {}{near}", COMMANDS.join(", "))
        })
    }
}

impl Value for CostedCommand {
    fn expected() -> String {
        "the name of a command such as \"search\"".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        read_text(value, reader)
    }

    fn to_toml(&self) -> toml::Value {
        self.0.into()
    }

    fn schema() -> Schema {
        schemars::json_schema!({"enum": COMMANDS})
    }
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(span) = text.parse::<Period>() {
            return Ok(Bound::Time(span.0.as_secs_f64()));
        }
        // Zero is not a valid `Period`, but a valid bound.
        if text.trim() == "0s" {
            return Ok(Bound::Time(0.0));
        }
        // A plain number is seconds for one figure and bytes for another, so text without a unit is refused: a plain number must be a
        // number in TOML.
        if text.trim().parse::<f64>().is_err()
            && let Ok(size) = text.trim().trim_end_matches("/s").parse::<Size>()
        {
            return Ok(Bound::Bytes(size.0.unwrap_or(0) as f64));
        }
        Err(format!(
            "{text:?} is neither a number, a span of time such as \"2h\", nor a size such as \"5MB\""
        ))
    }
}

impl FromStr for Slower {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is not a factor and a figure: write it as \"2x p95\" (p50, p90, p95, p99 or mean)"
            )
        };
        let (factor, point) = text.trim().split_once('x').ok_or_else(wrong)?;
        let factor = factor.trim();
        // An exponent is almost certainly a mistake.
        let factor: f64 =
            if factor.contains(['e', 'E']) { Err(wrong()) } else { factor.parse().map_err(|_| wrong()) }?;
        let point = Point::ALL.into_iter().find(|known| known.word() == point.trim()).ok_or_else(wrong)?;
        if factor.is_finite() && factor > 0.0 { Ok(Slower(factor, point)) } else { Err(wrong()) }
    }
}

impl FromStr for Metric {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = Metric::ALL.map(Metric::word);
        Metric::ALL.into_iter().find(|known| known.word() == text).ok_or_else(|| {
            let near = nearest(text, words).map_or(String::new(), |near| format!("; did you mean {near:?}?"));
            format!("{text:?} is not a figure: expected one of {}{near}", words.join(", "))
        })
    }
}

impl Value for Metric {
    fn expected() -> String {
        "the name of a figure such as \"duration\"".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        read_text(value, reader)
    }

    fn to_toml(&self) -> toml::Value {
        self.word().into()
    }

    fn schema() -> Schema {
        schemars::json_schema!({"enum": Metric::ALL.map(Metric::word)})
    }
}

impl Value for Slower {
    fn expected() -> String {
        "a factor and a figure of earlier runs, such as \"2x p95\"".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        read_text(value, reader)
    }

    fn to_toml(&self) -> toml::Value {
        format!("{}x {}", self.0, self.1.word()).into()
    }

    fn schema() -> Schema {
        schemars::json_schema!({"type": "string", "pattern": r"^\s*[+]?([0-9]*[1-9][0-9]*([.][0-9]*)?|[0-9]*[.][0-9]*[1-9][0-9]*)\s*x\s*(p50|p90|p95|p99|mean)\s*$"})
    }
}

impl Value for Bound {
    fn expected() -> String {
        "a number, a span of time or a size".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let number = match value.get_ref() {
            DeValue::Integer(_) => super::value::integer(value.get_ref()).map(|n| n as f64),
            DeValue::Float(n) => n.as_str().replace('_', "").parse().ok(),
            _ => return read_text(value, reader),
        };
        match number.filter(|n: &f64| n.is_finite()) {
            Some(n) => Some(Bound::Plain(n)),
            None => {
                reader.wrong_type(value, &Self::expected());
                None
            }
        }
    }

    /// Spans and sizes become plain numbers in seconds and bytes.
    fn to_toml(&self) -> toml::Value {
        let (Bound::Plain(n) | Bound::Time(n) | Bound::Bytes(n)) = *self;
        if n.fract() == 0.0 && n.abs() < 1e15 { (n as i64).into() } else { n.into() }
    }

    fn schema() -> Schema {
        super::patterns::bound(None)
    }
}
