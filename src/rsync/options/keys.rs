//! Hints for keys of a job that are named like a long option of rsync.

use super::{LONG_VALUED, refuse};

/// Long options without a value, rsync 3.5.0. Most of them accept the prefix `no-`.
const LONG_PLAIN: [&str; 89] = [
    "8-bit-output",
    "acls",
    "append",
    "append-verify",
    "archive",
    "atimes",
    "backup",
    "blocking-io",
    "checksum",
    "compress",
    "copy-devices",
    "copy-dirlinks",
    "copy-links",
    "copy-unsafe-links",
    "crtimes",
    "cvs-exclude",
    "daemon",
    "del",
    "delay-updates",
    "delete",
    "delete-after",
    "delete-before",
    "delete-delay",
    "delete-during",
    "delete-excluded",
    "delete-missing-args",
    "devices",
    "dirs",
    "dry-run",
    "executability",
    "existing",
    "fake-super",
    "force",
    "from0",
    "fsync",
    "fuzzy",
    "group",
    "hard-links",
    "help",
    "human-readable",
    "ignore-errors",
    "ignore-existing",
    "ignore-missing-args",
    "ignore-non-existing",
    "ignore-times",
    "implied-dirs",
    "inc-recursive",
    "inplace",
    "insecure-links",
    "ipv4",
    "ipv6",
    "itemize-changes",
    "keep-dirlinks",
    "links",
    "list-only",
    "mkpath",
    "motd",
    "munge-links",
    "numeric-ids",
    "old-args",
    "old-dirs",
    "omit-dir-times",
    "omit-link-times",
    "one-file-system",
    "open-noatime",
    "owner",
    "partial",
    "perms",
    "preallocate",
    "progress",
    "prune-empty-dirs",
    "quiet",
    "recursive",
    "relative",
    "remove-source-files",
    "safe-links",
    "secluded-args",
    "size-only",
    "sparse",
    "specials",
    "stats",
    "super",
    "times",
    "trust-sender",
    "update",
    "verbose",
    "whole-file",
    "write-devices",
    "xattrs",
];

/// Returns a hint for a key that is named like a long option of rsync, with `_` for `-`; `None` if there is no such option.
pub fn hint_for_key(key: &str) -> Option<String> {
    let name = key.to_ascii_lowercase().replace('_', "-");
    let plain = name.strip_prefix("no-").unwrap_or(&name);
    let valued = LONG_VALUED.contains(&&*name);
    if !valued && !LONG_PLAIN.contains(&plain) {
        return None;
    }
    Some(match refuse::long(&name) {
        Some((why, hint)) => format!("rsync's --{name} is not for a job: {why}; {hint}"),
        None => {
            let value = if valued { "=…" } else { "" };
            format!("write rsync's own options into rsync_args = [\"--{name}{value}\"]")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_options_are_known_as_keys_whether_they_take_a_value_or_not() {
        for (key, option) in [
            ("max_size", "[\"--max-size=…\"]"),
            ("min-size", "[\"--min-size=…\"]"),
            ("Link_Dest", "[\"--link-dest=…\"]"),
            ("numeric_ids", "[\"--numeric-ids\"]"),
            ("no_perms", "[\"--no-perms\"]"),
            ("delete_after", "`delete = true`"),
            ("dry_run", "`pdb-sync sync --dry-run`"),
        ] {
            assert!(hint_for_key(key).unwrap().contains(option), "{key}: {:?}", hint_for_key(key));
        }
        for key in ["max", "frobnicate", "", "no_", "max_size_"] {
            assert_eq!(hint_for_key(key), None, "{key}");
        }
    }
}
