//! Reads the entries of a file. The format is detected by the first bytes, not by the name alone.

use super::failed::{failed, why};
use super::header_reader::{CAP, HeaderReader, Stop};
use super::model::{Entry, Kind};
use super::structure::{self, Seen};
use super::table::Block;
use super::wanted_items::{Behind, HISTORIES, WANTED, behind};
use super::{binary, fasta, legacy, naming};
use crate::model::compression::{packed_by, packed_name};
use crate::model::pdb::recognise;
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Read as _};

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Whether to keep the sequences of polymers.
    pub sequences: bool,
    /// Whether a FASTA file gives one entry per record. Otherwise it is read as text.
    pub fasta: bool,
    /// The number of bytes that are read of other text files. 0 means only the name.
    pub text_limit: usize,
    /// Whether to read CIF files to their end, although all that is wanted was found. For measurements.
    pub whole: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { sequences: false, fasta: false, text_limit: 1 << 20, whole: false }
    }
}

/// The result of reading a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Read {
    /// Entries passed to the sink, including errors.
    pub entries: u64,
    /// Entries that say why the file could not be read.
    pub errors: u64,
}

/// Compressed bytes per read.
const PACKED: usize = 32 << 10;
/// Bytes to inflate for detecting the format. CIF files are then read in chunks of their own size.
const PLAIN: usize = 8 << 10;

/// A file with a NUL in this number of first bytes is not text.
const PROBE: usize = 8 << 10;

/// Reads a file from its bytes as stored on disk, and passes at least one entry to the sink. No content of a file is an error of this
/// function: problems are reported by an entry with `error`. Memory use is at most [`CAP`] and some buffers.
pub fn read(name: &str, bytes: impl io::Read, options: &Options, sink: &mut dyn FnMut(Entry)) -> Read {
    let mut done = Read::default();
    let mut count = |mut entry: Entry| {
        done.entries += 1;
        done.errors += u64::from(entry.error.is_some());
        naming::settle(name, &mut entry);
        sink(entry);
    };
    if let Err(error) = read_raw(name, BufReader::with_capacity(PACKED, bytes), options, &mut count) {
        count(failed(name, why(&error)));
    }
    done
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
        sink(failed(name, format!("not gzip{}", instead(first))));
        return Ok(());
    }
    // Files in other compression formats are known only by their name. Not all formats have first bytes of their own.
    let binary = || memchr::memchr(0, &first[..first.len().min(PROBE)]).is_some();
    if packed_by(first).is_some() || packed_name(name.as_bytes()).is_some() && binary() {
        sink(Entry { kind: Kind::Name, ..Entry::default() });
        return Ok(());
    }
    read_plain(name, raw, options, sink)
}

/// Returns what a file is that should be gzip.
fn instead(first: &[u8]) -> String {
    let page = String::from_utf8_lossy(&first[..first.len().min(512)]).to_lowercase();
    match packed_by(first) {
        _ if page.contains("<html") || page.contains("<!doctype html") => {
            " but an HTML page, such as servers send for errors".into()
        }
        Some(other) => format!(" but {other}"),
        None => String::new(),
    }
}

fn read_plain(
    name: &str,
    mut plain: impl BufRead,
    options: &Options,
    sink: &mut dyn FnMut(Entry),
) -> io::Result<()> {
    let mut first = plain.fill_buf()?;
    if first.is_empty() {
        sink(failed(name, "empty".into()));
        return Ok(());
    }
    // A UTF-8 byte order mark, which some editors write.
    if first.starts_with(b"\xef\xbb\xbf") {
        plain.consume(3);
        first = plain.fill_buf()?;
    }
    let stem = naming::plain(name);
    let named = |endings: &[&str]| endings.iter().any(|ending| stem.ends_with(ending));
    let legacy_name = named(&[".ent", ".pdb", ".brk"]) || assembly_name(&stem);
    if named(&[".bcif"]) {
        return binary::read(name, plain, options.sequences, sink);
    }
    let cif_name = named(&[".cif", ".mmcif", ".mcif", ".pdbx"]);
    let unnamed = named(&[".txt"]) || !stem.contains('.');
    if is_cif(first) && (cif_name || legacy_name || unnamed && is_mmcif(first)) {
        return cif(name, plain, options, sink);
    }
    let legacy = legacy::begins(first);
    if cif_name && !legacy {
        return cif(name, plain, options, sink);
    }
    // Entities of SGML and XML have the extension of the archive's files.
    let markup = || {
        named(&[".ent"]) && first.trim_ascii_start().starts_with(b"<") && recognise(stem.as_bytes()).is_none()
    };
    if legacy || legacy_name && !markup() {
        return legacy::read(name, plain, options.sequences, sink);
    }
    if options.fasta && first.starts_with(b">") && named(&[".fasta", ".fa", ".faa", ".fna", ".seq", ".txt"]) {
        return fasta::records(plain, options.sequences, sink);
    }
    sink(text(plain, options.text_limit)?);
    Ok(())
}

