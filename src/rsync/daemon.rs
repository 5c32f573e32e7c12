//! The start of the daemon protocol, as far as it is needed to request the list of modules.

/// The request for a daemon's list of modules: a protocol version without digests, then the list command.
pub const ASK_FOR_MODULES: &[u8] = b"@RSYNCD: 31.0\n#list\n";

/// A module in a daemon's list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// The comment of its operators; may be empty.
    pub comment: String,
}

/// A line of the response to [`ASK_FOR_MODULES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The end of the list.
    End,
    /// An error message of the daemon.
    Refused(String),
    /// A module.
    Module(Module),
    /// A line of the message of the day.
    Other,
}

/// Returns the protocol version in a daemon's greeting, `@RSYNCD: 32.0 sha512 …`; `None` if it is not from an rsync daemon.
pub fn greeting(line: &str) -> Option<String> {
    let version = line.strip_prefix("@RSYNCD: ")?.split_whitespace().next()?;
    version.starts_with(|c: char| c.is_ascii_digit()).then(|| version.chars().take(20).collect())
}

/// Parses a line of the list of modules: `name<padding>\tcomment`.
pub fn answer(line: &str) -> Answer {
    if line.starts_with("@RSYNCD: EXIT") {
        return Answer::End;
    }
    if let Some(said) = line.strip_prefix("@ERROR") {
        return Answer::Refused(said.trim_start_matches(':').trim().into());
    }
    match line.split_once('\t') {
        Some((name, comment)) if !name.trim().is_empty() && !name.trim().contains(char::is_whitespace) => {
            Answer::Module(Module { name: name.trim().into(), comment: comment.trim().into() })
        }
        _ => Answer::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_has_a_protocol() {
        assert_eq!(greeting("@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4").as_deref(), Some("32.0"));
        assert_eq!(greeting("@RSYNCD: 30.0").as_deref(), Some("30.0"));
        for other in ["SSH-2.0-OpenSSH_9.2", "HTTP/1.1 400 Bad Request", "@RSYNCD: EXIT", "@RSYNCD:", ""] {
            assert_eq!(greeting(other), None, "{other}");
        }
    }

    #[test]
    fn modules_are_told_from_the_message_of_the_day() {
        let module =
            |name: &str, comment: &str| Answer::Module(Module { name: name.into(), comment: comment.into() });
        assert_eq!(answer("ftp_data       \tPDB data"), module("ftp_data", "PDB data"));
        assert_eq!(answer("m              \t"), module("m", ""));
        assert_eq!(answer("Welcome to the archive\twith a tab"), Answer::Other);
        assert_eq!(answer("\t"), Answer::Other);
        assert_eq!(answer("@RSYNCD: EXIT"), Answer::End);
        assert_eq!(answer("@ERROR: access denied"), Answer::Refused("access denied".into()));
    }
}
