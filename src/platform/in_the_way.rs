//! What prevents a directory from being created at a path. The only judge of obstacles for all commands.

use crate::model::sanitize;
use rustix::io::Errno;
use std::fs::{self, FileType};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// An obstacle, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Lower-case text that names the path.
    pub text: String,
    /// What to do about it.
    pub hint: String,
    /// Whether it is an obstacle for every user. False if only this user may not look at the path.
    pub of_all: bool,
}

const OTHER_PLACE: &str = "or correct `dest`";

/// The obstacle to creating or reading a directory at this path; `None` if it exists or nothing is in the way. Follows symbolic links.
pub fn in_the_way(dest: &Path) -> Option<Obstacle> {
    for path in dest.ancestors() {
        let shown = sanitize::path(path);
        let error = match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => return None,
            Ok(meta) => {
                let text = format!("{shown} is not a directory, but {}", kind(meta.file_type()));
                return obstacle(text, format!("move it away, {OTHER_PLACE}"));
            }
            Err(error) => error,
        };
        match error.kind() {
            io::ErrorKind::NotADirectory => continue,
            io::ErrorKind::NotFound => {
                // Nothing is here; the parent decides.
                let Ok(target) = fs::read_link(path) else { continue };
                let target = sanitize::path(&target);
                let text = format!("{shown} is a symbolic link to {target}, which does not exist");
                return obstacle(
                    text,
                    format!("is the disk of its target mounted? or remove the link, {OTHER_PLACE}"),
                );
            }
            _ => {}
        }
        let text = format!("cannot look at {shown}: {error}");
        return match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::LOOP) => {
                let text = format!("{shown} is reached by a symbolic link that leads back to itself");
                obstacle(text, format!("remove the link, {OTHER_PLACE}"))
            }
            Some(Errno::NAMETOOLONG) => obstacle(text, "correct `dest`".into()),
            Some(Errno::ACCESS | Errno::PERM) => {
                let hint = "this user needs the right to enter the directories above it";
                Some(Obstacle { text, hint: hint.into(), of_all: false })
            }
            _ => {
                let hint = "does it lie on a disk that is mounted and can be read?";
                Some(Obstacle { text, hint: hint.into(), of_all: false })
            }
        };
    }
    None
}

fn obstacle(text: String, hint: String) -> Option<Obstacle> {
    Some(Obstacle { text, hint, of_all: true })
}

/// The kind of file, with its article.
fn kind(kind: FileType) -> &'static str {
    match kind {
        kind if kind.is_fifo() => "a FIFO",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_char_device() || kind.is_block_device() => "a device",
        _ => "a file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_stands_in_the_way_is_named_with_what_helps() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("file"), "").unwrap();
        fs::create_dir(at("there")).unwrap();
        symlink("gone", at("dangling")).unwrap();
        symlink("loop", at("loop")).unwrap();
        symlink("file", at("to-file")).unwrap();
        symlink("there", at("to-dir")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("fifo"), rustix::fs::Mode::from_bits_truncate(0o600))
            .unwrap();
        for (dest, named, text) in [
            ("file", "file", "is not a directory, but a file"),
            ("file/a/b", "file", "is not a directory, but a file"),
            ("to-file/a", "to-file", "is not a directory, but a file"),
            ("fifo", "fifo", "is not a directory, but a FIFO"),
            ("fifo/a", "fifo", "is not a directory, but a FIFO"),
            ("dangling", "dangling", "is a symbolic link to gone, which does not exist"),
            ("dangling/a/b", "dangling", "is a symbolic link to gone, which does not exist"),
            ("loop/a", "loop/a", "leads back to itself"),
        ] {
            let found = in_the_way(&at(dest)).unwrap();
            assert!(found.of_all && found.hint.contains("correct `dest`"), "{found:?}");
            assert!(found.text.starts_with(&format!("{} ", at(named).display())), "{found:?}");
            assert!(found.text.contains(text), "{found:?}");
        }
        for dest in ["there", "there/a/b", "to-dir", "to-dir/a", "a/b"] {
            assert_eq!(in_the_way(&at(dest)), None, "{dest}");
        }
        let long = in_the_way(&at(&"x".repeat(300))).unwrap();
        assert!(long.of_all && long.hint == "correct `dest`", "{long:?}");
    }
}
