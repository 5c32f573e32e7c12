//! The identity of a directory with all its contents, which a plan takes as one.

use super::{Kind, Stamp};
use serde::{Deserialize, Serialize};

/// What such a directory contained when it was examined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// Number of entries, the directory itself included.
    pub entries: u64,
    /// Modification time of the oldest entry that is no directory, nanoseconds since 1970; `None` if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<i64>,
    /// BLAKE3 of paths, kinds and stamps of all entries, in hexadecimal.
    pub blake3: String,
}

/// Adds up contents, directory by directory, in any order. Takes memory for directories, and for the entries of one of them at a time.
#[derive(Debug, Default)]
pub struct ContentsHasher {
    /// Path relative to the top, and hash.
    dirs: Vec<(Vec<u8>, blake3::Hash)>,
    entries: u64,
    oldest: Option<i64>,
}

impl ContentsHasher {
    /// Adds a directory. `path` is relative to the top, and empty for the top itself; `entries` are those that are no directories. Returns the
    /// hash of the directory.
    pub fn dir(
        &mut self,
        path: &[u8],
        (dev, ino): (u64, u64),
        mut entries: Vec<(&[u8], Kind, Stamp)>,
    ) -> blake3::Hash {
        entries.sort_unstable_by_key(|(name, ..)| *name);
        let mut bytes = Vec::with_capacity(64 * (entries.len() + 1));
        let text = |bytes: &mut Vec<u8>, text: &[u8]| {
            bytes.extend((text.len() as u64).to_le_bytes());
            bytes.extend(text);
        };
        text(&mut bytes, path);
        bytes.extend([dev, ino].map(u64::to_le_bytes).as_flattened());
        for (name, kind, stamp) in &entries {
            text(&mut bytes, name);
            text(&mut bytes, kind.word().as_bytes());
            bytes.extend([stamp.dev, stamp.ino, stamp.size].map(u64::to_le_bytes).as_flattened());
            bytes.extend([stamp.mtime, stamp.ctime].map(i64::to_le_bytes).as_flattened());
        }
        let hash = blake3::hash(&bytes);
        self.entries += 1 + entries.len() as u64;
        self.oldest = entries.iter().map(|(.., stamp)| stamp.mtime).chain(self.oldest).min();
        self.dirs.push((path.into(), hash));
        hash
    }

    /// Returns the sum.
    pub fn finish(mut self) -> Contents {
        self.dirs.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mut hash = blake3::Hasher::new();
        self.dirs.iter().for_each(|(_, dir)| _ = hash.update(dir.as_bytes()));
        Contents { entries: self.entries, oldest: self.oldest, blake3: hash.finalize().to_hex().to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clean::{Action, Entry, Footer, Header, Origin, PlanError, Reader, Writer};

    fn stamp(ino: u64) -> Stamp {
        Stamp { dev: 1, ino, size: 3, mtime: 4, ctime: 5 }
    }

    type Named = (&'static str, Kind, Stamp);

    fn sum(dirs: &[(&str, &[Named])]) -> Contents {
        let mut hasher = ContentsHasher::default();
        for (path, entries) in dirs {
            let entries = entries.iter().map(|(name, kind, stamp)| (name.as_bytes(), *kind, *stamp));
            hasher.dir(path.as_bytes(), (1, path.len() as u64), entries.collect());
        }
        hasher.finish()
    }

    #[test]
    fn order_does_not_matter_and_everything_else_does() {
        let (a, b) = (("a", Kind::File, stamp(1)), ("b", Kind::File, stamp(2)));
        let all = sum(&[("", &[a, b]), ("d", &[a])]);
        assert_eq!(all, sum(&[("d", &[a]), ("", &[b, a])]));
        assert_eq!((all.entries, all.oldest), (5, Some(4)));
        let changed = |change: fn(&mut Stamp)| {
            let mut stamp = a.2;
            change(&mut stamp);
            sum(&[("", &[a, b]), ("d", &[("a", Kind::File, stamp)])])
        };
        let others = [
            sum(&[("", &[a, b]), ("d", &[])]),
            sum(&[("", &[a, b]), ("d", &[a]), ("e", &[])]),
            sum(&[("", &[a, b]), ("e", &[a])]),
            sum(&[("", &[a]), ("d", &[a, b])]),
            sum(&[("", &[a, b]), ("d", &[("a", Kind::Symlink, stamp(1))])]),
            sum(&[("", &[a, b]), ("d", &[("c", Kind::File, stamp(1))])]),
            changed(|stamp| stamp.dev += 1),
            changed(|stamp| stamp.ino += 1),
            changed(|stamp| stamp.size += 1),
            changed(|stamp| stamp.mtime += 1),
            changed(|stamp| stamp.ctime += 1),
        ];
        for other in others {
            assert_ne!(other.blake3, all.blake3, "{other:?}");
        }
    }

    /// Writes a plan with one entry, and reads it.
    fn again(origin: Origin, kind: Kind, contents: Option<Contents>) -> Result<(Entry, Footer), PlanError> {
        let header = Header { origin, ..Header::default() };
        let (rule, action) = ("build".into(), Action::Delete);
        let entry = Entry {
            path: b"a".into(),
            kind,
            stamp: stamp(1),
            contents,
            linked: false,
            bytes: 9,
            rule,
            action,
        };
        let mut writer = Writer::new(Vec::new(), &header).unwrap();
        writer.entry(&entry).unwrap();
        let (_, bytes) = writer.finish().unwrap();
        let mut reader = Reader::new(&bytes[..])?;
        let read = reader.entry()?.unwrap();
        assert_eq!(read, entry);
        Ok((read, reader.finish()?))
    }

    #[test]
    fn a_plan_of_clean_has_contents_for_whole_directories_and_for_nothing_else() {
        let contents = || Some(sum(&[("", &[("a", Kind::File, stamp(1))])]));
        let (entry, footer) = again(Origin::Clean, Kind::Tree, contents()).unwrap();
        assert_eq!((entry.count(), footer.entries, footer.bytes), (2, 2, 9));
        for (origin, kind, contents) in [
            (Origin::Sync, Kind::Tree, contents()),
            (Origin::Clean, Kind::Tree, None),
            (Origin::Clean, Kind::Dir, contents()),
            (Origin::Clean, Kind::File, contents()),
        ] {
            assert!(
                matches!(again(origin, kind, contents), Err(PlanError::Line(2, _))),
                "{origin:?} {kind:?}"
            );
        }
    }
}
