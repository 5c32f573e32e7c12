//! The format of cache files: an inventory as bytes that can be mapped and used in place.
//!
//! ```text
//! magic 8 | version 4 | flags 4 | length 8 | started 8 | dirs 4 | blocks 4 | dir names 8 | data 8
//! | root 4 | options 4 | dirs read 8 | dirs reused 8 | ns elapsed 8
//! root | options | names of directories | directories | blocks | data | CRC-32 of all before, 4
//! ```
//!
//! Numbers are little-endian. The data are the blocks in sequence, as they were in the arenas.

use super::RECORD;
use super::{Block, Bytes, Dir, DirId, DirStat, Inventory, Own, State, Totals};
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

const MAGIC: &[u8; 8] = b"PDBSINV\n";
const VERSION: u32 = 1;
const HEADER: usize = 88;
const DIR: usize = 104;
const BLOCK: usize = 12;
const CHECKSUM: usize = 4;

/// The header of a cache file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The root of the tree.
    pub root: PathBuf,
    /// A description of the options that decided which entries were found. Inventories for which it differs are not interchangeable.
    pub options: Vec<u8>,
    /// When the scan started, nanoseconds since 1970.
    pub started: i64,
    /// Number of directories that the scan read.
    pub dirs_read: u64,
    /// Number of directories that it reused from the previous inventory.
    pub dirs_reused: u64,
    /// The duration in nanoseconds.
    pub elapsed: u64,
}

/// Why bytes are not a valid inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It is something else.
    #[error("not an inventory")]
    Foreign,
    /// A newer version of this program wrote it.
    #[error("written by a newer version (format {0})")]
    Newer(u32),
    /// It is not what was written.
    #[error("damaged: {0}")]
    Damaged(&'static str),
}

/// Writes a complete file.
pub fn encode(inventory: &Inventory, header: &Header, out: impl Write) -> io::Result<()> {
    let mut out = Summed { out, sum: crc32fast::Hasher::new() };
    let root = header.root.as_os_str().as_bytes();
    let data: u64 = inventory.blocks.iter().map(|block| block_len(inventory, block)).sum();
    let tables = inventory.dirs.len() * DIR + inventory.blocks.len() * BLOCK;
    let length = (HEADER + root.len() + header.options.len() + inventory.dir_names.len() + tables + CHECKSUM)
        as u64
        + data;
    let mut head = Vec::with_capacity(HEADER);
    head.extend_from_slice(MAGIC);
    for n in [VERSION, u32::from(inventory.complete)] {
        head.extend_from_slice(&n.to_le_bytes());
    }
    head.extend_from_slice(&length.to_le_bytes());
    head.extend_from_slice(&header.started.to_le_bytes());
    for n in [inventory.dirs.len(), inventory.blocks.len()] {
        head.extend_from_slice(&(n as u32).to_le_bytes());
    }
    for n in [inventory.dir_names.len() as u64, data] {
        head.extend_from_slice(&n.to_le_bytes());
    }
    for n in [root.len(), header.options.len()] {
        head.extend_from_slice(&(n as u32).to_le_bytes());
    }
    for n in [header.dirs_read, header.dirs_reused, header.elapsed] {
        head.extend_from_slice(&n.to_le_bytes());
    }
    out.write_all(&head)?;
    out.write_all(root)?;
    out.write_all(&header.options)?;
    out.write_all(&inventory.dir_names)?;
    let mut table = Vec::with_capacity(tables);
    for dir in &inventory.dirs {
        encode_dir(dir, &mut table);
    }
    let mut at = 0u64;
    for block in &inventory.blocks {
        table.extend_from_slice(&at.to_le_bytes());
        table.extend_from_slice(&block.count.to_le_bytes());
        at += block_len(inventory, block);
    }
    out.write_all(&table)?;
    for block in &inventory.blocks {
        let (records, names) = inventory.block(block);
        out.write_all(records)?;
        out.write_all(names)?;
    }
    let sum = out.sum.clone().finalize();
    out.out.write_all(&sum.to_le_bytes())?;
    out.out.flush()
}

fn block_len(inventory: &Inventory, block: &Block) -> u64 {
    let (records, names) = inventory.block(block);
    (records.len() + names.len()) as u64
}

