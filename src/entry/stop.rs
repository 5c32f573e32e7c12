//! Reads as much of a CIF file as is of interest: headers whole, rows of atoms and reflections not at all.

use memchr::{memchr, memmem};
use std::io::{self, Read};

/// The most bytes of one block's header that are kept; what inflates to more is no header.
pub const CAP: usize = 16 << 20;

const CHUNK: u64 = 32 << 10;

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
    kept: Vec<u8>,
    /// Read, but behind the stop.
    ahead: Vec<u8>,
    cap: usize,
    chunk: u64,
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
            kept: Vec::new(),
            ahead: Vec::new(),
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
    pub(super) fn by(mut self, chunk: u64) -> Self {
        self.chunk = chunk;
        self
    }

    /// What this block holds so far, without the tables that were skipped.
    pub fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Whether `text` stands in what was kept.
    pub fn mentions(&self, text: &str) -> bool {
        memmem::find(&self.kept, text.as_bytes()).is_some()
    }

    /// Reads on to the next stop. An error of kind `FileTooLarge` is the cap's.
    pub fn next_stop(&mut self) -> io::Result<Stop> {
        self.kept.append(&mut self.ahead);
        loop {
            if let Some((at, stop)) = self.find_stop() {
                self.ahead = self.kept.split_off(at);
                self.searched = at;
                return Ok(stop);
            }
            if self.ended {
                return Ok(Stop::End);
            }
            if self.kept.len() > self.cap {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            let read = (&mut self.reader).take(self.chunk).read_to_end(&mut self.kept)?;
            self.ended = read == 0;
        }
    }

    /// Lines are looked at by their first bytes, each once and only when it is complete.
    fn find_stop(&mut self) -> Option<(usize, Stop)> {
        loop {
            let start = self.scanned;
            let end = match memchr(b'\n', &self.kept[self.searched..]) {
                Some(n) => self.searched + n + 1,
                None if self.ended => self.kept.len(),
                None => {
                    self.searched = self.kept.len();
                    return None;
                }
            };
            let line = &self.kept[start..end];
            match line.first()? {
                b';' => self.in_text = !self.in_text,
                _ if self.in_text => {}
                b'_' if is_bulk(line) => return Some((start, Stop::Bulk)),
                b'd' | b'D' if is_data(line) => {
                    if self.in_block {
                        return Some((start, Stop::Block));
                    }
                    self.in_block = true;
                }
                _ => {}
            }
            (self.scanned, self.searched) = (end, end);
        }
    }

    /// After [`Stop::Bulk`]: passes over the table, line by line. Its rows are taken to have no text fields.
    pub fn skip_bulk(&mut self) -> io::Result<()> {
        let mut chunk = std::mem::take(&mut self.ahead);
        loop {
            let mut at = 0;
            while let Some(n) = memchr(b'\n', &chunk[at..]) {
                if ends_bulk(&chunk[at..]) {
                    self.ahead = chunk.split_off(at);
                    return Ok(());
                }
                at += n + 1;
            }
            if self.ended {
                self.ahead = chunk.split_off(at);
                if !ends_bulk(&self.ahead) {
                    self.ahead.clear();
                }
                return Ok(());
            }
            chunk.drain(..at);
            if chunk.len() > self.cap {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            self.ended = (&mut self.reader).take(self.chunk).read_to_end(&mut chunk)? == 0;
        }
    }

    /// After [`Stop::Block`]: forgets the block that has ended.
    pub fn next_block(&mut self) {
        self.kept.clear();
        (self.scanned, self.searched, self.in_text, self.in_block) = (0, 0, false, false);
    }
}

fn is_bulk(line: &[u8]) -> bool {
    BULK.iter().any(|name| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))
}

fn is_data(line: &[u8]) -> bool {
    line.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"data_"))
}

fn ends_bulk(line: &[u8]) -> bool {
    match line.first() {
        Some(b'#') => true,
        Some(b'_') => !is_bulk(line),
        Some(b'l' | b'L') => line.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"loop_")),
        Some(b'd' | b'D') => is_data(line),
        _ => false,
    }
}
