//! Itemized changes: `%i %l %n`.

use super::{number, unescape};

/// One itemized change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// What would happen, or did.
    pub kind: ChangeKind,
    /// Whether it is a directory.
    pub dir: bool,
    /// Bytes; rsync says 0 for what it deletes.
    pub size: u64,
    /// Whether a file's contents would be transferred, and not its attributes only.
    pub contents: bool,
    /// The name as rsync printed it, relative to the destination, without a directory's last `/`, with rsync's escapes
    /// (undone by [`unescape`]), and without a link's target.
    pub name: &'a [u8],
}

/// What happens to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It is new.
    Created,
    /// Its contents or attributes change.
    Updated,
    /// It goes.
    Deleted,
}

/// `YXcstpoguax`, or `*deleting` padded to as much.
const ITEM: usize = 11;

/// Reads `>f+++++++++ 5 name` and `*deleting   0 dir/`; `None` for anything else, and for entries that stay as they are.
pub(super) fn read(line: &[u8]) -> Option<Change<'_>> {
    let first = *line.first()?;
    if !matches!(first, b'<' | b'>' | b'c' | b'h' | b'.' | b'*') || line.get(ITEM) != Some(&b' ') {
        return None;
    }
    let (item, rest) = (&line[..ITEM], &line[ITEM + 1..]);
    let space = memchr::memchr(b' ', rest)?;
    let size = number(&rest[..space])?;
    let printed = &rest[space + 1..];
    let name = printed.strip_suffix(b"/").unwrap_or(printed);
    if name.is_empty() {
        return None;
    }
    let ends_in_slash = name.len() < printed.len();
    if item == b"*deleting  " {
        // The other end can make rsync print lines; one that points out of the destination is never a deletion.
        return stays_below(name).then_some(Change {
            kind: ChangeKind::Deleted,
            dir: ends_in_slash,
            size,
            contents: false,
            name,
        });
    }
    let (dir, marks) = (item[1] == b'd', &item[2..]);
    let known = matches!(item[1], b'f' | b'd' | b'L' | b'D' | b'S')
        && marks.iter().all(|b| b"+.? ".contains(b) || b.is_ascii_alphabetic());
    let stays = first == b'.' && marks.iter().all(|b| matches!(b, b' ' | b'.'));
    if first == b'*' || !known || stays {
        return None;
    }
    let kind = if marks == b"+++++++++" { ChangeKind::Created } else { ChangeKind::Updated };
    Some(Change { kind, dir, size, contents: matches!(first, b'<' | b'>'), name })
}

/// Relative, without `.` or `..`, and something that a file system can hold.
fn stays_below(name: &[u8]) -> bool {
    let check = |name: &[u8]| {
        !name.contains(&0) && name.split(|b| *b == b'/').all(|part| !matches!(part, b"" | b"." | b".."))
    };
    match memchr::memchr(b'\\', name) {
        Some(_) => check(&unescape(name)),
        None => check(name),
    }
}