/// `1abc.pdb1`: an assembly in the legacy format.
fn assembly_name(stem: &str) -> bool {
    let Some((_, ending)) = stem.rsplit_once('.') else { return false };
    ending.strip_prefix("pdb").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether the first word after comments is `data_`.
fn is_cif(first: &[u8]) -> bool {
    let lines = first.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_start);
    let word = lines.into_iter().find(|line| !line.is_empty() && !line.starts_with(b"#"));
    word.is_some_and(|word| word.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"data_")))
}

/// Whether a CIF file of any name holds an entry: an item of one is among its first lines.
fn is_mmcif(first: &[u8]) -> bool {
    let items = [&b"_entry.id"[..], b"_struct.", b"_atom_site.", b"_exptl.", b"_entity_poly."];
    first.split(|byte| *byte == b'\n').any(|line| items.iter().any(|item| line.starts_with(item)))
}

fn cif(name: &str, plain: impl BufRead, options: &Options, sink: &mut dyn FnMut(Entry)) -> io::Result<()> {
    let mut page = HeaderReader::new(plain, CAP);
    loop {
        // What was read before the damage is kept.
        let error = match page.next_stop() {
            Ok(Stop::Bulk) => {
                if !page.is_in_frame()
                    && let Some(entry) = enough(name, &page, options)
                {
                    sink(entry);
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

/// Returns the entry if the part before the atoms is sufficient.
fn enough<R: io::Read>(name: &str, page: &HeaderReader<R>, options: &Options) -> Option<Entry> {
    if options.whole || !HISTORIES.iter().any(|history| page.mentions(history)) {
        return None;
    }
    let block = Block::read(page.kept(), WANTED);
    let behind = behind(&block, page.is_at_atom_sites());
    if behind == Behind::Wanted {
        return None;
    }
    let mut entry = entry_of(name, &block, page, options);
    entry.cut = behind == Behind::Little;
    Some(entry)
}

fn understood<R: io::Read>(name: &str, page: &HeaderReader<R>, options: &Options) -> Entry {
    entry_of(name, &Block::read(page.kept(), WANTED), page, options)
}

fn entry_of<R: io::Read>(name: &str, block: &Block<'_>, page: &HeaderReader<R>, options: &Options) -> Entry {
    if block.name.is_none() {
        return failed(name, "not mmCIF: there is no data_ block".into());
    }
    let seen = Seen { name, atoms: page.has_atoms(), reflections: page.has_reflections() };
    structure::entry(block, seen, options.sequences)
}

/// Returns the first `limit` bytes as text, or only the name if the file is not text.
fn text(reader: impl io::Read, limit: usize) -> io::Result<Entry> {
    let mut bytes = Vec::new();
    reader.take(limit as u64).read_to_end(&mut bytes)?;
    let probe = &bytes[..bytes.len().min(PROBE)];
    if limit == 0 || memchr::memchr(0, probe).is_some() {
        return Ok(Entry { kind: Kind::Name, ..Entry::default() });
    }
    let text = String::from_utf8(bytes).unwrap_or_else(|error| {
        // A character that is cut by the limit does not make the text Latin-1.
        let (valid, bytes) = (error.utf8_error().valid_up_to(), error.as_bytes());
        if bytes.len() - valid < 4 {
            String::from_utf8_lossy(&bytes[..valid]).into_owned()
        } else {
            bytes.iter().map(|b| char::from(*b)).collect()
        }
    });
    let title = text.lines().map(str::trim).find(|line| !line.is_empty());
    let title = title.map(|line| line.chars().filter(|c| !c.is_control()).take(200).collect());
    Ok(Entry { kind: Kind::Text, title, text: Some(text), ..Entry::default() })
}
