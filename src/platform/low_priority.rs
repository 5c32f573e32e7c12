//! Threads that work beside what matters.

/// Lets the others run first: this thread, when it is woken, waits until whoever runs on its CPU rests, instead of
/// interrupting it. See `SCHED_BATCH` in `sched(7)`.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no crate that we have wraps sched_setscheduler")]
pub fn give_way() {
    // SAFETY: one structure of integers, for which zeroes are valid, and which lives until the calls return; 0 is the calling thread.
    unsafe {
        // Whoever started us may have chosen something else, which stays.
        if libc::sched_getscheduler(0) == libc::SCHED_OTHER {
            // musl has more fields than the priority.
            let none: libc::sched_param = std::mem::zeroed();
            // What is refused changes nothing but the order.
            libc::sched_setscheduler(0, libc::SCHED_BATCH, &none);
        }
    }
}

/// Elsewhere there is no such order.
#[cfg(not(target_os = "linux"))]
pub fn give_way() {}
