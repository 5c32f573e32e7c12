//! Classifies files by extension, size and age, and counts the PDB entries among them.

use super::{DirRef, Kind};
use crate::model::pdb;
use std::collections::BTreeMap;
use std::ops::AddAssign;

/// Size classes: name, and the first size in bytes beyond the class.
pub const SIZES: [(&str, u64); 7] = [
    ("empty", 1),
    ("under 10 kB", 10_000),
    ("under 100 kB", 100_000),
    ("under 1 MB", 1_000_000),
    ("under 10 MB", 10_000_000),
    ("under 1 GB", 1_000_000_000),
    ("1 GB and more", u64::MAX),
];

const DAY: i64 = 24 * 3600 * 1_000_000_000;

/// Age classes: name, and the first age in nanoseconds beyond the class.
pub const AGES: [(&str, i64); 7] = [
    ("in the future", 0),
    ("under a day", DAY),
    ("under a week", 7 * DAY),
    ("under 30 days", 30 * DAY),
    ("under a year", 365 * DAY),
    ("under 5 years", 5 * 365 * DAY),
    ("older", i64::MAX),
];

/// For compressed files, the extension includes that of the contents: `cif.gz`.
const COMPRESSED: [&[u8]; 6] = [b"gz", b"xz", b"bz2", b"zst", b"Z", b"lz4"];
/// Maximum length of an extension in bytes. What follows a dot and is longer is not an extension.
const LONGEST: usize = 12;

/// Number and apparent size of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Number of files.
    pub files: u64,
    /// Size in bytes.
    pub bytes: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, more: Tally) {
        self.files += more.files;
        self.bytes += more.bytes;
    }
}

/// The regular files of some directories, by class.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Classes {
    /// By extension; empty for files without one.
    pub extensions: BTreeMap<Vec<u8>, Tally>,
    /// By the classes of [`SIZES`].
    pub sizes: [Tally; SIZES.len()],
    /// By the classes of [`AGES`].
    pub ages: [Tally; AGES.len()],
    /// PDB entries by format and form of ID. An entry counts once per directory, whatever the number of its files there.
    pub entries: BTreeMap<(pdb::Format, pdb::Form), u64>,
    last: Vec<u8>,
    pending: Tally,
}

impl Classes {
    /// Adds the files directly in a directory. `now` is in nanoseconds since 1970.
    pub fn add(&mut self, dir: &DirRef<'_>, now: i64) {
        // A few ancestors suffice: the hash directory is never further up (`HH/ID/experimental_data/KIND`).
        let above: Vec<&[u8]> = dir.ancestors().map(|dir| dir.name()).take(4).collect();
        let mut seen: Vec<(pdb::Format, pdb::EntryId)> = Vec::new();
        for entry in dir.entries() {
            if entry.stat.kind != Kind::File {
                continue;
            }
            let tally = Tally { files: 1, bytes: entry.stat.size };
            let extension = extension(entry.name);
            if extension != self.last {
                self.settle();
                self.last.clear();
                self.last.extend_from_slice(extension);
            }
            self.pending += tally;
            let size = SIZES.iter().position(|(_, beyond)| entry.stat.size < *beyond);
            self.sizes[size.unwrap_or(SIZES.len() - 1)] += tally;
            let age = now.saturating_sub(entry.stat.mtime);
            let age = AGES.iter().position(|(_, beyond)| age < *beyond);
            self.ages[age.unwrap_or(AGES.len() - 1)] += tally;
            let Some((format, id)) = pdb::recognise(entry.name).filter(|(_, id)| id.belongs_below(&above))
            else {
                continue;
            };
            // The files of an entry are adjacent, apart from the prefixes of a few formats.
            match seen.iter_mut().find(|(known, _)| *known == format) {
                Some((_, last)) if *last == id => continue,
                Some((_, last)) => *last = id,
                None => seen.push((format, id)),
            }
            *self.entries.entry((format, id.form())).or_default() += 1;
        }
        self.settle();
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, more: Classes) {
        for (extension, tally) in more.extensions {
            *self.extensions.entry(extension).or_default() += tally;
        }
        for (own, more) in self.sizes.iter_mut().zip(more.sizes) {
            *own += more;
        }
        for (own, more) in self.ages.iter_mut().zip(more.ages) {
            *own += more;
        }
        for (key, n) in more.entries {
            *self.entries.entry(key).or_default() += n;
        }
    }

    /// Adds pending counts to the map. Successive files usually have the same extension, so the map is only accessed when it changes.
    fn settle(&mut self) {
        if self.pending == Tally::default() {
            return;
        }
        let pending = std::mem::take(&mut self.pending);
        match self.extensions.get_mut(&self.last) {
            Some(tally) => *tally += pending,
            None => {
                self.extensions.insert(self.last.clone(), pending);
            }
        }
    }
}

/// Returns what follows the last dot, or the last two if the last extension is a compression; empty if there is none.
pub fn extension(name: &[u8]) -> &[u8] {
    let dot = |name: &[u8]| memchr::memrchr(b'.', name).filter(|dot| *dot > 0);
    let Some(last) = dot(name).filter(|dot| name.len() - dot - 1 <= LONGEST) else { return b"" };
    let extension = &name[last + 1..];
    if COMPRESSED.contains(&extension)
        && let Some(inner) = dot(&name[..last]).filter(|dot| last - dot - 1 <= LONGEST)
    {
        return &name[inner + 1..];
    }
    extension
}

#[cfg(test)]
mod tests {
    use super::super::testing::tree;
    use super::*;

    #[test]
    fn extensions_look_through_compression() {
        for (name, expected) in [
            ("1abc.cif.gz", "cif.gz"),
            ("pdb1abc.ent.gz", "ent.gz"),
            ("a.gz", "gz"),
            ("README", ""),
            (".hidden", ""),
            (".x.gz", "gz"),
            ("a.tar.xz", "tar.xz"),
            ("a.", ""),
            ("v1.this is a sentence.gz", "gz"),
        ] {
            assert_eq!(extension(name.as_bytes()), expected.as_bytes(), "{name}");
        }
    }

    #[test]
    fn every_file_is_in_one_class_of_each_kind() {
        let tree = tree(&[
            ("ab/1abc.cif.gz", 5_000),
            ("ab/2abd.cif.gz", 0),
            ("ab/pdb_00001abc.cif.gz", 1),
            ("ab/README", 20_000_000),
            ("xx/1abc.cif.gz", 1),
        ]);
        let mut classes = Classes::default();
        for dir in tree.dirs() {
            let mut part = Classes::default();
            part.add(&dir, 40 * DAY);
            classes.merge(part);
        }
        assert_eq!(classes.sizes.iter().map(|t| t.files).collect::<Vec<_>>(), [1, 3, 0, 0, 0, 1, 0]);
        assert_eq!(classes.ages[4], Tally { files: 5, bytes: 20_005_002 });
        assert_eq!(classes.extensions[&b"cif.gz"[..]].files, 4);
        assert_eq!(classes.extensions[&b""[..]].bytes, 20_000_000);
        let entries: Vec<_> = classes.entries.into_iter().collect();
        assert_eq!(
            entries,
            [((pdb::Format::Mmcif, pdb::Form::Classic), 2), ((pdb::Format::Mmcif, pdb::Form::Extended), 1)]
        );
    }
}