fn encode_dir(dir: &Dir, out: &mut Vec<u8>) {
    let state = match dir.state {
        State::Read => 0u8,
        State::Incomplete => 1,
        State::LeftOut => 2,
    };
    out.extend_from_slice(&dir.parent.0.to_le_bytes());
    out.extend_from_slice(&dir.blocks.0.to_le_bytes());
    out.extend_from_slice(&dir.blocks.1.to_le_bytes());
    out.extend_from_slice(&dir.name_len.to_le_bytes());
    out.extend_from_slice(&[state, 0]);
    for n in [dir.own.files, dir.own.symlinks, dir.own.other, dir.own.linked, dir.own.odd, 0] {
        out.extend_from_slice(&n.to_le_bytes());
    }
    let stat = &dir.stat;
    let times = [stat.mtime as u64, stat.ctime as u64];
    for n in [dir.name_at, dir.own.bytes, dir.own.disk, stat.dev, stat.inode, times[0], times[1], stat.disk] {
        out.extend_from_slice(&n.to_le_bytes());
    }
}

/// Passes on what is written, and computes the checksum.
struct Summed<W> {
    out: W,
    sum: crc32fast::Hasher,
}

impl<W: Write> Summed<W> {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.out.write_all(bytes)
    }
}

/// Reads from front to back; returns `None` past the end.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }

    fn four(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn eight(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn length(&mut self) -> Option<usize> {
        self.eight()?.try_into().ok()
    }
}

struct Front<'a> {
    header: Header,
    complete: bool,
    dirs: usize,
    blocks: usize,
    dir_names: usize,
    data: usize,
    rest: Cursor<'a>,
}

const SHORT: FormatError = FormatError::Damaged("it ends too early");

fn front(bytes: &[u8]) -> Result<Front<'_>, FormatError> {
    let Some(rest) = bytes.strip_prefix(MAGIC) else { return Err(FormatError::Foreign) };
    let mut cursor = Cursor(rest);
    match cursor.four().ok_or(SHORT)? {
        VERSION => {}
        newer if newer > VERSION => return Err(FormatError::Newer(newer)),
        _ => return Err(FormatError::Damaged("there is no such version")),
    }
    let mut read = || {
        let complete = cursor.four()? & 1 == 1;
        let length = cursor.length()?;
        let started = cursor.eight()? as i64;
        let (dirs, blocks) = (cursor.four()? as usize, cursor.four()? as usize);
        let (dir_names, data) = (cursor.length()?, cursor.length()?);
        let (root, options) = (cursor.four()? as usize, cursor.four()? as usize);
        let (dirs_read, dirs_reused, elapsed) = (cursor.eight()?, cursor.eight()?, cursor.eight()?);
        let root = PathBuf::from(OsStr::from_bytes(cursor.take(root)?));
        let options = cursor.take(options)?.to_vec();
        let header = Header { root, options, started, dirs_read, dirs_reused, elapsed };
        Some((length, Front { header, complete, dirs, blocks, dir_names, data, rest: Cursor(cursor.0) }))
    };
    let (length, front) = read().ok_or(SHORT)?;
    if length != bytes.len() {
        return Err(FormatError::Damaged("it is not as long as it says"));
    }
    Ok(front)
}

/// Reads the header. This is fast, since the checksum is not verified.
pub fn header(bytes: &[u8]) -> Result<Header, FormatError> {
    front(bytes).map(|front| front.header)
}

/// Reads a whole file; its blocks stay in place.
pub fn decode(file: Bytes) -> Result<(Header, Inventory), FormatError> {
    let bytes = (*file).as_ref();
    // Check first that it is our format, so that another file is not reported as damaged.
    front(bytes)?;
    let Some((summed, sum)) = bytes.split_last_chunk::<CHECKSUM>() else { return Err(SHORT) };
    if crc32fast::hash(summed) != u32::from_le_bytes(*sum) {
        return Err(FormatError::Damaged("its checksum is wrong"));
    }
    let mut front = front(bytes)?;
    let dir_names = front.rest.take(front.dir_names).ok_or(SHORT)?.to_vec();
    let table = front.dirs.checked_mul(DIR).and_then(|len| front.rest.take(len)).ok_or(SHORT)?;
    let block_table = front.blocks.checked_mul(BLOCK).and_then(|len| front.rest.take(len)).ok_or(SHORT)?;
    let base = bytes.len() - front.rest.0.len();
    if front.data.checked_add(CHECKSUM) != Some(front.rest.0.len()) || front.dirs == 0 {
        return Err(FormatError::Damaged("the lengths of its parts are wrong"));
    }
    let mut dirs = Vec::with_capacity(front.dirs);
    for (n, bytes) in table.chunks_exact(DIR).enumerate() {
        let dir = decode_dir(Cursor(bytes), n as u32).ok_or(SHORT)?;
        let parent_is_above = dir.parent.index() < n || n == 0 && dir.parent == DirId::ROOT;
        if !parent_is_above || dir.blocks.0 > dir.blocks.1 || dir.blocks.1 as usize > front.blocks {
            return Err(FormatError::Damaged("a directory in it is impossible"));
        }
        dirs.push(dir);
    }
    let mut blocks = Vec::with_capacity(front.blocks);
    for bytes in block_table.chunks_exact(BLOCK) {
        let mut cursor = Cursor(bytes);
        let (at, count) = (cursor.length().ok_or(SHORT)?, cursor.four().ok_or(SHORT)?);
        let fits = front.rest.0.get(at..).is_some_and(|data| data.len() >= count as usize * RECORD);
        if !fits {
            return Err(FormatError::Damaged("a block of it lies outside of the file"));
        }
        blocks.push(Block { arena: 0, at: (base + at) as u64, count });
    }
    let mut inventory = Inventory {
        root: front.header.root.clone(),
        started: front.header.started,
        complete: front.complete,
        arenas: Vec::new(),
        blocks,
        dirs,
        dir_names,
    };
    let header = front.header;
    inventory.arenas.push(file);
    inventory.set_ends();
    inventory.sum_up();
    Ok((header, inventory))
}

