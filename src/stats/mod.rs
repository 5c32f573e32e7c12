//! What the past says, as numbers. Pure: the past is handed in.

mod aggregate;
mod alert;
mod past;
mod percentiles;
mod prometheus;
#[cfg(test)]
pub(crate) mod testing;
mod watch;

pub use aggregate::{Aggregate, Trend};
pub use alert::{Alert, Metric, Rule, Unit};
pub use past::{Past, State};
pub use percentiles::{Point, Spread, percentile};
pub use prometheus::prometheus;
pub use watch::Watch;
