//! Names in the quarantine.
//!
//! Programs that read a mirror look for files by name (`find -name '*.cif.gz'`, `rglob("*.cif*")`), and few of them skip `.pdb-sync`. To
//! keep them from finding removed files, names of files and directories in the quarantine have `%2E` for a dot and `%25` for a percent
//! sign. A name that would become too long is replaced by `%~` and a hash; the original name is written to the journal of the run before
//! the entry is renamed.

use super::path::{self, BadPath};
use std::borrow::Cow;
use std::collections::HashMap;

/// The maximum length of a name on common file systems, in bytes.
const LONGEST: usize = 255;
/// The smallest limit that is assumed, in bytes: eCryptfs allows 143. Names whose escaped form is shorter are never replaced by a hash.
const LEAST: usize = 140;
/// The prefix of a name that is a hash. No escaped name begins with it.
const HASHED: &[u8] = b"%~";

/// The maximum length of a name in a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameLimit(usize);

impl NameLimit {
    /// Takes the limit that the file system reports. Ignores 0 and impossible values.
    pub fn new(bytes: u64) -> Self {
        match usize::try_from(bytes) {
            Ok(0) | Err(_) => NameLimit::default(),
            Ok(bytes) => NameLimit(bytes.clamp(LEAST, LONGEST)),
        }
    }
}

impl Default for NameLimit {
    fn default() -> Self {
        NameLimit(LONGEST)
    }
}

/// Why the original name of an entry in the quarantine cannot be determined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Nameless {
    /// The name is a hash.
    #[error("its name was too long to be escaped, and the journal does not hold it")]
    Lost,
    /// The name was not given by us.
    #[error("it is not an escaped name")]
    Foreign,
    /// What was escaped is no path below the root.
    #[error("its path {0}")]
    Bad(#[from] BadPath),
}

/// Returns the name of an entry in the quarantine.
pub fn escape(name: &[u8], limit: NameLimit) -> Cow<'_, [u8]> {
    match escaped_len(name) {
        None => name.into(),
        Some(len) if len > limit.0 => hashed(name).into(),
        Some(len) => in_full(name, len).into(),
    }
}

/// Escapes each name of a path.
pub fn escape_path(path: &[u8], limit: NameLimit) -> Vec<u8> {
    let names: Vec<_> = path.split(|b| *b == b'/').map(|name| escape(name, limit)).collect();
    names.join(&b'/')
}

/// Returns the name in the quarantine of a directory that was moved as one: its whole path, with `%2F` for a slash.
pub fn escape_flat(path: &[u8], limit: NameLimit) -> Vec<u8> {
    match flat(path) {
        name if name.len() > limit.0 => hashed(path),
        name => name,
    }
}

/// Whether the name of such a directory is a hash, so that only the journal has its path.
pub fn is_hashed_flat(path: &[u8], limit: NameLimit) -> bool {
    flat(path).len() > limit.0
}

fn flat(path: &[u8]) -> Vec<u8> {
    let names: Vec<_> = path.split(|b| *b == b'/').map(|name| in_full(name, name.len())).collect();
    names.join(&b"%2F"[..])
}

/// Whether a name of this path is replaced by a hash in the quarantine, so that only the journal has the original.
pub fn is_hashed(path: &[u8], limit: NameLimit) -> bool {
    long_names(path, limit.0).next().is_some()
}

/// Maps hashes to names that are long enough to be replaced by a hash. Other names take no memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LongNames(HashMap<Vec<u8>, Vec<u8>>);

impl LongNames {
    /// Adds the long names of a path.
    pub fn learn(&mut self, path: &[u8]) {
        for name in long_names(path, LEAST) {
            self.0.entry(hashed(name)).or_insert_with(|| name.into());
        }
    }

    /// Adds the path of a directory that was moved as one, if its name in the quarantine may be a hash.
    pub fn learn_flat(&mut self, path: &[u8]) {
        if flat(path).len() > LEAST {
            self.0.entry(hashed(path)).or_insert_with(|| path.into());
        }
    }