fn decode_dir(mut from: Cursor<'_>, n: u32) -> Option<Dir> {
    let parent = DirId(from.four()?);
    let blocks = (from.four()?, from.four()?);
    let name_len = from.take(2)?.try_into().ok().map(u16::from_le_bytes)?;
    let state = match from.take(2)? {
        [0, _] => State::Read,
        [2, _] => State::LeftOut,
        _ => State::Incomplete,
    };
    let (files, symlinks, other, linked, odd) =
        (from.four()?, from.four()?, from.four()?, from.four()?, from.four()?);
    from.four()?;
    let (name_at, bytes, disk) = (from.eight()?, from.eight()?, from.eight()?);
    let (dev, inode) = (from.eight()?, from.eight()?);
    let (mtime, ctime) = (from.eight()? as i64, from.eight()? as i64);
    let stat = DirStat { dev, inode, mtime, ctime, disk: from.eight()? };
    let own = Own { files, symlinks, other, linked, odd, bytes, disk };
    let total = Totals::default();
    Some(Dir { parent, end: n + 1, name_at, name_len, state, stat, own, blocks, total })
}

#[cfg(test)]
mod tests {
    use super::super::diff;
    use super::super::testing::tree;
    use super::*;
    use std::sync::Arc;

    fn file() -> (Inventory, Vec<u8>) {
        let tree = tree(&[("a/1", 5), ("a/b/2", 7), ("c/", 0), ("d", 9)]);
        let header = Header {
            root: "/root".into(),
            options: b"exclude".to_vec(),
            started: 77,
            dirs_read: 3,
            dirs_reused: 1,
            elapsed: 5,
        };
        let mut out = Vec::new();
        encode(&tree, &header, &mut out).unwrap();
        (tree, out)
    }

    #[test]
    fn what_is_written_is_read() {
        let (tree, bytes) = file();
        let (header, read) = decode(Arc::new(bytes)).unwrap();
        assert_eq!((header.root.to_str(), header.dirs_read), (Some("/root"), 3));
        assert_eq!(read.totals(), tree.totals());
        assert!(diff(&tree, &read, |_| Ok::<(), ()>(())).unwrap().is_nothing());
        assert_eq!(
            read.dirs().map(|d| d.path()).collect::<Vec<_>>(),
            tree.dirs().map(|d| d.path()).collect::<Vec<_>>()
        );
    }

    #[test]
    fn damage_at_any_byte_is_seen() {
        let (_, bytes) = file();
        for at in 0..bytes.len() {
            for flip in [1u8, 0x80, 0xff] {
                let mut bad = bytes.clone();
                bad[at] ^= flip;
                let error = decode(Arc::new(bad)).err();
                assert!(error.is_some(), "byte {at} ^ {flip:#x} went unseen");
                if at >= 12 {
                    assert!(matches!(error, Some(FormatError::Damaged(_))), "byte {at}: {error:?}");
                }
            }
            assert!(decode(Arc::new(bytes[..at].to_vec())).is_err(), "cut at {at}");
        }
        assert!(matches!(decode(Arc::new(b"SQLite format 3".to_vec())), Err(FormatError::Foreign)));
    }

    #[test]
    fn a_lie_with_a_right_checksum_does_not_panic() {
        let (_, bytes) = file();
        for at in 12..bytes.len() - CHECKSUM {
            let mut bad = bytes.clone();
            bad[at] ^= 0xff;
            let end = bad.len() - CHECKSUM;
            let sum = crc32fast::hash(&bad[..end]).to_le_bytes();
            bad[end..].copy_from_slice(&sum);
            if let Ok((_, read)) = decode(Arc::new(bad)) {
                let _ = read.entries().map(|(dir, entry)| dir.path_of(entry.name).len()).sum::<usize>();
                let _ = read.groups().map(|group| group.dirs.count()).sum::<usize>();
            }
        }
    }
}
