//! The names that upstream has in the mirrors of a tree. Built-in rules leave these entries alone, since the next run would transfer them
//! again.

/// Names of a source, as 8-byte hashes. The chance of a collision is the number of names divided by 2^64; a collision only keeps an entry
/// that could have been removed.
#[derive(Debug, Clone)]
pub struct SourceNames {
    sorted: Vec<u64>,
    hash: fn(&[u8]) -> u64,
}

impl SourceNames {
    /// `hash` is the function that made the hashes. If the destination folds names, it returns the same value for all equal spellings.
    pub fn new(mut hashes: Vec<u64>, hash: fn(&[u8]) -> u64) -> Self {
        hashes.sort_unstable();
        SourceNames { sorted: hashes, hash }
    }

    fn have(&self, name: &[u8]) -> bool {
        self.sorted.binary_search(&(self.hash)(name)).is_ok()
    }
}

/// The mirror of a job that is the tree, lies in it, or contains it.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// The name of the job.
    pub job: String,
    /// Path of the mirror in the tree; empty if the mirror does not lie below the root of the tree.
    pub at: Vec<u8>,
    /// Path of the tree in the mirror; empty if the tree does not lie below the root of the mirror.
    pub below: Vec<u8>,
    /// The names that the source had in the last complete run; `None` if unknown.
    pub names: Option<SourceNames>,
}

/// Whether upstream has an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upstream {
    /// The source had it in the last complete run.
    Has,
    /// The source did not have it, or the entry belongs to no mirror.
    HasNot,
    /// The entry belongs to a mirror whose names are unknown.
    Unknown,
}

impl Mirror {
    /// Looks up a path of the tree; `None` if it does not lie in the mirror.
    fn of(&self, path: &[u8]) -> Option<Upstream> {
        let inside = match self.at.is_empty() {
            true => path,
            false => match path.strip_prefix(&self.at[..])? {
                [] => path,
                [b'/', inside @ ..] => inside,
                _ => return None,
            },
        };
        let Some(names) = &self.names else {
            return Some(if is_hidden(path) { Upstream::HasNot } else { Upstream::Unknown });
        };
        // The directory of the mirror is the root of the source.
        let has = path == self.at
            || match self.below.is_empty() {
                true => names.have(inside),
                false => names.have(&[&self.below, &b"/"[..], inside].concat()),
            };
        Some(if has { Upstream::Has } else { Upstream::HasNot })
    }
}

/// Looks up a path of the tree in all mirrors.
pub(super) fn look_up(mirrors: &[Mirror], path: &[u8]) -> Upstream {
    mirrors.iter().find_map(|mirror| mirror.of(path)).unwrap_or(Upstream::HasNot)
}

/// Whether a path lies in a directory that every transfer hides on both sides. Nothing in it comes from upstream.
fn is_hidden(path: &[u8]) -> bool {
    path.split(|b| *b == b'/').any(|part| part == b".~tmp~" || part == b".~partial~")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(name: &[u8]) -> u64 {
        name.len() as u64
    }

    fn mirror(at: &str, below: &str, names: Option<&[&str]>) -> Mirror {
        let names = names.map(|names| names.iter().map(|name| length(name.as_bytes())).collect());
        let names = names.map(|hashes| SourceNames::new(hashes, length));
        Mirror { job: "j".into(), at: at.into(), below: below.into(), names }
    }

    #[test]
    fn a_path_is_looked_up_under_its_name_at_the_source() {
        use Upstream::{Has, HasNot, Unknown};
        let names: &[&str] = &["abc", "a/bcdef"];
        for (mirror, path, is) in [
            (mirror("", "", Some(names)), "xyz", Has),
            (mirror("", "", Some(names)), "xy", HasNot),
            (mirror("", "ab", Some(names)), "cdef", Has),
            (mirror("", "ab", Some(names)), "xyz", HasNot),
            (mirror("m/d", "", Some(names)), "m/d/xyz", Has),
            (mirror("m/d", "", Some(names)), "m/d/x", HasNot),
            (mirror("m/d", "", Some(names)), "m/d", Has),
            (mirror("m/d", "", Some(names)), "m/dxyz", HasNot),
            (mirror("m/d", "", Some(names)), "xyz", HasNot),
            (mirror("m/d", "", None), "m/d/x", Unknown),
            (mirror("m/d", "", None), "m/x", HasNot),
            (mirror("", "", None), "a/.~tmp~/x", HasNot),
        ] {
            assert_eq!(look_up(&[mirror], path.as_bytes()), is, "{path}");
        }
    }
}
