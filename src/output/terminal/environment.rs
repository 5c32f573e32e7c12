//! The settings for output in the environment, read once and passed on.

use super::Color;
use std::ffi::OsString;
use std::path::PathBuf;

/// The settings for output in the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// `CLICOLOR_FORCE` is set, not empty and not `0`.
    pub force_color: bool,
    /// `CLICOLOR=0`: no colours, unless they are forced.
    pub plain: bool,
    /// The locale uses UTF-8. The first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set and not empty names it.
    pub utf8: bool,
    /// `TERM` is `dumb` or not set: no colours, no bars.
    pub dumb: bool,
    /// `CI` is set: nobody watches, so there are no bars.
    pub ci: bool,
    /// `GITHUB_ACTIONS=true`.
    pub github: bool,
    /// `GITLAB_CI=true`.
    pub gitlab: bool,
    /// `GITHUB_STEP_SUMMARY`: the file that Markdown is appended to.
    pub step_summary: Option<PathBuf>,
    /// `GITHUB_OUTPUT`: the file that `name=value` lines are appended to.
    pub github_output: Option<PathBuf>,
}

impl Environment {
    /// Reads the environment of the process.
    pub fn read() -> Self {
        Self::from(|name| std::env::var_os(name))
    }

    /// Reads any environment, so that tests do not change that of the process.
    pub fn from(get: impl Fn(&str) -> Option<OsString>) -> Self {
        let filled = |name| get(name).filter(|value| !value.is_empty());
        let on = |name| filled(name).is_some_and(|value| value != "0" && value != "false");
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(filled);
        let locale = locale.map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        Environment {
            no_color: filled("NO_COLOR").is_some(),
            force_color: on("CLICOLOR_FORCE"),
            plain: filled("CLICOLOR").is_some_and(|value| value == "0"),
            utf8: locale.contains("utf-8") || locale.contains("utf8"),
            dumb: filled("TERM").is_none_or(|term| term == "dumb"),
            ci: on("CI") || on("GITHUB_ACTIONS") || on("GITLAB_CI"),
            github: filled("GITHUB_ACTIONS").is_some_and(|value| value == "true"),
            gitlab: filled("GITLAB_CI").is_some_and(|value| value == "true"),
            step_summary: filled("GITHUB_STEP_SUMMARY").map(PathBuf::from),
            github_output: filled("GITHUB_OUTPUT").map(PathBuf::from),
        }
    }
}

/// Whether a stream gets colours. The command line has priority, then the environment, then the type of the stream.
pub fn decide(color: Color, is_terminal: bool, env: &Environment) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if env.no_color => false,
        Color::Auto => env.force_color || (is_terminal && !env.dumb && !env.plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Environment {
        Environment::from(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn colours_follow_the_option_then_the_environment_then_the_stream() {
        let plain = env(&[("TERM", "xterm")]);
        assert!(decide(Color::Auto, true, &plain));
        assert!(!decide(Color::Auto, false, &plain));
        let none = env(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]);
        assert!(!decide(Color::Auto, true, &none));
        assert!(decide(Color::Always, false, &none));
        let force = env(&[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")]);
        assert!(decide(Color::Auto, false, &force));
        assert!(!decide(Color::Never, true, &force));
        assert!(!decide(Color::Auto, true, &env(&[("TERM", "dumb")])));
        assert!(!decide(Color::Auto, true, &env(&[])));
    }

    #[test]
    fn clicolor_counts_where_nothing_stronger_is_said() {
        let plain = env(&[("CLICOLOR", "0"), ("TERM", "xterm")]);
        assert!(!decide(Color::Auto, true, &plain));
        assert!(decide(Color::Always, true, &plain));
        let forced = env(&[("CLICOLOR", "0"), ("CLICOLOR_FORCE", "1"), ("TERM", "xterm")]);
        assert!(decide(Color::Auto, false, &forced));
        let none = env(&[("CLICOLOR", "1"), ("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1"), ("TERM", "xterm")]);
        assert!(!decide(Color::Auto, true, &none));
        for value in ["", "1"] {
            let env = env(&[("CLICOLOR", value), ("TERM", "xterm")]);
            assert!(decide(Color::Auto, true, &env) && !decide(Color::Auto, false, &env));
        }
    }

    #[test]
    fn the_locale_says_whether_a_terminal_shows_utf8() {
        for (pairs, utf8) in [
            (&[("LANG", "en_GB.UTF-8")][..], true),
            (&[("LANG", "C.utf8")], true),
            (&[("LC_CTYPE", "de_DE.UTF-8"), ("LANG", "C")], true),
            (&[("LC_ALL", "C.UTF-8"), ("LC_CTYPE", "C"), ("LANG", "C")], true),
            (&[("LC_ALL", "C"), ("LC_CTYPE", "en_GB.UTF-8"), ("LANG", "en_GB.UTF-8")], false),
            (&[("LC_ALL", ""), ("LC_CTYPE", "POSIX"), ("LANG", "en_GB.UTF-8")], false),
            (&[("LANG", "de_DE")], false),
            (&[("LC_MESSAGES", "en_GB.UTF-8")], false),
            (&[], false),
        ] {
            assert_eq!(env(pairs).utf8, utf8, "{pairs:?}");
        }
    }

    #[test]
    fn empty_and_zero_mean_unset() {
        assert!(decide(Color::Auto, true, &env(&[("NO_COLOR", ""), ("TERM", "xterm")])));
        assert!(!decide(Color::Auto, false, &env(&[("CLICOLOR_FORCE", "0")])));
        assert!(!env(&[("CI", "false"), ("GITHUB_ACTIONS", "")]).ci);
    }

    #[test]
    fn github_actions_is_a_ci() {
        let env = env(&[("GITHUB_ACTIONS", "true"), ("GITHUB_OUTPUT", "/tmp/out")]);
        assert!(env.ci && env.github);
        assert_eq!(env.github_output, Some("/tmp/out".into()));
        assert_eq!(env.step_summary, None);
    }
}
