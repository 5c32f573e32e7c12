//! Paths as words: no file system is asked.

use std::path::{Component, Path, PathBuf};

/// Why a `~` cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HomeError {
    /// Nobody knows where it is.
    #[error("{0:?} means a home directory, but HOME is not set")]
    Unknown(String),
    /// It cannot be written in a configuration.
    #[error("{0:?} means a home directory whose name is not UTF-8")]
    NotUtf8(String),
    /// Only shells read this.
    #[error("{0:?}: only ~ and ~/… are understood (write ./{0} for a file of that name)")]
    Other(String),
}

/// Expands `~` and `~/…`; other texts stay as they are.
pub fn expand_home(text: &str, home: Option<&Path>) -> Result<String, HomeError> {
    if !text.starts_with('~') {
        return Ok(text.into());
    }
    let rest = match text.strip_prefix("~/") {
        Some(rest) => rest,
        None if text == "~" => "",
        None => return Err(HomeError::Other(text.into())),
    };
    let home = home.ok_or_else(|| HomeError::Unknown(text.into()))?;
    home.join(rest).into_os_string().into_string().map_err(|_| HomeError::NotUtf8(text.into()))
}

/// An absolute path without `.`, `..` and doubled slashes. `/..` is `/`. Symbolic links are not looked at.
pub fn normalise(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            // At the root nothing is left to take away.
            Component::ParentDir => {
                out.pop();
            }
            component => out.push(component),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn homes_are_expanded() {
        let home = Some(Path::new("/home/ada"));
        assert_eq!(expand_home("~/pdb/", home).unwrap(), "/home/ada/pdb/");
        assert_eq!(expand_home("~", home).unwrap(), "/home/ada/");
        assert_eq!(expand_home("/a/~", None).unwrap(), "/a/~");
        assert_eq!(expand_home("~/x", None), Err(HomeError::Unknown("~/x".into())));
        let odd = std::ffi::OsStr::from_bytes(b"/home/\xff");
        assert_eq!(expand_home("~/x", Some(Path::new(odd))), Err(HomeError::NotUtf8("~/x".into())));
        assert_eq!(expand_home("~bob/x", home), Err(HomeError::Other("~bob/x".into())));
    }

    #[test]
    fn paths_are_normalised() {
        for (path, plain) in
            [("/a//b/./c/", "/a/b/c"), ("/a/b/../../c", "/c"), ("/../..", "/"), ("/", "/"), ("/a/..", "/")]
        {
            assert_eq!(normalise(Path::new(path)), Path::new(plain));
        }
    }
}
