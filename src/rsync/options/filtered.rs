//! Whether a job's filters surely leave a directory out.

use super::{clears_filters, filters, names};
use globset::GlobBuilder;

/// A job's filters in the order in which rsync hears them: its `include`, its `exclude`, its own options.
pub type Filters<'a> = (&'a [String], &'a [String], &'a [String]);

/// Whether rsync surely does not look into the directory at this path below the root of the transfer, nor transfers it. What cannot be
/// told for sure counts as transferred.
pub fn leaves_out((include, exclude, rsync_args): Filters<'_>, path: &str) -> bool {
    // These change what patterns are compared with, or bring rules from elsewhere.
    let unclear = names(rsync_args, Some('R'), "relative") || names(rsync_args, Some('F'), "F");
    let mut rules: Vec<Option<(bool, &str)>> = Vec::new();
    rules.extend(include.iter().map(|pattern| rule(true, pattern)));
    rules.extend(exclude.iter().map(|pattern| rule(false, pattern)));
    for (option, value, _) in filters(rsync_args) {
        let Some((option, value)) = option.zip(value) else { continue };
        rules.push(match option {
            "include" => rule(true, value),
            "exclude" => rule(false, value),
            "filter" => match value.split_at_checked(2) {
                Some(("+ ", pattern)) => rule(true, pattern),
                Some(("- ", pattern)) => rule(false, pattern),
                _ => None,
            },
            _ => None,
        });
    }
    if unclear {
        return false;
    }
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.into_iter().any(|end| is_excluded(&rules, &path[..end]))
}

/// `None`: one that may do anything.
fn rule(includes: bool, pattern: &str) -> Option<(bool, &str)> {
    (!clears_filters(pattern)).then_some((includes, pattern))
}

/// By the first rule that matches.
fn is_excluded(rules: &[Option<(bool, &str)>], dir: &str) -> bool {
    for rule in rules {
        let Some((includes, pattern)) = rule else { return false };
        match (includes, matches(pattern, dir)) {
            (false, Some(true)) => return true,
            (true, Some(true) | None) => return false,
            (_, Some(false)) | (false, None) => {}
        }
    }
    false
}

/// Whether a pattern of rsync's matches a directory; `None` where this does not know enough of patterns.
fn matches(pattern: &str, dir: &str) -> Option<bool> {
    let pattern = pattern.strip_suffix('/').unwrap_or(pattern);
    if pattern.contains("**") || pattern.contains(['[', '\\', '{', '}']) {
        return None;
    }
    let compared = match pattern.strip_prefix('/') {
        Some(_) => dir,
        // As many last components as the pattern has.
        None => {
            let slashes = pattern.matches('/').count();
            dir.rmatch_indices('/').nth(slashes).map_or(dir, |(at, _)| &dir[at + 1..])
        }
    };
    let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
    if !pattern.contains(['*', '?']) {
        return Some(pattern == compared);
    }
    let glob = GlobBuilder::new(pattern).literal_separator(true).build().ok()?;
    Some(glob.compile_matcher().is_match(compared))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(include: &[&str], exclude: &[&str], args: &[&str]) -> bool {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        leaves_out((&owned(include), &owned(exclude), &owned(args)), "a/mirror")
    }

    #[test]
    fn what_surely_leaves_a_directory_out_is_known() {
        for exclude in
            ["/a/mirror/", "/a/mirror", "mirror", "mirror/", "a/mirror", "/a", "a/", "*", "/a/*", "m?rror"]
        {
            assert!(out(&[], &[exclude], &[]), "{exclude}");
            assert!(out(&[], &[], &[&format!("--exclude={exclude}")]), "{exclude}");
        }
        assert!(out(&[], &[], &["--filter=- /a/mirror/"]) && out(&[], &[], &["-f", "- mirror"]));
        assert!(out(&["*.gz", "/a", "/other/"], &["/a/mirror"], &[]));
    }

    #[test]
    fn what_may_let_it_through_does_not() {
        for exclude in
            ["/mirror", "/a/mirror/x", "irror", "*.gz", "b/mirror", "[m]irror", "**/mirror", "/a/mirror2"]
        {
            assert!(!out(&[], &[exclude], &[]), "{exclude}");
        }
        for include in ["*/", "mirror", "/a/m*/", "**", "!", "[m]irror/"] {
            assert!(!out(&[include], &["/a/mirror"], &[]), "{include}");
        }
        for args in [
            &["-R", "--exclude=mirror"][..],
            &["--filter=merge f", "--exclude=mirror"],
            &["-F", "--exclude=mirror"],
        ] {
            assert!(!out(&[], &[], args), "{args:?}");
        }
    }
}
