//! The built-in rules for mirrors.

use super::rule::{Action, Kind, Rule, Special};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// The rule for temporary files that a transfer left behind. A transfer that is still running may be writing them.
const TEMPORARY: &str = "rsync-temp";
const PARTIAL: &str = "rsync-partial";
/// The rule for rsync's `--backup-dir`. The job sets which directory that is.
pub const BACKUPS: &str = "rsync-backup";
/// The size of the shortest gzip file in bytes: ten of header, two of an empty stream, eight of trailer.
const SHORTEST_GZIP: u64 = 20;

/// Whether the rule matches files that transfers write. A stuck transfer may still be writing a file that is older than the rule's minimum
/// age.
pub fn is_of_a_transfer(rule: &str) -> bool {
    [TEMPORARY, PARTIAL].contains(&rule)
}

/// Whether the rule leaves entries alone that upstream has. `Special::Absent` is the exception: the list of the last run is newer than the
/// names of an earlier run.
pub(super) fn spares_upstreams(rule: &Rule) -> bool {
    rule.built_in && rule.special != Some(Special::Absent)
}

fn rule(name: &str, patterns: &[&str], action: Action, reason: &str) -> Rule {
    Rule {
        name: name.into(),
        patterns: patterns.iter().map(|pattern| (*pattern).into()).collect(),
        kind: Some(Kind::File),
        min_size: None,
        max_size: None,
        min_age: None,
        max_age: None,
        special: None,
        action,
        reason: reason.into(),
        on: true,
        built_in: true,
    }
}

/// All built-in rules, in the order in which they are tried.
pub fn built_in() -> Vec<Rule> {
    use Action::{Delete, Review};
    let temp = "left behind by a transfer that was interrupted";
    let dirs = |name: &str, patterns: &[&str], reason: &str| Rule {
        kind: Some(Kind::Dir),
        on: false,
        ..rule(name, patterns, Delete, reason)
    };
    vec![
        Rule {
            min_age: Some(DAY),
            special: Some(Special::RsyncTemp),
            ..rule(TEMPORARY, &[".*.??????"], Delete, temp)
        },
        Rule {
            min_age: Some(DAY),
            kind: Some(Kind::Dir),
            ..rule(PARTIAL, &[".~tmp~", ".~partial~", ".rsync-partial", ".rsync-tmp"], Delete, temp)
        },
        Rule {
            min_age: Some(30 * DAY),
            kind: None,
            special: Some(Special::Backup),
            ..rule(BACKUPS, &[], Delete, "replaced or deleted by a transfer long ago")
        },
        Rule {
            min_age: Some(DAY),
            kind: None,
            ..rule(
                "captured",
                &[
                    ".%pdb-sync-??????????????????????????-????????????????",
                    // Names used by earlier versions.
                    ".pdb-sync-??????????????????????????-????????????????",
                ],
                Review,
                "renamed by a run that was killed before it deleted it; continue or undo that run",
            )
        },
        rule("desktop", &[".DS_Store", "Thumbs.db", "desktop.ini"], Delete, "written by file browsers"),
        Rule {
            min_age: Some(DAY),
            ..rule("editor", &["*~", "#*#", ".*.sw[a-p]"], Delete, "a backup or swap file of an editor")
        },
        Rule {
            kind: None,
            special: Some(Special::Absent),
            ..rule(
                "absent",
                &["**"],
                Review,
                "upstream, or the list of the job, did not have it when it was last listed",
            )
        },
        Rule {
            special: Some(Special::Obsolete),
            ..rule("obsolete", &["*"], Review, "a list calls the entry obsolete")
        },
        Rule {
            max_size: Some(SHORTEST_GZIP - 1),
            ..rule("cut-gzip", &["*.gz"], Review, "too short to be gzip; `verify --repair` fetches it again")
        },
        Rule { max_size: Some(0), ..rule("empty-file", &["*"], Review, "an empty file") },
        rule("core", &["core", "core.[0-9]*"], Review, "perhaps a core dump"),
        rule("nfs", &[".nfs*"], Review, "deleted on NFS while a process held it open"),
        Rule {
            kind: None,
            special: Some(Special::OddName),
            ..rule("odd-name", &["*"], Review, "a name that other systems cannot hold")
        },
        Rule {
            kind: Some(Kind::Dir),
            min_age: Some(DAY),
            special: Some(Special::EmptyDir),
            ..rule("empty-dir", &["*"], Delete, "an empty directory")
        },
        dirs("pycache", &["__pycache__", ".pytest_cache", ".mypy_cache"], "compiled again when it is needed"),
        dirs("venv", &[".venv", "venv"], "a virtual environment"),
        dirs("build", &["target", "build", "node_modules"], "built again when it is needed"),
        Rule {
            on: false,
            min_size: Some(100 << 20),
            ..rule("large-log", &["*.log", "*.log.[0-9]*"], Review, "a large log")
        },
    ]
}
