//! What tells the entry of a document from others, in whatever index it is: a number, which is found for a document in no time.

use crate::search::entry::{Entry, Kind, normal};

/// It is nobody else's: an ID such as `model` may be that of anything.
const ALONE: u64 = 1;
/// The file could not be read.
const BROKEN: u64 = 2;
/// It is not the entry itself, but an assembly of it, or a file that is known by its name only.
const SECOND: u64 = 4;
const FLAGS: u64 = ALONE | BROKEN | SECOND;

/// Above the flags: the ID as a number to the base of 36, and the kind. So IDs that follow each other have keys that do.
const KIND: u32 = 48;
/// It is a hash: the file's path, or an ID that is no such number.
const HASHED: u64 = 1 << 63;

/// The key of an entry in the file `path`.
pub(super) fn of(entry: &Entry, path: &[u8]) -> u64 {
    let broken = if entry.error.is_some() { BROKEN } else { 0 };
    let id = entry.id.as_ref().filter(|id| entry.kind == Kind::Component || normal(id).as_ref() == Some(id));
    let Some(id) = id else { return hash(path) | ALONE | broken };
    let (kind, second) = match entry.kind {
        Kind::Assembly | Kind::Name | Kind::Text => (Kind::Structure, SECOND),
        kind => (kind, 0),
    };
    let number = number(id).map(|number| (kind as u64) << KIND | number << FLAGS.count_ones());
    number.unwrap_or_else(|| hash(format!("{}:{id}", kind.word()).as_bytes())) | second | broken
}

/// The ID as a number, the length before it, so that `1` and `01` are two; `None` for what has other characters or more than eight.
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

/// What documents of one entry have in common; `None` for a document that stands alone.
pub(super) fn entry(key: u64) -> Option<u64> {
    (key & ALONE == 0).then_some(key >> FLAGS.count_ones())
}

/// The better a document stands for its entry, the less.
pub(super) fn order(key: u64) -> u64 {
    key & (BROKEN | SECOND)
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
