//! Reads the wanted parts of a CIF file: all headers, but no rows of atoms and reflections.

use memchr::{memchr, memchr_iter, memchr3_iter, memmem, memrchr};
use std::io::{self, Read};

/// The maximum size of a block's header in bytes. A larger one is not a header.
pub const CAP: usize = 16 << 20;

/// Bytes per read. A header has about 25 KB, and bytes read after it are wasted.
const CHUNK: usize = 16 << 10;
/// Chunks per read while skipping a bulk table. These tables are long, and larger reads inflate faster.
const BULK_CHUNKS: usize = 8;

/// Prefixes of tables with a row per atom or reflection. They are never wanted and are most of a file.
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

/// The part of a CIF file that is in memory.
#[derive(Debug)]
pub struct HeaderReader<R> {
    reader: R,
    /// First the kept bytes, then the bytes read after the stop, then free space.
    bytes: Vec<u8>,
    kept: usize,
    read: usize,
    cap: usize,
    chunk: usize,
    ended: bool,
    /// The start of the first line that was not examined yet, and the position up to which its end was searched for.
    scanned: usize,
    searched: usize,
    in_text: bool,
    /// Whether the `data_` of this block was read.
    in_block: bool,
    /// Whether the line is in a save frame, whose tables are not those of the block.
    in_frame: bool,
    /// Whether this block has rows of atoms, and of reflections.
    atoms: bool,
    reflections: bool,
}

impl<R: Read> HeaderReader<R> {
    /// Creates a reader. Nothing is read yet.
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
            in_frame: false,
            atoms: false,
            reflections: false,
        }
    }

    /// Sets the number of bytes per read.
    #[cfg(test)]
    pub(super) fn by(mut self, chunk: usize) -> Self {
        self.chunk = chunk;
        self
    }

    /// Returns the bytes of this block read so far, without the skipped tables.
    pub fn kept(&self) -> &[u8] {
        &self.bytes[..self.kept]
    }

    /// Whether atoms were found in this block.
    pub fn has_atoms(&self) -> bool {
        self.atoms
    }

    /// Whether reflections were found in this block.
    pub fn has_reflections(&self) -> bool {
        self.reflections
    }

    /// Whether the stop is in a save frame.
    pub fn is_in_frame(&self) -> bool {
        self.in_frame
    }

    /// Whether the stop is at `_atom_sites`, which the archive has before its atoms.
    pub fn is_at_atom_sites(&self) -> bool {
        begins(&self.bytes[self.kept..self.read], b"_atom_sites.")
    }

    /// Whether `text` occurs in the kept bytes.
    pub fn mentions(&self, text: &str) -> bool {
        memmem::find(self.kept(), text.as_bytes()).is_some()
    }

    /// Reads up to `most` more bytes.
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

    /// Reads to the next stop. An error of kind `FileTooLarge` means that the cap was exceeded.
    pub fn next_stop(&mut self) -> io::Result<Stop> {
        loop {
            self.kept = self.read;
            if let Some((at, stop)) = self.find_stop() {
                (self.kept, self.searched) = (at, at);
                if stop == Stop::Bulk && !self.in_frame {
                    // Files of small molecules have `_atom_site_label` and similar names, which are not items of mmCIF.
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

    /// Examines the first bytes of each line, once and only when the line is complete.
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
                    self.in_frame |= opens_frame(line).unwrap_or(false);
                }
                b's' | b'S' | b' ' | b'\t' => {
                    if let Some(opens) = opens_frame(line) {
                        self.in_frame = opens;
                    }
                }
                _ => {}
            }
            self.scanned = end;
        }
        None
    }

    /// Skips the table after [`Stop::Bulk`], line by line, including text fields among its rows.
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
                // A line is examined only when it is complete.
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

    /// Removes this number of bytes after the stop.
    fn forget(&mut self, bytes: usize) {
        self.bytes.copy_within(self.kept + bytes..self.read, self.kept);
        self.read -= bytes;
    }

    /// Drops the finished block after [`Stop::Block`].
    pub fn next_block(&mut self) {
        self.bytes.copy_within(self.kept..self.read, 0);
        (self.kept, self.read) = (0, self.read - self.kept);
        (self.scanned, self.searched, self.in_text, self.in_block) = (0, 0, false, false);
        (self.in_frame, self.atoms, self.reflections) = (false, false, false);
    }
}

fn is_bulk(line: &[u8]) -> bool {
    matches!(line.get(1), Some(b'a' | b'A' | b'r' | b'R')) && BULK.iter().any(|name| begins(line, name))
}

fn is_data(line: &[u8]) -> bool {
    begins(line, b"data_")
}

/// Whether a line opens a save frame (`save_NAME`) or ends one (`save_`); `None` if it does neither.
fn opens_frame(line: &[u8]) -> Option<bool> {
    let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let mut words = words.skip_while(|word| is_data(word));
    words.next().filter(|word| begins(word, b"save_")).map(|word| word.len() > b"save_".len())
}

fn begins(line: &[u8], word: &[u8]) -> bool {
    line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// A line in a table that is not a row, by the position of its start.
#[derive(Debug, Clone, Copy)]
enum Found {
    /// The line ends the table.
    End(usize),
    /// The line begins or ends a text field.
    Text(usize),
}

impl Found {
    fn at(self) -> usize {
        match self {
            Found::End(at) | Found::Text(at) => at,
        }
    }
}

/// Finds the line that ends a text field. `bytes` start at the beginning of a line.
fn end_of_text(bytes: &[u8]) -> Option<Found> {
    if bytes.starts_with(b";") {
        return Some(Found::Text(0));
    }
    memmem::find(bytes, b"\n;").map(|at| Found::Text(at + 1))
}

/// Finds the line that ends a table of atoms, or begins a text field in it. Lines that end the table contain a `#` or an underscore. Most
/// rows contain neither, so they are skipped without a search for their ends.
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
