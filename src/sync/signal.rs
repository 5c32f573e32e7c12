//! The signals that end a run.

use crate::model::exit_code::SIGNALS;
use std::io;
use std::task::Poll;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// The signals of [`SIGNALS`]. SIGHUP is left out if it was ignored at our start (`nohup`).
#[derive(Debug)]
pub(crate) struct Signals {
    listened: Vec<(i32, Signal)>,
    came: u32,
    /// SIGUSR1, if it asks for the status of the run.
    status: Option<Signal>,
    /// Requests for the status that come from the terminal.
    typed: Option<mpsc::Receiver<()>>,
}

/// What has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// A signal that ends the run, by number.
    End(i32),
    /// A request for the status of the run.
    Status,
}

impl Signals {
    /// Installs the handlers. From now on these signals do not end the process by themselves. Needs a runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        let hangup = SignalKind::hangup().as_raw_value();
        let numbers = SIGNALS.iter().map(|(number, _)| *number);
        let wanted = numbers.filter(|number| *number != hangup || !ignores_hangup());
        let listen = |number| Ok((number, signal(SignalKind::from_raw(number))?));
        Ok(Signals {
            listened: wanted.map(listen).collect::<io::Result<_>>()?,
            came: 0,
            status: None,
            typed: None,
        })
    }

    /// Whether a second signal has come, which asks for an immediate end.
    pub(crate) fn is_hard(&self) -> bool {
        self.came > 1
    }

    /// From now on, SIGUSR1 and `typed` ask for the status of the run. Without this, SIGUSR1 ends the process.
    pub(crate) fn answer(&mut self, typed: Option<mpsc::Receiver<()>>) -> io::Result<()> {
        (self.status, self.typed) = (Some(signal(SignalKind::user_defined1())?), typed);
        Ok(())
    }

    /// Waits for the next signal that ends the run. Returns its number. Requests for the status have no answer meanwhile.
    pub(crate) async fn next(&mut self) -> i32 {
        loop {
            if let Came::End(number) = self.any().await {
                return number;
            }
        }
    }

    /// Waits for the next signal or request.
    pub(crate) async fn any(&mut self) -> Came {
        std::future::poll_fn(|context| {
            for (number, signal) in &mut self.listened {
                if signal.poll_recv(context).is_ready() {
                    self.came += 1;
                    return Poll::Ready(Came::End(*number));
                }
            }
            if self.status.as_mut().is_some_and(|signal| signal.poll_recv(context).is_ready()) {
                return Poll::Ready(Came::Status);
            }
            match self.typed.as_mut().map(|typed| typed.poll_recv(context)) {
                Some(Poll::Ready(Some(()))) => return Poll::Ready(Came::Status),
                // The terminal is gone.
                Some(Poll::Ready(None)) => self.typed = None,
                Some(Poll::Pending) | None => {}
            }
            Poll::Pending
        })
        .await
    }
}

/// Whether the mask of ignored signals in `/proc/self/status` contains SIGHUP; false without `/proc`.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & 1 << (SignalKind::hangup().as_raw_value() - 1) != 0
}

/// The usual name of a signal.
pub(super) fn name(number: i32) -> String {
    if let Some((_, name)) = SIGNALS.iter().find(|(known, _)| *known == number) {
        return (*name).into();
    }
    match number {
        6 => "SIGABRT".into(),
        9 => "SIGKILL".into(),
        11 => "SIGSEGV".into(),
        13 => "SIGPIPE".into(),
        other => format!("signal {other}"),
    }
}
