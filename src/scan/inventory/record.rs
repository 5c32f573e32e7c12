//! An entry of a directory in forty bytes, the same in memory and in the cache file.

/// Size of a record in bytes: size, modification time, change time, inode (8 each), packed kind and blocks (4), end of name (4).
pub const RECORD: usize = 40;

const LINKED: u32 = 1 << 2;
const VALUE_BITS: u32 = 27;
const VALUE_MAX: u64 = (1 << VALUE_BITS) - 1;
/// Units of disk usage, as powers of two of 512 bytes. Disk usage is exact up to 64 GiB, and up to 512 GiB for files of whole pages; above
/// that it is rounded to 2 MiB.
const SCALES: [u32; 4] = [0, 3, 12, 24];
const BLOCK: u64 = 512;

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A regular file.
    File,
    /// A symbolic link.
    Symlink,
    /// A socket, a FIFO or a device.
    Other,
}

impl Kind {
    /// The word used in JSON: `file`, `symlink`, `other`.
    pub fn word(self) -> &'static str {
        match self {
            Kind::File => "file",
            Kind::Symlink => "symlink",
            Kind::Other => "other",
        }
    }
}

/// The metadata of an entry that is not a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// The kind.
    pub kind: Kind,
    /// Apparent size in bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime: i64,
    /// Change time of the inode, nanoseconds since 1970.
    pub ctime: i64,
    /// Inode number.
    pub inode: u64,
    /// Disk usage in bytes.
    pub disk: u64,
    /// Whether it has other names (hard links).
    pub linked: bool,
}

/// An entry that is not a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The name in its directory: bytes, without `/`.
    pub name: &'a [u8],
    /// The metadata.
    pub stat: Stat,
}

/// Appends the record of an entry. `name_end` is the end of its name in the names of the block.
pub fn encode(stat: &Stat, name_end: u32, out: &mut Vec<u8>) {
    let mut record = [0; RECORD];
    let (eights, fours) = record.split_at_mut(32);
    for (to, n) in
        eights.chunks_exact_mut(8).zip([stat.size, stat.mtime as u64, stat.ctime as u64, stat.inode])
    {
        to.copy_from_slice(&n.to_le_bytes());
    }
    for (to, n) in fours.chunks_exact_mut(4).zip([pack(stat), name_end]) {
        to.copy_from_slice(&n.to_le_bytes());
    }
    out.extend_from_slice(&record);
}

fn pack(stat: &Stat) -> u32 {
    let kind = match stat.kind {
        Kind::File => 0,
        Kind::Symlink => 1,
        Kind::Other => 2,
    };
    let linked = if stat.linked { LINKED } else { 0 };
    let blocks = stat.disk.div_ceil(BLOCK);
    let exact = |shift: u32| blocks >> shift <= VALUE_MAX && (blocks >> shift) << shift == blocks;
    let fits = |shift: u32| blocks.div_ceil(1 << shift) <= VALUE_MAX;
    let scale = SCALES.iter().position(|s| exact(*s)).or_else(|| SCALES.iter().position(|s| fits(*s)));
    let scale = scale.unwrap_or(SCALES.len() - 1);
    let value = blocks.div_ceil(1 << SCALES[scale]).min(VALUE_MAX) as u32;
    kind | linked | (scale as u32) << 3 | value << 5
}

/// Reads the record at the beginning of `bytes`, and the end of its name. `None` if there are too few bytes.
pub(super) fn decode(bytes: &[u8]) -> Option<(Stat, u32)> {
    let bytes: &[u8; RECORD] = bytes.get(..RECORD)?.try_into().ok()?;
    let eight = |at: usize| bytes[at..at + 8].try_into().map_or(0, u64::from_le_bytes);
    let packed = four(bytes, 32);
    let stat = Stat {
        kind: match packed & 3 {
            0 => Kind::File,
            1 => Kind::Symlink,
            _ => Kind::Other,
        },
        size: eight(0),
        mtime: eight(8) as i64,
        ctime: eight(16) as i64,
        inode: eight(24),
        disk: (u64::from(packed >> 5) << SCALES[(packed >> 3 & 3) as usize]) * BLOCK,
        linked: packed & LINKED != 0,
    };
    Some((stat, four(bytes, 36)))
}

fn four(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// Returns the end of the name of record `n`; 0 if there is no such record.
pub(super) fn name_end(records: &[u8], n: usize) -> usize {
    four(records, n * RECORD + 36) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round(stat: Stat) -> Stat {
        let mut out = Vec::new();
        encode(&stat, 7, &mut out);
        assert_eq!(out.len(), RECORD);
        let (read, end) = decode(&out).unwrap();
        assert_eq!((end, name_end(&out, 0)), (7, 7));
        read
    }

    fn kind() -> impl Strategy<Value = Kind> {
        prop_oneof![Just(Kind::File), Just(Kind::Symlink), Just(Kind::Other)]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(kind in kind(), size: u64, mtime: i64, ctime: i64, inode: u64,
                                   blocks in 0u64..1 << 27, linked: bool) {
            let stat = Stat { kind, size, mtime, ctime, inode, disk: blocks * 512, linked };
            prop_assert_eq!(round(stat), stat);
        }

        #[test]
        fn huge_usage_is_rounded_up_by_little(blocks in 1u64 << 27..1 << 39) {
            let disk = blocks * 512;
            let stat = Stat { kind: Kind::File, size: 1, mtime: 0, ctime: 0, inode: 1, disk, linked: false };
            let read = round(stat).disk;
            prop_assert!(read >= disk && read - disk < 2 << 20, "{disk} became {read}");
        }
    }

    #[test]
    fn pages_are_exact_to_half_a_terabyte() {
        let disk = (512 << 30) - 4096;
        let stat = Stat { kind: Kind::File, size: 0, mtime: 0, ctime: 0, inode: 1, disk, linked: true };
        assert_eq!(round(stat), stat);
        assert_eq!(decode(&[0; RECORD - 1]), None);
    }
}
