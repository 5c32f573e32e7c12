//! The thread that owns the listeners.

use super::Screen;
use super::listener::ScreenListener;
use crate::model::event::{Event, Stamped};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self as std_mpsc, RecvTimeoutError};
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc;

const TICK: Duration = Duration::from_millis(100);

/// The running printer. Its thread ends when the last sender of events is dropped.
#[derive(Debug)]
pub struct Printer {
    done: std_mpsc::Receiver<(Vec<String>, Vec<String>)>,
}

/// The result of the output of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Output that could not be written, in plain words. Each failure was reported on standard error when it happened.
    pub lost: Vec<String>,
    /// Records that the run could not write; the run does not count as failed because of them.
    pub warnings: Vec<String>,
    /// Whether every event was processed; `false` if a stream blocked until the timeout.
    pub complete: bool,
}

impl Printer {
    pub(super) fn spawn(
        mut screen: Screen,
        listeners: Vec<Box<dyn ScreenListener>>,
        events: mpsc::Receiver<Stamped>,
    ) -> io::Result<Self> {
        let (finished, done) = std_mpsc::channel();
        let mut audience: Vec<_> = listeners.into_iter().map(Some).collect();
        // The thread's handle is not joined: a stream that blocks forever must not delay the end of the process.
        thread::Builder::new().name("printer".into()).spawn(move || {
            listen(&mut audience, events, &mut screen);
            each(&mut audience, &mut screen, |listener, _| listener.finish());
            // The receiver is gone if nobody waits for the result.
            let _ = finished.send(screen.into_told());
        })?;
        Ok(Printer { done })
    }

    /// Waits until the remaining events are printed; every sender must have been dropped. Blocks the calling thread for at most `timeout`.
    /// After that the thread is abandoned, and ends with the process.
    pub fn join(self, timeout: Duration) -> Outcome {
        match self.done.recv_timeout(timeout) {
            Ok((lost, warnings)) => Outcome { lost, warnings, complete: true },
            Err(RecvTimeoutError::Timeout) => Outcome {
                lost: vec!["output: its reader did not read the rest in time".into()],
                warnings: Vec::new(),
                complete: false,
            },
            Err(RecvTimeoutError::Disconnected) => Outcome {
                lost: vec!["output: the printer ended early; this is a bug".into()],
                warnings: Vec::new(),
                complete: false,
            },
        }
    }
}

type Audience = [Option<Box<dyn ScreenListener>>];

fn listen(audience: &mut Audience, mut events: mpsc::Receiver<Stamped>, screen: &mut Screen) {
    let ticking = audience.iter().flatten().any(|listener| listener.wants_ticks());
    let clock = ticking.then(|| tokio::runtime::Builder::new_current_thread().enable_time().build());
    // Without a clock, bars do not move between events.
    let Some(Ok(clock)) = clock else {
        while let Some(event) = events.blocking_recv() {
            tell(audience, screen, &event);
        }
        return;
    };
    clock.block_on(async {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => tell(audience, screen, &event),
                    None => return,
                },
                _ = ticks.tick() => each(audience, screen, |listener, _| {
                    listener.tick();
                    Ok(())
                }),
            }
        }
    });
}

/// Passes an event on. At the end of the run, later listeners get the summary with the failures of earlier ones: the text and the JSON come
/// last, and must agree with the exit code.
fn tell(audience: &mut Audience, screen: &mut Screen, event: &Stamped) {
    let time = event.time;
    each(audience, screen, |listener, screen| match &event.event {
        Event::RunFinished(summary) => {
            let event = Event::RunFinished(Arc::new(screen.complete(summary)));
            listener.hear(&Stamped { time, event }, screen)
        }
        _ => listener.hear(event, screen),
    });
}

/// Calls each listener. One that fails is reported and removed.
fn each(
    audience: &mut Audience,
    screen: &mut Screen,
    mut act: impl FnMut(&mut dyn ScreenListener, &mut Screen) -> io::Result<()>,
) {
    for place in audience {
        let Some(listener) = place else { continue };
        if let Err(error) = act(listener.as_mut(), screen) {
            let what = format!("cannot write {}: {error}", listener.name());
            screen.lose(what);
            *place = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{Level, Listener, Stream, Warnings};
    use crate::model::result::Outcome as JobOutcome;
    use crate::output::testing::{Heard, at, finished, options, output, result, run, started};
    use std::io::Write;

    /// A writer that blocks in its first write until it is released.
    struct Stuck(std_mpsc::Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // An error means that the test has ended.
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_blocked_stream_does_not_hold_up_the_end() {
        let (_let_go, stuck) = std_mpsc::channel();
        let (sender, printer) = crate::output::start(options(Stuck(stuck), Heard::default())).unwrap();
        sender.blocking_send(Stamped { time: at(0), event: started(&["a"]) }).unwrap();
        drop(sender);
        let outcome = printer.join(Duration::from_millis(20));
        assert!(!outcome.complete && outcome.lost.len() == 1, "{outcome:?}");
    }

    #[test]
    fn everything_is_heard_before_the_end() {
        let out = Heard::default();
        let mut events = vec![started(&["a"])];
        let numbers: Vec<_> = (0..1_000).map(|i| i.to_string()).collect();
        events.extend(numbers.iter().map(|n| output("a", Stream::Stdout, n.as_bytes())));
        events.extend(finished(vec![result("a", JobOutcome::Ok)]));
        let outcome = run(options(out.clone(), Heard::default()), events);
        assert_eq!(outcome, Outcome { lost: vec![], warnings: vec![], complete: true });
        let text = out.text();
        let lines: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("[a] ")).collect();
        assert_eq!(lines, numbers);
        assert!(text.contains("=== Sync Summary ==="));
    }

    struct Failing(u32);

    impl Listener for Failing {
        fn name(&self) -> &str {
            "the diary"
        }

        fn hear(&mut self, _: &Stamped, _: &mut dyn Warnings) -> io::Result<()> {
            self.0 += 1;
            assert_eq!(self.0, 1, "heard again after it failed");
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    struct Counting(std_mpsc::Sender<()>);

    impl Listener for Counting {
        fn name(&self) -> &str {
            "the count"
        }

        fn hear(&mut self, _: &Stamped, _: &mut dyn Warnings) -> io::Result<()> {
            self.0.send(()).map_err(io::Error::other)
        }

        fn wants_ticks(&self) -> bool {
            true
        }
    }

    #[test]
    fn a_listener_that_fails_is_dismissed_and_the_others_go_on() {
        let err = Heard::default();
        let (screen, _) = crate::output::cast(options(Heard::default(), err.clone()));
        let (sender, events) = mpsc::channel(4);
        let (count, counted) = std_mpsc::channel();
        let listeners: [Box<dyn Listener>; 2] = [Box::new(Failing(0)), Box::new(Counting(count))];
        let listeners = listeners.into_iter().map(|listener| Box::new(listener) as _).collect();
        let printer = Printer::spawn(screen, listeners, events).unwrap();
        let notice = Event::Notice { job: None, level: Level::Info, text: "x".into() };
        for event in [started(&["a"]), notice] {
            sender.blocking_send(Stamped { time: at(0), event }).unwrap();
        }
        drop(sender);
        let outcome = printer.join(Duration::from_secs(20));
        assert_eq!(outcome.lost, ["cannot write the diary: no storage space"]);
        assert_eq!(err.text(), "warning: cannot write the diary: no storage space\n");
        assert_eq!(counted.try_iter().count(), 2);
    }
}
