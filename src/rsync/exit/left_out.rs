//! Which files rsync could not deal with, and why (code 23).

/// What rsync says when a directory with something in it stands where the source has a file or a link. Only a live `--delete`
/// or `--force` would clear it away, and neither is ever given.
const IN_THE_WAY: &str = "could not make way for new ";

/// What was said about files that were left out. Only what was said: rsync's last lines may be all that is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LeftOut<'a> {
    /// Path and the system's reason, in the order in which they were reported; a path once.
    files: Vec<(&'a str, &'a str)>,
    /// Whether rights at the destination are among the reasons.
    ours: bool,
    /// Whether a directory in the way is the first reason.
    in_the_way: bool,
}

const DENIED: &str = "Permission denied";

impl<'a> LeftOut<'a> {
    /// Collects from lines such as `rsync: [sender] send_files failed to open "/a/b": Permission denied (13)`.
    pub(super) fn read(lines: &[&'a str]) -> Self {
        let mut left_out = LeftOut { files: Vec::new(), ours: false, in_the_way: false };
        for line in lines {
            let blocked = line.strip_prefix(IN_THE_WAY).and_then(|rest| rest.split_once(": "));
            let found = match blocked {
                Some((_, name)) => Some((name, "a directory is in the way")),
                None => path_and_reason(line),
            };
            let Some((path, why)) = found else { continue };
            left_out.in_the_way |= left_out.files.is_empty() && blocked.is_some();
            if !left_out.files.iter().any(|(known, _)| *known == path) {
                left_out.files.push((path, why));
            }
            left_out.ours |= why == DENIED && (line.contains("[receiver]") || line.contains("[generator]"));
        }
        left_out
    }

    /// One line for people.
    pub(super) fn text(&self) -> String {
        let denied: Vec<_> = self.files.iter().filter(|(_, why)| *why == DENIED).map(|(p, _)| *p).collect();
        if !denied.is_empty() {
            return format!("some files were left out, permission denied: {}", shown(&denied));
        }
        match self.files.first() {
            Some((_, why)) => {
                let paths: Vec<_> = self.files.iter().map(|(path, _)| *path).collect();
                format!("some files were left out ({}): {}", lower(why), shown(&paths))
            }
            None => "some files or attributes were left out".into(),
        }
    }

    /// What to do, where it is clear.
    pub(super) fn hint(&self) -> Option<&'static str> {
        let denied = self.files.iter().any(|(_, why)| *why == DENIED);
        if denied && self.files.iter().all(|(path, _)| is_kept_by_a_file_system(path)) {
            return Some(
                "a file system keeps it for itself, and only root may read it: `exclude = [\"lost+found/\"]` leaves it out",
            );
        }
        match (denied, self.ours) {
            (true, true) => Some("check who owns the destination and which rights it gives"),
            (true, false) => Some("they cannot be read at the source; nothing is deleted while that lasts"),
            (false, _) if self.in_the_way => Some(
                "`delete = true` clears it away unless it holds excluded files; otherwise move it by hand",
            ),
            (false, _) => None,
        }
    }
}

/// Whether the last component of a path is the directory that most file systems have at their root.
fn is_kept_by_a_file_system(path: &str) -> bool {
    path.rsplit('/').next() == Some("lost+found")
}

/// Up to three names, and how many more.
pub(super) fn shown(names: &[&str]) -> String {
    let mut text = names.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 3 {
        text.push_str(&format!(" and {} more", names.len() - 3));
    }
    text
}

/// `… "PATH" …: REASON (N)`. The path may hold quotes, so the outermost count.
pub(super) fn path_and_reason(line: &str) -> Option<(&str, &str)> {
    if !line.starts_with("rsync: ") {
        return None;
    }
    let (start, end) = (line.find('"')?, line.rfind('"')?);
    let path = line.get(start + 1..end)?;
    let (_, why) = line[end + 1..].split_once(": ")?;
    let why = why.rsplit_once(" (").map_or(why, |(why, _)| why);
    Some((path, why))
}

/// With a small first letter, as our own messages have it.
pub(super) fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
