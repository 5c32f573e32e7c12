//! Files that rsync could not transfer, and the reasons (code 23).

use std::borrow::Cow;

/// rsync's message if a non-empty directory exists where the source has a file or a link. Only a live `--delete` or `--force` would remove
/// the directory, and we never use these.
const IN_THE_WAY: &str = "could not make way for new ";

/// rsync's message about a file that it has transferred, and cannot keep until the end of the transfer (`--delay-updates`).
const NOT_KEPT: (&str, &str) = ("Unable to create partial-dir for ", " -- discarding completed file");

/// Files that were reported as left out. There may be more, since only the last lines of rsync may be known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LeftOut<'a> {
    /// Paths and the system's reasons, in the order of the reports; each path once.
    files: Vec<(Cow<'a, str>, &'a str)>,
    /// Whether permissions at the destination are among the reasons.
    ours: bool,
    /// Whether a directory in the way is the first reason.
    in_the_way: bool,
    /// What the destination's file system does not support, if that is among the reasons.
    unheld: Option<Unheld>,
}

/// What a file system may not support.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unheld {
    /// Some characters in a name.
    Name,
    /// The length of a name. rsync writes to a temporary file with a longer name.
    Length,
    /// Symbolic links.
    Link,
}

impl Unheld {
    /// Determines this from rsync's message about creating an entry.
    fn of(line: &str, why: &str) -> Option<Self> {
        let makes = ["mkstemp \"", "mkdir \"", "symlink \"", "mknod \"", "link \"", "rename \"", "open \""];
        if !(line.contains("[receiver]") || line.contains("[generator]"))
            || !makes.iter().any(|what| line.contains(what))
        {
            return None;
        }
        match why {
            "Invalid argument" | "Illegal byte sequence" | "Protocol error" => Some(Unheld::Name),
            "File name too long" => Some(Unheld::Length),
            "Operation not permitted" | "Operation not supported" | "Function not implemented"
                if line.contains("symlink \"") =>
            {
                Some(Unheld::Link)
            }
            _ => None,
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Unheld::Name => {
                "the destination's file system cannot hold such names (FAT, NTFS and SMB have no : * ? \" < > | \\): leave them out with \
                 `exclude`, or choose another file system"
            }
            Unheld::Length => {
                "the destination's file system holds shorter names only, and rsync's temporary names are 8 bytes longer than those of \
                 the files: leave them out with `exclude`, choose another file system, or, where the names themselves fit, set \
                 rsync_args = [\"--inplace\"]"
            }
            Unheld::Link => {
                "the destination's file system cannot hold symbolic links: `preset = \"minimal\"` leaves them out, and permissions"
            }
        }
    }
}

const DENIED: &str = "Permission denied";

/// Hint for missing permissions at the destination; some callers add details.
pub const CHECK_RIGHTS: &str = "check who owns the destination and which rights it gives";

impl<'a> LeftOut<'a> {
    /// Parses lines such as `rsync: [sender] send_files failed to open "/a/b": Permission denied (13)`.
    pub(super) fn read(lines: &[&'a str]) -> Self {
        let mut left_out = LeftOut { files: Vec::new(), ours: false, in_the_way: false, unheld: None };
        for line in lines {
            let blocked = line.strip_prefix(IN_THE_WAY).and_then(|rest| rest.split_once(": "));
            let found = match (blocked, not_kept(line)) {
                (Some((_, name)), _) => Some((name.into(), "a directory is in the way")),
                (_, Some(name)) => Some((name.into(), "no directory for updates could be made")),
                _ => path_and_reason(line),
            };
            let Some((path, why)) = found else { continue };
            left_out.in_the_way |= left_out.files.is_empty() && blocked.is_some();
            left_out.unheld = left_out.unheld.or_else(|| Unheld::of(line, why));
            if !left_out.files.iter().any(|(known, _)| *known == path) {
                left_out.files.push((path, why));
            }
            left_out.ours |= why == DENIED && (line.contains("[receiver]") || line.contains("[generator]"));
        }
        left_out
    }

    /// Returns one line for people.
    pub(super) fn text(&self) -> String {
        let denied: Vec<_> = self.files.iter().filter(|(_, why)| *why == DENIED).map(|(p, _)| p).collect();
        if !denied.is_empty() {
            return format!("some files were left out, permission denied: {}", shown(&denied));
        }
        match self.files.first() {
            Some((_, why)) => {
                let paths: Vec<_> = self.files.iter().map(|(path, _)| path).collect();
                format!("some files were left out ({}): {}", lower(why), shown(&paths))
            }
            None => "some files or attributes were left out".into(),
        }
    }

    /// Returns a hint, if the cause is clear.
    pub(super) fn hint(&self) -> Option<&'static str> {
        let denied = self.files.iter().any(|(_, why)| *why == DENIED);
        if denied && self.files.iter().all(|(path, _)| is_kept_by_a_file_system(path)) {
            return Some(
                "it belongs to a file system, and only root may read it: `exclude = [\"lost+found/\"]` leaves it out",
            );
        }
        if let Some(unheld) = self.unheld.filter(|_| !denied) {
            return Some(unheld.hint());
        }
        match (denied, self.ours) {
            (true, true) => Some(CHECK_RIGHTS),
            (true, false) => Some("they cannot be read at the source; nothing is deleted while that lasts"),
            (false, _) if self.in_the_way => Some(
                "`delete = true` clears it away unless it holds excluded files; otherwise move it by hand",
            ),
            (false, _) => None,
        }
    }
}

