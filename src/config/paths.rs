//! Path handling without access to the file system.

use crate::model::host_facts::HostFacts;
use crate::model::job::{mask_passwords, names_a_host};
use std::path::{Component, Path, PathBuf};

/// Why a path of a configuration cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nobody knows where the home directory is.
    #[error("{0:?} means a home directory, but HOME is not set")]
    NoHome(String),
    /// The path would not be UTF-8.
    #[error("{0:?} means a path that is not UTF-8")]
    NotUtf8(String),
    /// Only shells read this.
    #[error("{0:?}: only ~ and ~/… are understood (write ./{0} for a file of that name)")]
    OtherHome(String),
    /// A variable that is not set.
    #[error("{path:?}: the environment has no variable {name} (write $$ for a dollar sign)")]
    Unset {
        /// The path, as written.
        path: String,
        /// The variable.
        name: String,
    },
    /// A variable that is set to nothing.
    #[error("{path:?}: the variable {name} of the environment is empty")]
    Empty {
        /// The path, as written.
        path: String,
        /// The variable.
        name: String,
    },
    /// A dollar sign that begins no name.
    #[error("{0:?}: a dollar sign is followed by no name of a variable (write $$ for a dollar sign)")]
    Dollar(String),
    /// A directory of another machine, as rsync writes it. Passwords are masked.
    #[error(
        "{0:?} names another machine, but has to be a directory of this one (write ./{0} for one of that name)"
    )]
    Remote(String),
    /// Most likely a slip of the keyboard.
    #[error("{0:?} begins with a blank")]
    Blank(String),
    /// A variable as Windows writes it.
    #[error("{0:?}: %…% means nothing here (write $NAME for a variable, ./{0} for a file of that name)")]
    Percent(String),
}

impl PathError {
    /// Returns what to do about it, if the error message does not say so.
    pub fn hint(&self) -> String {
        match self {
            PathError::NoHome(_) => "set HOME where pdb-sync runs, or write the whole path".into(),
            PathError::NotUtf8(_) => "use a directory whose name is UTF-8".into(),
            PathError::Unset { name, .. } | PathError::Empty { name, .. } => {
                format!(
                    "give {name} a value where pdb-sync runs (cron and systemd set few variables), or write the whole path"
                )
            }
            PathError::Remote(_) => {
                "mount what the other machine has (NFS, sshfs), or run pdb-sync there; only a source may lie elsewhere"
                    .into()
            }
            PathError::Blank(text) => format!(
                "remove the blank, or write {:?} for a file or directory of that name",
                format!("./{text}")
            ),
            PathError::OtherHome(_) | PathError::Dollar(_) | PathError::Percent(_) => {
                "write the whole path".into()
            }
        }
    }
}

/// Returns text that [`expand`] turns into this path. The path is absolute, so only dollar signs need escaping.
pub fn escape(path: &str) -> String {
    path.replace('$', "$$")
}

