//! What `rsync --version` says, and whether that rsync will do.

/// Whose rsync it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// The original, from samba.org.
    Samba,
    /// OpenBSD's, which macOS ships: another program with a part of the options.
    OpenRsync,
    /// Something that says neither.
    Unknown,
}

/// An rsync as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Whose it is.
    pub flavour: Flavour,
    /// Its version; `None` if it did not say one. For openrsync that is the version which it claims to be compatible with.
    pub number: Option<(u32, u32, u32)>,
    /// Its newest protocol.
    pub protocol: Option<u32>,
}

/// Whether an rsync will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It will.
    Good,
    /// It works, but lacks the security fixes of [`SAFE`].
    Unfixed,
    /// It lacks options that we need (`--info`, from [`OLDEST`] on).
    TooOld,
    /// It is another program, or does not say which version it is.
    Foreign,
}

/// The first version that knows all options that we give.
pub const OLDEST: (u32, u32, u32) = (3, 1, 0);
/// The version that fixed 33 security issues, many of them about links that a server sends.
pub const SAFE: (u32, u32, u32) = (3, 5, 0);

/// How to get one that will do.
pub const INSTALL: &str = "install rsync 3.5.0 or newer (`apt install rsync`, `dnf install rsync`, `brew install rsync`), \
                           or name another program by `rsync` in [sync]";

impl Version {
    /// Why it surely cannot do what is needed; `None` for one that can, and one of which nobody knows.
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

    /// Reads what `rsync --version` printed; total.
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

    /// Whether it will do.
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

/// `3.5.0`, `v3.4.1`, `3.2.7pre1`; what is missing is 0.
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

    proptest! {
        #[test]
        fn anything_can_be_read(text in any::<String>()) {
            let _ = Version::parse(&format!("rsync version {text}")).support();
        }
    }
}
