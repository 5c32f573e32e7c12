//! Whether a directory treats names that differ only in case as equal.

use std::fs::symlink_metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How many names are tried. Usually one of the first has a letter.
const TRIED: usize = 100;

/// Whether a directory folds case; if it does not exist, its nearest existing ancestor. Only reads: looks up existing entries under another
/// spelling. False if no entry allows a conclusion.
pub(super) fn folds(dir: &Path) -> bool {
    let Some(dir) = dir.ancestors().find(|dir| dir.is_dir()) else { return false };
    let inside = std::fs::read_dir(dir).into_iter().flatten().flatten().take(TRIED);
    let told = inside.map(|entry| entry.path()).find_map(|path| is_one(&path));
    told.or_else(|| is_one(dir)).unwrap_or(false)
}

/// Whether an entry is also found under another spelling of its name; `None` if its name has no letter.
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
