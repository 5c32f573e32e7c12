//! The judgement itself, without a clock and without a disk.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// So long at least something stays marked before it may be purged.
pub(crate) const WAIT: Duration = Duration::from_secs(24 * 3600);
/// Clocks of different machines may be so far apart, and a clock may be set by so much, in seconds.
const STEP: i64 = 300;

/// A moment, as the clocks of a machine tell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Seconds since 1970, by a clock that may be wrong.
    pub wall: i64,
    /// By a clock that nobody sets; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<Boot>,
}

/// Time since a machine was booted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// Which boot of which machine.
    pub id: String,
    /// Seconds since then, those in which the machine was suspended included.
    pub s: u64,
}

impl Moment {
    /// A date of which nothing but wall time is known.
    pub fn dated(wall: i64) -> Self {
        Moment { wall, boot: None }
    }

    /// Seconds of boot time since an earlier moment of the same boot.
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

    /// Whether it lies in the future of `now` by more than clocks differ.
    pub(super) fn is_ahead_of(&self, now: &Moment) -> bool {
        self.wall > now.wall.saturating_add(STEP)
    }

    /// How much has passed since, by the clock that counted least.
    fn least_since(&self, earlier: &Moment) -> Duration {
        let wall = self.wall.saturating_sub(earlier.wall);
        let least = self.since_in_boot(earlier).map_or(wall, |boot| boot.min(wall));
        Duration::from_secs(u64::try_from(least).unwrap_or(0))
    }
}

/// Something that is kept for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// Tells it from all others of its kind.
    pub name: String,
    /// Since when it is kept; `None` if that is not known, and then it stays.
    pub since: Option<Moment>,
    /// For how long.
    pub keep: Duration,
}

/// What a run has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// When.
    pub at: Moment,
    /// Whether it was dated in the future, and not over-age.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ahead: bool,
}

/// How old something is, by the clocks as they are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    /// Its time has not come, or it is not known.
    Young,
    /// Its time is over.
    Over,
    /// It is dated in the future.
    Ahead,
}

/// What a run does with something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It stays; a mark that it has goes.
    Keep,
    /// It stays, and gets a mark of this moment.
    Mark,
    /// It stays, and so does its mark.
    Wait,
    /// It goes.
    Purge,
}

/// How old it is.
pub(crate) fn age_of(item: &Item, now: &Moment) -> Age {
    match &item.since {
        None => Age::Young,
        Some(since) if since.is_ahead_of(now) => Age::Ahead,
        // Within the boot in which it began, boot time tells that a clock that was set forward is wrong.
        Some(since) if now.least_since(since) >= item.keep => Age::Over,
        Some(_) => Age::Young,
    }
}

/// How long something of that age waits after it was marked. What is dated in the future waits as if it was new then.
pub(super) fn wait_of(age: Age, keep: Duration) -> Duration {
    if age == Age::Ahead { keep.max(WAIT) } else { WAIT }
}

/// What becomes of it. A mark only counts for what is found again as it was marked, and while the clocks have only run since.
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
