//! The list of indexed files: each file with its stamp, as of one commit. It is a file of our own format, so that finding changes takes
//! milliseconds.
//!
//! Little-endian: magic, version, number of records, records, CRC-32 of everything before.

use super::file_list::Stamp;
use crate::platform;
use std::io::{self, Write};
use std::path::Path;

const MAGIC: &[u8; 8] = b"pdbsled\0";
const VERSION: u32 = 1;

/// A file that was indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// Relative to the root.
    pub(super) path: Vec<u8>,
    pub(super) stamp: Stamp,
    /// The number of its documents in the index.
    pub(super) documents: u32,
    /// The number of these documents that say why the file could not be read.
    pub(super) errors: u32,
}

/// Writes the records, which must be sorted by path. The write is atomic and durable.
pub(super) fn save(file: &Path, records: &[Record]) -> io::Result<()> {
    let mut bytes =
        Vec::with_capacity(64 + records.iter().map(|record| record.path.len() + 44).sum::<usize>());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(records.len() as u64).to_le_bytes());
    for record in records {
        let length = u32::try_from(record.path.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&record.path);
        let Stamp { size, mtime, ctime, inode } = record.stamp;
        for part in [size.to_le_bytes(), mtime.to_le_bytes(), ctime.to_le_bytes(), inode.to_le_bytes()] {
            bytes.extend_from_slice(&part);
        }
        bytes.extend_from_slice(&record.documents.to_le_bytes());
        bytes.extend_from_slice(&record.errors.to_le_bytes());
    }
    let sum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    let dir = file.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(dir)?;
    temporary.write_all(&bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(file).map_err(|error| error.error)?;
    Ok(())
}

/// Reads the records. A damaged file or one of another version is an error of kind `InvalidData`.
pub(super) fn load(file: &Path) -> io::Result<Vec<Record>> {
    decode(&platform::read_regular(file, u64::MAX - 1)?)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "damaged, or of another version"))
}

fn decode(bytes: &[u8]) -> Option<Vec<Record>> {
    let (body, sum) = bytes.split_last_chunk::<4>()?;
    if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
        return None;
    }
    let mut rest = body.strip_prefix(MAGIC)?;
    let word = |rest: &mut &[u8]| -> Option<u32> {
        let (word, more) = rest.split_first_chunk::<4>()?;
        *rest = more;
        Some(u32::from_le_bytes(*word))
    };
    let long = |rest: &mut &[u8]| -> Option<[u8; 8]> {
        let (long, more) = rest.split_first_chunk::<8>()?;
        *rest = more;
        Some(*long)
    };
    if word(&mut rest)? != VERSION {
        return None;
    }
    let count = u64::from_le_bytes(long(&mut rest)?);
    let mut records = Vec::with_capacity(usize::try_from(count).ok()?.min(rest.len() / 44));
    for _ in 0..count {
        let length = word(&mut rest)? as usize;
        let (path, more) = rest.split_at_checked(length)?;
        rest = more;
        let stamp = Stamp {
            size: u64::from_le_bytes(long(&mut rest)?),
            mtime: i64::from_le_bytes(long(&mut rest)?),
            ctime: i64::from_le_bytes(long(&mut rest)?),
            inode: u64::from_le_bytes(long(&mut rest)?),
        };
        let (documents, errors) = (word(&mut rest)?, word(&mut rest)?);
        records.push(Record { path: path.to_vec(), stamp, documents, errors });
    }
    rest.is_empty().then_some(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    fn record(path: &[u8], n: u64) -> Record {
        let stamp = Stamp { size: n, mtime: -5, ctime: i64::MAX, inode: u64::MAX };
        Record { path: path.to_vec(), stamp, documents: 1, errors: 0 }
    }

    #[test]
    fn what_is_saved_is_loaded_and_what_is_damaged_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("l");
        let records = [record(b"a/1abc.cif.gz", 1), record(b"\xff", 2)];
        save(&file, &records).unwrap();
        assert_eq!(load(&file).unwrap(), records);
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&file, &bytes).unwrap();
        assert_eq!(load(&file).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..200), magic: bool) {
            if magic {
                bytes.splice(0..0, [MAGIC.as_slice(), &VERSION.to_le_bytes()].concat());
                let sum = crc32fast::hash(&bytes);
                bytes.extend_from_slice(&sum.to_le_bytes());
            }
            let _ = decode(&bytes);
        }
    }
}
