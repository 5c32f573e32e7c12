//! The clocks of this machine.

use super::expiry::{Boot, Moment};
use crate::platform;

/// The current time by all clocks.
pub(crate) fn now() -> Moment {
    let boot = platform::boot_id().zip(since_boot());
    Moment { wall: jiff::Timestamp::now().as_second(), boot: boot.map(|(id, s)| Boot { id, s }) }
}

/// Seconds since boot, including suspended time; `None` if unknown. Uses the C library, as the standard library does for the wall time, so that a
/// tool which replaces the clocks of a process replaces both.
#[cfg(target_os = "linux")]
fn since_boot() -> Option<u64> {
    let time = nix::time::ClockId::CLOCK_BOOTTIME.now().ok()?;
    u64::try_from(time.tv_sec()).ok()
}

#[cfg(not(target_os = "linux"))]
fn since_boot() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_run_forward() {
        let (first, second) = (now(), now());
        assert!(second.follows(&first), "{first:?} {second:?}");
        assert_eq!(first.boot.as_ref().map(|boot| &boot.id), second.boot.as_ref().map(|boot| &boot.id));
    }
}
