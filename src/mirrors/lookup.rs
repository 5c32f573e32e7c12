//! Finds archives by references (`wwpdb:structures/`) and by addresses of their servers.

use super::{Archive, Catalogue, Change, Server};
use crate::model::job::{Address, Source};
use std::path::Path;

/// A source that names an archive and a path in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference<'a> {
    /// The archive.
    pub archive: &'a Archive,
    /// The path below its root; may be empty.
    pub path: &'a str,
}

impl Catalogue {
    /// Parses `ARCHIVE:PATH`; `None` for any other source. `HOST:/PATH`, `HOST:./PATH` and `USER@HOST:PATH` are never references, so a host
    /// with the name of an archive can be reached over ssh.
    pub fn reference<'a>(&'a self, source: &'a str) -> Option<Reference<'a>> {
        let (name, path) = source.split_once(':')?;
        if path.starts_with(['/', ':', '.', '~']) {
            return None;
        }
        Some(Reference { archive: self.archive(name)?, path })
    }

    /// Returns sources on other servers with the same contents; empty if none is known. Second-hand addresses are left out.
    pub fn alternatives(&self, source: &Source) -> Vec<Source> {
        let Some((archive, own, below)) = self.place(source) else { return Vec::new() };
        let others = archive.servers.iter().filter(|server| !server.second_hand && server.root != own.root);
        // All roots are valid sources, and so are paths below them.
        others.filter_map(|server| Source::parse(&server.source(&below), Path::new("/")).ok()).collect()
    }

    /// Returns the archive that a source on a known server is in, the server, and the path below the root of the archive, with its slash at
    /// the end if it has one. The port does not matter. If several archives match, the one with the longest path does.
    pub fn place(&self, source: &Source) -> Option<(&Archive, &Server, String)> {
        let Address::Daemon { host, .. } = &source.address else { return None };
        let path = daemon_path(&source.text)?.1;
        let servers =
            self.archives.iter().flat_map(|archive| archive.servers.iter().map(move |s| (archive, s)));
        let of_host = servers.filter(|(_, server)| server.is_at(host));
        let found = of_host.filter_map(|(archive, server)| {
            let root = daemon_path(&server.root)?.1;
            let below = path.strip_prefix(root)?;
            let below = if below.is_empty() { below } else { below.strip_prefix('/')? };
            Some((root.len(), (archive, server, below.to_owned())))
        });
        found.max_by_key(|(length, _)| *length).map(|(_, found)| found)
    }

    /// Returns the ports that a host is known to use; empty for an unknown host.
    pub fn ports(&self, host: &str) -> Vec<u16> {
        let servers = self.archives.iter().flat_map(|archive| &archive.servers);
        let ports = servers.filter(|server| server.is_at(host)).filter_map(Server::port);
        let mut ports: Vec<u16> = ports.collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// Whether a known server uses this port.
    pub fn is_port(&self, port: u16) -> bool {
        self.archives.iter().flat_map(|archive| &archive.servers).any(|server| server.port() == Some(port))
    }

    /// Returns the announced changes that concern a source.
    pub fn changes<'a>(&'a self, source: &Source) -> impl Iterator<Item = &'a Change> {
        let place = self.place(source).map(|(archive, _, below)| (archive.name.clone(), below));
        self.dates.iter().filter(move |change| {
            let Some((archive, below)) = &place else { return false };
            let root = change.layout.as_ref().and_then(|layout| self.layout(layout)?.root.as_ref());
            // A path in the layout of the change is not affected by it.
            let changed = root.is_some_and(|root| below.split('/').next() == Some(root));
            change.archives.contains(archive) && !changed
        })
    }

    /// Returns the change of a layout that was announced, with the directory at the root that shows the new layout, and the modules that
    /// have it at other servers.
    pub fn new_layout(&self) -> Option<(&Change, &str, Vec<String>)> {
        let change = self.dates.iter().find(|change| change.layout.is_some())?;
        let layout = self.layout(change.layout.as_ref()?)?;
        let archives = self.archives.iter().filter(|archive| archive.layout.as_ref() == Some(&layout.name));
        let roots =
            archives.flat_map(|archive| &archive.servers).filter_map(|server| daemon_path(&server.root));
        Some((change, layout.root.as_deref()?, roots.map(|(_, path)| path.to_owned()).collect()))
    }
}

impl Server {
    /// The port of a daemon.
    pub fn port(&self) -> Option<u16> {
        match self.address()? {
            Address::Daemon { port, .. } => Some(port),
            Address::Shell { .. } | Address::Local(_) => None,
        }
    }

    /// The path below the module of a daemon; may be empty.
    pub fn path(&self) -> Option<&str> {
        let (_, path) = daemon_path(&self.root)?;
        Some(path.split_once('/').map_or("", |(_, below)| below))
    }
}

/// Returns the source with another module and path at the same daemon; `None` if it is not at a daemon.
pub fn beside(source: &Source, path: &str) -> Option<Source> {
    let Address::Daemon { .. } = source.address else { return None };
    let (server, _) = daemon_path(&source.text)?;
    Source::parse(&format!("{server}{path}"), Path::new("/")).ok()
}

