//! The state of standard output and standard error: whether they were closed at the start, and whether standard output has failed.

use rustix::io::fcntl_getfd;
use rustix::stdio::{stderr, stdin, stdout};
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

/// A bit for each of the descriptors 0 to 2 that was closed at the start. Before `main`, Rust's runtime opens `/dev/null` in their place,
/// so that no file of ours gets such a number. After that they cannot be distinguished from a `/dev/null` that was passed in.
static CLOSED: AtomicU8 = AtomicU8::new(0);

#[used]
#[expect(
    unsafe_code,
    reason = "it has to run before the runtime of the language, which has no hook for that"
)]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
static LOOK: extern "C" fn() = look;

/// Makes system calls only, since nothing is initialized yet.
extern "C" fn look() {
    for (number, stream) in [stdin(), stdout(), stderr()].into_iter().enumerate() {
        if fcntl_getfd(stream).is_err() {
            CLOSED.fetch_or(1 << number, Ordering::Relaxed);
        }
    }
}

/// Whether a descriptor, 0 to 2, was closed when the process was started.
pub fn was_closed(number: u32) -> bool {
    number < 3 && CLOSED.load(Ordering::Relaxed) & (1 << number) != 0
}

/// Returns the error for writing to a stream that was closed at the start.
pub fn closed() -> io::Error {
    io::Error::from_raw_os_error(libc::EBADF)
}

/// The first error on standard output.
static LOST: OnceLock<io::Error> = OnceLock::new();

fn again(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// Writes to standard output. After a failure, all further writes fail with the same error.
pub(super) fn write(bytes: &[u8]) -> io::Result<()> {
    checked(|| write_all(&mut io::stdout().lock(), bytes))
}

/// Flushes standard output; returns the first error of all writes.
pub fn finish() -> io::Result<()> {
    if LOST.get().is_none() && was_closed(1) {
        return Ok(());
    }
    checked(|| flush(&mut io::stdout().lock()))
}

fn checked(write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    if let Some(error) = LOST.get() {
        return Err(again(error));
    }
    let done = if was_closed(1) { Err(closed()) } else { write() };
    done.map_err(|error| {
        let told = again(&error);
        let _ = LOST.set(error); // the first one stays
        told
    })
}

/// Whether standard output is a terminal.
pub(super) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Like `Write::write_all`, but waits if another program has made the stream non-blocking (terminals and pipes are shared with other
/// programs).
pub fn write_all(writer: &mut dyn Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match writer.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => bytes = &bytes[n..],
            Err(error) => patience(error)?,
        }
    }
    Ok(())
}

/// Like [`write_all`], for `Write::flush`.
pub fn flush(writer: &mut dyn Write) -> io::Result<()> {
    loop {
        match writer.flush() {
            Ok(()) => return Ok(()),
            Err(error) => patience(error)?,
        }
    }
}

fn patience(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(()),
        io::ErrorKind::WouldBlock => {
            thread::sleep(Duration::from_millis(2));
            Ok(())
        }
        _ => Err(error),
    }
}