    /// Returns the original path of a directory that was moved as one, after checking it.
    pub fn unescape_flat(&self, name: &[u8]) -> Result<Vec<u8>, Nameless> {
        let path = match self.0.get(name) {
            Some(path) => path.clone(),
            None if name.starts_with(HASHED) => return Err(Nameless::Lost),
            None => {
                let mut path = Vec::new();
                let finder = memchr::memmem::Finder::new(b"%2F");
                let mut rest = name;
                while let Some(at) = finder.find(rest) {
                    unescape_into(&rest[..at], &mut path)?;
                    path.push(b'/');
                    rest = &rest[at + 3..];
                }
                unescape_into(rest, &mut path)?;
                path
            }
        };
        path::check(&path)?;
        Ok(path)
    }

    /// Whether all names of the path that may be replaced by a hash are known.
    pub fn knows(&self, path: &[u8]) -> bool {
        long_names(path, LEAST).all(|name| self.0.contains_key(&hashed(name)))
    }

    /// Returns the original path of a path in the quarantine, after checking it. The empty path is the root.
    pub fn unescape(&self, path: &[u8]) -> Result<Vec<u8>, Nameless> {
        let mut was = Vec::with_capacity(path.len());
        for (n, name) in path.split(|b| *b == b'/').enumerate() {
            if n > 0 {
                was.push(b'/');
            }
            match self.0.get(name) {
                Some(name) => was.extend_from_slice(name),
                None if name.starts_with(HASHED) => return Err(Nameless::Lost),
                None => unescape_into(name, &mut was)?,
            }
        }
        if !was.is_empty() {
            path::check(&was)?;
        }
        Ok(was)
    }
}

/// Returns the length of the escaped name in bytes; `None` if the name needs no escaping.
fn escaped_len(name: &[u8]) -> Option<usize> {
    let special = name.iter().filter(|b| matches!(b, b'.' | b'%')).count();
    (special > 0).then_some(name.len() + 2 * special)
}

fn in_full(name: &[u8], len: usize) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(len);
    for byte in name {
        match byte {
            b'.' => escaped.extend_from_slice(b"%2E"),
            b'%' => escaped.extend_from_slice(b"%25"),
            byte => escaped.push(*byte),
        }
    }
    escaped
}

fn hashed(name: &[u8]) -> Vec<u8> {
    let hash = blake3::hash(name).to_hex();
    [HASHED, &hash.as_bytes()[..32]].concat()
}

fn long_names(path: &[u8], limit: usize) -> impl Iterator<Item = &[u8]> {
    path.split(|b| *b == b'/').filter(move |name| escaped_len(name).is_some_and(|len| len > limit))
}

