//! The paths of single entries at a source, by the layouts of the catalogue.

use super::{Catalogue, Layout};
use crate::model::job::{Address, Source};
use crate::model::pdb::{EntryId, Form};

/// Where a layout has the files of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryPath {
    /// The directories before those of an entry: `structures/divided/mmCIF`.
    dir: String,
    /// The rest: `HH/ID.cif.gz`.
    rest: String,
}

/// What is known of the paths of entries at a source, by the end of its own path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// An entry has one of these paths, or several.
    Named(Vec<EntryPath>),
    /// The files of an entry are in a directory `HH/` with those of other entries, and their names or their number are not known.
    Divided,
    /// Nothing is known.
    Unknown,
}

/// How many of the last components of a source's path must be those of a layout. Copies of an archive begin elsewhere.
const COMPARED: usize = 2;

impl EntryPath {
    /// The paths of a layout, with each alternative of `{a,b}`. Paths without an ID are left out.
    fn all(layout: &Layout) -> impl Iterator<Item = EntryPath> {
        let paths = layout.paths.iter().flat_map(|path| alternatives(path));
        paths.filter_map(|path| {
            let parts: Vec<&str> = path.split('/').collect();
            let at = parts.iter().position(|part| *part == "HH" || part.contains("ID"))?;
            Some(EntryPath { dir: parts[..at].join("/"), rest: parts[at..].join("/") })
        })
    }

    /// Returns the paths that an entry may have below `dir`: one for each form of its ID. Directories are named without a slash.
    pub fn of(&self, id: &EntryId) -> impl Iterator<Item = String> {
        let hash = String::from_utf8_lossy(id.hash()).into_owned();
        id.forms().map(move |id| {
            let text = id.to_string();
            let path = self.rest.trim_end_matches('/').replace("HH", &hash);
            let path = if id.form() == Form::Extended { path.replace("pdbID", "ID") } else { path };
            path.replace("ID", &text)
        })
    }

    /// Whether it is a directory with files of the entry.
    pub fn is_dir(&self) -> bool {
        self.rest.ends_with('/')
    }

    /// Whether the path has directories `HH/`.
    pub fn is_divided(&self) -> bool {
        self.rest.starts_with("HH/")
    }
}

impl Catalogue {
    /// Returns what is known of the paths of entries below a source.
    pub fn shape(&self, source: &Source) -> Shape {
        let path = path_of(source);
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let ends = |known: &EntryPath| {
            let dir: Vec<&str> = known.dir.split('/').collect();
            parts.ends_with(&dir[dir.len().saturating_sub(COMPARED)..])
        };
        let known: Vec<EntryPath> = self.layouts.iter().flat_map(EntryPath::all).filter(ends).collect();
        if known.is_empty() {
            return Shape::Unknown;
        }
        match known.iter().any(|path| path.rest.contains('*')) {
            true if known.iter().all(EntryPath::is_divided) => Shape::Divided,
            true => Shape::Unknown,
            false => Shape::Named(known),
        }
    }

    /// If a source is a directory of a known archive with several kinds of files: paths of single kinds below it, each with a slash at its
    /// end. Empty otherwise.
    pub fn kinds_below(&self, source: &Source) -> Vec<String> {
        let Some((archive, _, below)) = self.place(source) else { return Vec::new() };
        let Some(layout) = archive.layout.as_ref().and_then(|name| self.layout(name)) else {
            return Vec::new();
        };
        let above = match below.trim_matches('/') {
            "" => String::new(),
            below => format!("{below}/"),
        };
        let kinds =
            EntryPath::all(layout).filter_map(|path| Some(format!("{}/", path.dir.strip_prefix(&above)?)));
        unique(kinds)
    }

