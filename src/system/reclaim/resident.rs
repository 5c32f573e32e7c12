//! How much of a file is in memory. Measures the results of `reclaim`.

use std::fs::File;

/// Bytes of a file's contents that are in memory, in whole pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resident {
    /// All of them.
    pub cached: u64,
    /// Bytes not on the disk yet.
    pub dirty: u64,
}

/// Measures a file; `None` if the kernel does not report it: another system, Linux before 6.5, a sandbox, or a file of another user.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no crate wraps cachestat")]
pub fn resident(file: &File) -> Option<Resident> {
    use std::os::fd::AsRawFd;

    /// The same number on all current architectures.
    const SYS_CACHESTAT: libc::c_long = 451;

    #[repr(C)]
    struct Range {
        offset: u64,
        /// 0: to the end.
        len: u64,
    }

    #[repr(C)]
    #[derive(Default)]
    struct Counts {
        cached: u64,
        dirty: u64,
        writeback: u64,
        evicted: u64,
        recently_evicted: u64,
    }

    let (range, mut counts) = (Range { offset: 0, len: 0 }, Counts::default());
    // SAFETY: both structures are as the kernel declares them, and live longer than the call.
    let done =
        unsafe { libc::syscall(SYS_CACHESTAT, file.as_raw_fd(), &raw const range, &raw mut counts, 0) };
    let page = rustix::param::page_size() as u64;
    (done == 0)
        .then(|| Resident { cached: counts.cached * page, dirty: (counts.dirty + counts.writeback) * page })
}

/// Other systems have no such call.
#[cfg(not(target_os = "linux"))]
pub fn resident(_file: &File) -> Option<Resident> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_in_memory() {
        let mut file = tempfile::tempfile_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        std::io::Write::write_all(&mut file, &[7; 300_000]).unwrap();
        let page = rustix::param::page_size() as u64;
        if let Some(resident) = resident(&file) {
            assert_eq!(resident.cached, 300_000_u64.div_ceil(page) * page);
        }
    }
}
