//! Known archives: their servers, layouts, and announced changes. The list is `catalogue.toml`; `[mirrors]` of the configuration adds to it.
//! Pure.

mod dates;
mod entry_paths;
mod lookup;
mod own;

pub use dates::Change;
pub use entry_paths::{EntryPath, Shape};
pub use lookup::{Reference, beside, plain_path};
pub use own::{OwnServers, check_archive_name};

use serde::Deserialize;
use std::sync::LazyLock;

/// All archives, layouts and dates.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// The archives, in the order of the file; those that only the configuration has come last.
    pub archives: Vec<Archive>,
    /// The layouts that archives have.
    pub layouts: Vec<Layout>,
    /// Announced changes, by day.
    pub dates: Vec<Change>,
}

/// A tree of files that one or more servers have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// The name before the colon in `wwpdb:structures/`.
    pub name: String,
    /// What it holds; empty for an archive of the configuration.
    pub about: String,
    /// The name of its layout, if the catalogue has it.
    pub layout: Option<String>,
    /// Where it is, in the order in which addresses are tried.
    pub servers: Vec<Server>,
}

/// The root of an archive at one server, or elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub struct Server {
    /// The root in one of rsync's notations, without a slash at its end.
    pub root: String,
    /// Who runs the server; `None` for an address of the configuration.
    pub operator: Option<String>,
    /// Other host names of the same server.
    pub also: Vec<String>,
    /// Whether the address is from third parties only.
    pub second_hand: bool,
    /// Whether the address is from the configuration.
    pub configured: bool,
}

/// A server in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    operator: String,
    host: String,
    #[serde(default)]
    also: Vec<String>,
    port: Option<u16>,
    module: String,
    path: Option<String>,
    #[serde(default)]
    second_hand: bool,
}

/// How the files of an archive are arranged.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Its name.
    pub name: String,
    /// The rule, in words.
    pub about: String,
    /// The directory at the root that shows this layout, if there is one.
    pub root: Option<String>,
    /// Paths below the root, with `HH` and `ID` for an entry; see the comment in the file.
    pub paths: Vec<String>,
}

static BUILT_IN: LazyLock<Catalogue> = LazyLock::new(|| {
    // A test reads the file.
    toml::from_str(include_str!("catalogue.toml")).unwrap_or(Catalogue {
        archives: Vec::new(),
        layouts: Vec::new(),
        dates: Vec::new(),
    })
});

impl Catalogue {
    /// Returns the catalogue without the addresses of a configuration.
    pub fn built_in() -> &'static Catalogue {
        &BUILT_IN
    }

    /// Returns the archive of that name.
    pub fn archive(&self, name: &str) -> Option<&Archive> {
        self.archives.iter().find(|archive| archive.name == name)
    }

    /// Returns the layout of that name.
    pub fn layout(&self, name: &str) -> Option<&Layout> {
        self.layouts.iter().find(|layout| layout.name == name)
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        Catalogue::built_in().clone()
    }
}

impl Archive {
    /// Returns the servers that a reference to the archive uses: those that are not second-hand, or all if there are no others.
    pub fn used(&self) -> impl Iterator<Item = &Server> {
        let all = self.servers.iter().all(|server| server.second_hand);
        self.servers.iter().filter(move |server| all || !server.second_hand)
    }
}

impl Server {
    /// Returns the source of a path below the root.
    pub fn source(&self, path: &str) -> String {
        // `HOST:` is the home directory of the user there; with a slash it would be the root of the file system.
        let shell_home = self.root.ends_with(':') && !self.root.ends_with("::");
        let slash = if shell_home { "" } else { "/" };
        format!("{}{slash}{path}", self.root)
    }
}

impl From<Written> for Server {
    fn from(written: Written) -> Self {
        let Written { operator, host, also, port, module, path, second_hand } = written;
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let path = path.map(|path| format!("/{path}")).unwrap_or_default();
        let root = format!("rsync://{host}{port}/{module}{path}");
        Server { root, operator: Some(operator), also, second_hand, configured: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job::{Address, Source};
    use std::collections::HashSet;
    use std::path::Path;

    #[test]
    fn the_file_is_read_and_agrees_with_itself() {
        let read: Catalogue = toml::from_str(include_str!("catalogue.toml")).unwrap();
        assert_eq!(read, Catalogue::default());
        let names: HashSet<_> = read.archives.iter().map(|archive| &archive.name).collect();
        assert_eq!(names.len(), read.archives.len());
        for archive in &read.archives {
            assert!(
                archive.layout.as_ref().is_none_or(|layout| read.layout(layout).is_some()),
                "{archive:?}"
            );
            assert!(!archive.about.is_empty() && archive.used().count() > 0, "{archive:?}");
            assert!(own::check_archive_name(&archive.name).is_ok());
            for server in &archive.servers {
                let source = Source::parse(&server.source("a/"), Path::new("/")).unwrap();
                assert!(matches!(source.address, Address::Daemon { .. }), "{source}");
            }
        }
        for change in &read.dates {
            assert!(change.archives.iter().all(|name| read.archive(name).is_some()), "{change:?}");
            assert!(change.layout.as_ref().is_none_or(|layout| read.layout(layout).is_some()), "{change:?}");
        }
    }

    #[test]
    fn a_second_hand_address_is_used_only_without_another() {
        let used = |name: &str| Catalogue::built_in().archive(name).unwrap().used().count();
        assert_eq!((used("emdb"), used("wwpdb"), used("alphafold")), (1, 3, 1));
        assert_eq!(Catalogue::built_in().archive("emdb").unwrap().servers.len(), 2);
    }

    #[test]
    fn a_path_hangs_below_each_kind_of_root() {
        let of = |root: &str| {
            let server = Server {
                root: root.into(),
                operator: None,
                also: Vec::new(),
                second_hand: false,
                configured: true,
            };
            server.source("a/b/")
        };
        assert_eq!(of("rsync://h:1/m/p"), "rsync://h:1/m/p/a/b/");
        assert_eq!(of("h::m"), "h::m/a/b/");
        assert_eq!(of("me@h:"), "me@h:a/b/");
        assert_eq!(of("me@h:/x"), "me@h:/x/a/b/");
        assert_eq!(of("/srv/x"), "/srv/x/a/b/");
        assert_eq!(of(""), "/a/b/", "the root of this machine");
    }
}
