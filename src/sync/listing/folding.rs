//! Destinations that fold names: they treat names as equal that differ in case (exFAT, SMB, macOS) or in Unicode normal form (macOS).
//!
//! If the source renames `Readme` to `README`, such a destination still finds the file under its old name, and rsync lists the old name for
//! deletion. Deleting it would remove the only copy. So each name to delete is compared with all names of the source, and an entry whose
//! name the destination cannot distinguish from a source name is renamed instead of deleted. The destination itself is asked whether it
//! distinguishes them. Inode numbers decide nothing: hard links share them, and some file systems invent them.

use super::names::{NameKind, NameReader, hash};
use crate::clean::path::split;
use crate::clean::removal::open_below::open_below;
use rustix::fs::{AtFlags, Dir, statat};
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use unicode_normalization::UnicodeNormalization;

/// A key that is equal for names which a folding destination may treat as equal.
pub(in crate::sync) fn key(name: &[u8]) -> Vec<u8> {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    match std::str::from_utf8(name) {
        // Upper case comes first, since some letters have two lower-case forms.
        Ok(text) => text
            .nfd()
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase)
            .nfc()
            .collect::<String>()
            .into(),
        Err(_) => name.to_ascii_lowercase(),
    }
}

/// How a directory holds a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sync) enum Held {
    /// Under exactly this name.
    Exactly,
    /// Under another spelling only.
    Otherwise,
    /// Not at all, or unknown.
    Not,
}

/// Looks up how directories below a root hold names. Caches the names of the directories used last.
#[derive(Debug)]
pub(in crate::sync) struct Spelling<'a> {
    root: &'a File,
    names: HashMap<Vec<u8>, HashSet<Vec<u8>>>,
}

/// Maximum number of cached directories.
const REMEMBERED: usize = 64;

impl<'a> Spelling<'a> {
    pub(in crate::sync) fn new(root: &'a File) -> Self {
        Spelling { root, names: HashMap::new() }
    }

    /// Drops the cached names of the directory `dir`, which has changed.
    pub(in crate::sync) fn forget(&mut self, dir: &[u8]) {
        self.names.remove(dir);
    }

    /// How the directory `dir` holds `name`.
    pub(in crate::sync) fn held(&mut self, dir: &[u8], name: &[u8]) -> Held {
        let Ok(fd) = open_below(self.root, dir) else { return Held::Not };
        if statat(&fd, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW).is_err() {
            return Held::Not;
        }
        if !self.names.contains_key(dir) {
            let Ok(names) = Dir::read_from(&fd).and_then(|dir| {
                dir.map(|entry| entry.map(|entry| entry.file_name().to_bytes().to_vec())).collect()
            }) else {
                return Held::Not;
            };
            if self.names.len() >= REMEMBERED {
                self.names.clear();
            }
            self.names.insert(dir.to_vec(), names);
        }
        match self.names[dir].contains(name) {
            true => Held::Exactly,
            false => Held::Otherwise,
        }
    }

    /// How the path is held. `Otherwise` if any component is held under another spelling.
    pub(in crate::sync) fn held_path(&mut self, path: &[u8]) -> Held {
        let (dir, name) = split(path);
        let above = if dir.is_empty() { Held::Exactly } else { self.held_path(dir) };
        match (above, self.held(dir, name)) {
            (Held::Not, _) | (_, Held::Not) => Held::Not,
            (Held::Exactly, Held::Exactly) => Held::Exactly,
            _ => Held::Otherwise,
        }
    }

    /// Whether the directory that holds `path`, or one above it, accepts other spellings of its names.
    pub(in crate::sync) fn folds_at(&mut self, path: &[u8]) -> bool {
        let (dir, name) = split(path);
        let other = spellings(name).any(|other| self.held(dir, &other) == Held::Otherwise);
        other || (!dir.is_empty() && self.folds_at(dir))
    }
}

/// Other spellings of a name: in another case and in other normal forms.
fn spellings(name: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let swapped = swap_case(name);
    let text = std::str::from_utf8(name).ok().filter(|text| !text.is_ascii());
    let forms = text.map(|text| [text.nfc().collect::<String>(), text.nfd().collect()]);
    let forms = forms.into_iter().flatten().map(String::into_bytes);
    let own = name.to_vec();
    std::iter::once(swapped).chain(forms).filter(move |other| *other != own)
}

/// The name with its first ASCII letter in the other case.
fn swap_case(name: &[u8]) -> Vec<u8> {
    let mut other = name.to_vec();
    if let Some(letter) = other.iter_mut().find(|byte| byte.is_ascii_alphabetic()) {
        *letter ^= 0x20;
    }
    other
}

