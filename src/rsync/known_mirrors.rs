//! Known mirrors with the same files as other archives, each with its own port, module and path.

use crate::model::job::{Address, Source};
use std::path::Path;

/// The host names of RCSB and wwPDB, which are one server, and the module whose tree other servers have too.
const WWPDB: [&str; 2] = ["rsync.rcsb.org", "rsync.wwpdb.org"];
/// Other locations of the tree below that module. Source: the documentation of the archives.
const SAME_TREE: [(&str, &str); 3] = [
    ("rsync.rcsb.org", "rsync://rsync.rcsb.org:33444/ftp_data/"),
    ("ftp.pdbj.org", "rsync://ftp.pdbj.org/ftp_data/"),
    ("rsync.ebi.ac.uk", "rsync://rsync.ebi.ac.uk/pub/databases/pdb/data/"),
];

/// Returns sources on other hosts with the same contents; empty if none is known.
pub fn alternatives(source: &Source) -> Vec<Source> {
    let Address::Daemon { host, .. } = &source.address else { return Vec::new() };
    let Some(below) = below_tree(source, host) else { return Vec::new() };
    let own = if WWPDB.contains(&host.as_str()) { WWPDB[0] } else { host };
    let others = SAME_TREE.iter().filter(|(other, _)| *other != own);
    // All texts in the table are valid sources, and so are paths below them.
    others.filter_map(|(_, tree)| Source::parse(&format!("{tree}{below}"), Path::new("/")).ok()).collect()
}

/// Returns the path below the shared tree, with its trailing slash if it has one.
fn below_tree(source: &Source, host: &str) -> Option<String> {
    let path = match source.text.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => source.text.split_once("::")?.1,
    };
    let tree = match host {
        _ if WWPDB.contains(&host) || host == "ftp.pdbj.org" => "ftp_data",
        "rsync.ebi.ac.uk" => "pub/databases/pdb/data",
        _ => return None,
    };
    let below = path.strip_prefix(tree)?;
    if below.is_empty() { Some(String::new()) } else { below.strip_prefix('/').map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        alternatives(&Source::parse(text, Path::new("/")).unwrap()).into_iter().map(|s| s.text).collect()
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
}
