//! The figures of `--stats`.

/// The figures of `--stats`; `None` if rsync did not print a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// `Number of files`: entries of the source, after filters.
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

/// A number of entries, by type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// All entries.
    pub total: u64,
    /// Number of directories.
    pub dirs: u64,
    /// Number of regular files.
    pub regular: u64,
}

impl std::ops::Add for Count {
    type Output = Count;

    fn add(self, other: Count) -> Count {
        Count {
            total: self.total + other.total,
            dirs: self.dirs + other.dirs,
            regular: self.regular + other.regular,
        }
    }
}

impl Count {
    /// Returns the number of entries that are not directories.
    pub fn files(self) -> u64 {
        self.total.saturating_sub(self.dirs)
    }
}

impl Stats {
    /// The sums with the figures of another part of the source. What one of them does not know is unknown.
    pub fn and(&self, other: &Stats) -> Stats {
        fn sum<T: std::ops::Add<Output = T>>(a: Option<T>, b: Option<T>) -> Option<T> {
            Some(a? + b?)
        }
        Stats {
            files: sum(self.files, other.files),
            created: sum(self.created, other.created),
            deleted: sum(self.deleted, other.deleted),
            transferred: sum(self.transferred, other.transferred),
            total_size: sum(self.total_size, other.total_size),
            transferred_size: sum(self.transferred_size, other.transferred_size),
            received: sum(self.received, other.received),
            sent: sum(self.sent, other.sent),
        }
    }

    /// Whether the block of figures is complete. rsync prints it last, so without it rsync has not done its work, whatever its exit code:
    /// rsync exits with 0 if a server closes the session regularly.
    pub fn is_complete(&self) -> bool {
        self.total_size.is_some() && self.sent.is_some() && self.received.is_some()
    }
}

/// The start of the block of figures.
pub(super) const FIRST: &[u8] = b"Number of files: ";

impl Stats {
    /// Parses a line of the block of figures; `false` if it is not one.
    pub(super) fn read(&mut self, line: &[u8]) -> bool {
        let Some(colon) = line.windows(2).position(|w| w == b": ") else { return false };
        let (label, value) = (&line[..colon], &line[colon + 2..]);
        match label {
            b"Number of files" => self.files = count(value),
            b"Number of created files" => self.created = count(value),
            b"Number of deleted files" => self.deleted = count(value),
            // The second form is that of rsync before 3.1.
            b"Number of regular files transferred" | b"Number of files transferred" => {
                self.transferred = number(value);
            }
            b"Total file size" => self.total_size = bytes(value),
            b"Total transferred file size" => self.transferred_size = bytes(value),
            b"Total bytes received" => self.received = number(value),
            b"Total bytes sent" => self.sent = number(value),
            b"Literal data"
            | b"Matched data"
            | b"File list size"
            | b"File list generation time"
            | b"File list transfer time" => {}
            _ => return false,
        }
        true
    }
}

/// `3024579 bytes`
fn bytes(value: &[u8]) -> Option<u64> {
    number(value.strip_suffix(b" bytes")?)
}

/// Parses `27 (reg: 20, dir: 4, link: 2, special: 1)`, where types without entries are omitted.
///
/// rsync before 3.1 prints the total only. The number of directories is then unknown, so the result is `None`.
fn count(value: &[u8]) -> Option<Count> {
    let Some(space) = value.iter().position(|b| *b == b' ') else {
        return number(value).filter(|total| *total == 0).map(|_| Count::default());
    };
    let total = number(&value[..space])?;
    let kinds = value[space + 1..].strip_prefix(b"(")?.strip_suffix(b")")?;
    let (mut dirs, mut regular) = (0, 0);
    for kind in kinds.split(|b| *b == b',').map(<[u8]>::trim_ascii_start) {
        if let Some(n) = kind.strip_prefix(b"dir: ") {
            dirs = number(n)?;
        } else if let Some(n) = kind.strip_prefix(b"reg: ") {
            regular = number(n)?;
        }
    }
    Some(Count { total, dirs, regular })
}

/// Parses digits only; `None` also if the number does not fit.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |n, digit| match digit {
        b'0'..=b'9' => n.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}
