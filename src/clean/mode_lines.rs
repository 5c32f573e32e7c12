//! The record of directories whose mode is changed temporarily: one line before each change, and one when the mode is restored. If a record
//! was interrupted, the next run restores the modes that it does not list as restored.

use super::path::{PathText, Spelled};
use super::plan_header::RootPrint;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the format.
const VERSION: u32 = 1;

/// A directory whose mode is about to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldMode {
    /// Path relative to the root; empty for the root.
    pub path: Vec<u8>,
    /// Inode number of the directory.
    pub ino: u64,
    /// Permissions before the change.
    pub mode: u32,
}

/// A line of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModeLine {
    /// The version of the format, and the tree of all other lines.
    Tree(u32, RootPrint),
    /// A mode is about to be changed.
    Changed(OldMode),
    /// The mode of the directory at this path was restored.
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
    /// Returns the first line of a record.
    pub fn tree(root: RootPrint) -> Self {
        ModeLine::Tree(VERSION, root)
    }

    /// Appends the line as JSON, with a newline.
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
            // Serializing strings and numbers cannot fail.
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

/// The contents of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModesLeft {
    /// The root of the tree.
    pub root: RootPrint,
    /// Whether a newer version of the format wrote it. Then it is neither applied nor written to.
    pub newer: bool,
    /// Directories whose mode may not have been restored, parents first.
    pub dirs: Vec<OldMode>,
}

impl ModesLeft {
    /// Parses a record. `None` if it does not begin like one. Lines that cannot be parsed are skipped: a truncated line is about a change
    /// that was not made.
    pub fn read(text: &[u8]) -> Option<Self> {
        let mut lines = text.split(|b| *b == b'\n');
        let Some(ModeLine::Tree(version, root)) = ModeLine::read(lines.next()?) else { return None };
        let mut dirs = BTreeMap::new();
        for line in lines.filter_map(ModeLine::read) {
            match line {
                ModeLine::Tree(..) => {}
                // The first line about a directory counts: a second one has the mode after the first change.
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