    /// The same for a source that is not known, by the end of its path and the names of the directories at its top. Layouts use the same
    /// names in different places (`divided/mmCIF`, `mmCIF/divided`): those count that have the names below the end of the source's path;
    /// without any, the first place of each name.
    pub fn kinds_among(&self, source: &Source, dirs: &[&str]) -> Vec<String> {
        let end = path_of(source).trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let mut below: Vec<(bool, String, Vec<String>)> = Vec::new();
        for path in self.layouts.iter().flat_map(EntryPath::all) {
            let parts: Vec<&str> = path.dir.split('/').collect();
            for at in (0..parts.len()).filter(|at| dirs.contains(&parts[*at])) {
                let fits = at > 0 && parts[at - 1] == end;
                let kind = parts[at..].iter().map(ToString::to_string).collect();
                below.push((fits, parts[..at].join("/"), kind));
            }
        }
        let any_fits = below.iter().any(|(fits, ..)| *fits);
        let first_place =
            |name: &String| below.iter().find(|(.., kind)| kind[0] == *name).map(|(_, above, _)| above);
        let kinds = below.iter().filter(|(fits, above, kind)| match any_fits {
            true => *fits,
            false => first_place(&kind[0])
                .is_some_and(|first| first.split('/').count() == above.split('/').count()),
        });
        unique(kinds.map(|(.., kind)| format!("{}/", kind.join("/"))))
    }
}

fn unique(paths: impl Iterator<Item = String>) -> Vec<String> {
    let mut unique: Vec<String> = Vec::new();
    paths.for_each(|path| {
        if !unique.contains(&path) {
            unique.push(path);
        }
    });
    unique
}

/// The path of a source: of a daemon, with the module.
fn path_of(source: &Source) -> &str {
    let text = source.text.as_str();
    match &source.address {
        Address::Local(_) => text,
        Address::Daemon { .. } => match text.split_once("://") {
            Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
            None => text.split_once("::").map_or("", |(_, path)| path),
        },
        Address::Shell { .. } => {
            let host_end = text.rfind("]:").map_or(0, |end| end + 1);
            text[host_end..].split_once(':').map_or("", |(_, path)| path)
        }
    }
}

