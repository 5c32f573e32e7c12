//! How much of a file is in memory. Measures the results of `reclaim`.

use std::fs::File;

/// Bytes of a file's contents that are in memory, in whole pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resident {
    /// All of them.
    pub cached: u64,
    /// Bytes not on the disk yet; `None` if the kernel only counts pages (before Linux 6.5).
    pub dirty: Option<u64>,
}

/// Measures a file; `None` if the kernel does not report it: another system, or a file of another user.
pub fn resident(file: &File, size: u64) -> Option<Resident> {
    if size == 0 {
        return Some(Resident { cached: 0, dirty: Some(0) });
    }
    kernel::cachestat(file).or_else(|| kernel::mincore(file, size))
}

#[cfg(target_os = "linux")]
mod kernel {
    use super::Resident;
    use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::ptr;

    /// The same number on all current architectures.
    const SYS_CACHESTAT: libc::c_long = 451;
    /// Bytes measured at once.
    const PIECE: u64 = 1 << 30;

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

    #[expect(unsafe_code, reason = "no crate wraps cachestat")]
    pub(super) fn cachestat(file: &File) -> Option<Resident> {
        let (range, mut counts) = (Range { offset: 0, len: 0 }, Counts::default());
        // SAFETY: both structures are as the kernel declares them, and live longer than the call.
        let done =
            unsafe { libc::syscall(SYS_CACHESTAT, file.as_raw_fd(), &raw const range, &raw mut counts, 0) };
        let page = rustix::param::page_size() as u64;
        (done == 0).then(|| Resident {
            cached: counts.cached * page,
            dirty: Some((counts.dirty + counts.writeback) * page),
        })
    }

    pub(super) fn mincore(file: &File, size: u64) -> Option<Resident> {
        let mut cached = 0;
        for start in (0..size).step_by(PIECE as usize) {
            cached += piece(file, start, (size - start).min(PIECE))?;
        }
        Some(Resident { cached, dirty: None })
    }

    #[expect(unsafe_code, reason = "mincore looks at a mapping, and no crate wraps it")]
    fn piece(file: &File, start: u64, len: u64) -> Option<u64> {
        let page = rustix::param::page_size();
        let len = usize::try_from(len).ok()?;
        let mut pages = vec![0_u8; len.div_ceil(page)];
        // SAFETY: the mapping is never read (a file that is truncated meanwhile does no harm), the kernel chooses its address, and `pages`
        // has a byte for each of its pages.
        let told = unsafe {
            let map = mmap(ptr::null_mut(), len, ProtFlags::READ, MapFlags::SHARED, file, start).ok()?;
            let told = libc::mincore(map.cast(), len, pages.as_mut_ptr().cast());
            munmap(map, len).ok()?;
            told
        };
        let resident = pages.iter().filter(|page| **page & 1 == 1).count();
        (told == 0).then_some((resident * page) as u64)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn both_ways_count_the_same_pages() {
            let mut file = tempfile::tempfile_in(env!("CARGO_MANIFEST_DIR")).unwrap();
            std::io::Write::write_all(&mut file, &[7; 300_000]).unwrap();
            let pages = 300_000_u64.div_ceil(rustix::param::page_size() as u64);
            let expected = pages * rustix::param::page_size() as u64;
            assert_eq!(mincore(&file, 300_000).map(|resident| resident.cached), Some(expected));
            if let Some(resident) = cachestat(&file) {
                assert_eq!(resident.cached, expected);
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use super::Resident;
    use std::fs::File;

    pub(super) fn cachestat(_: &File) -> Option<Resident> {
        None
    }

    pub(super) fn mincore(_: &File, _: u64) -> Option<Resident> {
        None
    }
}
