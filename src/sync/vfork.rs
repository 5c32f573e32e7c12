//! Starts a program without a copy of our memory, as `posix_spawn` does, which cannot set a parent-death signal or give up a terminal. For a short
//! job, the copy by `fork` takes longer than all else that we do (`benches/jobs.sh`).
//!
//! The child runs on its own stack in our memory, while the thread that created it waits for its `exec`. Until then it only makes system calls
//! on memory prepared before: our other threads go on running, and a change to memory would persist.

use super::child::{GiveUp, Started};
use nix::sched::{CloneFlags, clone};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, waitpid};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use std::ffi::{CString, OsStr, OsString, c_char};
use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};
use std::{env, io, ptr};

/// The search path for programs if `PATH` is not set.
const PATH: &str = "/bin:/usr/bin";
/// Size of the child's stack in bytes. System calls need very little.
const STACK: usize = 64 << 10;

/// Starts a program (a name to look up in `PATH`, or a path) with the environment `env`. With `input`, its standard input is a pipe, otherwise
/// `/dev/null`. The child calls `prepare` before `exec`, with a function that gives up a terminal. `prepare` only makes system calls.
pub(super) fn start(
    argv: &[String],
    env: &[(OsString, OsString)],
    input: bool,
    prepare: &dyn Fn(GiveUp<'_>) -> io::Result<()>,
) -> io::Result<Started> {
    let words = argv.iter().map(|word| CString::new(word.as_str())).collect::<Result<Vec<_>, _>>()?;
    let files = files_of(argv.first().ok_or(io::ErrorKind::InvalidInput)?, env)?;
    let variable = |(name, value): &(OsString, OsString)| {
        CString::new([name.as_bytes(), b"=", value.as_bytes()].concat())
    };
    let variables = env.iter().map(variable).collect::<Result<Vec<_>, _>>()?;
    let (argv, envp) = (ended_by_null(&words), ended_by_null(&variables));
    let (their_stdin, stdin) = match input {
        true => io::pipe().map(|(theirs, ours)| (OwnedFd::from(theirs), Some(OwnedFd::from(ours))))?,
        false => (File::open("/dev/null")?.into(), None),
    };
    let (stdout, their_stdout) = io::pipe()?;
    let (stderr, their_stderr) = io::pipe()?;
    let failed = AtomicI32::new(0);
    let (mut stack, flags) = (vec![0; STACK], CloneFlags::CLONE_VM | CloneFlags::CLONE_VFORK);
    // A handler of ours that ran in the child would change our memory.
    let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    // SAFETY: the stack and all that the child uses outlive it, since CLONE_VFORK suspends this thread until the child has executed a program or
    // has ended. It allocates nothing, and neither locks nor unwinds. It has signal handlers and descriptors of its own. `errno` is that of this
    // thread, which is read after a failure of `clone` itself only. The arrays of pointers end with a null pointer. TIOCNOTTY has no argument.
    #[expect(unsafe_code, reason = "no crate offers a vfork that is told what to do before the exec")]
    let child = unsafe {
        let become_program = || -> io::Result<()> {
            for signal in Signal::iterator() {
                let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
                // Fails for signals that cannot be handled. What our parent had us ignore, our children ignore too; Rust ignores SIGPIPE.
                if let Ok(old) = sigaction(signal, &default)
                    && matches!(old.handler(), SigHandler::SigIgn)
                    && signal != Signal::SIGPIPE
                {
                    sigaction(signal, &old)?;
                }
            }
            // Our descriptors are above 2, since the standard ones are always open. So none is overwritten before its turn.
            dup2_stdin(&their_stdin)?;
            dup2_stdout(&their_stdout)?;
            dup2_stderr(&their_stderr)?;
            prepare(&|tty| libc::ioctl(tty.as_raw_fd(), libc::TIOCNOTTY as _) == 0)?;
            let mut failure = Errno::NOENT;
            for file in &files {
                libc::execve(file.as_ptr(), argv.as_ptr(), envp.as_ptr());
                match Errno::from_raw_os_error(nix::errno::Errno::last_raw()) {
                    // A later directory may have a file that we may execute.
                    Errno::NOENT | Errno::NOTDIR => {}
                    Errno::ACCESS => failure = Errno::ACCESS,
                    other => return Err(other.into()),
                }
            }
            Err(failure.into())
        };
        let run = || {
            let ended = become_program().err();
            failed
                .store(ended.and_then(|error| error.raw_os_error()).unwrap_or(libc::EIO), Ordering::Relaxed);
            127
        };
        clone(Box::new(run), &mut stack, flags, Some(libc::SIGCHLD))
    };
    mask.thread_set_mask()?;
    let pid = Pid::from_raw(child?.as_raw()).ok_or(io::ErrorKind::InvalidData)?;
    match failed.into_inner() {
        0 => Ok(Started { pid, stdin, stdout: stdout.into(), stderr: stderr.into() }),
        error => {
            // The child has ended already.
            let _ = waitpid(Some(pid), WaitOptions::empty());
            Err(io::Error::from_raw_os_error(error))
        }
    }
}

fn ended_by_null(words: &[CString]) -> Vec<*const c_char> {
    words.iter().map(|word| word.as_ptr()).chain([ptr::null()]).collect()
}

/// The files that may be the program, in the order in which they are tried.
fn files_of(program: &str, env: &[(OsString, OsString)]) -> io::Result<Vec<CString>> {
    if program.contains('/') {
        return Ok(vec![CString::new(program)?]);
    }
    let path = env.iter().find(|(name, _)| name == "PATH").map_or(OsStr::new(PATH), |(_, value)| value);
    // An empty directory means the working directory.
    let files = env::split_paths(path).map(|directory| Path::new(".").join(directory).join(program));
    let files = files.map(|file| CString::new(file.into_os_string().into_vec()));
    Ok(files.collect::<Result<_, _>>()?)
}
