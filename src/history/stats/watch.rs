//! The alerts of a run, and the past runs that they need.

use super::Alert;
use crate::model::record::JobRecord;
use jiff::Timestamp;
use std::collections::HashMap;

/// What a run checks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch {
    /// The alerts.
    pub alerts: Vec<Alert>,
    /// The past of each job, the newest first.
    pub past: HashMap<String, Vec<JobRecord>>,
}

impl Watch {
    /// Returns a message for each alert that fires for this newest result, which is not in the past yet. A run that the command line limited
    /// sets off none, since it cannot be compared with runs of the whole job.
    pub(crate) fn check(&self, newest: JobRecord, now: Timestamp) -> Vec<String> {
        if newest.scope.is_some() {
            return Vec::new();
        }
        let alerts: Vec<_> = self.alerts.iter().filter(|alert| alert.is_about(&newest.job)).collect();
        if alerts.is_empty() {
            return Vec::new();
        }
        let before = self.past.get(&newest.job).map(Vec::as_slice).unwrap_or_default();
        let all: Vec<JobRecord> = std::iter::once(newest).chain(before.iter().cloned()).collect();
        alerts.into_iter().filter_map(|alert| alert.check(&all, now)).collect()
    }
}
