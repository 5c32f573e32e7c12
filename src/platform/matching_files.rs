//! Files whose paths match a pattern, as a shell expands it.

use globset::GlobBuilder;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Returns the paths that match a pattern, relative ones below `base`, sorted by name. A name that begins with a dot only matches a pattern that
/// does. Directories on the way that do not exist have no matches.
pub fn matching_files(base: &Path, pattern: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![base.to_path_buf()];
    for part in Path::new(pattern).components() {
        let Component::Normal(name) = part else {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        };
        let name = name.to_string_lossy();
        if !name.contains(['*', '?', '[', '{']) {
            found.iter_mut().for_each(|path| path.push(&*name));
            continue;
        }
        let glob = GlobBuilder::new(&name).build().map_err(|error| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{name:?} is not a pattern: {}", error.kind()),
            )
        })?;
        let glob = glob.compile_matcher();
        let mut next = Vec::new();
        for dir in found {
            let matches = |entry: &OsString| {
                glob.is_match(entry) && (name.starts_with('.') || !entry.as_encoded_bytes().starts_with(b"."))
            };
            next.extend(names(&dir)?.into_iter().filter(matches).map(|entry| dir.join(entry)));
        }
        found = next;
    }
    found.retain(|path| path.symlink_metadata().is_ok());
    Ok(found)
}

/// The names in a directory, sorted.
fn names(dir: &Path) -> io::Result<Vec<OsString>> {
    let here = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let entries = match fs::read_dir(here) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let mut names = entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        let dir = tempfile::tempdir().unwrap();
        for name in
            ["b/2.toml", "b/10.toml", "a/1.toml", "a/.#1.toml", "a/x.bak", ".h/1.toml", "a/1.toml.d/x"]
        {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let of = |pattern: &str| -> Vec<String> {
            let found = matching_files(dir.path(), pattern).unwrap();
            found.iter().map(|path| path.strip_prefix(dir.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(of("*/*.toml"), ["a/1.toml", "b/10.toml", "b/2.toml"]);
        assert_eq!(of("[ab]/?.toml"), ["a/1.toml", "b/2.toml"]);
        assert_eq!(of(".h/*"), [".h/1.toml"]);
        assert_eq!(of("a/.*"), ["a/.#1.toml"]);
        assert_eq!(of("missing/*.toml"), <[&str; 0]>::default());
        assert_eq!(of("a/x.bak/*"), <[&str; 0]>::default());
        assert_eq!(of("*/1.toml"), ["a/1.toml"]);
        assert_eq!(of("{a,b}/../a/1.toml"), ["a/../a/1.toml", "b/../a/1.toml"]);
        assert!(matching_files(dir.path(), "[").is_err());
    }
}
