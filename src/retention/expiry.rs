//! Judges expiry. Pure: uses no clock and no disk.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Minimum time between a mark and the purge.
pub(crate) const WAIT: Duration = Duration::from_secs(24 * 3600);
/// How far clocks of different machines may differ, and by how much a clock may be set, in seconds.
const STEP: i64 = 300;

/// A moment, by the clocks of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Seconds since 1970, by a clock that may be wrong.
    pub wall: i64,
    /// Boot time, which nobody sets; `None` if the system has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<Boot>,
}

/// Time since a machine was booted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// The ID of the boot, which is different for each machine.
    pub id: String,
    /// Seconds since boot, including suspended time.
    pub s: u64,
}

impl Moment {
    /// A date of which only wall time is known.
    pub fn dated(wall: i64) -> Self {
        Moment { wall, boot: None }
    }

    /// Seconds of boot time since an earlier moment; `None` if it is of another boot.
    fn since_in_boot(&self, earlier: &Moment) -> Option<i64> {
        let (now, then) = (self.boot.as_ref()?, earlier.boot.as_ref()?);
        (now.id == then.id).then(|| {
            let [now, then] = [now.s, then.s].map(|s| i64::try_from(s).unwrap_or(i64::MAX));
            now.saturating_sub(then)
        })
    }

    /// Whether the clocks can have run from `earlier` to this moment without being set.
    pub fn follows(&self, earlier: &Moment) -> bool {
        let wall = self.wall.saturating_sub(earlier.wall);
        wall >= -STEP
            && self.since_in_boot(earlier).is_none_or(|boot| {
                boot >= 0 && wall.saturating_sub(boot).checked_abs().is_some_and(|apart| apart <= STEP)
            })
    }

    /// Whether it is in the future of `now` by more than clocks may differ.
    pub(super) fn is_ahead_of(&self, now: &Moment) -> bool {
        self.wall > now.wall.saturating_add(STEP)
    }

    /// Time passed since `earlier`, by the clock that shows the least.
    fn least_since(&self, earlier: &Moment) -> Duration {
        let wall = self.wall.saturating_sub(earlier.wall);
        let least = self.since_in_boot(earlier).map_or(wall, |boot| boot.min(wall));
        Duration::from_secs(u64::try_from(least).unwrap_or(0))
    }
}

/// Something that is kept for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// A name that is unique among items of its kind.
    pub name: String,
    /// Start of the time for which it is kept; `None` if unknown, and then it is kept.
    pub since: Option<Moment>,
    /// How long it is kept.
    pub keep: Duration,
}

/// A mark of an item, written by a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// When it was written.
    pub at: Moment,
    /// Whether the item was dated in the future, not expired.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ahead: bool,
}

/// The age of an item, by the current clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    /// Not expired, or of unknown age.
    Young,
    /// Expired.
    Over,
    /// Dated in the future.
    Ahead,
}

/// What a run does with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Keep it; remove its mark.
    Keep,
    /// Keep it; mark it now.
    Mark,
    /// Keep it and its mark.
    Wait,
    /// Remove it.
    Purge,
}

/// The age of an item.
pub(crate) fn age_of(item: &Item, now: &Moment) -> Age {
    match &item.since {
        None => Age::Young,
        Some(since) if since.is_ahead_of(now) => Age::Ahead,
        // Within the boot in which the time began, boot time shows that a clock that was set forward is wrong.
        Some(since) if now.least_since(since) >= item.keep => Age::Over,
        Some(_) => Age::Young,
    }
}

/// How long an item of that age waits after it was marked. An item dated in the future waits as if it was new when it was marked.
pub(super) fn wait_of(age: Age, keep: Duration) -> Duration {
    if age == Age::Ahead { keep.max(WAIT) } else { WAIT }
}

/// The verdict on an item. A mark counts only if the item is found again in the state in which it was marked, and if the clocks have run
/// without being set since.
pub(crate) fn judge(item: &Item, mark: Option<&Mark>, now: &Moment) -> Verdict {
    let age = age_of(item, now);
    if age == Age::Young {
        return Verdict::Keep;
    }
    match mark {
        Some(mark) if mark.ahead == (age == Age::Ahead) && now.follows(&mark.at) => {
            let is_over = now.least_since(&mark.at) >= wait_of(age, item.keep);
            if is_over { Verdict::Purge } else { Verdict::Wait }
        }
        _ => Verdict::Mark,
    }
}

#[cfg(test)]
#[path = "expiry_tests.rs"]
mod tests;