/// Whether a path of a reference stays below the root of its archive.
pub fn plain_path(path: &str) -> bool {
    path.split('/').all(|part| part != "..")
}

/// Splits the text of a daemon source before the module: `rsync://HOST/` or `HOST::`, and `MODULE/PATH`.
fn daemon_path(text: &str) -> Option<(&str, &str)> {
    let at = match text.find("://") {
        Some(scheme) => scheme + 3 + text[scheme + 3..].find('/')? + 1,
        None => text.find("::")? + 2,
    };
    Some(text.split_at(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::parse(text, Path::new("/")).unwrap()
    }

    fn of(text: &str) -> Vec<String> {
        Catalogue::built_in().alternatives(&source(text)).into_iter().map(|s| s.text).collect()
    }

    #[test]
    fn each_archive_has_its_own_port_and_path() {
        let pdbj = "rsync://ftp.pdbj.org/ftp_data/structures/divided/mmCIF/";
        let pdbe = "rsync://rsync.ebi.ac.uk/pub/databases/pdb/data/structures/divided/mmCIF/";
        let rcsb = "rsync://rsync.rcsb.org:33444/ftp_data/structures/divided/mmCIF/";
        assert_eq!(of(rcsb), [pdbj, pdbe]);
        assert_eq!(of("rsync.wwpdb.org::ftp_data/structures/divided/mmCIF/"), [pdbj, pdbe]);
        assert_eq!(of(pdbe), [rcsb, pdbj]);
        assert_eq!(
            of("rsync://ftp.pdbj.org/ftp_data"),
            ["rsync://rsync.rcsb.org:33444/ftp_data/", "rsync://rsync.ebi.ac.uk/pub/databases/pdb/data/"]
        );
        for other in [
            "rsync://rsync.rcsb.org:33444/emdb/",
            "rsync://rsync.rcsb.org/ftp_data2/x",
            "/local",
            "h:/x",
            "h::ftp_data/",
        ] {
            assert!(of(other).is_empty(), "{other}");
        }
    }

    #[test]
    fn references_are_told_from_hosts() {
        let catalogue = Catalogue::built_in();
        let of = |text: &str| {
            catalogue.reference(text).map(|found| (found.archive.name.clone(), found.path.to_owned()))
        };
        assert_eq!(of("wwpdb:structures/x/"), Some(("wwpdb".into(), "structures/x/".into())));
        assert_eq!(of("emdb:"), Some(("emdb".into(), String::new())));
        for other in [
            "wwpdb::structures/",
            "wwpdb:/structures/",
            "wwpdb:./structures",
            "wwpdb:~/x",
            "me@wwpdb:x",
            "host:x",
            "rsync://wwpdb/x/",
            "/wwpdb:x",
            "x",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
        assert!(plain_path("a/b..c/") && !plain_path("a/../b"));
    }

    #[test]
    fn the_longest_path_names_the_archive() {
        let catalogue = Catalogue::built_in();
        let of = |text: &str| {
            catalogue.place(&source(text)).map(|(archive, _, below)| (archive.name.clone(), below))
        };
        assert_eq!(of("rsync://rsync.rcsb.org:33444/ftp/x/"), Some(("wwpdb-ftp".into(), "x/".into())));
        assert_eq!(of("rsync.ebi.ac.uk::pub/databases/msd/x"), Some(("pdbe-msd".into(), "x".into())));
        assert_eq!(of("rsync.ebi.ac.uk::pub/databases/other"), None);
        assert_eq!(catalogue.ports("rsync.wwpdb.org"), [33444]);
        assert!(catalogue.is_port(32382) && !catalogue.is_port(8730));
    }

    #[test]
    fn a_change_concerns_what_is_in_the_layout_before_it() {
        let catalogue = Catalogue::built_in();
        let changes = |text: &str| catalogue.changes(&source(text)).count();
        assert_eq!(changes("rsync://ftp.pdbj.org/ftp_data/structures/divided/mmCIF/"), 1);
        assert_eq!(changes("rsync://ftp.pdbj.org/ftp_data/entries/ab/"), 0);
        assert_eq!(changes("rsync://rsync.pdb-redo.eu/pdb-redo/"), 0);
        let (change, root, modules) = catalogue.new_layout().unwrap();
        assert_eq!((change.day.to_string().as_str(), root), ("2027-07-21", "entries"));
        assert_eq!(modules, ["pdb_data"]);
    }

    #[test]
    fn another_module_of_the_same_server() {
        let beside = |text: &str| beside(&source(text), "pdb_data/").map(|source| source.text);
        assert_eq!(beside("rsync://me@h:1/m/x/y").as_deref(), Some("rsync://me@h:1/pdb_data/"));
        assert_eq!(beside("me@h::m/x").as_deref(), Some("me@h::pdb_data/"));
        assert_eq!(beside("/m/x"), None);
    }
}
