//! Reads as much of a CIF file as is of interest: headers whole, rows of atoms and reflections not at all.

use memchr::{memchr, memchr_iter, memchr3_iter, memmem, memrchr};
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
pub struct HeaderReader<R> {
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
    /// Whether this block has rows of atoms, and of reflections.
    atoms: bool,
    reflections: bool,
}

impl<R: Read> HeaderReader<R> {
    /// Begins to read.
    pub fn new(reader: R, cap: usize) -> Self {
        HeaderReader {
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
            atoms: false,
            reflections: false,
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

    /// Whether this block was seen to have atoms.
    pub fn has_atoms(&self) -> bool {
        self.atoms
    }

    /// Whether this block was seen to have reflections.
    pub fn has_reflections(&self) -> bool {
        self.reflections
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
                if stop == Stop::Bulk {
                    // Small molecules have `_atom_site_label` and its kin, which are no items of mmCIF.
                    self.atoms |= begins(&self.bytes[at..self.read], b"_atom_site.");
                    self.reflections |= begins(&self.bytes[at..self.read], b"_refln.");
                }
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

    /// After [`Stop::Bulk`]: passes over the table, line by line; text fields among its rows are passed over as well.
    pub fn skip_bulk(&mut self) -> io::Result<()> {
        let mut in_text = false;
        loop {
            let rest = &self.bytes[self.kept..self.read];
            let found = if in_text { end_of_text(rest) } else { end_of_bulk(rest) };
            let line = found.and_then(|found| Some(found.at() + memchr(b'\n', &rest[found.at()..])? + 1));
            match (found, line) {
                (Some(Found::End(at)), Some(_)) => {
                    self.forget(at);
                    return Ok(());
                }
                (Some(Found::End(at)), None) if self.ended => {
                    self.forget(at);
                    return Ok(());
                }
                (Some(Found::Text(_)), Some(behind)) => {
                    in_text = !in_text;
                    self.forget(behind);
                    continue;
                }
                // A line is judged only when it is complete.
                _ => {
                    let at = found.map(Found::at);
                    let line = at.or(memrchr(b'\n', rest).map(|end| end + 1)).unwrap_or_default();
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
        (self.atoms, self.reflections) = (false, false);
    }
}

fn is_bulk(line: &[u8]) -> bool {
    matches!(line.get(1), Some(b'a' | b'A' | b'r' | b'R')) && BULK.iter().any(|name| begins(line, name))
}

fn is_data(line: &[u8]) -> bool {
    begins(line, b"data_")
}

fn begins(line: &[u8], word: &[u8]) -> bool {
    line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// A line among the rows of a table that is no row, by where it begins.
#[derive(Debug, Clone, Copy)]
enum Found {
    /// It ends the table.
    End(usize),
    /// A text field begins or ends with it.
    Text(usize),
}

impl Found {
    fn at(self) -> usize {
        match self {
            Found::End(at) | Found::Text(at) => at,
        }
    }
}

/// The line that ends a text field; `bytes` begin with a line.
fn end_of_text(bytes: &[u8]) -> Option<Found> {
    if bytes.starts_with(b";") {
        return Some(Found::Text(0));
    }
    memmem::find(bytes, b"\n;").map(|at| Found::Text(at + 1))
}

/// The line that ends a table of atoms, or begins a text field among them. Whatever ends it has a `#` or an underscore, and rows have
/// not: most of them are passed by without a look at where they end.
fn end_of_bulk(bytes: &[u8]) -> Option<Found> {
    let starts_line = |at: usize| at == 0 || bytes[at - 1] == b'\n';
    memchr3_iter(b'#', b'_', b';', bytes).find_map(|at| match bytes[at] {
        b';' => starts_line(at).then_some(Found::Text(at)),
        b'#' => starts_line(at).then_some(Found::End(at)),
        _ if starts_line(at) => (!is_bulk(&bytes[at..])).then_some(Found::End(at)),
        _ => {
            let start = at.checked_sub(4).filter(|start| starts_line(*start))?;
            let word = &bytes[start..at];
            let keyword = [b"loop", b"data", b"save"].iter().any(|known| word.eq_ignore_ascii_case(*known));
            keyword.then_some(Found::End(start))
        }
    })
}
