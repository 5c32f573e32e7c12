//! Lines typed at the terminal while a command runs.
//!
//! The mode of the terminal is not changed, so nothing has to be restored, however the process ends. A line ends with Enter.

use nix::sys::signal::{SigSet, Signal};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

/// How long to wait before the next look while another process has the terminal.
const IN_BACKGROUND: Duration = Duration::from_millis(500);

/// Calls `tell` in a thread of its own for each line that is empty or `s`, until `tell` returns false or the terminal is gone. Does nothing if
/// standard input is no terminal. While the process is in the background, nothing is read.
pub fn on_status_request(tell: impl Fn() -> bool + Send + 'static) {
    if io::stdin().is_terminal() {
        // Without the thread, there is only the signal.
        let _ = thread::Builder::new().name("typed lines".into()).spawn(move || read(tell));
    }
}

fn read(tell: impl Fn() -> bool) {
    // A read from the background is then an error. The signal would stop the whole process.
    let mut background = SigSet::empty();
    background.add(Signal::SIGTTIN);
    if background.thread_block().is_err() {
        return;
    }
    let stdin = io::stdin();
    let (fd, mut line) = (stdin.as_fd(), Vec::new());
    loop {
        match poll(&mut [PollFd::new(&fd, PollFlags::IN)], None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
        if rustix::termios::tcgetpgrp(fd).ok() != Some(rustix::process::getpgrp()) {
            thread::sleep(IN_BACKGROUND);
            continue;
        }
        let mut bytes = [0; 256];
        match rustix::io::read(fd, &mut bytes) {
            Ok(0) => return,
            Ok(n) => line.extend_from_slice(&bytes[..n]),
            Err(Errno::INTR | Errno::AGAIN) => continue,
            Err(Errno::IO) => {
                // It went into the background just now, or the terminal is gone.
                if rustix::termios::tcgetpgrp(fd).is_err() {
                    return;
                }
                thread::sleep(IN_BACKGROUND);
                continue;
            }
            Err(_) => return,
        }
        while let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            let typed: Vec<u8> = line.drain(..=end).collect();
            if matches!(typed.trim_ascii(), b"" | b"s" | b"S") && !tell() {
                return;
            }
        }
        // A line without an end is no request.
        line.truncate(bytes.len());
    }
}
