//! Reads as much of a CIF file as is of interest: headers whole, rows of atoms and reflections not at all.

use memchr::{memchr, memchr_iter, memchr2_iter, memmem, memrchr};
use std::io::{self, Read};

/// The most bytes of one block's header that are kept; what inflates to more is no header.
pub const CAP: usize = 16 << 20;

/// A header has about 25 KB, and what is read behind it is in vain.
const CHUNK: usize = 16 << 10;
/// Bulk is long; larger pieces inflate faster.
const BULK_CHUNKS: usize = 8;

/// Tables with a row for each atom or reflection, as their names begin; never wanted, and most of a file.
const BULK: [&[u8]; 2] = [b"_atom_site", b"_refln."];

/// Why reading paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// A table of atoms or reflections begins.
    Bulk,
    /// The next data block begins.
    Block,
    /// The file has ended.
    End,
}

/// The part of a CIF file that is kept in memory.
#[derive(Debug)]
pub struct Page<R> {
    reader: R,
    /// First what is kept, then what was read behind the stop, then room.
    bytes: Vec<u8>,
    kept: usize,
    read: usize,
    cap: usize,
    chunk: usize,
    ended: bool,
    /// The first line that was not looked at yet, and up to where its end was searched for.
    scanned: usize,
    searched: usize,
    in_text: bool,
    /// Whether the `data_` of this block was passed.
    in_block: bool,
}

impl<R: Read> Page<R> {
    /// Begins to read.
    pub fn new(reader: R, cap: usize) -> Self {
        Page {
            reader,
            bytes: Vec::new(),
            kept: 0,
            read: 0,
            cap,
            chunk: CHUNK,
            ended: false,
            scanned: 0,
            searched: 0,
            in_text: false,
            in_block: false,
        }
    }

    /// Reads so many bytes at a time.
    #[cfg(test)]
    pub(super) fn by(mut self, chunk: usize) -> Self {
        self.chunk = chunk;
        self
    }

    /// What this block holds so far, without the tables that were skipped.
    pub fn kept(&self) -> &[u8] {
        &self.bytes[..self.kept]
    }

    /// Whether `text` stands in what was kept.
    pub fn mentions(&self, text: &str) -> bool {
        memmem::find(self.kept(), text.as_bytes()).is_some()
    }

    /// Reads on, up to so many bytes.
    fn more(&mut self, most: usize) -> io::Result<()> {
        let room = self.read + most;
        if self.bytes.len() < room {
            self.bytes.resize(room.max(2 * self.bytes.len()), 0);
        }
        let read = loop {
            match self.reader.read(&mut self.bytes[self.read..room]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome?,
            }
        };
        self.read += read;
        self.ended = read == 0;
        Ok(())
    }

    /// Reads on to the next stop. An error of kind `FileTooLarge` is the cap's.
    pub fn next_stop(&mut self) -> io::Result<Stop> {
        loop {
            self.kept = self.read;
            if let Some((at, stop)) = self.find_stop() {
                (self.kept, self.searched) = (at, at);
                return Ok(stop);
            }
            if self.ended {
                return Ok(Stop::End);
            }
            if self.kept > self.cap {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            self.more(self.chunk)?;
        }
    }

    /// Lines are looked at by their first bytes, each once and only when it is complete.
    fn find_stop(&mut self) -> Option<(usize, Stop)> {
        let kept = &self.bytes[..self.kept];
        let searched = std::mem::replace(&mut self.searched, kept.len());
        let rest = self.ended.then_some(kept.len());
        for end in memchr_iter(b'\n', &kept[searched..]).map(|n| searched + n + 1).chain(rest) {
            let line = &kept[self.scanned..end];
            match line.first()? {
                b';' => self.in_text = !self.in_text,
                _ if self.in_text => {}
                b'_' if is_bulk(line) => return Some((self.scanned, Stop::Bulk)),
                b'd' | b'D' if is_data(line) => {
                    if self.in_block {
                        return Some((self.scanned, Stop::Block));
                    }
                    self.in_block = true;
                }
                _ => {}
            }
            self.scanned = end;
        }
        None
    }

    /// After [`Stop::Bulk`]: passes over the table, line by line. Its rows are taken to have no text fields.
    pub fn skip_bulk(&mut self) -> io::Result<()> {
        loop {
            let rest = &self.bytes[self.kept..self.read];
            match end_of_bulk(rest) {
                Some(at) if self.ended || memchr(b'\n', &rest[at..]).is_some() => {
                    self.forget(at);
                    return Ok(());
                }
                // A line is judged only when it is complete.
                end => {
                    let line = end.or(memrchr(b'\n', rest).map(|end| end + 1)).unwrap_or_default();
                    self.forget(if self.ended { rest.len() } else { line });
                }
            }
            if self.ended {
                return Ok(());
            }
            if self.read - self.kept > self.cap {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            self.more(BULK_CHUNKS * self.chunk)?;
        }
    }

    /// Of what stands behind the stop, so many bytes.
    fn forget(&mut self, bytes: usize) {
        self.bytes.copy_within(self.kept + bytes..self.read, self.kept);
        self.read -= bytes;
    }

    /// After [`Stop::Block`]: forgets the block that has ended.
    pub fn next_block(&mut self) {
        self.bytes.copy_within(self.kept..self.read, 0);
        (self.kept, self.read) = (0, self.read - self.kept);
        (self.scanned, self.searched, self.in_text, self.in_block) = (0, 0, false, false);
    }
}

fn is_bulk(line: &[u8]) -> bool {
    matches!(line.get(1), Some(b'a' | b'A' | b'r' | b'R'))
        && BULK
            .iter()
            .any(|name| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))
}

fn is_data(line: &[u8]) -> bool {
    line.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"data_"))
}

/// The line that ends a table of atoms. Whatever ends it has a `#` or an underscore, and rows have not: most of them are passed by without
/// a look at where they end.
fn end_of_bulk(bytes: &[u8]) -> Option<usize> {
    let starts_line = |at: usize| at == 0 || bytes[at - 1] == b'\n';
    memchr2_iter(b'#', b'_', bytes).find_map(|at| match bytes[at] {
        b'#' => starts_line(at).then_some(at),
        _ if starts_line(at) => (!is_bulk(&bytes[at..])).then_some(at),
        _ => {
            let start = at.checked_sub(4).filter(|start| starts_line(*start))?;
            let word = &bytes[start..at];
            (word.eq_ignore_ascii_case(b"loop") || word.eq_ignore_ascii_case(b"data")).then_some(start)
        }
    })
}
