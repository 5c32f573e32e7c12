//! The other side of an rsync connection, and the way to it.

use crate::model::job::{Address, Source};
use crate::rsync::args;

/// A source and how it is reached.
#[derive(Debug, Clone)]
pub struct Peer<'a> {
    /// The source.
    pub source: &'a Source,
    /// The rsync options of the job.
    pub rsync_args: &'a [String],
    /// `HOST:PORT` of the proxy for daemons (RSYNC_PROXY), without a login.
    pub proxy: Option<String>,
    /// The remote shell from the environment (RSYNC_RSH).
    pub shell: Option<String>,
    /// Whether rsync was given names that the source had a moment before, so that one that is missing has vanished.
    pub listed: bool,
    /// Whether rsync has reported names that the source does not have, and they were expected: all other names are there.
    pub missing_expected: bool,
}

impl<'a> From<&'a Source> for Peer<'a> {
    /// A source that is reached directly.
    fn from(source: &'a Source) -> Self {
        Peer { source, rsync_args: &[], proxy: None, shell: None, listed: false, missing_expected: false }
    }
}

impl<'a> Peer<'a> {
    /// A source as a job reaches it in an environment with these variables.
    pub fn new(
        source: &'a Source,
        rsync_args: &'a [String],
        variable: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        // RSYNC_CONNECT_PROG has priority, and then no proxy is used.
        let direct = !matches!(source.address, Address::Daemon { .. })
            || args::own_shell(rsync_args)
            || set("RSYNC_CONNECT_PROG").is_some();
        let proxy = set("RSYNC_PROXY").filter(|_| !direct);
        let proxy = proxy.map(|proxy| proxy.rsplit_once('@').map_or(proxy.clone(), |(_, host)| host.into()));
        Peer { source, rsync_args, proxy, shell: set("RSYNC_RSH"), listed: false, missing_expected: false }
    }

    /// Whether the source is reached through a remote shell.
    pub(super) fn by_shell(&self) -> bool {
        match self.source.address {
            Address::Shell { .. } => true,
            Address::Daemon { .. } => args::own_shell(self.rsync_args),
            Address::Local(_) => false,
        }
    }

    /// Returns a command line for a manual login like rsync's: `ssh -p 2222 USER@HOST`, with `options` after the program.
    pub(super) fn login(&self, options: &str) -> String {
        let shell = args::shell(self.rsync_args).or(self.shell.as_deref()).unwrap_or("ssh").trim();
        let (program, own) = shell.split_once(' ').unwrap_or((shell, ""));
        let end = self.source.text.split("://").last().unwrap_or_default();
        let user = end.split(['/', ':']).next().and_then(|start| start.rsplit_once('@'));
        let user = user.map_or(String::new(), |(user, _)| format!("{user}@"));
        let host = self.source.host().unwrap_or_default();
        let words = [program, options, own.trim(), &format!("{user}{host}")];
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// Whether the job itself sets an option that rsync names in a message.
    pub(super) fn gives(&self, option: &str) -> bool {
        let option = option.trim_matches(['`', '\'', '"', ':']);
        let name = option.split('=').next().unwrap_or(option);
        !name.is_empty()
            && self.rsync_args.iter().any(|own| own == name || own.starts_with(&format!("{name}=")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_login_is_the_one_that_rsync_makes() {
        let login = |source: &str, own: &[&str], shell: Option<&str>, options| {
            let source = Source::parse(source, Path::new("/")).unwrap();
            let own: Vec<String> = own.iter().map(|own| (*own).to_owned()).collect();
            let variable = |name: &str| shell.filter(|_| name == "RSYNC_RSH").map(str::to_owned);
            Peer::new(&source, &own, variable).login(options)
        };
        assert_eq!(login("h:/x", &[], None, ""), "ssh h");
        assert_eq!(login("me@h:x", &["-e", "ssh -p 2222"], None, ""), "ssh -p 2222 me@h");
        assert_eq!(login("me@h:x", &["-ze", "ssh -p 2222"], Some("ssh -p 1"), "-v"), "ssh -v -p 2222 me@h");
        assert_eq!(login("h:x", &["--rsh=ssh -p2222"], None, ""), "ssh -p2222 h");
        assert_eq!(login("h:x", &[], Some("ssh -p 2222"), ""), "ssh -p 2222 h");
        assert_eq!(login("rsync://me@h/m/", &["-e", "ssh"], None, ""), "ssh me@h");
    }

    #[test]
    fn a_proxy_counts_where_rsync_asks_it() {
        let proxy = |source: &str, own: &[&str], set: &[(&str, &str)]| {
            let source = Source::parse(source, Path::new("/")).unwrap();
            let own: Vec<String> = own.iter().map(|own| (*own).to_owned()).collect();
            let variable =
                |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            Peer::new(&source, &own, variable).proxy
        };
        let set = [("RSYNC_PROXY", "me:pw@proxy:3128")];
        assert_eq!(proxy("h::m/", &[], &set), Some("proxy:3128".into()));
        assert_eq!(proxy("h:m/", &[], &set), None);
        assert_eq!(proxy("h::m/", &["-e", "ssh"], &set), None);
        assert_eq!(proxy("h::m/", &[], &[("RSYNC_PROXY", "")]), None);
        assert_eq!(proxy("h::m/", &[], &[set[0], ("RSYNC_CONNECT_PROG", "x")]), None);
    }
}
