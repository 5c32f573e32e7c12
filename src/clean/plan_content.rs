//! What the user approves of a plan of `sync`: its root and its deletions, without what each listing makes anew (times, device and inode
//! numbers, change times).

use super::Stamp;
use super::plan_header::{Header, Origin};
use super::rule::Kind;

/// Number of bytes hashed at once.
const HASHED: usize = 1 << 16;

/// The hash of job, root, and path, kind, size and modification time of each entry, in the order of the plan.
#[derive(Debug)]
pub(super) struct Content {
    hash: blake3::Hasher,
    unhashed: Vec<u8>,
}

impl Content {
    /// Starts with the job and the root; `None` for a plan of `clean`, whose hash covers every byte.
    pub(super) fn of(header: &Header) -> Option<Self> {
        if header.origin != Origin::Sync {
            return None;
        }
        let mut content = Content { hash: blake3::Hasher::new(), unhashed: Vec::new() };
        content.text(header.job.as_deref().unwrap_or_default().as_bytes());
        content.text(header.root.path_base64.as_deref().unwrap_or(&header.root.path).as_bytes());
        Some(content)
    }

    fn text(&mut self, text: &[u8]) {
        self.unhashed.extend((text.len() as u64).to_le_bytes());
        self.unhashed.extend(text);
    }

    /// Adds an entry.
    pub(super) fn add(&mut self, path: &[u8], kind: Kind, stamp: &Stamp) {
        self.text(path);
        let kind: u8 = match kind {
            Kind::File => 0,
            Kind::Dir => 1,
            Kind::Symlink => 2,
            Kind::Other => 3,
            // Not in a plan of `sync`.
            Kind::Tree => 4,
        };
        self.unhashed.push(kind);
        self.unhashed.extend(stamp.size.to_le_bytes());
        self.unhashed.extend(stamp.mtime.to_le_bytes());
        if self.unhashed.len() >= HASHED {
            self.hash.update(&self.unhashed);
            self.unhashed.clear();
        }
    }

    /// Returns the hash in hexadecimal.
    pub(super) fn finish(mut self) -> String {
        self.hash.update(&self.unhashed).finalize().to_hex().to_string()
    }
}