/// Expands `~`, `~/…`, `$NAME` and `${NAME}`; `$$` is a dollar sign. Values of variables are not expanded again.
pub fn expand(text: &str, around: &HostFacts) -> Result<String, PathError> {
    if text.starts_with(char::is_whitespace) {
        return Err(PathError::Blank(text.into()));
    }
    if text.starts_with('%') {
        return Err(PathError::Percent(text.into()));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    if let Some(below) = text.strip_prefix('~') {
        if !below.is_empty() && !below.starts_with('/') {
            return Err(PathError::OtherHome(text.into()));
        }
        let home = around.home.as_deref().ok_or_else(|| PathError::NoHome(text.into()))?;
        out.push_str(home.to_str().ok_or_else(|| PathError::NotUtf8(text.into()))?.trim_end_matches('/'));
        out.push('/');
        rest = below.trim_start_matches('/');
    }
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let (name, after) = variable(after).ok_or_else(|| PathError::Dollar(text.into()))?;
        let unset = || PathError::Unset { path: text.into(), name: name.into() };
        let value = (around.variable)(name).ok_or_else(unset)?;
        if value.is_empty() {
            return Err(PathError::Empty { path: text.into(), name: name.into() });
        }
        out.push_str(value.to_str().ok_or_else(|| PathError::NotUtf8(text.into()))?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Refuses text that rsync would interpret as a location on another machine: `HOST:DIR`, `HOST::MODULE`, a URL. After `./` it is an
/// ordinary name.
pub fn local(text: &str) -> Result<(), PathError> {
    if names_a_host(text) { Err(PathError::Remote(mask_passwords(text))) } else { Ok(()) }
}

/// Splits the text after a dollar sign into the variable name and the rest.
fn variable(text: &str) -> Option<(&str, &str)> {
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
    };
    let (name, rest) = match text.strip_prefix('{') {
        Some(inside) => inside.split_once('}')?,
        None => {
            let end = text.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(text.len());
            text.split_at(end)
        }
    };
    is_name(name).then_some((name, rest))
}

/// Returns an absolute path without `.`, `..` and repeated slashes. `/..` is `/`. Symbolic links are not resolved.
pub fn normalise(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            // At the root `pop` does nothing.
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
    use std::os::unix::ffi::OsStringExt;

    fn around(home: Option<&str>) -> HostFacts {
        HostFacts {
            home: home.map(PathBuf::from),
            variable: |name| match name {
                "DATA" => Some("/data".into()),
                "ODD_1" => Some("a $DATA b".into()),
                "EMPTY" => Some("".into()),
                "BYTES" => Some(std::ffi::OsString::from_vec(vec![0xff])),
                _ => None,
            },
            ..HostFacts::default()
        }
    }

    #[test]
    fn homes_and_variables_are_expanded() {
        let around = around(Some("/home/ada"));
        for (text, path) in [
            ("~/pdb/", "/home/ada/pdb/"),
            ("~", "/home/ada/"),
            ("/a/~", "/a/~"),
            ("$DATA/pdb", "/data/pdb"),
            ("${DATA}pdb", "/datapdb"),
            ("/x/$ODD_1.d", "/x/a $DATA b.d"),
            ("~/$DATA", "/home/ada//data"),
            ("a$$b$$$DATA", "a$b$/data"),
            ("./~x", "./~x"),
            ("./%d", "./%d"),
            ("/a/50%", "/a/50%"),
        ] {
            assert_eq!(expand(text, &around).unwrap(), path, "{text}");
        }
    }

    #[test]
    fn what_means_nothing_is_a_mistake() {
        let known = around(Some("/home/ada"));
        let unset = |path: &str, name: &str| PathError::Unset { path: path.into(), name: name.into() };
        assert_eq!(expand("~/x", &around(None)), Err(PathError::NoHome("~/x".into())));
        assert_eq!(expand("~bob/x", &known), Err(PathError::OtherHome("~bob/x".into())));
        assert_eq!(expand("$NOPE/x", &known), Err(unset("$NOPE/x", "NOPE")));
        let empty = expand("${EMPTY}/x", &known).unwrap_err();
        assert_eq!(empty, PathError::Empty { path: "${EMPTY}/x".into(), name: "EMPTY".into() });
        assert!(empty.to_string().ends_with("EMPTY of the environment is empty"), "{empty}");
        assert!(empty.hint().contains("EMPTY"));
        for dollar in ["a$", "$1", "${DATA", "${}", "$(pwd)", "a$/b", "${A-b}"] {
            assert_eq!(expand(dollar, &known), Err(PathError::Dollar(dollar.into())));
        }
        assert_eq!(expand("%USERPROFILE%/x", &known), Err(PathError::Percent("%USERPROFILE%/x".into())));
        for blank in [" /x", "\t~/x", " "] {
            assert_eq!(expand(blank, &known), Err(PathError::Blank(blank.into())));
        }
        assert_eq!(PathError::Blank(" x".into()).hint().matches("\"./ x\"").count(), 1);
        for kept in ["./ x", "x "] {
            assert_eq!(expand(kept, &known).as_deref(), Ok(kept));
        }
        assert_eq!(expand("$BYTES", &known), Err(PathError::NotUtf8("$BYTES".into())));
    }

    #[test]
    fn another_machine_is_no_directory_of_this_one() {
        for text in [
            "host:/x",
            "me@host:x",
            "host::m/x",
            "rsync://h/m/",
            "ssh://h/x",
            "[::1]:/x",
            "C:\\x",
            "file:///x",
        ] {
            assert_eq!(local(text), Err(PathError::Remote(text.into())), "{text}");
        }
        for text in ["./host:/x", "/srv/a:b", "a/b:c", "~/a:b", "x", ":x", "[a]/b:c", ""] {
            assert_eq!(local(text), Ok(()), "{text}");
        }
        assert!(!local("rsync://me:secret@h/m/").unwrap_err().to_string().contains("secret"));
    }

    #[test]
    fn an_escaped_path_reads_as_itself() {
        for path in ["/a/$DATA", "/a/b", "/$$/${x}", "/a/~"] {
            assert_eq!(expand(&escape(path), &around(None)).unwrap(), path);
        }
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