/// A path with `{a,b}`, once for each alternative.
fn alternatives(path: &str) -> Vec<String> {
    let parts = path.split_once('{').and_then(|(start, rest)| Some((start, rest.split_once('}')?)));
    match parts {
        Some((start, (choices, end))) => {
            choices.split(',').map(|choice| format!("{start}{choice}{end}")).collect()
        }
        None => vec![path.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::pdb::{entry_of, recognise};
    use std::path::Path;

    fn shape(text: &str) -> Shape {
        Catalogue::built_in().shape(&Source::parse(text, Path::new("/")).unwrap())
    }

    fn named(text: &str, id: &str) -> Vec<String> {
        let Shape::Named(paths) = shape(text) else { panic!("{text}") };
        let id = EntryId::parse(id.as_bytes()).unwrap();
        paths.iter().flat_map(|path| path.of(&id).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn every_layout_names_the_files_of_an_entry() {
        for (path, files) in [
            ("divided/mmCIF/", &["ab/1abc.cif.gz", "ab/pdb_00001abc.cif.gz"][..]),
            ("divided/pdb", &["ab/pdb1abc.ent.gz", "ab/pdb_00001abc.ent.gz"]),
            ("obsolete/XML-noatom/", &["ab/1abc-noatom.xml.gz", "ab/pdb_00001abc-noatom.xml.gz"]),
            ("divided/structure_factors/", &["ab/r1abcsf.ent.gz", "ab/rpdb_00001abcsf.ent.gz"]),
            ("divided/nmr_restraints/", &["ab/1abc.mr.gz", "ab/pdb_00001abc.mr.gz"]),
            ("divided/nmr_restraints_v2/", &["ab/1abc_mr.str.gz", "ab/pdb_00001abc_mr.str.gz"]),
            ("obsolete/nmr_chemical_shifts/", &["ab/1abc_cs.str.gz", "ab/pdb_00001abc_cs.str.gz"]),
            ("structures/all/mmCIF/", &["1abc.cif.gz", "pdb_00001abc.cif.gz"]),
            ("validation_reports/", &["ab/1abc", "ab/pdb_00001abc"]),
            ("pdb_data/entries/", &["ab/1abc", "ab/pdb_00001abc"]),
        ] {
            for source in [
                format!("rsync://h/m/{path}"),
                format!("h::m/{path}"),
                format!("me@h:/x/{path}"),
                format!("/x/{path}"),
            ] {
                for id in ["1abc", "PDB_00001ABC"] {
                    assert_eq!(named(&source, id), files, "{source} {id}");
                }
            }
        }
        assert_eq!(named("/x/divided/nmr_data/", "1abc").len(), 4);
        assert_eq!(named("/x/divided/mmCIF/", "pdb_zz09xyzw"), ["yz/pdb_zz09xyzw.cif.gz"]);
        assert_eq!(shape("h::m/assemblies/mmCIF/divided/"), Shape::Divided);
        for other in ["h::m", "h::m/mmCIF/", "/x/all/", "h:", "/x/divided/mmCIF/ab/"] {
            assert_eq!(shape(other), Shape::Unknown, "{other}");
        }
    }

    /// Files that are found by these paths must be recognized as files of the entry.
    #[test]
    fn names_by_these_paths_belong_to_their_entry() {
        let id = EntryId::parse(b"1abc").unwrap();
        let catalogue = Catalogue::built_in();
        for path in catalogue.layouts.iter().flat_map(EntryPath::all) {
            for name in path.of(&id) {
                let inside = if path.is_dir() { format!("{name}/any") } else { name.replace('*', "1") };
                assert!(entry_of(inside.as_bytes()).is_some_and(|found| found.same_entry(&id)), "{inside}");
                let last = inside.rsplit('/').next().unwrap_or_default();
                assert_eq!(recognise(last.as_bytes()).is_none(), path.is_dir(), "{inside}");
            }
        }
        assert!(catalogue.layouts.iter().flat_map(EntryPath::all).count() > 30);
    }

    #[test]
    fn a_source_of_several_kinds_is_told_with_the_paths_of_each() {
        let catalogue = Catalogue::built_in();
        let below = |text: &str| catalogue.kinds_below(&Source::parse(text, Path::new("/")).unwrap());
        assert_eq!(below("rsync://rsync.rcsb.org:33444/ftp_data/")[0], "structures/divided/mmCIF/");
        assert_eq!(below("rsync://ftp.pdbj.org/ftp_data/structures/divided")[0], "mmCIF/");
        assert_eq!(below("rsync://rsync.rcsb.org:33444/ftp"), ["validation_reports/"]);
        assert_eq!(below("rsync://rsync-beta.rcsb.org:32382/pdb_data/"), ["entries/"]);
        for single in ["ftp_data/structures/divided/mmCIF/", "ftp_data/status/", "emdb/"] {
            assert!(below(&format!("rsync://rsync.rcsb.org:33444/{single}")).is_empty(), "{single}");
        }
        assert!(below("/srv/pdb/").is_empty());
        let among = |text: &str, dirs: &[&str]| {
            catalogue.kinds_among(&Source::parse(text, Path::new("/")).unwrap(), dirs)
        };
        assert_eq!(among("h::m/x/", &["status", "divided"])[0], "divided/mmCIF/");
        assert!(among("h::m/x/", &["ab", "status"]).is_empty());
        // The same names are in different places.
        for (source, dirs, kinds) in [
            ("h::m/structures/divided/", &["mmCIF"][..], &["mmCIF/"][..]),
            ("h::m/x/", &["mmCIF"], &["mmCIF/"]),
            ("h::m/assemblies/", &["mmCIF"], &["mmCIF/divided/"]),
            ("h::m/assemblies/mmCIF/", &["divided"], &["divided/"]),
            ("/x/mmCIF/", &["divided"], &["divided/"]),
        ] {
            assert_eq!(among(source, dirs), kinds, "{source}");
        }
        assert!(!among("h::m/x/", &["divided", "mmCIF"]).contains(&"mmCIF/divided/".to_owned()));
    }
}