/// Returns the path of a file that rsync has discarded although it was complete, if that is the message.
pub(super) fn not_kept(line: &str) -> Option<&str> {
    line.strip_prefix(NOT_KEPT.0)?.rsplit_once(NOT_KEPT.1).map(|(name, _)| name)
}

/// Returns the path that a sender did not find, if that is the message.
pub(super) fn missing<'a>(line: &'a str) -> Option<Cow<'a, str>> {
    let sent = line.contains("[sender] link_stat \"");
    path_and_reason(line).filter(|(_, why)| sent && *why == "No such file or directory").map(|(path, _)| path)
}

/// Whether a line only follows from names that the source does not have. If it has none of them, the sender ends before the receiver.
pub(super) fn follows_missing(line: &str) -> bool {
    let partly =
        line.starts_with("rsync error: some files/attrs were not transferred") && line.contains("(code 23)");
    partly || line == "rsync: [Receiver] read error: Connection reset by peer (104)"
}

/// Whether nothing but missing or vanished files is reported.
pub(super) fn only_missing(lines: &[&str]) -> bool {
    let told = lines.iter().filter(|line| line.starts_with("rsync: ") || line.starts_with("IO error"));
    let mut none = true;
    for line in told {
        none = false;
        if missing(line).is_none() {
            return false;
        }
    }
    !none
}

/// Whether the last component of a path is the directory that most file systems have at their root.
fn is_kept_by_a_file_system(path: &str) -> bool {
    path.rsplit('/').next() == Some("lost+found")
}

/// Returns up to three names and the number of the others.
pub(super) fn shown(names: &[impl AsRef<str>]) -> String {
    let mut text = names.iter().take(3).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    if names.len() > 3 {
        text.push_str(&format!(" and {} more", names.len() - 3));
    }
    text
}

/// Parses `… "PATH" …: REASON (N)`. The path may contain quotes, so the outermost ones count. For a temporary file, the returned path is
/// that of the final file.
pub(super) fn path_and_reason(line: &str) -> Option<(Cow<'_, str>, &str)> {
    if !line.starts_with("rsync: ") {
        return None;
    }
    let (start, end) = (line.find('"')?, line.rfind('"')?);
    let path = line.get(start + 1..end)?;
    let (_, why) = line[end + 1..].split_once(": ")?;
    let why = why.rsplit_once(" (").map_or(why, |(why, _)| why);
    Some((final_path(&line[..start], path), why))
}

/// rsync's label for the process that writes files. Only this process creates temporary files.
const RECEIVER: &str = "[receiver]";

