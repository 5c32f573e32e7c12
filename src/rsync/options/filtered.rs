//! Analyses a job's filters: which directories they exclude with certainty.

use super::{FILTERS, clears_filters, filters, names, split};
use globset::GlobBuilder;

/// A job's filters in the order in which rsync gets them: its `include`, its `exclude`, its rsync options.
pub type Filters<'a> = (&'a [String], &'a [String], &'a [String]);

/// Whether rsync certainly neither enters nor transfers the directory at this path below the root of the transfer. If this is uncertain,
/// the directory counts as transferred.
pub fn leaves_out(filters: Filters<'_>, path: &str) -> bool {
    // These options change what patterns are compared with, or add rules from files.
    if names(filters.2, Some('R'), "relative") || names(filters.2, Some('F'), "F") {
        return false;
    }
    let rules = rules(filters);
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.into_iter().any(|end| is_excluded(&rules, &path[..end]))
}

/// Returns the rules in the order in which rsync applies them; `None` is a rule with unknown effect.
fn rules<'a>((include, exclude, rsync_args): Filters<'a>) -> Vec<Option<(bool, &'a str)>> {
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
    rules
}

/// A rule that excludes all directories, so that rsync enters none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShutsOut<'a> {
    /// Its pattern.
    pub pattern: &'a str,
    /// Whether no earlier rule includes anything, so that nothing is transferred.
    pub everything: bool,
    /// Whether no earlier rule can match directories.
    pub certain: bool,
}

/// Hint for filters that include no file.
pub const ADD_FILES: &str = "add patterns of the files that you want to `include`, such as \"*.cif.gz\"";

impl ShutsOut<'_> {
    /// Returns what to do about it.
    pub fn remedy(&self) -> String {
        let look = "add \"*/\" to `include`, so that rsync looks into directories";
        // This pattern applies at the top of the source only, and excludes files too.
        let below = matches!(self.pattern, "/*" | "/*/" | "*/" | "**/");
        match self.everything && !below {
            true => format!("{look}, and patterns of the files that you want, such as \"*.cif.gz\""),
            false => look.to_owned(),
        }
    }
}

/// Returns the rule because of which rsync enters no directory, if there is one. An earlier rule that includes directories (`*/`) makes it
/// harmless.
pub fn shuts_out(filters: Filters<'_>) -> Option<ShutsOut<'_>> {
    let (mut everything, mut certain) = (true, true);
    for rule in rules(filters) {
        match rule? {
            (false, pattern @ ("*" | "/*" | "**" | "/**" | "*/" | "/*/" | "**/")) => {
                let everything = everything && !pattern.ends_with('/');
                return Some(ShutsOut { pattern, everything, certain });
            }
            (false, _) => {}
            (true, pattern) if pattern.ends_with('/') || pattern.contains("**") || pattern == "*" => {
                return None;
            }
            (true, pattern) => {
                everything = false;
                // Several components match nothing at the top, and rsync gets no deeper.
                let deeper = pattern.trim_start_matches('/').contains('/');
                certain &= deeper || pattern.starts_with("*.");
            }
        }
    }
    None
}

/// What the rules before a rule that excludes all files include.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetsIn<'a> {
    /// The pattern of the rule that excludes all other files.
    pub rest: &'a str,
    /// The patterns of earlier rules that can include files; empty: at most directories are transferred.
    pub patterns: Vec<&'a str>,
    /// Whether every file that matches one of these patterns is transferred: all directories are entered, and no earlier rule excludes it.
    pub certain: bool,
}

