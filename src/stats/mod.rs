//! What the past says, as numbers. Pure: the past is handed in.

mod alert;
mod past;
mod percentiles;
#[cfg(test)]
pub(crate) mod testing;
mod watch;

pub use alert::{Alert, Metric, Rule, Unit};
pub use past::{Past, State};
pub use percentiles::{Point, Spread, percentile};
pub use watch::Watch;
