//! The entries that differ, with size and time at the source. The first few are in memory, more than that in an unnamed temporary file.

use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use tempfile::SpooledTempFile;

/// Maximum size of the list in memory, in bytes.
const IN_MEMORY: usize = 4 * 1024 * 1024;

/// One entry that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sync) struct Changed {
    /// Relative to the root of the mirror.
    pub(in crate::sync) name: Vec<u8>,
    /// The kind of entry at the source.
    pub(in crate::sync) kind: ChangedKind,
    /// Whether the destination lacks it.
    pub(in crate::sync) created: bool,
    /// Whether contents must be transferred, not only attributes.
    pub(in crate::sync) contents: bool,
    /// Whether the destination has a file of another size.
    pub(in crate::sync) resized: bool,
    /// Size at the source, in bytes.
    pub(in crate::sync) size: u64,
    /// Modification time at the source, in seconds since 1970; `None` if rsync did not print it.
    pub(in crate::sync) mtime: Option<i64>,
}

/// Bytes of an entry of the list before its name.
const HEAD: usize = 22;

/// The kind of an entry at the source.
pub(in crate::sync) use super::names::NameKind as ChangedKind;

/// A list that is written once and can be read repeatedly from its beginning.
#[derive(Debug)]
pub(in crate::sync) struct ChangedList {
    file: SpooledTempFile,
    buffer: Vec<u8>,
    failed: Option<io::Error>,
}

impl ChangedList {
    pub(in crate::sync) fn new() -> Self {
        ChangedList { file: tempfile::spooled_tempfile(IN_MEMORY), buffer: Vec::new(), failed: None }
    }

    /// Adds an entry. Errors are returned by [`ChangedList::finish`].
    pub(in crate::sync) fn push(&mut self, changed: &Changed) {
        let flags =
            u8::from(changed.created) | u8::from(changed.contents) << 1 | u8::from(changed.resized) << 2;
        self.buffer.extend([changed.kind as u8, flags]);
        self.buffer.extend(changed.size.to_le_bytes());
        self.buffer.extend(changed.mtime.unwrap_or(i64::MIN).to_le_bytes());
        self.buffer.extend((changed.name.len() as u32).to_le_bytes());
        self.buffer.extend(&changed.name);
        if self.buffer.len() > 64 * 1024 {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if let Err(error) = self.file.write_all(&self.buffer) {
            self.failed.get_or_insert(error);
        }
        self.buffer.clear();
    }

    /// Ends the list. Returns the first error of a write.
    pub(in crate::sync) fn finish(&mut self) -> io::Result<()> {
        self.flush();
        self.failed.take().map_or(Ok(()), Err)
    }

    /// The entries, in rsync's order.
    pub(super) fn iter(&mut self) -> io::Result<impl Iterator<Item = io::Result<Changed>> + '_> {
        Ok(self.iter_from(0)?.map(|found| found.map(|(_, changed)| changed)))
    }

    /// The entries from a position on, each with its position.
    pub(in crate::sync) fn iter_from(
        &mut self,
        mut position: u64,
    ) -> io::Result<impl Iterator<Item = io::Result<(u64, Changed)>> + '_> {
        self.file.seek(SeekFrom::Start(position))?;
        let mut input = BufReader::new(&mut self.file);
        Ok(std::iter::from_fn(move || {
            let found = read(&mut input).transpose()?;
            Some(found.map(|changed| {
                let here = position;
                position += (HEAD + changed.name.len()) as u64;
                (here, changed)
            }))
        }))
    }
}

fn read(input: &mut impl Read) -> io::Result<Option<Changed>> {
    let mut head = [0; HEAD];
    // An end of file between two entries is the end of the list.
    if input.read(&mut head[..1])? == 0 {
        return Ok(None);
    }
    input.read_exact(&mut head[1..])?;
    let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| head[at + byte]));
    let mut name = vec![0; u32::from_le_bytes(std::array::from_fn(|byte| head[18 + byte])) as usize];
    input.read_exact(&mut name)?;
    let kind = match head[0] {
        0 => ChangedKind::File,
        1 => ChangedKind::Dir,
        _ => ChangedKind::Other,
    };
    let mtime = Some(number(10) as i64).filter(|time| *time != i64::MIN);
    let [created, contents, resized] = [1, 2, 4].map(|bit| head[1] & bit != 0);
    Ok(Some(Changed { name, kind, created, contents, resized, size: number(2), mtime }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_as_they_were_added() {
        let mut list = ChangedList::new();
        let entries: Vec<_> = (0..200_000u64)
            .map(|n| Changed {
                name: format!("d{}/{n}\n", n % 7).into_bytes(),
                kind: [ChangedKind::File, ChangedKind::Dir, ChangedKind::Other][n as usize % 3],
                created: n % 2 == 0,
                contents: n % 3 == 0,
                resized: n % 5 == 0,
                size: n * n,
                mtime: (n % 4 > 0).then_some(n as i64 - 10),
            })
            .collect();
        entries.iter().for_each(|entry| list.push(entry));
        list.finish().unwrap();
        for _ in 0..2 {
            assert!(list.iter().unwrap().map(Result::unwrap).eq(entries.iter().cloned()));
        }
        let (position, entry) = list.iter_from(0).unwrap().nth(777).unwrap().unwrap();
        assert_eq!(entry, entries[777]);
        let rest = list.iter_from(position).unwrap().map(|found| found.unwrap().1);
        assert!(rest.eq(entries[777..].iter().cloned()));
    }
}
