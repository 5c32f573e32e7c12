//! What upstream itself has in the mirrors that a tree holds: built-in rules leave that alone, since the next run would fetch it again.

/// Names of a source, as hashes: 8 bytes a name. Two names with one hash are as rare as 1 in 2^64 divided by their number, and leave
/// something alone that could have gone.
#[derive(Debug, Clone)]
pub struct SourceNames {
    sorted: Vec<u64>,
    hash: fn(&[u8]) -> u64,
}

impl SourceNames {
    /// `hash` is the one that the hashes were made with; of a destination that folds names, it is the same for all spellings.
    pub fn new(mut hashes: Vec<u64>, hash: fn(&[u8]) -> u64) -> Self {
        hashes.sort_unstable();
        SourceNames { sorted: hashes, hash }
    }

    fn have(&self, name: &[u8]) -> bool {
        self.sorted.binary_search(&(self.hash)(name)).is_ok()
    }
}

/// A job's mirror that is a tree, lies in it, or holds it.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// The job.
    pub job: String,
    /// Where the mirror lies in the tree; empty if it does not lie below its root.
    pub at: Vec<u8>,
    /// Where the tree lies in the mirror; empty if it does not lie below the mirror's root.
    pub below: Vec<u8>,
    /// What its source had in the last complete run; `None` if that is not known.
    pub names: Option<SourceNames>,
}

/// Whether upstream has an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upstream {
    /// It had it in the last complete run.
    Has,
    /// It did not, or the entry belongs to no mirror.
    HasNot,
    /// The entry belongs to a mirror of which that is not known.
    Unknown,
}

impl Mirror {
    /// What is asked about a path of the tree; `None` if it does not lie in the mirror.
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
        // The mirror's own directory is the source's root.
        let has = path == self.at
            || match self.below.is_empty() {
                true => names.have(inside),
                false => names.have(&[&self.below, &b"/"[..], inside].concat()),
            };
        Some(if has { Upstream::Has } else { Upstream::HasNot })
    }
}

/// What is known about a path of the tree.
pub(super) fn look_up(mirrors: &[Mirror], path: &[u8]) -> Upstream {
    mirrors.iter().find_map(|mirror| mirror.of(path)).unwrap_or(Upstream::HasNot)
}

/// Whether a path lies in a directory that every transfer hides, at both ends: nothing in it comes from upstream.
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
