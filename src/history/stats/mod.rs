//! Statistics of past runs. Pure: the past is an argument.

mod aggregate;
mod alert;
mod cost;
mod percentiles;
mod prometheus;
#[cfg(test)]
pub(crate) mod testing;
mod total;
mod watch;

pub(crate) use aggregate::Aggregate;
pub(crate) use alert::{Alert, Metric, Rule, Unit};
pub(crate) use cost::COMMANDS;
pub(crate) use cost::{Checkpoint, CommandCost, Cost, Queries, QueryStats};
pub(crate) use percentiles::{Point, Spread};
pub(crate) use prometheus::{Metrics, prometheus};
pub(crate) use total::{CommandTotal, Total};
pub(crate) use watch::Watch;
