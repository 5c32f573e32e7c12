//! Memory usage, as reported by the kernel.

/// Bytes; `None` if the kernel does not report a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Total memory.
    pub total: u64,
    /// Memory available without swapping.
    pub available: Option<u64>,
    /// The page cache.
    pub cached: Option<u64>,
    /// Reclaimable kernel caches of names and inodes.
    pub reclaimable: Option<u64>,
    /// File contents that are not on the disk yet.
    pub dirty: Option<u64>,
}

/// Reads the figures; `None` without `/proc`.
pub fn memory() -> Option<Memory> {
    parse(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn parse(text: &str) -> Option<Memory> {
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    };
    Some(Memory {
        total: of("MemTotal").filter(|total| *total > 0)?,
        available: of("MemAvailable"),
        cached: of("Cached"),
        reclaimable: of("SReclaimable"),
        dirty: of("Dirty"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_is_not_known() {
        let text = "MemTotal:       24683572 kB\nMemFree:        21318400 kB\nMemAvailable:   24084480 kB\nCached:  5 kB\n";
        let memory = parse(text).unwrap();
        assert_eq!((memory.total, memory.available), (24_683_572 * 1024, Some(24_084_480 * 1024)));
        assert_eq!((memory.cached, memory.dirty), (Some(5 * 1024), None));
        for odd in ["", "MemTotal: 0 kB", "MemTotal: x kB", "MemTotal: 18446744073709551615 kB"] {
            assert_eq!(parse(odd), None, "{odd}");
        }
    }
}
