//! From the bytes of a file to its entries: what it is, is told from its first bytes, not from its name alone.

use super::model::{Entry, Kind};
use super::stop::{CAP, Page, Stop};
use super::structure::{HISTORIES, WANTED};
use super::table::Block;
use super::{fasta, id, legacy, text};
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader};

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Keep the sequences of polymers.
    pub sequences: bool,
    /// FASTA files: an entry a record; else they are text as any other.
    pub fasta: bool,
    /// The first so many bytes of other text; 0: its name only.
    pub text_limit: usize,
    /// Read CIF files to their end although all that is wanted was seen. For measurements.
    pub whole: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { sequences: false, fasta: false, text_limit: 1 << 20, whole: false }
    }
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Read {
    /// Entries handed on, errors among them.
    pub entries: u64,
    /// Entries that say why they could not be read.
    pub errors: u64,
}

/// Compressed bytes that are read at a time.
const PACKED: usize = 32 << 10;
/// Bytes that are inflated to find out what a file is; CIF files go on in pieces of their own.
const PLAIN: usize = 8 << 10;

/// Reads a file, given its bytes as they lie on disk, and hands on at least one entry. Nothing in a file is an error of
/// ours: what is wrong with it is told by an entry with `error`. Up to [`CAP`] and some buffers are in memory.
pub fn read(name: &str, bytes: impl io::Read, options: &Options, sink: &mut dyn FnMut(Entry)) -> Read {
    let mut done = Read::default();
    let mut count = |mut entry: Entry| {
        done.entries += 1;
        done.errors += u64::from(entry.error.is_some());
        if entry.id.is_none() && matches!(entry.kind, Kind::Structure) {
            entry.id = id::from_name(name);
        }
        sink(entry);
    };
    if let Err(error) = read_raw(name, BufReader::with_capacity(PACKED, bytes), options, &mut count) {
        count(failed(name, why(&error)));
    }
    done
}

/// The entry of a file that could not be read.
pub fn failed(name: &str, why: String) -> Entry {
    let lower = name.to_ascii_lowercase();
    let structure = [".cif", ".ent", ".pdb"].iter().any(|ending| lower.contains(ending));
    let kind = if structure { Kind::Structure } else { Kind::Name };
    Entry { kind, id: id::from_name(name).filter(|_| structure), error: Some(why), ..Entry::default() }
}

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "truncated: the compressed data end too early".into(),
        io::ErrorKind::FileTooLarge => format!("the header inflates to more than {} MiB", CAP >> 20),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => format!("damaged: {error}"),
        _ => format!("cannot be read: {error}"),
    }
}

fn read_raw(
    name: &str,
    mut raw: impl BufRead,
    options: &Options,
    sink: &mut dyn FnMut(Entry),
) -> io::Result<()> {
    let first = raw.fill_buf()?;
    if first.is_empty() {
        sink(failed(name, "empty".into()));
        return Ok(());
    }
    if first.starts_with(&[0x1f, 0x8b]) {
        let inflated = MultiGzDecoder::new(raw);
        return read_plain(name, BufReader::with_capacity(PLAIN, inflated), options, sink);
    }
    if name.to_ascii_lowercase().ends_with(".gz") {
        let page = String::from_utf8_lossy(&first[..first.len().min(512)]).to_lowercase();
        let html = page.contains("<html") || page.contains("<!doctype html");
        let what =
            if html { "not gzip but an HTML page, such as servers send for errors" } else { "not gzip" };
        sink(failed(name, what.into()));
        return Ok(());
    }
    read_plain(name, raw, options, sink)
}

fn read_plain(
    name: &str,
    mut plain: impl BufRead,
    options: &Options,
    sink: &mut dyn FnMut(Entry),
) -> io::Result<()> {
    let lower = name.to_ascii_lowercase();
    let stem = lower.strip_suffix(".gz").unwrap_or(&lower);
    let first = plain.fill_buf()?;
    if first.is_empty() {
        sink(failed(name, "empty".into()));
        return Ok(());
    }
    let named = |endings: &[&str]| endings.iter().any(|ending| stem.ends_with(ending));
    if named(&[".cif", ".mmcif"]) || first.starts_with(b"data_") && named(&[".ent"]) {
        return cif(name, plain, options, sink);
    }
    if named(&[".ent", ".pdb"]) {
        if legacy::is_legacy(first) {
            return pdb(plain, sink);
        }
        sink(failed(name, "neither a PDB header nor mmCIF".into()));
        return Ok(());
    }
    if options.fasta && first.starts_with(b">") && named(&[".fasta", ".fa", ".faa", ".fna", ".seq", ".txt"]) {
        return fasta::records(plain, options.sequences, sink);
    }
    sink(text::entry(plain, options.text_limit)?);
    Ok(())
}

fn cif(name: &str, plain: impl BufRead, options: &Options, sink: &mut dyn FnMut(Entry)) -> io::Result<()> {
    let mut page = Page::new(plain, CAP);
    loop {
        let stop = page.next_stop();
        // What was read before the damage is worth keeping.
        let error = match stop {
            Ok(Stop::Bulk) => {
                if !options.whole && HISTORIES.iter().any(|history| page.mentions(history)) {
                    sink(understood(name, &page, options));
                    return Ok(());
                }
                match page.skip_bulk() {
                    Ok(()) => continue,
                    Err(error) => error,
                }
            }
            Ok(Stop::Block) => {
                sink(understood(name, &page, options));
                page.next_block();
                continue;
            }
            Ok(Stop::End) => {
                sink(understood(name, &page, options));
                return Ok(());
            }
            Err(error) => error,
        };
        let mut entry = understood(name, &page, options);
        entry.error = Some(why(&error));
        if entry.kind == Kind::Text {
            entry = failed(name, why(&error));
        }
        sink(entry);
        return Ok(());
    }
}

fn understood<R: io::Read>(name: &str, page: &Page<R>, options: &Options) -> Entry {
    let block = Block::read(page.kept(), WANTED);
    if block.name.is_none() {
        return failed(name, "not mmCIF: there is no data_ block".into());
    }
    super::structure::entry(&block, options.sequences)
}

fn pdb(mut plain: impl BufRead, sink: &mut dyn FnMut(Entry)) -> io::Result<()> {
    let mut header = Vec::new();
    let mut line_start = 0;
    let outcome = loop {
        let read = match io::Read::take(&mut plain, 4096).read_until(b'\n', &mut header) {
            Ok(read) => read,
            Err(error) => break Err(error),
        };
        if read == 0 || header.ends_with(b"\n") && legacy::ends_header(&header[line_start..]) {
            break Ok(());
        }
        if header.len() > CAP {
            break Err(io::ErrorKind::FileTooLarge.into());
        }
        if header.ends_with(b"\n") {
            line_start = header.len();
        }
    };
    let mut entry = legacy::entry(header.split(|b| *b == b'\n'));
    entry.error = outcome.err().map(|error| why(&error));
    sink(entry);
    Ok(())
}
