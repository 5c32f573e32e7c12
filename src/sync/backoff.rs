//! How long to wait before the next attempt. Exponential, with jitter, so that many mirrors do not return at once.

use crate::model::job::Job;
use crate::rsync::exit::Class;
use std::time::Duration;

/// The longest wait after an ordinary failure.
const LONGEST: Duration = Duration::from_secs(5 * 60);
/// The longest wait for a server that is full.
const LONGEST_BUSY: Duration = Duration::from_secs(15 * 60);

/// Full jitter: a random time between zero and `base`, doubled for every earlier attempt (`tries` counts from 0).
pub(super) fn full(base: Duration, tries: u32) -> Duration {
    ceiling(base, tries, LONGEST).mul_f64(fastrand::f64())
}

/// For a server that is full: at least half of the ceiling, since an immediate attempt would only keep it full.
pub(super) fn busy(base: Duration, tries: u32) -> Duration {
    ceiling(base, tries, LONGEST_BUSY).mul_f64(0.5 + fastrand::f64() / 2.0)
}

fn ceiling(base: Duration, tries: u32, longest: Duration) -> Duration {
    base.saturating_mul(1 << tries.min(16)).min(longest.max(base))
}

/// How long to wait before the same source is tried again; `None` if it is not.
pub(super) fn wait(job: &Job, class: Class, tries: u32) -> Option<Duration> {
    match class {
        Class::Retry | Class::Slow | Class::Here | Class::Signalled if tries < job.retries => {
            Some(full(job.retry_delay, tries))
        }
        Class::Busy if tries < job.retries => Some(busy(job.busy_delay, tries)),
        Class::Once if tries < job.retries.min(1) => Some(full(job.retry_delay, tries)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_longest_one() {
        let base = Duration::from_secs(2);
        assert_eq!(ceiling(base, 0, LONGEST), base);
        assert_eq!(ceiling(base, 3, LONGEST), base * 8);
        assert_eq!(ceiling(base, u32::MAX, LONGEST), LONGEST);
        assert_eq!(ceiling(Duration::from_secs(3600), 2, LONGEST), Duration::from_secs(3600));
    }

    #[test]
    fn jitter_stays_in_its_bounds() {
        let base = Duration::from_millis(100);
        for tries in 0..200 {
            let top = ceiling(base, tries, LONGEST);
            assert!(full(base, tries) <= top);
            let top = ceiling(base, tries, LONGEST_BUSY);
            assert!(busy(base, tries) <= top && busy(base, tries) >= top / 2);
        }
    }
}