/// Returns the final path of the file in a message. `said` is the text before the path.
fn final_path<'a>(said: &str, path: &'a str) -> Cow<'a, str> {
    // `rename "TEMPORARY" -> "NAME"`, `symlink "LINK" -> "TARGET"`, and `lsetxattr("FILE","ATTRIBUTE")`.
    let end = ["\" -> \"", "\",\""].iter().filter_map(|between| path.find(between)).min();
    let (first, second) = end.map_or((path, None), |end| (&path[..end], path[end..].split_once(" -> \"")));
    if !said.contains(RECEIVER) {
        // Links and devices get a temporary name if they replace an entry.
        let made = ["symlink ", "mknod ", "link "].iter().any(|verb| said.ends_with(verb));
        return match made.then(|| without_suffix(first, |c| c.is_ascii_digit(), 1)).flatten() {
            Some(name) => name.into(),
            None => first.into(),
        };
    }
    let moved = ["rename ", "copy "].iter().any(|verb| said.ends_with(verb));
    match (without_suffix(first, |c| c.is_ascii_alphanumeric(), 6), second) {
        // The target is relative to the destination. Its last component is the name.
        (Some(name), Some((_, to))) if moved => {
            let (dir, last) = (name.rfind('/').map_or("", |slash| &name[..=slash]), to.rsplit('/').next());
            format!("{dir}{}", last.unwrap_or(to)).into()
        }
        // The temporary file is in a separate directory (`--temp-dir`).
        (None, Some((_, to))) if moved => to.into(),
        (Some(name), _) => name.into(),
        (None, _) => first.into(),
    }
}

/// Returns the name of the final file for a temporary name `.NAME.SUFFIX`; `None` for other names.
fn without_suffix(path: &str, suffix: impl Fn(char) -> bool, least: usize) -> Option<String> {
    let (dir, base) = path.split_at(path.rfind('/').map_or(0, |slash| slash + 1));
    let (name, last) = base.strip_prefix('.')?.rsplit_once('.')?;
    let fits = (least..=6).contains(&last.len()) && last.chars().all(suffix) && !name.is_empty();
    fits.then(|| format!("{dir}{name}"))
}

/// Converts the first letter to lower case, as in our own messages.
pub(super) fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(line: &str) -> String {
        path_and_reason(line).unwrap().0.into_owned()
    }

    #[test]
    fn temporaries_are_told_by_the_name_of_their_file() {
        for (line, real) in [
            // Printed by rsync 3.5.0.
            (
                r#"[receiver] mkstemp "/m/d/.1abc.cif.gz.p4EMhZ" failed: Permission denied (13)"#,
                "/m/d/1abc.cif.gz",
            ),
            (r#"[receiver] rename "/m/d/.f.jh8lHJ" -> "d/f": Operation not permitted (1)"#, "/m/d/f"),
            (r#"[receiver] rename "/m/..f.jh8lHJ" -> ".f": Operation not permitted (1)"#, "/m/.f"),
            (r#"[receiver] chown "/m/.f.z0kD2S" failed: Operation not permitted (1)"#, "/m/f"),
            (r#"[generator] symlink "/m/d/.l.21620" -> "x" failed: Permission denied (13)"#, "/m/d/l"),
            (r#"[generator] symlink "/m/d/l" -> "x" failed: Permission denied (13)"#, "/m/d/l"),
            (r#"[receiver] rename "/tmp/t/f.jh8lHJ" -> "d/f": Permission denied (13)"#, "d/f"),
            (
                r#"[receiver] rsync_xal_set: lsetxattr("/m/.f.z0kD2S","user.x") failed: Permission denied (13)"#,
                "/m/f",
            ),
        ] {
            assert_eq!(path(&format!("rsync: {line}")), real, "{line}");
        }
    }

    #[test]
    fn files_that_are_named_like_temporaries_keep_their_names() {
        for line in [
            r#"[sender] send_files failed to open "/u/.f.AbCdEf": Permission denied (13)"#,
            r#"[generator] failed to set permissions on "/u/.f.AbCdEf": Operation not permitted (1)"#,
            r#"[generator] mknod "/u/.f.AbCdEf" failed: Permission denied (13)"#,
        ] {
            assert_eq!(path(&format!("rsync: {line}")), "/u/.f.AbCdEf", "{line}");
        }
        let line = r#"rsync: [receiver] mkstemp "/u/.f.AbCdEf.XyZ123" failed: Permission denied (13)"#;
        assert_eq!(
            path(line),
            "/u/f.AbCdEf",
            "of a file whose own name is like that, its first dot cannot be told"
        );
        for name in [".f.toolong", ".f.abc", "f.AbCdEf", "..AbCdEf", ".AbCdEf"] {
            let line = format!("rsync: [receiver] write failed on \"/u/{name}\": Input/output error (5)");
            assert_eq!(path(&line), format!("/u/{name}"));
        }
    }
}
