//! How commands that last notice a signal, stop their work, and end with the exit code of the signal.

use super::Failure;
use crate::model::exit_code::ExitCode;
use crate::output::terminal::Ui;
use crate::platform;
use crate::scan::Stop;
use crate::sync::Signals;
use std::io;
use std::time::Duration;
use tokio::time::sleep;

/// The time for work to end and report its progress after a signal. Work that takes longer is blocked in a system call, for example on a
/// dead mount. It is abandoned as if it had been killed, and the next run continues from there.
pub(super) const READING: Duration = Duration::from_millis(800);
/// The same for work that changes something. It checks for a stop request between changes; it has more time, since its records are more
/// valuable.
pub(super) const CHANGING: Duration = Duration::from_secs(5);

/// Runs asynchronous work that gets the signals. Threads that it has started and that do not end are left to the end of the process.
pub(super) fn with_signals<T>(
    work: impl AsyncFnOnce(&mut Signals) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let runtime = platform::runtime().map_err(Failure::io("start the runtime"))?;
    let done = runtime.block_on(async {
        let mut signals = Signals::listen().map_err(Failure::io("listen for signals"))?;
        work(&mut signals).await
    });
    // Does not wait for a thread that is blocked in a system call.
    runtime.shutdown_background();
    done
}

/// Awaits work that changes nothing. A signal ends the waiting: [`Failure::Signal`].
pub(super) fn until_signal<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    with_signals(async |signals| {
        tokio::select! {
            done = work => Ok(done),
            number = signals.next() => Err(Failure::Signal(number)),
        }
    })
}

/// How blocking work ended.
pub(super) enum Ended<T> {
    /// By itself. Has the signal that requested a stop.
    Done(T, Option<i32>),
    /// It was abandoned after this signal.
    Abandoned(i32),
}

/// Does blocking work in another thread. The first signal requests a stop. After `patience`, or on a second signal, the work is abandoned.
pub(super) async fn stoppable<T: Send + 'static>(
    signals: &mut Signals,
    stop: &Stop,
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Ended<T>, Failure> {
    let mut work = tokio::task::spawn_blocking(work);
    let (done, signal) = tokio::select! {
        done = &mut work => (done, None),
        number = signals.next() => {
            stop.stop();
            tokio::select! {
                done = work => (done, Some(number)),
                second = signals.next() => return Ok(Ended::Abandoned(second)),
                () = sleep(patience) => return Ok(Ended::Abandoned(number)),
            }
        }
    };
    let done = done.map_err(io::Error::other).map_err(Failure::io("finish the work"))?;
    Ok(Ended::Done(done, signal))
}

/// Does the blocking work of a command, see [`stoppable`].
pub(super) fn interruptible(
    stop: &Stop,
    ui: &Ui,
    patience: Duration,
    work: impl FnOnce() -> Result<ExitCode, Failure> + Send + 'static,
) -> Result<ExitCode, Failure> {
    with_signals(async |signals| {
        Ok(match stoppable(signals, stop, patience, work).await? {
            Ended::Done(exit, signal) => signal.map_or(exit?, ExitCode::Signal),
            Ended::Abandoned(number) => {
                if !signals.is_hard() {
                    ui.warning("the work does not end and was abandoned; its progress is unknown");
                }
                ExitCode::Signal(number)
            }
        })
    })
}
