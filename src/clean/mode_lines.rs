//! Modes of directories that are changed for a moment: a line before each change, and one when the mode is back. What a record
//! that was cut short does not say to be back is put back by the next run.

use super::path::{PathText, Spelled};
use super::plan::RootPrint;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the format.
const VERSION: u32 = 1;

/// A directory whose mode is about to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldMode {
    /// Relative to the root (empty: the root).
    pub path: Vec<u8>,
    /// Its inode number.
    pub ino: u64,
    /// Its permissions before.
    pub mode: u32,
}

/// A line of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModeLine {
    /// The version of the format, and the tree that all other lines are about.
    Tree(u32, RootPrint),
    /// A mode is about to be changed.
    Changed(OldMode),
    /// The directory of this path has its mode again.
    Back(Vec<u8>),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum OnDisk {
    Tree {
        v: u32,
        root: RootPrint,
    },
    Changed {
        #[serde(flatten)]
        path: PathText,
        ino: u64,
        mode: u32,
    },
    Back {
        #[serde(flatten)]
        path: PathText,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Written<'a> {
    Tree {
        v: u32,
        root: &'a RootPrint,
    },
    Changed {
        #[serde(flatten)]
        path: Spelled<'a>,
        ino: u64,
        mode: u32,
    },
    Back {
        #[serde(flatten)]
        path: Spelled<'a>,
    },
}

impl ModeLine {
    /// The first line of a record.
    pub fn tree(root: RootPrint) -> Self {
        ModeLine::Tree(VERSION, root)
    }

    /// As it is appended, newline included.
    pub fn write(&self, into: &mut Vec<u8>) {
        let written = match self {
            ModeLine::Tree(v, root) => Written::Tree { v: *v, root },
            ModeLine::Changed(OldMode { path, ino, mode }) => {
                Written::Changed { path: Spelled(path), ino: *ino, mode: *mode }
            }
            ModeLine::Back(path) => Written::Back { path: Spelled(path) },
        };
        let before = into.len();
        match serde_json::to_writer(&mut *into, &written) {
            Ok(()) => into.push(b'\n'),
            // Strings and numbers always become JSON.
            Err(_) => into.truncate(before),
        }
    }

    fn read(line: &[u8]) -> Option<Self> {
        match serde_json::from_slice(line).ok()? {
            OnDisk::Tree { v, root } => Some(ModeLine::Tree(v, root)),
            OnDisk::Changed { path, ino, mode } => Some(ModeLine::Changed(OldMode {
                path: path.bytes_or_root().ok()?,
                ino,
                mode: mode & 0o7777,
            })),
            OnDisk::Back { path } => Some(ModeLine::Back(path.bytes_or_root().ok()?)),
        }
    }
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModesLeft {
    /// The tree.
    pub root: RootPrint,
    /// Whether a newer version of the format wrote it: then it is neither acted on nor written to.
    pub newer: bool,
    /// Directories that may not have their mode again, parents first.
    pub dirs: Vec<OldMode>,
}

impl ModesLeft {
    /// Reads a record; `None` if it does not begin as one does. Lines that cannot be understood are passed by: one that was cut
    /// short is about a change that was not made.
    pub fn read(text: &[u8]) -> Option<Self> {
        let mut lines = text.split(|b| *b == b'\n');
        let Some(ModeLine::Tree(version, root)) = ModeLine::read(lines.next()?) else { return None };
        let mut dirs = BTreeMap::new();
        for line in lines.filter_map(ModeLine::read) {
            match line {
                ModeLine::Tree(..) => {}
                // The first word counts: a second one has seen what the first change made.
                ModeLine::Changed(old) => _ = dirs.entry(old.path.clone()).or_insert(old),
                ModeLine::Back(path) => _ = dirs.remove(&path),
            }
        }
        Some(ModesLeft { root, newer: version > VERSION, dirs: dirs.into_values().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(lines: &[ModeLine]) -> Vec<u8> {
        let mut text = Vec::new();
        lines.iter().for_each(|line| line.write(&mut text));
        text
    }

    fn root() -> RootPrint {
        RootPrint { path: "/m".into(), path_base64: None, dev: 1, ino: 2 }
    }

    fn changed(path: &[u8], ino: u64, mode: u32) -> ModeLine {
        ModeLine::Changed(OldMode { path: path.into(), ino, mode })
    }

    #[test]
    fn what_is_not_back_is_left() {
        let lines = [
            ModeLine::tree(root()),
            changed(b"", 2, 0o555),
            changed(b"a", 3, 0o2555),
            changed(b"b\xff", 4, 0o1555),
            ModeLine::Back(b"a".to_vec()),
            changed(b"b\xff", 4, 0o1755),
        ];
        let mut text = text(&lines);
        text.extend_from_slice(b"{\"changed\":{\"path\":\"c\",\"ino\":5,\"mo");
        let left = ModesLeft::read(&text).unwrap();
        assert_eq!((&left.root, left.newer), (&root(), false));
        let dirs = [
            OldMode { path: Vec::new(), ino: 2, mode: 0o555 },
            OldMode { path: b"b\xff".to_vec(), ino: 4, mode: 0o1555 },
        ];
        assert_eq!(left.dirs, dirs);
    }

    #[test]
    fn what_is_no_record_says_nothing_and_no_path_leads_elsewhere() {
        for bad in [&b""[..], b"\n", b"{}\n", b"{\"changed\":{\"path\":\"a\",\"ino\":1,\"mode\":365}}\n"] {
            assert_eq!(ModesLeft::read(bad), None);
        }
        let mut text = text(&[ModeLine::tree(root())]);
        for path in ["../x", "/etc", ".pdb-sync/quarantine", "a//b"] {
            text.extend(format!("{{\"changed\":{{\"path\":\"{path}\",\"ino\":1,\"mode\":365}}}}\n").bytes());
        }
        assert_eq!(ModesLeft::read(&text).unwrap().dirs, []);
        let newer = ModesLeft::read(b"{\"tree\":{\"v\":2,\"root\":{\"path\":\"/m\",\"dev\":1,\"ino\":2}}}\n");
        assert!(newer.unwrap().newer);
    }
}
