//! What tells the entry of a document from others, in whatever index it is: a number, which is found for a document in no time.

use crate::entry::{Entry, Kind, normal};

/// It is nobody else's: an ID such as `model` may be that of anything.
const ALONE: u64 = 1;
/// The file could not be read.
const BROKEN: u64 = 2;
/// It is not the entry itself, but an assembly of it, or a file that is known by its name only.
const SECOND: u64 = 4;
const FLAGS: u64 = ALONE | BROKEN | SECOND;

/// The key of an entry in the file `path`.
pub(super) fn of(entry: &Entry, path: &[u8]) -> u64 {
    let mut flags = if entry.error.is_some() { BROKEN } else { 0 };
    let id = entry.id.as_ref().filter(|id| entry.kind == Kind::Component || normal(id).as_ref() == Some(id));
    let text = match (id, entry.kind) {
        (Some(id), Kind::Structure) => format!("structure:{id}"),
        (Some(id), Kind::Assembly | Kind::Name | Kind::Text) => {
            flags |= SECOND;
            format!("structure:{id}")
        }
        (Some(id), kind) => format!("{}:{id}", kind.word()),
        (None, _) => {
            flags |= ALONE;
            String::from_utf8_lossy(path).into_owned()
        }
    };
    let [a, b, c, d, e, f, g, h, ..] = *blake3::hash(text.as_bytes()).as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h]) & !FLAGS | flags
}

/// What documents of one entry have in common; `None` for a document that stands alone.
pub(super) fn entry(key: u64) -> Option<u64> {
    (key & ALONE == 0).then_some(key & !FLAGS)
}

/// The better a document stands for its entry, the less.
pub(super) fn order(key: u64) -> u64 {
    key & (BROKEN | SECOND)
}
