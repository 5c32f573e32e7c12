//! Runs blocking file system calls, which a dead mount can hold forever, off the runtime's thread.

use super::stop::Stop;
use std::time::Duration;

/// How long work in progress may still take when the run is to end. Work that takes longer only reads, hangs, or checks for a stop itself.
const LAST_MOMENT: Duration = Duration::from_millis(700);

/// Runs `work` on a blocking thread. Returns `None` if the run is to end and no longer waits for it, or if it panicked.
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

/// Resolves when the run is to end and no longer waits for work in progress.
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
