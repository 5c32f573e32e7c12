//! Parses `rsync --version`, and decides whether that rsync is supported.

/// The implementation of rsync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// The original, from samba.org.
    Samba,
    /// openrsync of OpenBSD and macOS: another program with a subset of the options.
    OpenRsync,
    /// Unknown.
    Unknown,
}

/// An rsync program, from its `--version`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The implementation.
    pub flavour: Flavour,
    /// The version; `None` if it was not printed. For openrsync, the version that it claims compatibility with.
    pub number: Option<(u32, u32, u32)>,
    /// The newest supported protocol version.
    pub protocol: Option<u32>,
}

/// Whether an rsync is supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It is supported.
    Good,
    /// It works, but lacks the security fixes of [`SAFE`].
    Unfixed,
    /// It lacks required options (`--info`, available from [`OLDEST`] on).
    TooOld,
    /// It is another program, or its version is unknown.
    Foreign,
}

/// The first version with all options that we use.
pub const OLDEST: (u32, u32, u32) = (3, 1, 0);
/// The first version that negotiates checksums.
const NEGOTIATES: (u32, u32, u32) = (3, 2, 0);
/// The version that fixed 33 security issues, many of them with links sent by a server.
pub const SAFE: (u32, u32, u32) = (3, 5, 0);

/// Hint for the installation of a supported rsync.
pub const INSTALL: &str = "install rsync 3.5.0 or newer (`apt install rsync`, `dnf install rsync`, `brew install rsync`), \
                           or name another program by `rsync` in [sync]";

impl Version {
    /// Returns why it certainly lacks something required; `None` if it does not, or this is unknown.
    pub fn lacks(&self) -> Option<String> {
        match self.support() {
            Support::TooOld => {
                Some(format!("it is {self}, and lacks options that are needed here, which came with 3.1"))
            }
            Support::Foreign if self.flavour == Flavour::OpenRsync => {
                Some(format!("it is {self}, and lacks options that are needed here"))
            }
            Support::Good | Support::Unfixed | Support::Foreign => None,
        }
    }

    /// Whether it negotiates checksums, and says with `--debug=nstr1` which one was chosen.
    pub fn tells_checksum(&self) -> bool {
        self.flavour == Flavour::Samba && self.number.is_some_and(|number| number >= NEGOTIATES)
    }

    /// Parses the output of `rsync --version`; never fails.
    pub fn parse(text: &str) -> Self {
        let words: Vec<&str> = text.split_whitespace().take(40).collect();
        let after = |word: &str, n: usize| {
            words.iter().position(|w| w.trim_end_matches(':') == word).and_then(|at| words.get(at + n))
        };
        let flavour = match words.first() {
            Some(first) if first.starts_with("openrsync") => Flavour::OpenRsync,
            Some(&"rsync") => Flavour::Samba,
            _ => Flavour::Unknown,
        };
        let protocol = after("protocol", 2).and_then(|word| word.trim_end_matches(',').parse().ok());
        let number =
            words.windows(3).find(|w| w[0] == "rsync" && w[1] == "version").and_then(|w| number(w[2]));
        Version { flavour, number, protocol }
    }

    /// Returns whether it is supported.
    pub fn support(&self) -> Support {
        match (self.flavour, self.number) {
            (Flavour::Samba, Some(number)) if number < OLDEST => Support::TooOld,
            (Flavour::Samba, Some(number)) if number < SAFE => Support::Unfixed,
            (Flavour::Samba, Some(_)) => Support::Good,
            _ => Support::Foreign,
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.flavour {
            Flavour::Samba => "rsync",
            Flavour::OpenRsync => "openrsync, compatible with rsync",
            Flavour::Unknown => "an unknown program",
        };
        match self.number {
            Some((major, minor, patch)) => write!(f, "{name} {major}.{minor}.{patch}")?,
            None => write!(f, "{name} of no known version")?,
        }
        match self.protocol {
            Some(protocol) => write!(f, ", protocol {protocol}"),
            None => Ok(()),
        }
    }
}

/// Parses `3.5.0`, `v3.4.1`, `3.2.7pre1`; missing parts are 0.
fn number(word: &str) -> Option<(u32, u32, u32)> {
    let mut parts = word.trim_start_matches('v').split('.').map(|part| {
        let digits = part.find(|c: char| !c.is_ascii_digit()).map_or(part, |end| &part[..end]);
        digits.parse().ok()
    });
    let major = parts.next()??;
    let mut next = || parts.next().flatten().unwrap_or(0);
    Some((major, next(), next()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_are_read_and_judged() {
        for (text, shown, support) in [
            (
                "rsync  version 3.5.0  protocol version 32\nCopyright (C) 1996-2026 by",
                "rsync 3.5.0, protocol 32",
                Support::Good,
            ),
            ("rsync  version 3.4.1  protocol version 32\n", "rsync 3.4.1, protocol 32", Support::Unfixed),
            (
                "rsync  version v3.2.7pre1  protocol version 31\n",
                "rsync 3.2.7, protocol 31",
                Support::Unfixed,
            ),
            ("rsync  version 3.0.9  protocol version 30\n", "rsync 3.0.9, protocol 30", Support::TooOld),
            (
                "openrsync: protocol version 29\nrsync version 2.6.9 compatible\n",
                "openrsync, compatible with rsync 2.6.9, protocol 29",
                Support::Foreign,
            ),
            ("hello", "an unknown program of no known version", Support::Foreign),
            ("", "an unknown program of no known version", Support::Foreign),
        ] {
            let version = Version::parse(text);
            assert_eq!((version.to_string().as_str(), version.support()), (shown, support), "{text}");
        }
    }

    #[test]
    fn checksums_are_negotiated_from_3_2_on() {
        for (text, tells) in [
            ("rsync  version 3.1.3  protocol version 31\n", false),
            ("rsync  version 3.2.0  protocol version 31\n", true),
            ("rsync  version 3.5.0  protocol version 32\n", true),
            ("openrsync: protocol version 29\nrsync version 3.2.0 compatible\n", false),
            ("hello", false),
        ] {
            assert_eq!(Version::parse(text).tells_checksum(), tells, "{text}");
        }
    }

    proptest! {
        #[test]
        fn anything_can_be_read(text in any::<String>()) {
            let _ = Version::parse(&format!("rsync version {text}")).support();
        }
    }
}
