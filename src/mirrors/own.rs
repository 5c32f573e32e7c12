//! Addresses of `[mirrors]` in the configuration, over those of the catalogue.

use super::{Archive, Catalogue, Server};
use crate::model::job::{Address, Source};
use std::path::Path;

/// The addresses that a configuration has for one archive. Each is the root of the archive in one of rsync's notations; local paths are
/// absolute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnServers {
    /// Tried before the others.
    pub first: Vec<String>,
    /// In place of those of the catalogue.
    pub only: Option<Vec<String>>,
    /// Tried after the others.
    pub last: Vec<String>,
}

/// Checks the name of an archive. A name with a dot could be a host.
pub fn check_archive_name(name: &str) -> Result<(), &'static str> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    match name {
        "" => Err("is empty"),
        name if name.len() > 64 => Err("is too long"),
        name if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) => {
            Err("must start with a letter or a digit")
        }
        name if !name.bytes().all(allowed) => Err("has a character that is not allowed"),
        _ => Ok(()),
    }
}

impl Catalogue {
    /// Adds the addresses of a configuration for an archive, which need not be in the catalogue. An address replaces those of the catalogue
    /// on the same host.
    pub fn add(&mut self, name: &str, own: OwnServers) {
        let at = match self.archives.iter().position(|archive| archive.name == name) {
            Some(at) => at,
            None => {
                let (name, about) = (name.to_owned(), String::new());
                self.archives.push(Archive { name, about, layout: None, servers: Vec::new() });
                self.archives.len() - 1
            }
        };
        let OwnServers { first, only, last } = own;
        let configured: Vec<Option<String>> = first.iter().chain(&last).map(|root| host(root)).collect();
        let archive = &mut self.archives[at];
        let others = match only {
            Some(only) => only.iter().map(|root| Server::configured(root)).collect(),
            None => {
                let mut others = std::mem::take(&mut archive.servers);
                others.retain(|server| !configured.iter().flatten().any(|host| server.is_at(host)));
                others
            }
        };
        let own = |roots: &[String]| roots.iter().map(|root| Server::configured(root)).collect::<Vec<_>>();
        archive.servers = [own(&first), others, own(&last)].concat();
    }
}

impl Server {
    fn configured(root: &str) -> Self {
        let root = root.trim_end_matches('/').to_owned();
        Server { root, operator: None, also: Vec::new(), second_hand: false, configured: true }
    }

    /// What the root addresses; `None` only for an invalid address, which the configuration refuses.
    pub fn address(&self) -> Option<Address> {
        Source::parse(&self.source(""), Path::new("/")).ok().map(|source| source.address)
    }

    /// Whether the server has this host name, in lower case.
    pub(super) fn is_at(&self, name: &str) -> bool {
        host(&self.root).is_some_and(|own| own == name) || self.also.iter().any(|also| also == name)
    }
}

/// The host of a daemon.
fn host(root: &str) -> Option<String> {
    match Source::parse(&format!("{}/", root.trim_end_matches('/')), Path::new("/")).ok()?.address {
        Address::Daemon { host, .. } => Some(host),
        Address::Shell { .. } | Address::Local(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, first: &[&str], only: Option<&[&str]>, last: &[&str]) -> Vec<String> {
        let owned = |roots: &[&str]| roots.iter().map(|root| (*root).to_owned()).collect::<Vec<_>>();
        let mut catalogue = Catalogue::default();
        catalogue.add(name, OwnServers { first: owned(first), only: only.map(owned), last: owned(last) });
        let archive = catalogue.archive(name).unwrap();
        archive.used().map(|server| server.source("x/")).collect()
    }

    #[test]
    fn own_addresses_come_before_after_or_in_place_of_the_others() {
        let all = with("wwpdb", &["/srv/pdb/", "h::pdb"], None, &["me@ssh:pdb"]);
        assert_eq!(all.len(), 6);
        assert_eq!((&*all[0], &*all[1], &*all[5]), ("/srv/pdb/x/", "h::pdb/x/", "me@ssh:pdb/x/"));
        assert_eq!(all[2], "rsync://rsync.rcsb.org:33444/ftp_data/x/");
        assert_eq!(with("wwpdb", &[], Some(&["h::pdb/"]), &[]), ["h::pdb/x/"]);
        assert_eq!(with("ours", &["h::ours"], None, &[]), ["h::ours/x/"]);
    }

    #[test]
    fn an_address_replaces_that_of_its_host() {
        let all = with("wwpdb", &[], None, &["rsync://rsync.wwpdb.org:873/ftp_data/"]);
        assert_eq!(all.len(), 3, "{all:?}");
        assert_eq!(all[2], "rsync://rsync.wwpdb.org:873/ftp_data/x/");
        let emdb = with("emdb", &[], None, &["rsync://data.pdbj.org/rsync/pub/emdb/"]);
        assert_eq!(emdb.len(), 2, "no longer second-hand: {emdb:?}");
    }

    #[test]
    fn names_of_archives_are_no_hosts() {
        for good in ["wwpdb", "pdb-redo", "A_1"] {
            assert!(check_archive_name(good).is_ok(), "{good}");
        }
        for bad in ["", "a.b", "-a", "a:b", "a/b", "ä", &"x".repeat(65)] {
            assert!(check_archive_name(bad).is_err(), "{bad}");
        }
    }
}
