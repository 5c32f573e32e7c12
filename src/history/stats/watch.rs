//! The alerts of a run, and the past that they need.

use super::{Alert, Past};
use jiff::Timestamp;
use std::collections::HashMap;

/// What a run looks out for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch {
    /// The rules.
    pub alerts: Vec<Alert>,
    /// The past of each job, the newest first.
    pub past: HashMap<String, Vec<Past>>,
}

impl Watch {
    /// What this newest result, of which the past knows nothing yet, sets off: a sentence each.
    pub(crate) fn check(&self, newest: Past, now: Timestamp) -> Vec<String> {
        let alerts: Vec<_> = self.alerts.iter().filter(|alert| alert.is_about(&newest.job)).collect();
        if alerts.is_empty() {
            return Vec::new();
        }
        let before = self.past.get(&newest.job).map(Vec::as_slice).unwrap_or_default();
        let all: Vec<Past> = std::iter::once(newest).chain(before.iter().cloned()).collect();
        alerts.into_iter().filter_map(|alert| alert.check(&all, now)).collect()
    }
}
