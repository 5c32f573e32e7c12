//! File system calls that a dead mount can hold for ever, off the one thread that everything else runs on.

use super::stop::Stop;
use std::time::Duration;

/// What is under way when the run is to end may take so long. What takes longer only reads, hangs, or asks itself whether to go on.
const LAST_MOMENT: Duration = Duration::from_millis(700);

/// Runs `work` on a thread of its own kind; `None` if the run is to end and will not wait for it, or if it panicked.
pub(super) async fn off_thread<T: Send + 'static>(
    stop: &Stop,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    tokio::select! {
        biased;
        done = tokio::task::spawn_blocking(work) => done.ok(),
        () = last_moment(stop) => None,
    }
}

/// Resolves when nobody waits any longer for what was under way when the run was to end.
pub(super) async fn last_moment(stop: &Stop) {
    let gentle = async {
        stop.gentle().await;
        tokio::time::sleep(LAST_MOMENT).await;
    };
    tokio::select! {
        () = gentle => {}
        () = stop.hard() => {}
    }
}
