//! A real terminal whose every byte is kept, as a program sends them.

use super::env::Ended;
use rustix::termios::{OptionalActions, OutputModes, Winsize, tcgetattr, tcsetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::{Command, Stdio};

/// Both ends of a new terminal of 24 rows and 100 columns that changes nothing of what goes through it.
#[expect(unsafe_code, reason = "std has no pseudo-terminals")]
fn open() -> (File, OwnedFd) {
    let (mut ours, mut theirs) = (-1, -1);
    let null = std::ptr::null_mut();
    // SAFETY: writes two descriptors, which nobody else owns; what may be null is.
    let (ours, theirs) = unsafe {
        assert_eq!(libc::openpty(&mut ours, &mut theirs, null, null.cast(), null.cast()), 0);
        (File::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs))
    };
    let mut modes = tcgetattr(&theirs).unwrap();
    modes.output_modes.remove(OutputModes::OPOST);
    tcsetattr(&theirs, OptionalActions::Now, &modes).unwrap();
    tcsetwinsize(&theirs, Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    (ours, theirs)
}

/// Runs a command with such a terminal for both outputs, with what is typed on its input; both outputs count as standard output.
pub(crate) fn on_terminal(mut command: Command, typed: &str) -> Ended {
    let (mut ours, theirs) = open();
    command.env("TERM", "xterm-256color");
    command.stdin(Stdio::piped()).stdout(theirs.try_clone().unwrap()).stderr(theirs);
    let line = format!("{command:?}");
    let mut child = command.spawn().unwrap();
    // The command holds their end as well.
    drop(command);
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap_or_default();
    let mut stdout = Vec::new();
    let mut chunk = [0; 4096];
    // It ends with an error when nobody holds the other end any more.
    while let Ok(n @ 1..) = ours.read(&mut chunk) {
        stdout.extend_from_slice(&chunk[..n]);
    }
    Ended::new(line, child.wait().unwrap(), stdout)
}
