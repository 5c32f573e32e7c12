//! A part while it waits or runs, and what is kept of it.

use super::cut::Load;
use super::part_plan::PartPlan;
use crate::model::part::{Part, PartResult, PartTry};
use crate::sync::transport::Ran;

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
}
