//! Past runs for tests.

use crate::model::record::{JobRecord, State};
use crate::model::result::{Figures, Status};
use jiff::Timestamp;
use std::time::Duration;

/// A success that started this many days before second 10,000,000 and took this many seconds.
pub(crate) fn past(days: i64, seconds: u64) -> JobRecord {
    JobRecord {
        run: format!("R{days}"),
        scope: None,
        job: "a".into(),
        state: State::Ended(Status::Ok),
        started: Timestamp::from_second(10_000_000 - days * 86_400).unwrap(),
        duration: Some(Duration::from_secs(seconds)),
        queued: Some(Duration::ZERO),
        attempts: 1,
        exit_code: Some(0),
        figures: Figures::default(),
        source: Some("h::m/".into()),
        changed: None,
        fallback: None,
        error: None,
        hint: None,
        log: None,
        alerts: vec![],
        warnings: vec![],
        phases: vec![],
        connections: None,
        details: None,
    }
}
