//! Destinations that are dangerous: those of two jobs that overlap, and those where `delete` would affect too much.

use crate::model::host_facts::HostFacts;
use crate::model::sanitize;
use std::path::{Path, PathBuf};

/// A destination, as configured and with links resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dest {
    /// As configured; absolute and normalised.
    pub(super) path: PathBuf,
    /// With symbolic links resolved.
    pub(super) real: PathBuf,
}

impl Dest {
    pub(super) fn new(path: &Path, around: &HostFacts) -> Self {
        Dest { path: path.into(), real: (around.resolve)(path) }
    }

    /// The resolved path in lower case, since some file systems treat names that differ only in case as equal.
    fn folded(&self) -> PathBuf {
        self.real.to_string_lossy().to_lowercase().into()
    }
}

/// Returns which of these destinations may collide with another. In sorted order the contents of a directory follow it.
pub(super) fn colliding(dests: &[&Dest]) -> Vec<bool> {
    let mut collides = vec![false; dests.len()];
    for name in [|dest: &Dest| dest.path.clone(), |dest: &Dest| dest.real.clone(), Dest::folded] {
        let mut paths: Vec<(PathBuf, usize)> =
            dests.iter().enumerate().map(|(n, dest)| (name(dest), n)).collect();
        paths.sort_unstable();
        let mut above: Vec<&(PathBuf, usize)> = Vec::new();
        for own in &paths {
            above.retain(|outer| own.0.starts_with(&outer.0));
            for outer in &above {
                (collides[own.1], collides[outer.1]) = (true, true);
            }
            // One of several equal paths represents all of them.
            if above.last().is_none_or(|outer| outer.0 != own.0) {
                above.push(own);
            }
        }
    }
    collides
}

/// Returns how the second of two jobs, `(name, destination)`, collides with the first; `None` if it does not. `holds` is
/// [`HostFacts::holds`].
pub(super) fn overlap(
    first: (&str, &Dest),
    second: (&str, &Dest),
    holds: fn(&Path, &Path) -> bool,
) -> Option<String> {
    let ((a, first), (b, second)) = (first, second);
    let shown = |dest: &Dest| {
        if dest.path == dest.real {
            sanitize::path(&dest.path).to_string()
        } else {
            format!("{} (really {})", sanitize::path(&dest.path), sanitize::path(&dest.real))
        }
    };
    // Only the file system can tell whether two spellings are one name.
    let folds = |outer: &Dest, inner: &Dest| {
        inner.folded().starts_with(outer.folded()) && holds(&outer.real, &inner.real)
    };
    let either =
        |test: fn(&Path, &Path) -> bool| test(&first.path, &second.path) || test(&first.real, &second.real);
    if either(|first, second| first == second) || folds(first, second) && folds(second, first) {
        return Some(format!("jobs {a:?} and {b:?} have the same destination, {}", shown(second)));
    }
    let inside = |inner: &str, within: &Dest, outer: &str, around: &Dest| {
        Some(format!(
            "the destination of job {inner:?}, {}, lies inside that of job {outer:?}, {}",
            shown(within),
            shown(around)
        ))
    };
    if either(|first, second| second.starts_with(first)) || folds(first, second) {
        return inside(b, second, a, first);
    }
    if either(|first, second| first.starts_with(second)) || folds(second, first) {
        return inside(a, first, b, second);
    }
    None
}

/// Returns why nothing may be deleted below this destination; `None` if deletions are allowed. The text is a lower-case fragment that
/// follows the path.
pub(super) fn danger(dest: &Dest, around: &HostFacts) -> Option<String> {
    [&dest.path, &dest.real].into_iter().find_map(|path| danger_of(path, around))
}

