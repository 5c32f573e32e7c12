//! Text about the contents of a destination that the first run of a job adopts.

use super::units;
use crate::model::event::{Found, Takeover};
use crate::model::sanitize;

/// Returns a block of lines for people. Categories without entries are omitted, except equal files.
pub(super) fn lines(found: &Found) -> Vec<String> {
    let files = |n| units::count(n, "file", "files");
    let dest = sanitize::path(&found.dest);
    let mut lines = vec![match found.why {
        Takeover::First => format!("the first run at {dest}, which holds files already:"),
        Takeover::Unfinished => format!(
            "an earlier run of this job began with {dest} empty and did not bring everything; the directory now holds:"
        ),
        Takeover::Again => format!("{dest} is taken over again, as requested:"),
        Takeover::OtherDirectory => {
            format!(
                "{dest} is another directory than in the last run (is its disk mounted?), and holds files already:"
            )
        }
    }];
    lines.push(match found.same {
        Some(n) => format!("  the same by size and time: {}", files(n)),
        None => {
            "  the same by size and time: unknown, since rsync did not say how many files the source holds"
                .into()
        }
    });
    if found.same_size > 0 {
        let what = match found.checksum {
            true => "to be compared by checksum; those that differ are to be fetched",
            false => "to be fetched again (adopt = \"checksum\" or --adopt compares them instead)",
        };
        lines.push(format!("  the same by size, not by time: {}, {what}", files(found.same_size)));
    }
    let fetched = [("of another size", found.different), ("not here yet", found.missing)];
    for (name, n) in fetched.into_iter().filter(|(_, n)| *n > 0) {
        lines.push(format!("  {name}: {}, to be fetched", files(n)));
    }
    if found.older > 0 {
        lines.push(format!("  of these, older at the source: {}, to be replaced, too", files(found.older)));
    }
    match found.foreign {
        Some(tally) if tally.files + tally.dirs > 0 => {
            let dirs = match tally.dirs {
                0 => String::new(),
                n => format!(" and {}", units::count(n, "directory", "directories")),
            };
            lines.push(format!("  not at the source: {}{dirs}, not deleted in this run", files(tally.files)));
        }
        Some(_) => {}
        None => lines.push("  not at the source: unknown, since the job does not delete".into()),
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Tally;

    #[test]
    fn a_block_names_what_there_is() {
        let found = Found {
            dest: "/srv/m".into(),
            same: Some(1200),
            same_size: 3,
            different: 2,
            missing: 1,
            foreign: Some(Tally { files: 4, dirs: 1, bytes: None }),
            older: 1,
            checksum: true,
            why: Takeover::First,
        };
        assert_eq!(
            lines(&found).join("\n"),
            "the first run at /srv/m, which holds files already:\n  \
             the same by size and time: 1,200 files\n  \
             the same by size, not by time: 3 files, to be compared by checksum; those that differ are to be fetched\n  \
             of another size: 2 files, to be fetched\n  \
             not here yet: 1 file, to be fetched\n  \
             of these, older at the source: 1 file, to be replaced, too\n  \
             not at the source: 4 files and 1 directory, not deleted in this run"
        );
        let unfinished = lines(&Found { why: Takeover::Unfinished, ..found.clone() });
        assert_eq!(
            unfinished[0],
            "an earlier run of this job began with /srv/m empty and did not bring everything; the directory now holds:"
        );
        let again = lines(&Found { why: Takeover::Again, ..found });
        assert_eq!(again[0], "/srv/m is taken over again, as requested:");
        let none = Found { dest: "/m".into(), ..Found::default() };
        let text = lines(&none).join("\n");
        assert!(text.contains("size and time: unknown") && text.contains("source: unknown"), "{text}");
        assert_eq!(text.lines().count(), 3, "{text}");
    }
}
