//! Sources of jobs, in rsync's notations.

use std::path::{Path, PathBuf};

/// One source: the configured text and what it addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The text that rsync gets. It never starts with `-` and is never empty; local paths are absolute.
    pub text: String,
    /// What it addresses.
    pub address: Address,
}

/// The kind of location that a source addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `rsync://[user@]host[:port]/module/path` or `[user@]host::module/path`.
    Daemon {
        /// Host name or address, without brackets.
        host: String,
        /// The port; 873 if the source has none.
        port: u16,
        /// The module, never empty.
        module: String,
    },
    /// `[user@]host:path`, over a remote shell.
    Shell {
        /// Host name or address, without brackets.
        host: String,
    },
    /// An absolute path on this machine.
    Local(PathBuf),
}

/// Why a source is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Nothing there.
    #[error("a source must not be empty")]
    Empty,
    /// rsync would take it for an option.
    #[error(
        "a source must not start with '-': rsync could read it as an option (write ./{0} for a file of that name)"
    )]
    Option(String),
    /// A daemon without a module would only list its modules.
    #[error("{0:?} names no module: write rsync://HOST/MODULE/ or HOST::MODULE/")]
    NoModule(String),
    /// The port is not a number in 1..=65535.
    #[error("{0:?} has a port that is not a number between 1 and 65535")]
    Port(String),
    /// Everybody on the machine sees it in the list of processes, and logs and the history keep it.
    #[error(
        "{0:?} holds a password, which would be seen in the list of processes, in logs and in the history"
    )]
    Password(String),
    /// rsync would take it for a path behind a remote shell.
    #[error("{0:?}: HOST::MODULE takes no port (write rsync://HOST:PORT/MODULE/)")]
    ShellPort(String),
    /// No host before the colon.
    #[error("{0:?} names no host")]
    NoHost(String),
    /// A URL that rsync does not speak.
    #[error("{0:?}: rsync supports rsync://, but not this scheme")]
    Scheme(String),
    /// What rsync would take for the name of a local file.
    #[error("{0:?} begins with a blank")]
    Blank(String),
    /// A NUL byte cannot be handed to a program.
    #[error("a source must not contain a NUL byte")]
    Nul,
}

const DAEMON_PORT: u16 = 873;

impl SourceError {
    /// Returns what to do about it, if the error message does not say so.
    pub fn hint(&self) -> Option<String> {
        match self {
            SourceError::Password(_) => {
                Some("remove it, and give it by `password_file = \"FILE\"` or by RSYNC_PASSWORD".into())
            }
            SourceError::Blank(text) if text.contains(':') => Some("remove the blank".into()),
            SourceError::Blank(text) => Some(format!(
                "remove the blank, or write {:?} for a directory of that name",
                format!("./{text}")
            )),
            _ => None,
        }
    }
}

/// Replaces a password between user and host by asterisks, one per character: `rsync://me:******@host/m/`.
pub fn mask_passwords(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.find('@') {
        // A password may contain an `@`.
        let end =
            rest[first..].find(['/', '"', '\'', ' ', '\t', ',', ']']).map_or(rest.len(), |end| first + end);
        let at = rest[..end].rfind('@').unwrap_or(first);
        let (before, after) = rest.split_at(at);
        let start = before.rfind(['/', '"', '\'', ' ', '\t', ',', '[', '=']).map_or(0, |start| start + 1);
        match before[start..].split_once(':') {
            Some((user, password)) if !password.is_empty() => {
                out.push_str(&before[..start + user.len() + 1]);
                out.extend(password.chars().map(|_| '*'));
            }
            _ => out.push_str(before),
        }
        out.push('@');
        rest = &after[1..];
    }
    out.push_str(rest);
    out
}

impl Source {
    /// Parses a source. A relative local path is resolved against `base`, which must be absolute. A trailing slash is kept, because it has
    /// a meaning in rsync.
    pub fn parse(text: &str, base: &Path) -> Result<Self, SourceError> {
        if text.trim().is_empty() {
            return Err(SourceError::Empty);
        }
        if text.starts_with(char::is_whitespace) {
            return Err(SourceError::Blank(mask_passwords(text)));
        }
        if text.starts_with('-') {
            return Err(SourceError::Option(text.into()));
        }
        if text.contains('\0') {
            return Err(SourceError::Nul);
        }
        let address = parse_address(text);
        let authority = text.split_once("://").map_or(text, |(_, rest)| rest).split('/').next().unwrap_or("");
        let local = matches!(address, Ok(None));
        if !local && authority.contains('@') && mask_passwords(authority) != authority {
            return Err(SourceError::Password(mask_passwords(text)));
        }
        let address = address?;
        if let Some(Address::Shell { .. }) = &address
            && has_port_and_module(text)
        {
            return Err(SourceError::ShellPort(text.into()));
        }
        let Some(address) = address else {
            let path = base.join(text);
            let mut text = path.to_string_lossy().into_owned();
            if text.starts_with('-') {
                text.insert_str(0, "./");
            }
            return Ok(Source { text, address: Address::Local(path) });
        };
        Ok(Source { text: text.into(), address })
    }