pub(super) fn danger_of(dest: &Path, around: &HostFacts) -> Option<String> {
    if dest == Path::new("/") {
        return Some("is the root of everything".into());
    }
    for home in around.home.iter().chain(&around.homes) {
        if home == dest {
            return Some("is a home directory".into());
        }
        if home.starts_with(dest) {
            return Some(format!("has the home directory {} inside", sanitize::path(&home)));
        }
    }
    if let Some(mount) = around.mounts.iter().find(|mount| mount.starts_with(dest) && *mount != dest) {
        return Some(format!("has the mount point {} inside", sanitize::path(&mount)));
    }
    match &around.cwd {
        Some(cwd) if cwd == dest => Some("is the working directory".into()),
        Some(cwd) if cwd.starts_with(dest) => {
            Some(format!("has the working directory {} inside", sanitize::path(&cwd)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dest(path: &str, real: &str) -> Dest {
        Dest { path: path.into(), real: real.into() }
    }

    #[test]
    fn equal_and_nested_destinations_collide_by_either_name() {
        let collide = |a: (&str, &str), b: (&str, &str)| {
            overlap(("a", &dest(a.0, a.1)), ("b", &dest(b.0, b.1)), |a, b| b.starts_with(a)).is_some()
        };
        assert!(collide(("/x", "/x"), ("/x", "/x")));
        assert!(collide(("/x", "/x"), ("/x/y", "/x/y")));
        assert!(collide(("/x/y", "/x/y"), ("/x", "/x")));
        assert!(collide(("/x", "/real"), ("/y", "/real")), "two links to one directory");
        assert!(collide(("/x", "/real"), ("/real/z", "/real/z")));
        assert!(!collide(("/x", "/x"), ("/xy", "/xy")), "a common beginning is no nesting");
        assert!(!collide(("/X", "/X"), ("/x/y", "/x/y")), "two directories");
    }

    #[test]
    fn spellings_that_the_file_system_takes_for_one_name_collide() {
        let overlap = |a, b| overlap(("a", &dest(a, a)), ("b", &dest(b, b)), |_, _| true);
        assert!(overlap("/m/PDB", "/m/pdb").unwrap().contains("have the same destination"));
        assert!(overlap("/m/PDB", "/m/pdb/x").unwrap().contains("job \"b\", /m/pdb/x, lies inside"));
        assert!(overlap("/m/PDB/x", "/m/pdb").unwrap().contains("job \"a\", /m/PDB/x, lies inside"));
        assert_eq!(overlap("/m/PDB", "/m/emdb"), None);
        let dests = [dest("/m/PDB", "/m/PDB"), dest("/m/b", "/m/b"), dest("/m/pdb/x", "/m/pdb/x")];
        assert_eq!(colliding(&dests.iter().collect::<Vec<_>>()), [true, false, true]);
    }

    proptest::proptest! {
        #[test]
        fn those_that_collide_are_found_without_comparing_all(
            paths in proptest::collection::vec("(/[ab!-]{1,2}){1,3}", 0..8),
            reals in proptest::collection::vec("(/[ab!-]{1,2}){1,3}", 8),
        ) {
            let dests: Vec<Dest> = paths.iter().zip(&reals).map(|(path, real)| dest(path, real)).collect();
            let collides = |n: usize| {
                let others = dests.iter().enumerate().filter(|(m, _)| *m != n);
                others.into_iter().any(|(_, other)| overlap(("a", other), ("b", &dests[n]), |a, b| b.starts_with(a)).is_some())
            };
            let expected: Vec<bool> = (0..dests.len()).map(collides).collect();
            proptest::prop_assert_eq!(colliding(&dests.iter().collect::<Vec<_>>()), expected);
        }
    }

    #[test]
    fn deletion_must_not_reach_homes_mounts_or_ourselves() {
        let around = HostFacts {
            home: Some("/home/ada".into()),
            homes: vec!["/root".into()],
            cwd: Some("/srv/lab/here".into()),
            mounts: vec!["/".into(), "/data".into(), "/data/pdb/scratch".into()],
            ..HostFacts::default()
        };
        for bad in ["/", "/home", "/home/ada", "/root", "/data", "/data/pdb", "/srv", "/srv/lab/here"] {
            assert!(danger(&dest(bad, bad), &around).is_some(), "{bad}");
            assert!(danger(&dest("/elsewhere", bad), &around).is_some(), "a link to {bad}");
        }
        for fine in ["/home/ada/pdb", "/data/emdb", "/data/pdb/scratch", "/srv/lab/here/mirror", "/dat"] {
            assert_eq!(danger(&dest(fine, fine), &around), None, "{fine}");
        }
    }
}