/// How a folding destination maps the names of the source.
#[derive(Debug, Default)]
pub(in crate::sync) struct Folded {
    /// Names to delete, and the name of the source that each stands for.
    pub(in crate::sync) respelled: HashMap<Vec<u8>, (NameKind, Vec<u8>)>,
    /// Groups of at least two source names that the destination treats as equal.
    pub(in crate::sync) groups: Vec<Vec<(NameKind, Vec<u8>)>>,
}

/// Compares the names to delete (`gone`) with the names of the source, and these with each other. Uses 8 bytes a name during the
/// comparison, and memory for the names that it finds.
pub(super) fn compare(
    names: impl Fn() -> io::Result<NameReader>,
    gone: impl Iterator<Item = io::Result<Vec<u8>>>,
) -> io::Result<Folded> {
    let (mut seen, mut twice) = (HashSet::new(), HashSet::new());
    let mut reader = names()?;
    while let Some((_, name)) = reader.next()? {
        let hash = hash(&key(name));
        if !seen.insert(hash) {
            twice.insert(hash);
        }
    }
    let mut wanted: HashMap<Vec<u8>, Vec<Vec<u8>>> = HashMap::new();
    for name in gone {
        let name = name?;
        let key = key(&name);
        if seen.contains(&hash(&key)) {
            wanted.entry(key).or_default().push(name);
        }
    }
    drop(seen);
    let mut folded = Folded::default();
    let mut groups: HashMap<Vec<u8>, Vec<(NameKind, Vec<u8>)>> = HashMap::new();
    let mut reader = names()?;
    while let Some((kind, name)) = reader.next()? {
        let key = key(name);
        if twice.contains(&hash(&key)) {
            groups.entry(key.clone()).or_default().push((kind, name.to_vec()));
        }
        for gone in wanted.remove(&key).into_iter().flatten() {
            folded.respelled.insert(gone, (kind, name.to_vec()));
        }
    }
    folded.groups = groups.into_values().filter(|group| group.len() > 1).collect();
    folded.groups.sort_by(|a, b| a[0].1.cmp(&b[0].1));
    Ok(folded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::listing::names::NameWriter;

    #[test]
    fn spellings_of_one_name_have_one_key() {
        for (a, b) in [
            ("Readme", "README"),
            ("AB/1abc", "ab/1ABC"),
            ("caf\u{e9}", "CAFE\u{301}"),
            ("stra\u{df}e", "STRASSE"),
            ("\u{3c3}", "\u{3c2}"),
            ("\u{1e9b}\u{323}", "\u{1e9b}\u{323}"),
        ] {
            assert_eq!(key(a.as_bytes()), key(b.as_bytes()), "{a} {b}");
        }
        assert_ne!(key(b"a"), key(b"b"));
        assert_eq!(key(b"A\xff"), b"a\xff");
    }

    #[test]
    fn names_are_compared_by_their_keys() {
        let state = tempfile::tempdir().unwrap();
        let mut writer = NameWriter::create(state.path(), "j").unwrap();
        for name in ["README", "AB", "AB/1", "x", "X", "only"] {
            let kind = if name == "AB" { NameKind::Dir } else { NameKind::File };
            writer.push(kind, name.as_bytes()).unwrap();
        }
        let names = writer.finish().unwrap();
        let gone = ["Readme", "ab/1", "ab", "other"].map(|name| Ok(name.as_bytes().to_vec()));
        let folded = compare(|| names.read(), gone.into_iter()).unwrap();
        let respelled = |name: &str| folded.respelled.get(name.as_bytes()).cloned();
        assert_eq!(respelled("Readme"), Some((NameKind::File, b"README".to_vec())));
        assert_eq!(respelled("ab"), Some((NameKind::Dir, b"AB".to_vec())));
        assert_eq!(respelled("ab/1"), Some((NameKind::File, b"AB/1".to_vec())));
        assert_eq!(respelled("other"), None);
        assert_eq!(folded.groups, [[(NameKind::File, b"x".to_vec()), (NameKind::File, b"X".to_vec())]]);
    }

    #[test]
    fn an_ordinary_directory_tells_spellings_apart() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["Readme", "README", "sub"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let root = File::open(dir.path()).unwrap();
        let mut spelling = Spelling::new(&root);
        assert_eq!(spelling.held(b"", b"Readme"), Held::Exactly);
        assert_eq!(spelling.held(b"", b"readme"), Held::Not);
        assert_eq!(spelling.held_path(b"sub"), Held::Exactly);
        assert!(!spelling.folds_at(b"Readme") && !spelling.folds_at(b"sub"));
    }
}
