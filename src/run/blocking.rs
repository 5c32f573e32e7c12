//! File system calls that a dead mount can hold for ever, off the one thread that everything else runs on.

use super::stop::Stop;

/// Runs `work` on a thread of its own kind; `None` if the run is to end now and will not wait for it, or if it panicked.
pub(super) async fn off_thread<T: Send + 'static>(
    stop: &Stop,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    tokio::select! {
        done = tokio::task::spawn_blocking(work) => done.ok(),
        () = stop.hard() => None,
    }
}
