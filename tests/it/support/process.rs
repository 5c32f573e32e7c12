//! Waiting for what happens outside of the test, and looking at the processes of this machine.

use std::fs;
use std::sync::Once;
use std::time::{Duration, Instant};

/// How long anything may take. Far more than it does, for machines that are busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Until `condition` holds; panics with `what` when patience is at its end.
#[track_caller]
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain for: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Signals that whoever started the tests had ignored (`nohup`, or a shell's `&`) are back at what they do by default,
/// for what is started from here inherits it.
#[expect(unsafe_code, reason = "std has no word for it")]
pub(super) fn heed_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for signal in [libc::SIGINT, libc::SIGHUP, libc::SIGQUIT, libc::SIGTERM] {
            // SAFETY: no handler is set, and none of ours is replaced: the tests have none.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
    });
}

/// Whether a process exists and is no zombie.
pub(crate) fn is_running(pid: u32) -> bool {
    // The state follows the name, which is in brackets and may hold anything.
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| stat.rsplit_once(") ").map(|(_, rest)| !rest.starts_with(['Z', 'X'])))
        .unwrap_or(false)
}

/// Running processes with `marker` in their command line, such as a test's own temporary directory.
pub(crate) fn with_marker(marker: &str) -> Vec<u32> {
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|e| e.file_name().to_str()?.parse().ok());
    let marked = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        contains(&line, marker.as_bytes())
    };
    pids.filter(|pid| *pid != std::process::id()).filter(marked).filter(|pid| is_running(*pid)).collect()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
