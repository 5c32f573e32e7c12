//! Background threads.

/// Gives this thread a lower scheduling priority: when it wakes, it does not preempt the thread that runs on its CPU. See `SCHED_BATCH` in
/// `sched(7)`.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no crate that we have wraps sched_setscheduler")]
pub fn give_way() {
    // SAFETY: one structure of integers, for which zeros are valid and which lives until the calls return; 0 is the calling thread.
    unsafe {
        // A policy that our parent has chosen is kept.
        if libc::sched_getscheduler(0) == libc::SCHED_OTHER {
            // musl has more fields than the priority.
            let none: libc::sched_param = std::mem::zeroed();
            // A failure only affects the order of execution.
            libc::sched_setscheduler(0, libc::SCHED_BATCH, &none);
        }
    }
}

/// Other systems do not have this policy.
#[cfg(not(target_os = "linux"))]
pub fn give_way() {}