    /// Returns the last component of the path, which is the name of the directory that rsync creates in the destination. `None` if rsync
    /// transfers the contents of a directory (trailing slash, root of a module), or if only the other side can resolve the name
    /// (wildcards).
    pub fn own_directory(&self) -> Option<&str> {
        let text = self.text.as_str();
        let path = match &self.address {
            Address::Local(_) => text,
            Address::Daemon { .. } => {
                let path = match text.split_once("://") {
                    Some((_, rest)) => rest.split_once('/')?.1,
                    None => text.split_once("::")?.1,
                };
                path.split_once('/')?.1
            }
            Address::Shell { .. } => {
                let host_end = text.rfind("]:").map_or(0, |end| end + 1);
                text[host_end..].split_once(':')?.1
            }
        };
        let name = path.rsplit('/').next()?;
        let open = self.is_remote() && name.contains(['*', '?', '[']);
        (!matches!(name, "" | "." | "..") && !open).then_some(name)
    }

    /// Whether the source is on another machine.
    pub fn is_remote(&self) -> bool {
        !matches!(self.address, Address::Local(_))
    }

    /// Returns the host whose connections are limited by `[hosts."NAME"]`; `None` for a local source.
    pub fn host(&self) -> Option<&str> {
        match &self.address {
            Address::Daemon { host, .. } | Address::Shell { host } => Some(host),
            Address::Local(_) => None,
        }
    }

