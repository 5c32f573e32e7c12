//! Reads FASTA records, for example those of `pdb_seqres.txt`.

use super::id;
use super::model::{Entry, Kind};
use std::io::{self, BufRead};

/// The maximum length of lines and of sequences. The rest is cut off.
const LONGEST: usize = 1 << 20;

/// Passes one entry per record to the sink. `sequences`: whether to keep the residues.
pub(super) fn records(
    mut reader: impl BufRead,
    sequences: bool,
    sink: &mut dyn FnMut(Entry),
) -> io::Result<()> {
    let mut current: Option<Entry> = None;
    let mut letters = String::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let ended = read_line(&mut reader, &mut line)? == 0;
        if ended || line.starts_with(b">") {
            if let Some(mut entry) = current.take() {
                entry.residues = Some(letters.len() as u64);
                if sequences && !letters.is_empty() {
                    entry.sequences.push(letters.to_ascii_uppercase());
                }
                sink(entry);
            }
            letters.clear();
            if ended {
                return Ok(());
            }
            current = Some(head(&String::from_utf8_lossy(&line[1..])));
        } else if letters.len() < LONGEST {
            letters.extend(
                line.iter().filter(|b| b.is_ascii_alphabetic() || **b == b'*').map(|b| char::from(*b)),
            );
        }
    }
}

/// `101m_A mol:protein length:154  MYOGLOBIN`
fn head(line: &str) -> Entry {
    let (name, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
    let mut entry = Entry { kind: Kind::Sequence, ..Entry::default() };
    let entry_part = name.split('_').next().filter(|_| !name.to_ascii_lowercase().starts_with("pdb_"));
    entry.id = entry_part.or(name.get(..12)).and_then(id::normal);
    let mut title = Vec::new();
    for word in rest.split_whitespace() {
        match word.split_once(':') {
            Some(("mol", "protein")) => entry.polymers.push("protein".into()),
            Some(("mol", "na")) => entry.polymers.push("nucleic acid".into()),
            Some(("length", _)) => {}
            _ => title.push(word),
        }
    }
    entry.keywords.push(name.into());
    entry.title = Some(if title.is_empty() { name.to_owned() } else { title.join(" ") });
    entry
}

/// Reads a line without its end, cut off at [`LONGEST`]. Returns the number of bytes consumed.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    let mut taken = 0;
    loop {
        let chunk = reader.fill_buf()?;
        let end = memchr::memchr(b'\n', chunk);
        let n = end.map_or(chunk.len(), |n| n + 1);
        let room = LONGEST.saturating_sub(line.len()).min(end.unwrap_or(n));
        line.extend_from_slice(&chunk[..room]);
        reader.consume(n);
        taken += n;
        if n == 0 || end.is_some() {
            return Ok(taken);
        }
    }
}
