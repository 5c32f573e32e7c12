//! The key of a document: a number that identifies its entry in every index. It is in a column, so reading it is cheap.

use crate::search::entry::{Entry, Kind, normal};

/// The document is an entry of its own: an ID such as `model` may mean anything.
const ALONE: u64 = 1;
/// The document is not the entry itself but an assembly of it, or a file known only by its name.
const SECOND: u64 = 2;
/// The document has no title, so the file may have been cut off in its header.
const UNTITLED: u64 = 4;
/// The file could not be read.
const BROKEN: u64 = 8;
const FLAGS: u64 = ALONE | SECOND | UNTITLED | BROKEN;

/// The position of the kind. Between it and the flags is the ID as a number in base 36, so consecutive IDs have consecutive keys.
const KIND: u32 = 48;
/// The key is a hash of the file's path, or of an ID that is no such number.
const HASHED: u64 = 1 << 63;

/// Returns the key of an entry in the file `path`.
pub(super) fn of(entry: &Entry, path: &[u8]) -> u64 {
    let flag = |is: bool, flag: u64| if is { flag } else { 0 };
    let lacks = flag(entry.error.is_some(), BROKEN) | flag(entry.title.is_none(), UNTITLED);
    let id = entry.id.as_ref().filter(|id| entry.kind == Kind::Component || normal(id).as_ref() == Some(id));
    let Some(id) = id else { return hash(path) | ALONE | lacks };
    let (kind, second) = match entry.kind {
        Kind::Assembly | Kind::Name | Kind::Text => (Kind::Structure, SECOND),
        kind => (kind, 0),
    };
    let number = number(id).map(|number| (kind as u64) << KIND | number << FLAGS.count_ones());
    number.unwrap_or_else(|| hash(format!("{}:{id}", kind.word()).as_bytes())) | second | lacks
}

/// Returns the ID as a number. Shorter IDs come first, so that `1` and `01` differ. `None` if the ID has other characters or more than
/// eight.
fn number(id: &str) -> Option<u64> {
    let digits = id.strip_prefix("pdb_").unwrap_or(id);
    let number = digits.chars().try_fold(0, |number, c| Some(number * 36 + u64::from(c.to_digit(36)?)))?;
    (digits.len() <= 8)
        .then(|| number + (1..digits.len() as u32).map(|length| 36_u64.pow(length)).sum::<u64>())
}

fn hash(bytes: &[u8]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *blake3::hash(bytes).as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h]) & !FLAGS | HASHED
}

/// Returns the part of the key that all documents of one entry share; `None` for a document that is an entry of its own.
pub(super) fn entry(key: u64) -> Option<u64> {
    (key & ALONE == 0).then_some(key >> FLAGS.count_ones())
}

/// Returns the lowest and the highest key of the documents of an entry.
pub(super) fn range(entry: u64) -> (u64, u64) {
    let first = entry << FLAGS.count_ones();
    (first, first | FLAGS)
}

/// Returns the rank of a document in its entry. Lower values represent the entry better: readable files come before broken ones, files
/// with a title before others, and the entry itself before its assemblies.
pub(super) fn order(key: u64) -> u64 {
    key & (BROKEN | UNTITLED | SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_follow_each_other_have_numbers_that_do() {
        let ids = ["1", "9", "a", "z", "00", "01", "zz", "000", "HEM", "hen", "1abc", "1abd", "zzzzz"];
        let numbers: Vec<Option<u64>> = ids.iter().map(|id| number(id)).collect();
        assert!(numbers.is_sorted() && numbers.iter().all(Option::is_some), "{numbers:?}");
        assert_eq!(number("zzzzz").unwrap() + 1, number("000000").unwrap());
        assert_eq!(number("pdb_00001abd").unwrap(), number("pdb_00001abc").unwrap() + 1);
        assert!(number("pdb_zzzzzzzz").unwrap() << FLAGS.count_ones() < 1 << KIND);
        assert_eq!((number("A-B"), number("123456789")), (None, None));
    }
}
