//! Reads BinaryCIF: the tables of mmCIF as MessagePack, by column. The wanted tables are written as CIF text and parsed as such.

mod column;

use super::failed::{failed, why};
use super::model::{Entry, Kind};
use super::structure::{self, Seen};
use super::table::Block;
use super::wanted_items::WANTED;
use column::Data;
use serde::Deserialize;
use std::io::{self, BufRead, Read};

/// The size limit in bytes. The largest files of the archive have about 30 MB.
const CAP: u64 = 128 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    #[serde(borrow)]
    data_blocks: Vec<DataBlock<'a>>,
}

#[derive(Deserialize)]
struct DataBlock<'a> {
    #[serde(default)]
    header: &'a str,
    #[serde(borrow)]
    categories: Vec<Category<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Category<'a> {
    name: &'a str,
    row_count: usize,
    #[serde(borrow)]
    columns: Vec<Column<'a>>,
}

#[derive(Deserialize)]
struct Column<'a> {
    name: &'a str,
    #[serde(borrow)]
    data: Data<'a>,
    #[serde(borrow, default)]
    mask: Option<Data<'a>>,
}

/// Passes one entry per data block to the sink.
pub(super) fn read(
    name: &str,
    plain: impl BufRead,
    sequences: bool,
    sink: &mut dyn FnMut(Entry),
) -> io::Result<()> {
    let mut bytes = Vec::new();
    if let Err(error) = plain.take(CAP + 1).read_to_end(&mut bytes) {
        sink(failed(name, why(&error)));
        return Ok(());
    }
    if bytes.len() as u64 > CAP {
        sink(failed(name, format!("it inflates to more than {} MiB", CAP >> 20)));
        return Ok(());
    }
    let file: File<'_> = match rmp_serde::from_slice(&bytes) {
        Ok(file) => file,
        Err(error) => {
            sink(failed(name, format!("not BinaryCIF, or damaged: {error}")));
            return Ok(());
        }
    };
    if file.data_blocks.is_empty() {
        sink(failed(name, "not mmCIF: there is no data block".into()));
    }
    for block in &file.data_blocks {
        sink(block.understood(name, sequences));
    }
    Ok(())
}

impl DataBlock<'_> {
    fn understood(&self, name: &str, sequences: bool) -> Entry {
        let mut text = format!("data_{}\n", self.header.split_whitespace().collect::<String>()).into_bytes();
        let mut wrong = None;
        for category in &self.categories {
            if let Err(error) = category.write(&mut text) {
                wrong.get_or_insert(format!("damaged: {}: {error}", category.name));
            }
        }
        let has = |name: &str| {
            self.categories.iter().any(|known| known.row_count > 0 && known.name.eq_ignore_ascii_case(name))
        };
        let seen = Seen { name, atoms: has("_atom_site"), reflections: has("_refln") };
        let mut entry = structure::entry(&Block::read(&text, WANTED), seen, sequences);
        if let Some(wrong) = wrong {
            if entry.kind == Kind::Text {
                return failed(name, wrong);
            }
            entry.error.get_or_insert(wrong);
        }
        entry
    }
}

impl Category<'_> {
    /// Writes the wanted items of the category as a loop.
    fn write(&self, text: &mut Vec<u8>) -> Result<(), &'static str> {
        let Some((category, items)) = WANTED.iter().find(|(name, _)| name.eq_ignore_ascii_case(self.name))
        else {
            return Ok(());
        };
        let is_wanted =
            |column: &&Column<'_>| items.iter().any(|item| item.eq_ignore_ascii_case(column.name));
        let columns: Vec<&Column<'_>> = self.columns.iter().filter(is_wanted).collect();
        if columns.is_empty() || self.row_count == 0 {
            return Ok(());
        }
        let rows = self.row_count.min(column::MOST);
        let mut values = Vec::new();
        for column in &columns {
            let mask = column.mask.as_ref().map(|mask| mask.numbers()).transpose()?;
            values.push((column.data.texts(rows)?, mask));
        }
        text.extend_from_slice(b"loop_\n");
        for column in &columns {
            text.extend_from_slice(format!("{category}.{}\n", column.name.to_ascii_lowercase()).as_bytes());
        }
        for row in 0..rows {
            for (column, mask) in &values {
                match mask.as_ref().and_then(|mask| mask.get(row)).map(|mask| *mask as u8) {
                    Some(1) => text.extend_from_slice(b".\n"),
                    Some(2) => text.extend_from_slice(b"?\n"),
                    _ => {
                        let value = column.get(row).ok_or("a column has less values than rows")?;
                        // A text field may contain anything except its own end.
                        text.push(b';');
                        text.extend(value.bytes().map(|byte| if byte == b'\n' { b' ' } else { byte }));
                        text.extend_from_slice(b"\n;\n");
                    }
                }
            }
        }
        Ok(())
    }
}
