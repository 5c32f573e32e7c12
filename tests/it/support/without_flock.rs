//! A machine on which `flock` does not work.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// The program, and whatever it starts, gets `errno` from every `flock`, as on a network file system without a lock service. FUSE
/// cannot do that: Linux does not ask such a file system about locks on directories.
#[expect(unsafe_code, reason = "a system call filter is set between fork and exec")]
pub(crate) fn without_flock(command: &mut Command, errno: i32) {
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code: u16, jt: u8, jf: u8, k: u32| libc::sock_filter { code, jt, jf, k };
    let mut program = [
        // The number of the system call is the first field.
        step((libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, 0, 0, 0),
        step((libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16, 0, 1, libc::SYS_flock as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | errno as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let set = move || {
        let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
        // SAFETY: two system calls; the second reads the program, which lives until it returns.
        let set = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
        };
        if set { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: what runs between fork and exec neither allocates nor locks.
    unsafe { command.pre_exec(set) };
}
