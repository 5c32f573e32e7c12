//! Itemized changes: `%i %l %B %M %n`.

use super::stats::number;
use super::unescape;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// One itemized change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// The kind of change.
    pub kind: ChangeKind,
    /// Whether it is a directory.
    pub dir: bool,
    /// Whether it is a regular file; `false` for a deletion, for which rsync distinguishes only directories.
    pub file: bool,
    /// Whether it is a symbolic link; `false` for a deletion.
    pub link: bool,
    /// Size in bytes; rsync prints 0 for deletions.
    pub size: u64,
    /// Whether the contents of a file would be transferred, not only its attributes.
    pub contents: bool,
    /// Whether the destination holds a file of another size.
    pub resized: bool,
    /// The differences as rsync's nine letters `cstpoguax` in their places: `.` or a blank for equal attributes, `+` everywhere for a new
    /// entry. Empty for a deletion.
    pub marks: &'a [u8],
    /// Whether the destination lacks contents, the entry itself, a link's target, or a hard link to another name. Otherwise at most
    /// attributes differ.
    pub lacking: bool,
    /// The source's permissions as rsync printed them: `rwxr-xr-x`. Empty if it did not.
    pub permissions: &'a [u8],
    /// The source's modification time as rsync printed it: `2026/11/28-15:21:12`, in the time zone of rsync's environment.
    pub time: &'a [u8],
    /// The name as rsync printed it, relative to the destination, without a directory's last `/`, with rsync's escapes
    /// (undone by [`unescape`]), and without a link's target.
    pub name: &'a [u8],
}

/// The kind of change of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// A new entry.
    Created,
    /// Its contents or attributes change.
    Updated,
    /// The entry is deleted.
    Deleted,
    /// No difference. Only listings of all names (`-ii`) have these.
    Unchanged,
}

impl Change<'_> {
    /// Whether the destination has a file of the same size, whose contents were not compared.
    pub fn same_size(&self) -> bool {
        let compared = self.marks.first() == Some(&b'c');
        self.file && self.contents && self.kind == ChangeKind::Updated && !self.resized && !compared
    }

    /// Returns the source's modification time in seconds since 1970, for an rsync that ran with `TZ=UTC`; `None` if it cannot be parsed.
    pub fn mtime(&self) -> Option<i64> {
        let text = std::str::from_utf8(self.time).ok()?;
        let time = DateTime::strptime("%Y/%m/%d-%H:%M:%S", text).ok()?;
        Some(TimeZone::UTC.to_timestamp(time).ok()?.as_second())
    }
}

/// Length of `YXcstpoguax`, or of `*deleting` with padding.
const ITEM: usize = 11;

/// Length of `rwxr-xr-x`.
const PERMISSIONS: usize = 9;

/// Length of `2026/11/28-15:21:12`.
const TIME: usize = 19;

/// Splits permissions and a blank off, if there are any.
fn permissions(rest: &[u8]) -> (&[u8], &[u8]) {
    match rest.split_at_checked(PERMISSIONS) {
        Some((permissions, [b' ', rest @ ..]))
            if permissions.iter().all(|byte| b"rwxsStT-".contains(byte)) =>
        {
            (permissions, rest)
        }
        _ => (b"", rest),
    }
}

/// Parses `>f+++++++++ 5 rw-r--r-- 2026/11/28-15:21:12 name` and `*deleting   0 rw-r--r-- 1970/01/01-00:00:00 dir/`, also without permissions;
/// `None` for other lines.
pub(super) fn read(line: &[u8]) -> Option<Change<'_>> {
    let first = *line.first()?;
    if !matches!(first, b'<' | b'>' | b'c' | b'h' | b'.' | b'*') || line.get(ITEM) != Some(&b' ') {
        return None;
    }
    let (item, rest) = (&line[..ITEM], &line[ITEM + 1..]);
    let space = memchr::memchr(b' ', rest)?;
    let size = number(&rest[..space])?;
    let (permissions, rest) = permissions(&rest[space + 1..]);
    let (time, printed) = rest.split_at_checked(TIME)?;
    let printed = printed.strip_prefix(b" ")?;
    let name = printed.strip_suffix(b"/").unwrap_or(printed);
    if name.is_empty() {
        return None;
    }
    let ends_in_slash = name.len() < printed.len();
    if item == b"*deleting  " {
        // The other side can make rsync print lines. A name outside the destination is never accepted as a deletion.
        return stays_below(name).then_some(Change {
            kind: ChangeKind::Deleted,
            dir: ends_in_slash,
            file: false,
            link: false,
            size,
            contents: false,
            resized: false,
            marks: b"",
            lacking: false,
            permissions,
            time,
            name,
        });
    }
    let (dir, marks) = (item[1] == b'd', &item[2..]);
    let known = matches!(item[1], b'f' | b'd' | b'L' | b'D' | b'S')
        && marks.iter().all(|b| b"+.? ".contains(b) || b.is_ascii_alphabetic());
    let stays = first == b'.' && marks.iter().all(|b| matches!(b, b' ' | b'.'));
    if first == b'*' || !known {
        return None;
    }
    let kind = match marks {
        _ if stays => ChangeKind::Unchanged,
        b"+++++++++" => ChangeKind::Created,
        _ => ChangeKind::Updated,
    };
    let resized = marks.get(1) == Some(&b's');
    Some(Change {
        kind,
        dir,
        file: item[1] == b'f',
        link: item[1] == b'L',
        size,
        contents: matches!(first, b'<' | b'>'),
        resized,
        marks,
        lacking: first != b'.',
        permissions,
        time,
        name,
    })
}

/// Whether a name is relative, without `.` or `..`, and valid in a file system.
fn stays_below(name: &[u8]) -> bool {
    let check = |name: &[u8]| {
        !name.contains(&0) && name.split(|b| *b == b'/').all(|part| !matches!(part, b"" | b"." | b".."))
    };
    match memchr::memchr(b'\\', name) {
        Some(_) => check(&unescape(name)),
        None => check(name),
    }
}