/// Returns what the rules before the one that excludes all files include; `None` if there is no such rule, or the effect is unknown.
pub fn lets_in(filters: Filters<'_>) -> Option<LetsIn<'_>> {
    let (mut patterns, mut all_dirs, mut excludes) = (Vec::new(), false, false);
    for rule in rules(filters) {
        match rule? {
            (false, rest @ ("*" | "**" | "/**")) => {
                return Some(LetsIn { rest, patterns, certain: all_dirs && !excludes });
            }
            (false, _) => excludes = true,
            (true, "*/" | "**/") => all_dirs = true,
            (true, pattern) if pattern.ends_with('/') => {}
            (true, pattern) => patterns.push(pattern),
        }
    }
    None
}

/// Options other than filters that select files of the source.
const CHOOSING: [&str; 6] =
    ["files-from", "cvs-exclude", "from0", "prune-empty-dirs", SIZE_LIMITS[0], SIZE_LIMITS[1]];

/// Options that exclude files by size. Unlike files excluded by filters, these are in rsync's file list and figures.
const SIZE_LIMITS: [&str; 2] = ["max-size", "min-size"];

/// Returns the size limits among the options, such as `--max-size=1g`.
pub(in crate::rsync) fn size_limits(args: &[String]) -> Vec<String> {
    let given = |name: &&str| super::value(args, name).map(|value| format!("--{name}={value}"));
    SIZE_LIMITS.iter().filter_map(given).collect()
}

/// Returns the same options without filters and file lists.
pub(in crate::rsync) fn without_filters(args: &[String]) -> Vec<String> {
    let mut kept = Vec::with_capacity(args.len());
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let (name, value, takes_value) = split(arg);
        let next = if value.is_none() && takes_value { rest.next() } else { None };
        if name.is_some_and(|name| FILTERS.contains(&name) || CHOOSING.contains(&name)) {
            // Flags can precede a filter in one argument: `-zf RULE`.
            let flags = arg.strip_prefix('-').filter(|flags| !flags.starts_with('-'));
            let flags = flags.and_then(|flags| flags.split_once('f')).map(|(flags, _)| flags);
            kept.extend(flags.filter(|flags| !flags.is_empty()).map(|flags| format!("-{flags}")));
            continue;
        }
        match arg.strip_prefix('-').filter(|flags| !flags.starts_with('-') && !takes_value) {
            Some(flags) => {
                let flags: String = flags.chars().filter(|flag| !"FC0m".contains(*flag)).collect();
                kept.extend((!flags.is_empty()).then(|| format!("-{flags}")));
            }
            None => kept.push(arg.clone()),
        }
        kept.extend(next.cloned());
    }
    kept
}

/// Returns `None` for a rule with unknown effect.
fn rule(includes: bool, pattern: &str) -> Option<(bool, &str)> {
    (!clears_filters(pattern)).then_some((includes, pattern))
}

/// The first matching rule decides.
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

/// Whether an rsync pattern matches a directory; `None` for patterns that are not supported here.
fn matches(pattern: &str, dir: &str) -> Option<bool> {
    let pattern = pattern.strip_suffix('/').unwrap_or(pattern);
    if pattern.contains("**") || pattern.contains(['[', '\\', '{', '}']) {
        return None;
    }
    let compared = match pattern.strip_prefix('/') {
        Some(_) => dir,
        // The same number of last components as in the pattern.
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
    fn rules_that_shut_directories_out_are_found() {
        let of = |include: &[&str], exclude: &[&str]| {
            let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
            let (include, exclude) = (owned(include), owned(exclude));
            shuts_out((&include, &exclude, &[])).map(|rule| (rule.everything, rule.certain))
        };
        assert_eq!(of(&[], &["*"]), Some((true, true)));
        assert_eq!(of(&["*.cif.gz"], &["*.tmp", "*"]), Some((false, true)));
        assert_eq!(of(&["data"], &["/*"]), Some((false, false)), "it may be a directory");
        assert_eq!(of(&["odd/*.cif", "/a/b"], &["*"]), Some((false, true)), "nothing of these is at the top");
        assert_eq!(
            (of(&["*/", "*.gz"], &["*"]), of(&["**"], &["*"]), of(&[], &["*.tmp"])),
            (None, None, None)
        );
        assert_eq!(of(&["!"], &["*"]), None);
    }

    #[test]
    fn what_is_let_in_before_the_rest_goes_is_known() {
        let of = |include: &[&str], exclude: &[&str]| {
            let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
            let (include, exclude) = (owned(include), owned(exclude));
            lets_in((&include, &exclude, &[])).map(|found| (found.patterns.join(" "), found.certain))
        };
        assert_eq!(of(&["*/"], &["*"]), Some((String::new(), true)));
        assert_eq!(of(&["data/", "*.gz"], &["*"]), Some(("*.gz".into(), false)), "not all directories");
        assert_eq!(of(&["*/", "*.gz", "x"], &["**"]), Some(("*.gz x".into(), true)));
        assert_eq!(of(&["*/", "*.gz"], &["/b/", "*"]), Some(("*.gz".into(), false)));
        assert_eq!((of(&["*/"], &["/*"]), of(&["*/"], &["*.tmp"]), of(&["!"], &["*"])), (None, None, None));
    }

    #[test]
    fn filters_are_taken_out_and_nothing_else() {
        let without =
            |args: &[&str]| without_filters(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>());
        assert_eq!(
            without(&[
                "-zf",
                "- x",
                "--exclude",
                "y",
                "--include=z",
                "--files-from=l",
                "--from0",
                "-FFv",
                "--max-size=1g",
                "--min-size",
                "1",
                "-e",
                "ssh -C",
                "--temp-dir",
                "d",
                "-C"
            ]),
            ["-z", "-v", "-e", "ssh -C", "--temp-dir", "d"]
        );
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
