//! Reads legacy PDB files: lines of 80 columns, with the header before the coordinates.

mod assembly;
mod chains;
mod header;
mod remarks;
mod texts;

use super::failed::{failed, why};
use super::header_reader::CAP;
use super::model::Entry;
use header::Header;
use std::io::{self, BufRead, Read};

/// All records of all versions of the format.
const RECORDS: &str = " HEADER OBSLTE TITLE SPLIT CAVEAT COMPND SOURCE KEYWDS EXPDTA NUMMDL MDLTYP AUTHOR REVDAT SPRSDE JRNL REMARK \
 DBREF DBREF1 DBREF2 SEQADV SEQRES MODRES FTNOTE HET HETNAM HETSYN FORMUL HELIX SHEET TURN SSBOND LINK LINKR SLTBRG HYDBND CISPEP \
 SITE CRYST1 ORIGX1 ORIGX2 ORIGX3 SCALE1 SCALE2 SCALE3 MTRIX1 MTRIX2 MTRIX3 TVECT MODEL ATOM SIGATM ANISOU SIGUIJ TER HETATM ENDMDL \
 CONECT MASTER END USER ";

/// The maximum length of a line in bytes. The rest of a longer line is read as another line.
const LONGEST_LINE: u64 = 4096;

/// Returns the record name of a line in upper case; `None` if the format has no such record.
fn record(line: &[u8]) -> Option<String> {
    let name = line.get(..6).unwrap_or(line);
    let name = name.split(|byte| byte.is_ascii_whitespace()).next()?;
    let name = String::from_utf8(name.to_ascii_uppercase()).ok().filter(|name| !name.is_empty())?;
    RECORDS.contains(&format!(" {name} ")).then_some(name)
}

/// The number of lines that decide whether a text is of this format.
const PROBED: usize = 100;
/// The number of first lines that must be records if none of them is certain.
const RECORDS_IN_FORM: usize = 5;
/// The number of certain records that other text may stand before.
const CERTAIN: usize = 3;

/// Whether a text is a file of this format, whatever its name: it begins with several records in their form, or it has a header with a date in
/// its columns, or atoms with coordinates in their columns. A text that shows a few records as an example is not of this format.
pub(super) fn begins(first: &[u8]) -> bool {
    let lines =
        first.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end).filter(|line| !line.is_empty());
    let lines: Vec<&[u8]> = lines.take(PROBED).collect();
    let most =
        |lines: &[&[u8]]| 2 * lines.iter().filter(|line| record(line).is_some()).count() >= lines.len();
    match lines.iter().position(|line| is_certain(line)) {
        Some(at) => {
            let (before, records) = lines.split_at(at);
            let certain = records.iter().filter(|line| is_certain(line)).count();
            most(records) && (most(before) || certain >= CERTAIN)
        }
        None => {
            lines.len() >= RECORDS_IN_FORM && lines[..RECORDS_IN_FORM].iter().all(|line| is_in_form(line))
        }
    }
}

/// Whether a line is a record with its name in capitals and blanks or numbers in the columns after it.
fn is_in_form(line: &[u8]) -> bool {
    let Some(name) = record(line) else { return false };
    let named = line.iter().zip(format!("{name:<6}").bytes()).all(|(byte, known)| *byte == known);
    let next = line.get(6..line.len().min(10)).unwrap_or_default();
    let number = next.iter().all(|byte| matches!(byte, b' ' | b'0'..=b'9'));
    named
        && match name.as_str() {
            "REMARK" => number && !next.trim_ascii().is_empty(),
            "HEADER" | "TITLE" | "COMPND" | "SOURCE" | "KEYWDS" | "EXPDTA" | "AUTHOR" => {
                number && next.iter().take(2).all(|byte| *byte == b' ')
            }
            _ => next.first().is_none_or(|byte| matches!(byte, b' ' | b'-' | b'0'..=b'9')),
        }
}

/// Whether a line is a header with a date, or an atom with coordinates, each in its columns.
fn is_certain(line: &[u8]) -> bool {
    let number = |line: &[u8], from: usize| {
        let text = line.get(from..from + 8).and_then(|text| std::str::from_utf8(text).ok());
        text.is_some_and(|text| text.trim().parse::<f64>().is_ok())
    };
    let dated = |line: &[u8]| {
        let date = line.get(50..59).and_then(|text| std::str::from_utf8(text).ok());
        date.and_then(super::Date::legacy).is_some()
    };
    match line.get(..6) {
        Some(b"HEADER") => dated(line),
        Some(b"ATOM  " | b"HETATM") => [30, 38, 46].iter().all(|from| number(line, *from)),
        _ => false,
    }
}

/// Reads a header and passes its entry to the sink. `sequences`: whether to keep the one-letter codes.
pub(super) fn read(
    name: &str,
    mut plain: impl BufRead,
    sequences: bool,
    sink: &mut dyn FnMut(Entry),
) -> io::Result<()> {
    let mut header = Header::new(sequences);
    let (mut line, mut taken, mut records) = (Vec::new(), 0, 0_u64);
    let outcome = loop {
        line.clear();
        match Read::take(&mut plain, LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) => break Ok(()),
            Ok(read) => taken += read,
            Err(error) => break Err(error),
        }
        if taken > CAP {
            break Err(io::ErrorKind::FileTooLarge.into());
        }
        let Some(record) = record(&line) else { continue };
        records += 1;
        if matches!(record.as_str(), "ATOM" | "HETATM" | "MODEL" | "END" | "ENDMDL") {
            break Ok(());
        }
        header.line(&record, &line);
    };
    if records == 0 {
        let text = outcome.err().map_or_else(|| "neither a PDB header nor mmCIF".into(), |error| why(&error));
        sink(failed(name, text));
        return Ok(());
    }
    let mut entry = header.entry();
    entry.tell_cut();
    if let Err(error) = outcome {
        entry.error = Some(why(&error));
    }
    sink(entry);
    Ok(())
}
