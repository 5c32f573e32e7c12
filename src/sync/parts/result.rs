//! A part while it waits or runs, and what is kept of it.

use super::cut::Load;
use super::part_plan::PartPlan;
use crate::model::part::{Part, PartResult, PartTry};
use crate::sync::transport::Ran;
use tokio::time::Instant;

/// A part in the queue, or running.
#[derive(Debug, Clone)]
pub(super) struct Todo {
    pub(super) plan: PartPlan,
    /// How often it was tried again after a failure.
    pub(super) retries: u32,
    /// Whether it was transferred again because something in it was missing.
    pub(super) again: bool,
    pub(super) result: PartResult,
}

impl Todo {
    pub(super) fn new(plan: PartPlan, attempt: u32) -> Self {
        let Load { files, bytes, .. } = plan.load;
        let result = PartResult { attempt, part: plan.part, files, bytes, done: false, tries: Vec::new() };
        Todo { plan, retries: 0, again: false, result }
    }

    pub(super) fn part(&self) -> Part {
        self.plan.part
    }
}

/// The end of one transfer of a part.
pub(super) struct Ended {
    pub(super) todo: Todo,
    /// `None` if the list of its names could not be written.
    pub(super) ran: Option<Ran>,
    pub(super) tried: PartTry,
    /// Its beginning and its end.
    pub(super) time: (Instant, Instant),
}

/// How many of these periods share a moment, at most. One may begin when another ends.
pub(super) fn at_once(periods: &[(Instant, Instant)]) -> usize {
    let holds = |&(begin, end): &(Instant, Instant), time| begin == time || begin < time && time < end;
    let at = |time| periods.iter().filter(|period| holds(period, time)).count();
    periods.iter().map(|(begin, _)| at(*begin)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn periods_that_follow_each_other_are_not_at_once() {
        let start = Instant::now();
        let at = |n| start + Duration::from_secs(n);
        let periods = |times: &[(u64, u64)]| times.iter().map(|(a, b)| (at(*a), at(*b))).collect::<Vec<_>>();
        for (times, expected) in [
            (&[][..], 0),
            (&[(0, 5)], 1),
            (&[(0, 5), (5, 9), (9, 10)], 1),
            (&[(5, 9), (0, 6), (6, 8), (7, 9)], 3),
        ] {
            assert_eq!(at_once(&periods(times)), expected, "{times:?}");
        }
    }
}