fn unescape_into(name: &[u8], into: &mut Vec<u8>) -> Result<(), Nameless> {
    let mut rest = name;
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match first {
            b'%' if after.starts_with(b"2E") => (b'.', &after[2..]),
            b'%' if after.starts_with(b"25") => (b'%', &after[2..]),
            b'%' | b'.' => return Err(Nameless::Foreign),
            byte => (*byte, after),
        };
        into.push(byte);
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limit() -> NameLimit {
        NameLimit::default()
    }

    #[test]
    fn no_name_keeps_a_dot() {
        for (name, escaped) in [
            (&b"1abc.cif.gz"[..], &b"1abc%2Ecif%2Egz"[..]),
            (b".1abc.cif.gz.a1B2c3", b"%2E1abc%2Ecif%2Egz%2Ea1B2c3"),
            (b"1abc%2Ecif", b"1abc%252Ecif"),
            (b"%~ab", b"%25~ab"),
            (b"plain", b"plain"),
            (b"\xff.\n", b"\xff%2E\n"),
        ] {
            assert_eq!(escape(name, limit()), escaped);
            assert_eq!(LongNames::default().unescape(escaped).unwrap(), name);
        }
        assert_eq!(escape_path(b"a.b/c.d", limit()), b"a%2Eb/c%2Ed");
        assert_eq!(escape_path(b"", limit()), b"");
        assert_eq!(LongNames::default().unescape(b"").unwrap(), b"");
    }

    #[test]
    fn what_would_be_too_long_is_a_hash_that_only_the_journal_knows() {
        let dots = [b'.'; 255];
        let path = [&b"ab/"[..], &dots, b"/x.y"].concat();
        let stored = escape_path(&path, limit());
        assert!(is_hashed(&path, limit()) && !is_hashed(b"ab/x.y", limit()));
        assert_eq!((stored.len(), stored.contains(&b'.')), (3 + 34 + 6, false));
        assert_eq!(LongNames::default().unescape(&stored), Err(Nameless::Lost));
        let mut known = LongNames::default();
        known.learn(b"ab/1abc.cif.gz");
        assert_eq!(known, LongNames::default(), "names of a common length take no memory");
        assert!(!known.knows(&path));
        known.learn(&path);
        assert!(known.knows(&path));
        assert_eq!(known.unescape(&stored).unwrap(), path);
        // The exact limit.
        let (fits, too_long) = ([&[b'x'; 252][..], b"."].concat(), [&[b'x'; 253][..], b"."].concat());
        assert_eq!(escape(&fits, limit()).len(), 255);
        assert_eq!(escape(&too_long, limit()).len(), 34);
        // A file system with a smaller limit; one that reports no limit or an impossible one.
        assert!(is_hashed(&[&[b'x'; 141][..], b"."].concat(), NameLimit::new(143)));
        for nothing in [0, 1530, u64::MAX] {
            assert_eq!(NameLimit::new(nothing), limit());
        }
    }

    #[test]
    fn a_path_of_the_quarantine_never_leads_elsewhere() {
        let known = LongNames::default();
        for bad in [&b"%2E%2E"[..], b"a/%2E%2E/b", b"%2E", b"%2Epdb-sync/x", b"a//b"] {
            assert!(matches!(known.unescape(bad), Err(Nameless::Bad(_))), "{}", bad.escape_ascii());
        }
        for foreign in [&b"a.b"[..], b"100%", b"a%2eb", b"%2"] {
            assert_eq!(known.unescape(foreign), Err(Nameless::Foreign), "{}", foreign.escape_ascii());
        }
    }

    #[test]
    fn the_name_of_a_whole_directory_is_its_path() {
        let known = LongNames::default();
        for (path, stored) in [
            (&b"a/__pycache__"[..], &b"a%2F__pycache__"[..]),
            (b"go-build", b"go-build"),
            (b"a.b/100%/%2F/%~x", b"a%2Eb%2F100%25%2F%252F%2F%25~x"),
        ] {
            assert_eq!(escape_flat(path, limit()), stored);
            assert_eq!(known.unescape_flat(stored).unwrap(), path);
        }
        for bad in [&b""[..], b"%2F", b"a%2F", b"a%2F%2E%2E%2Fb", b"%2Epdb-sync%2Fx", b"%2Fetc"] {
            assert!(matches!(known.unescape_flat(bad), Err(Nameless::Bad(_))), "{}", bad.escape_ascii());
        }
        assert_eq!(known.unescape_flat(b"a/b%2"), Err(Nameless::Foreign));
    }

    proptest! {
        #[test]
        fn every_path_of_a_whole_directory_comes_back(path in proptest::collection::vec(any::<u8>(), 1..400)) {
            prop_assume!(path::check(&path).is_ok());
            let stored = escape_flat(&path, limit());
            prop_assert!(!stored.contains(&b'/') && !stored.contains(&b'.') && stored.len() <= 255);
            let mut known = LongNames::default();
            if is_hashed_flat(&path, limit()) {
                prop_assert_eq!(known.unescape_flat(&stored), Err(Nameless::Lost));
            }
            known.learn_flat(&path);
            prop_assert_eq!(known.unescape_flat(&stored).unwrap(), path);
        }

        #[test]
        fn every_name_comes_back_and_has_no_dot(name in proptest::collection::vec(any::<u8>(), 1..=255)) {
            prop_assume!(path::check(&name).is_ok() && !name.contains(&b'/'));
            let stored = escape(&name, limit());
            prop_assert!(!stored.contains(&b'.') && stored.len() <= 255);
            let mut known = LongNames::default();
            known.learn(&name);
            prop_assert_eq!(known.unescape(&stored).unwrap(), name);
        }
    }
}