    /// Returns a label for people: `host:port` for a daemon, `host` for a remote shell, `local`.
    pub fn host_label(&self) -> String {
        match &self.address {
            Address::Daemon { host, port, .. } => format!("{host}:{port}"),
            Address::Shell { host } => host.clone(),
            Address::Local(_) => "local".into(),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether rsync would interpret this text as a location on another machine: `HOST:DIR`, `HOST::MODULE`, or a URL.
pub fn names_a_host(text: &str) -> bool {
    url(text).is_some() || !matches!(parse_address(text), Ok(None) | Err(SourceError::NoHost(_)))
}

/// Splits a URL into scheme and rest.
fn url(text: &str) -> Option<(&str, &str)> {
    let is_scheme = |scheme: &str| scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+');
    text.split_once("://").filter(|(scheme, _)| is_scheme(scheme))
}

/// Parses an address; `None` for a local path. Follows rsync's `check_for_hostspec`: a colon before the first slash ends a host.
fn parse_address(text: &str) -> Result<Option<Address>, SourceError> {
    if let Some((scheme, rest)) = url(text) {
        if !scheme.eq_ignore_ascii_case("rsync") {
            return Err(SourceError::Scheme(text.into()));
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = split_host(authority, text)?;
        let port = match port {
            None | Some("") => DAEMON_PORT,
            Some(port) => {
                port.parse().ok().filter(|p| *p != 0).ok_or_else(|| SourceError::Port(text.into()))?
            }
        };
        return daemon(host, port, path, text).map(Some);
    }
    let colon = match (text.starts_with('['), text.find(']')) {
        (true, Some(end)) if text[end + 1..].starts_with(':') => Some(end + 1),
        (true, _) => None,
        _ => text.find(':').filter(|colon| !text[..*colon].contains('/')),
    };
    let Some(colon) = colon else { return Ok(None) };
    let (authority, path) = (&text[..colon], &text[colon + 1..]);
    let (host, _) = split_host(authority, text)?;
    match path.strip_prefix(':') {
        Some(path) => daemon(host, DAEMON_PORT, path, text).map(Some),
        None => Ok(Some(Address::Shell { host })),
    }
}

/// Whether the text has the form `[user@]host:PORT::module`.
fn has_port_and_module(text: &str) -> bool {
    let host_end = text.rfind(']').map_or(0, |end| end + 1);
    let Some((_, path)) = text[host_end..].split_once(':') else { return false };
    path.split_once("::")
        .is_some_and(|(port, _)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

fn daemon(host: String, port: u16, path: &str, text: &str) -> Result<Address, SourceError> {
    match path.split('/').next() {
        None | Some("") => Err(SourceError::NoModule(text.into())),
        Some(module) => Ok(Address::Daemon { host, port, module: module.into() }),
    }
}

/// Splits `[user@]host[:port]`; the host may be in brackets.
fn split_host<'a>(authority: &'a str, text: &str) -> Result<(String, Option<&'a str>), SourceError> {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match host.strip_prefix('[').and_then(|h| h.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() || host.starts_with('-') {
        return Err(SourceError::NoHost(text.into()));
    }
    Ok((host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Source::parse(text, Path::new("/base")).unwrap().address
    }

    #[test]
    fn rsyncs_notations_are_told_apart() {
        let daemon = |host: &str, port, module: &str| Address::Daemon {
            host: host.into(),
            port,
            module: module.into(),
        };
        assert_eq!(
            address("rsync://rsync.rcsb.org:33444/ftp_data/structures/"),
            daemon("rsync.rcsb.org", 33444, "ftp_data")
        );
        assert_eq!(address("RSYNC://User@Host/m"), daemon("host", 873, "m"));
        assert_eq!(address("rsync://bmrb.io:/bmrb_entries/"), daemon("bmrb.io", 873, "bmrb_entries"));
        assert_eq!(address("rsync://[::1]:8730/m/x"), daemon("::1", 8730, "m"));
        assert_eq!(address("rsync.ebi.ac.uk::pub/databases/pdb/"), daemon("rsync.ebi.ac.uk", 873, "pub"));
        assert_eq!(address("me@host:/srv/pdb/"), Address::Shell { host: "host".into() });
        assert_eq!(address("[fe80::1]:dir"), Address::Shell { host: "fe80::1".into() });
        assert_eq!(address("/srv/a:b/"), Address::Local("/srv/a:b/".into()));
        assert_eq!(address("./a:b"), Address::Local("/base/./a:b".into()));
        assert_eq!(address("rel/dir/"), Address::Local("/base/rel/dir/".into()));
    }

    #[test]
    fn a_password_or_a_port_in_the_wrong_place_is_refused() {
        for text in [
            "rsync://me:secret@h/m/",
            "rsync://me:sec:ret@h:873/m",
            "me:secret@h::m/",
            "me:secret@h:/d",
            "rsync://:secret@h/m/",
            ":secret@h::m/",
        ] {
            let error = Source::parse(text, Path::new("/b")).unwrap_err();
            assert!(matches!(&error, SourceError::Password(_)), "{text}: {error:?}");
            assert!(!error.to_string().contains("sec") && error.hint().is_some(), "{error}");
        }
        assert_eq!(mask_passwords("rsync://joe:s3@cret@host/m@x:y/"), "rsync://joe:*******@host/m@x:y/");
        for text in ["h:873::m/", "me@h:33444::ftp_data/x", "[::1]:8730::m"] {
            let error = Source::parse(text, Path::new("/b")).unwrap_err();
            assert!(matches!(error, SourceError::ShellPort(_)), "{text}: {error:?}");
        }
        for text in ["rsync://me@h:873/m", "me@h::m/a@b:c", "h:873", "h:dir::x", "/srv/a:b@c/", "./a:b@c"] {
            assert!(Source::parse(text, Path::new("/b")).is_ok(), "{text}");
        }
        let line = "source = [\"rsync://me:s3cr/et@h/m/\", \"rsync://me:secret@h/m/\"]";
        assert_eq!(
            mask_passwords(line),
            "source = [\"rsync://me:s3cr/et@h/m/\", \"rsync://me:******@h/m/\"]"
        );
    }

    #[test]
    fn a_trailing_slash_survives() {
        assert_eq!(Source::parse("rel/", Path::new("/base")).unwrap().text, "/base/rel/");
        assert_eq!(Source::parse("rel", Path::new("/base")).unwrap().text, "/base/rel");
    }

    #[test]
    fn what_brings_a_directory_of_its_own_is_known() {
        let own =
            |text: &str| Source::parse(text, Path::new("/base")).unwrap().own_directory().map(str::to_owned);
        for text in ["h::m", "h::m/", "rsync://h/m", "rsync://h/m/a/", "h:", "h:a/..", "/a/.", "h::m/*.gz"] {
            assert_eq!(own(text), None, "{text}");
        }
        for text in ["h::m/a/b", "rsync://h:1/m/b", "h:b", "me@h:/x/b", "[::1]:b", "a/b", "/b", "./x:y/b"] {
            assert_eq!(own(text).as_deref(), Some("b"), "{text}");
        }
        assert_eq!(own("/a/*").as_deref(), Some("*"), "no shell reads a local path");
    }

    #[test]
    fn what_rsync_would_misread_is_refused() {
        for text in [
            "",
            " ",
            " /x",
            "\th::m/",
            "-e sh",
            "--delete",
            "rsync://host",
            "rsync://host/",
            "host::",
            "http://h/x",
            "a\0b",
        ] {
            assert!(Source::parse(text, Path::new("/base")).is_err(), "{text:?}");
        }
        for text in ["rsync://h:0/m", "rsync://h:65536/m", "rsync://h:port/m"] {
            assert!(matches!(Source::parse(text, Path::new("/b")), Err(SourceError::Port(_))), "{text}");
        }
        for text in [":path", "::m", "rsync:///m", "user@:x", "-oProxyCommand=x@-h:/p"] {
            assert!(Source::parse(text, Path::new("/base")).is_err(), "{text:?}");
        }
    }
}
