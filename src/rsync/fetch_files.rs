//! Fetches single files of a source by name.
//!
//! With `--files-from` on a path within a module, a daemon without chroot reports every file as "vanished". So names are given from the
//! root of the module. `/./` in a name marks the part that counts at the destination.

use crate::model::job::{Address, Source};
use std::path::Path;

/// A source from which single files are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchFiles {
    /// The root that names are relative to.
    pub source: Source,
    /// The part before `/./` in each name; without a slash at either end; may be empty.
    prefix: String,
    /// Whether the root of the source is that of the destination, so that a transfer gives it its attributes.
    has_root: bool,
}

impl FetchFiles {
    /// Determines the root of `source`; `None` if the notation is not supported.
    pub fn from(source: &Source) -> Option<FetchFiles> {
        let text = source.text.as_str();
        let (root, path) = match &source.address {
            Address::Daemon { .. } => {
                let start = match text.split_once("://") {
                    Some((scheme, rest)) => scheme.len() + 3 + rest.find('/')? + 1,
                    None => text.find("::")? + 2,
                };
                let end = text[start..].find('/').map_or(text.len(), |slash| start + slash);
                (format!("{}/", &text[..end]), text.get(end + 1..).unwrap_or_default())
            }
            Address::Shell { .. } | Address::Local(_) => ("".to_owned(), text),
        };
        // Without a trailing slash, the last component of a source becomes a directory at the destination.
        let kept = match path.rsplit_once('/') {
            _ if path.is_empty() => "",
            Some((_, "")) => path.trim_end_matches('/'),
            Some((above, _)) => above,
            None => path.split_once(':').map_or("", |(host, _)| &path[..host.len() + 1]),
        };
        let (root, prefix) = match &source.address {
            Address::Daemon { .. } => (root, kept.trim_start_matches('/').to_owned()),
            Address::Shell { .. } if kept.ends_with(':') => (format!("{kept}./"), String::new()),
            _ => (format!("{kept}/"), String::new()),
        };
        let has_root = source.own_directory().is_none();
        let source = Source::parse(&root, Path::new("/")).ok()?;
        Some(FetchFiles { source, prefix, has_root })
    }

    /// Returns the names for `--files-from` with `--from0`. `paths` are relative to the destination. The destination itself keeps its
    /// attributes. Each name starts with `./`, since rsync silently skips names that start with `#` or `;` as comments, and contains `/./`,
    /// since `./NAME` would give the destination itself the times and modes of the root.
    pub fn list<'a>(&self, paths: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut list = Vec::new();
        paths.into_iter().for_each(|path| self.write(path, b"./", &mut list));
        list
    }

    /// Like [`Self::list`], for one name of a transfer that does what a transfer of the whole source would do: the destination gets the
    /// attributes of the source's root, too, since `/././` makes the root a directory above each name.
    pub fn name_with_root(&self, path: &[u8], list: &mut Vec<u8>) {
        self.write(path, if self.has_root { b"././" } else { b"./" }, list);
    }

    fn write(&self, path: &[u8], mark: &[u8], list: &mut Vec<u8>) {
        list.extend_from_slice(b"./");
        if !self.prefix.is_empty() {
            list.extend_from_slice(self.prefix.as_bytes());
            list.push(b'/');
        }
        list.extend_from_slice(mark);
        list.extend_from_slice(path);
        list.push(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_start_from_the_root_of_a_module() {
        for (text, root, name) in [
            ("rsync://h:33444/m/a/b/", "rsync://h:33444/m/", "./a/b/./x"),
            ("rsync://me@h/m/a/b", "rsync://me@h/m/", "./a/./x"),
            ("rsync://h/m/", "rsync://h/m/", "././x"),
            ("rsync://h/m", "rsync://h/m/", "././x"),
            ("rsync://h/m/a", "rsync://h/m/", "././x"),
            ("h::m/a/b/", "h::m/", "./a/b/./x"),
            ("h::m", "h::m/", "././x"),
            ("me@h:/srv/pdb/", "me@h:/srv/pdb/", "././x"),
            ("me@h:/srv/pdb", "me@h:/srv/", "././x"),
            ("h:pdb", "h:./", "././x"),
            ("/srv/pdb/", "/srv/pdb/", "././x"),
            ("/srv/pdb", "/srv/", "././x"),
            ("/pdb", "/", "././x"),
        ] {
            let picked = FetchFiles::from(&Source::parse(text, Path::new("/")).unwrap()).unwrap();
            assert_eq!(picked.source.text, root, "{text}");
            assert_eq!(String::from_utf8(picked.list([&b"x"[..]])).unwrap(), format!("{name}\0"), "{text}");
            let mut whole = Vec::new();
            picked.name_with_root(b"x", &mut whole);
            let contents =
                text.ends_with('/') || text.ends_with("/m") && text.contains("//") || text == "h::m";
            let end = if contents { "././x\0" } else { "./x\0" };
            assert!(String::from_utf8(whole).unwrap().ends_with(&format!("/{end}")), "{text}");
        }
    }
}
