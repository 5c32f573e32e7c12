//! `vfork` and `exec`, as in `posix_spawn`, and in addition a parent-death signal, which `posix_spawn` lacks.
//!
//! The child runs on its own stack in our memory, while the thread that created it waits for its `exec`. Until then it may only make system
//! calls on memory prepared before: our other threads go on running, and a change to memory would persist.

use super::child::Started;
use rustix::fs::{Access, access};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Pid;
use std::ffi::{CStr, CString, OsString, c_char, c_int, c_void};
use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};
use std::{env, io, mem, ptr};

/// Search path for programs if `PATH` is not set.
const PATH: &str = "/bin:/usr/bin";
/// The child's stack, in words of 16 bytes. System calls need very little.
const STACK: usize = 2048;
/// The highest signal number.
const SIGNALS: c_int = 64;

/// Everything that the child needs, prepared before it is created.
struct Plan<'a> {
    program: *const c_char,
    /// Null-terminated, like the next one.
    argv: *const *const c_char,
    envp: *const *const c_char,
    /// The descriptors for its standard input, output and error.
    ends: [RawFd; 3],
    prepare: &'a dyn Fn() -> io::Result<()>,
    /// The number of its error; 0 if `exec` succeeded.
    failed: AtomicI32,
}

/// Starts a program (a name to look up in `PATH`, or a path) with our environment, `env` added and `without` removed. With `input`, its
/// standard input is a pipe, otherwise `/dev/null`. The child calls `prepare` before `exec`. `prepare` may only make system calls, since
/// the child shares our memory.
pub(super) fn start(
    argv: &[String],
    (env, without): (&[(OsString, OsString)], &[&str]),
    input: bool,
    prepare: &dyn Fn() -> io::Result<()>,
) -> io::Result<Started> {
    let words = argv.iter().map(|word| Ok(CString::new(word.as_str())?)).collect::<io::Result<Vec<_>>>()?;
    let program = CString::new(find(argv.first().ok_or(io::ErrorKind::InvalidInput)?, env)?.into_vec())?;
    let envp = environment(env, without)?;
    match exec(&program, &words, &envp, input, prepare) {
        // A script without an interpreter line.
        Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => {
            let script = [c"sh".into(), program].into_iter();
            let words = script.chain(words.into_iter().skip(1)).collect::<Vec<_>>();
            exec(c"/bin/sh", &words, &envp, input, prepare)
        }
        other => other,
    }
}

/// Our environment with `added` and without some of our own variables. A variable that contains a NUL is an error.
fn environment(added: &[(OsString, OsString)], without: &[&str]) -> io::Result<Vec<CString>> {
    let kept = |name: &OsString| {
        added.iter().all(|(new, _)| new != name) && without.iter().all(|gone| *gone != name.as_os_str())
    };
    let ours = env::vars_os().filter(|(name, _)| kept(name));
    let all = ours.chain(added.iter().cloned());
    all.map(|(name, value)| {
        let mut variable = name.into_vec();
        variable.push(b'=');
        variable.extend(value.into_vec());
        Ok(CString::new(variable)?)
    })
    .collect()
}

/// The file of a program. A name is looked up in `PATH`.
fn find(program: &str, added: &[(OsString, OsString)]) -> io::Result<OsString> {
    if program.contains('/') {
        return Ok(program.into());
    }
    let path = added.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
    let path = path.or_else(|| env::var_os("PATH")).unwrap_or_else(|| PATH.into());
    let mut failure = Errno::NOENT;
    for directory in env::split_paths(&path) {
        // An empty directory means the working directory.
        let file = Path::new(".").join(directory).join(program);
        if !file.is_file() {
            continue;
        }
        match access(&file, Access::EXEC_OK) {
            Ok(()) => return Ok(file.into()),
            // A later directory may have a file that we may execute.
            Err(error) => failure = error,
        }
    }
    Err(failure.into())
}

