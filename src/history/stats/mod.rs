//! What the past says, as numbers. Pure: the past is handed in.

mod aggregate;
mod alert;
mod cost;
mod past;
mod percentiles;
mod prometheus;
#[cfg(test)]
pub(crate) mod testing;
mod total;
mod watch;

pub use aggregate::{Aggregate, Trend};
pub use alert::{Alert, Metric, Rule, Unit};
pub use cost::{CommandCost, Cost};
pub use past::{Past, State};
pub use percentiles::{Point, Spread, percentile};
pub use prometheus::{Metrics, prometheus};
pub use total::{CommandTotal, Total};
pub use watch::Watch;
