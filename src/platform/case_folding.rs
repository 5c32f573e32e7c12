//! Whether a directory takes names that differ in case alone for one.

use std::fs::symlink_metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// So many names are tried; one with a letter is mostly among the first.
const TRIED: usize = 100;

/// Whether a directory does so, or, where there is none, what it would lie in. Only looks: under another spelling, for what is there.
/// Where nothing is that could tell, it does not.
pub(super) fn folds(dir: &Path) -> bool {
    let Some(dir) = dir.ancestors().find(|dir| dir.is_dir()) else { return false };
    let inside = std::fs::read_dir(dir).into_iter().flatten().flatten().take(TRIED);
    let told = inside.map(|entry| entry.path()).find_map(|path| is_one(&path));
    told.or_else(|| is_one(dir)).unwrap_or(false)
}

/// Whether an entry is found under another spelling of its name, too; `None`: its name has no letter.
fn is_one(path: &Path) -> Option<bool> {
    let name = path.file_name()?.to_str()?;
    let swap = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    let other: String = name.chars().map(swap).collect();
    let identity = |path: &Path| symlink_metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    (other != name)
        .then(|| identity(path).is_some_and(|own| identity(&path.with_file_name(&other)) == Some(own)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_this_machine_tells_names_apart() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("1"), "").unwrap();
        assert_eq!(is_one(&dir.path().join("1")), None);
        std::fs::write(dir.path().join("a"), "").unwrap();
        if cfg!(target_os = "linux") {
            assert!(!folds(dir.path()) && !folds(&dir.path().join("none/yet")));
        }
    }
}