fn exec(
    program: &CStr,
    argv: &[CString],
    envp: &[CString],
    input: bool,
    prepare: &dyn Fn() -> io::Result<()>,
) -> io::Result<Started> {
    let (their_stdin, stdin) = match input {
        true => pipe_with(PipeFlags::CLOEXEC).map(|(theirs, ours)| (theirs, Some(ours)))?,
        false => (File::open("/dev/null")?.into(), None),
    };
    let (stdout, their_stdout) = pipe_with(PipeFlags::CLOEXEC)?;
    let (stderr, their_stderr) = pipe_with(PipeFlags::CLOEXEC)?;
    let (argv, envp) = (ended_by_null(argv), ended_by_null(envp));
    let plan = Plan {
        program: program.as_ptr(),
        argv: argv.as_ptr(),
        envp: envp.as_ptr(),
        ends: [their_stdin.as_raw_fd(), their_stdout.as_raw_fd(), their_stderr.as_raw_fd()],
        prepare,
        failed: AtomicI32::new(0),
    };
    let pid = fork(&plan)?;
    match plan.failed.load(Ordering::Relaxed) {
        0 => Ok(Started { pid, stdin, stdout, stderr }),
        error => {
            // The child has ended already.
            let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
            Err(io::Error::from_raw_os_error(error))
        }
    }
}

fn ended_by_null(words: &[CString]) -> Vec<*const c_char> {
    words.iter().map(|word| word.as_ptr()).chain([ptr::null()]).collect()
}

/// Creates the child. Returns when its `exec` has succeeded or failed.
#[expect(unsafe_code, reason = "no crate offers a vfork that is told what to do before the exec")]
fn fork(plan: &Plan<'_>) -> io::Result<Pid> {
    let mut stack = vec![0u128; STACK];
    // SAFETY: `child` gets a stack that nothing else uses, aligned to 16 bytes and growing down from its end, and a plan. Both outlive it:
    // CLONE_VFORK suspends this thread until the child no longer uses our memory. Signals are blocked meanwhile, since a handler of ours in
    // the child would change our memory.
    let pid = unsafe {
        let (mut all, mut before) = (mem::zeroed(), mem::zeroed());
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        let top = stack.as_mut_ptr_range().end.cast::<c_void>();
        let pid = libc::clone(child, top, flags, ptr::from_ref(plan).cast_mut().cast());
        let error = io::Error::last_os_error();
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, ptr::null_mut());
        if pid < 0 {
            return Err(error);
        }
        pid
    };
    Pid::from_raw(pid).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// What the child does before `exec`. Does not return.
#[expect(unsafe_code, reason = "system calls on memory that was laid out before")]
extern "C" fn child(plan: *mut c_void) -> c_int {
    // SAFETY: `plan` points to a valid plan that outlives us. Everything below is a system call, or a wrapper that does nothing else.
    // `errno` is that of the suspended thread, which does not read it. Nothing allocates, unwinds or locks.
    unsafe {
        let plan = &*plan.cast::<Plan<'_>>();
        let error = become_program(plan);
        plan.failed.store(error, Ordering::Relaxed);
        libc::_exit(127)
    }
}

/// Executes the program. Returns the number of the error if this fails.
///
/// # Safety
/// Must be called in a child that has the pointers of the plan, and signal handlers and descriptors of its own.
#[expect(unsafe_code, reason = "as its caller")]
unsafe fn become_program(plan: &Plan<'_>) -> c_int {
    let errno = || io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
    // SAFETY: see `child`.
    unsafe {
        default_signals();
        for (number, end) in (0..).zip(plan.ends) {
            // Our descriptors are above 2, since the standard ones are always open. So none is overwritten before its turn.
            if libc::dup2(end, number) < 0 {
                return errno();
            }
        }
        if let Err(error) = (plan.prepare)() {
            return error.raw_os_error().unwrap_or(libc::EPIPE);
        }
        let mut none = mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut());
        libc::execve(plan.program, plan.argv, plan.envp);
        errno()
    }
}

/// Removes our handlers before signals are unblocked. SIGPIPE, which Rust ignores, gets its default action again.
///
/// # Safety
/// Must be called in a child that has signal handlers of its own.
#[expect(unsafe_code, reason = "as its caller")]
unsafe fn default_signals() {
    // SAFETY: all zeros is valid. For signals that cannot be changed the call fails and changes nothing.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        for signal in 1..=SIGNALS {
            let known = libc::sigaction(signal, ptr::null(), &mut action) == 0;
            let ignored = action.sa_sigaction == libc::SIG_IGN && signal != libc::SIGPIPE;
            if known && action.sa_sigaction != libc::SIG_DFL && !ignored {
                action = mem::zeroed();
                libc::sigaction(signal, &action, ptr::null_mut());
            }
        }
    }
}
