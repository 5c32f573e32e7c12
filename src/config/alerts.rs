//! `[stats]` and `[[stats.alerts]]`: how much history is kept, and which figures trigger alerts.

use super::layer::{AlertLayer, Given, Origin, Span, StatsLayer};
use super::resolve::Resolver;
use super::suggestion::nearest;
use super::units::{Period, Size};
use super::value::{Reader, Value, read_text};
use crate::history::stats::{Alert, Metric, Point, Rule, Unit};
use schemars::Schema;
use std::str::FromStr;
use std::time::Duration;
use toml::Spanned;
use toml::de::DeValue;

/// `[stats]`, with defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct StatsSettings {
    /// Runs older than this are removed from the history.
    pub keep: Option<Duration>,
    /// Maximum number of runs that are kept, the newest first.
    pub keep_runs: Option<u64>,
    /// The alerts.
    pub alerts: Vec<Alert>,
}

impl Default for StatsSettings {
    fn default() -> Self {
        resolve(StatsLayer::default())
    }
}

fn resolve(layer: StatsLayer) -> StatsSettings {
    let stats = layer.fill();
    let runs = u64::try_from(stats.keep_runs.value.get()).unwrap_or(0);
    StatsSettings { keep: stats.keep.value.0, keep_runs: (runs > 0).then_some(runs), alerts: Vec::new() }
}

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
    fn of(self, unit: Unit) -> Option<f64> {
        match (self, unit) {
            (Bound::Plain(n), _) | (Bound::Time(n), Unit::Time) | (Bound::Bytes(n), Unit::Bytes) => Some(n),
            _ => None,
        }
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

impl Resolver<'_> {
    /// Resolves and checks `[stats]`. `jobs` has the names of all jobs.
    pub(super) fn stats(
        &mut self,
        layer: &StatsLayer,
        alerts: &[(AlertLayer, Span)],
        jobs: &[String],
    ) -> StatsSettings {
        let mut settings = resolve(layer.clone());
        // The line of each alert.
        let mut lines = Vec::new();
        for (alert, span) in alerts {
            if let Some(job) = &alert.job
                && !jobs.contains(&job.value)
            {
                let hint = nearest(&job.value, jobs.iter().map(String::as_str));
                let hint = hint.map(|near| format!("did you mean {near:?}?"));
                self.at_origin(job.origin, format!("no job is called {:?}", job.value), hint);
            }
            let job = alert.job.as_ref().map(|job| job.value.clone());
            for rule in self.rules(alert, *span) {
                let alert = Alert { job: job.clone(), rule };
                let Some(n) = settings.alerts.iter().position(|known| *known == alert) else {
                    settings.alerts.push(alert);
                    lines.push(span.line);
                    continue;
                };
                let text = format!("this alert repeats that of line {}", lines[n]);
                self.note(Origin::Section(*span), text, Some("remove one of them".into()));
            }
        }
        settings
    }

    fn rules(&mut self, alert: &AlertLayer, span: Span) -> Vec<Rule> {
        let mut rules = Vec::new();
        let bounds = [(&alert.above, Rule::Above as fn(Metric, f64) -> Rule), (&alert.below, Rule::Below)];
        for (given, rule) in bounds {
            let Some(Given { value, origin }) = given else { continue };
            let Some(metric) = &alert.metric else {
                let hint = Some("add metric = \"duration\"".into());
                self.at_origin(*origin, "a limit needs a metric".into(), hint);
                continue;
            };
            match value.of(metric.value.unit()) {
                Some(limit) => rules.push(rule(metric.value, limit)),
                None => {
                    let unit = match metric.value.unit() {
                        Unit::Time => "a span of time, or seconds",
                        Unit::Bytes => "a size, or bytes",
                        Unit::Count => "a number",
                    };
                    let text = format!("{} is measured as {unit}", metric.value.word());
                    self.at_origin(*origin, text, None);
                }
            }
        }
        rules.extend(
            alert.slower_than.as_ref().map(|slower| Rule::SlowerThan(slower.value.0, slower.value.1)),
        );
        rules.extend(alert.age_above.as_ref().map(|age| Rule::Age(age.value.0)));
        let conditions = alert.above.is_some() || alert.below.is_some();
        if !conditions && let Some(Given { origin, .. }) = &alert.metric {
            self.at_origin(
                *origin,
                "a metric needs a limit".into(),
                Some("add above = … or below = …".into()),
            );
        } else if !conditions && rules.is_empty() {
            let hint = Some("add metric and above or below, slower_than, or age_above".into());
            self.at_origin(Origin::Section(span), "this alert has no condition".into(), hint);
        }
        rules
    }
}
