//! Reads the contents of a directory that a plan takes as one, and compares them with the plan.

use super::open_below::{open_below, why_not};
use super::stamp::look;
use super::tree;
use crate::clean::{Contents, ContentsHasher, Kind, MANIFESTS, Stamp, is_version_control};
use crate::model::sanitize;
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};

/// Why contents are not those of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Differs {
    /// The difference in words: a fragment that is a whole clause.
    As(String),
    /// The run is being stopped.
    Stopped,
}

/// The entries of a directory that are no directories, and its hash.
pub(super) struct DirContents {
    pub(super) entries: Vec<(Vec<u8>, Kind, Stamp)>,
    pub(super) hash: blake3::Hash,
}

/// Reads the directory `path` of a tree, whose names are known.
pub(super) fn dir_contents(
    hasher: &mut ContentsHasher,
    path: &[u8],
    dir: &OwnedFd,
    names: &[(Vec<u8>, Kind)],
) -> Result<DirContents, Errno> {
    let (_, own) = look(dir, b".")?;
    let mut entries = Vec::with_capacity(names.len());
    for (name, _) in names.iter().filter(|(_, kind)| *kind != Kind::Dir) {
        let (kind, stamp) = look(dir, name)?;
        entries.push((name.clone(), kind, stamp));
    }
    let borrowed = entries.iter().map(|(name, kind, stamp)| (&name[..], *kind, *stamp)).collect();
    let hash = hasher.dir(path, (own.dev, own.ino), borrowed);
    Ok(DirContents { entries, hash })
}

/// Compares the contents of the directory `name` with those of the plan. Calls `each` with each directory in it: its path relative to it, its
/// descriptor and its hash.
pub(super) fn survey(
    dir: impl AsFd,
    name: &[u8],
    planned: &Contents,
    stop: &dyn Fn() -> bool,
    mut each: impl FnMut(&[u8], &OwnedFd, blake3::Hash),
) -> Result<(), Differs> {
    let unread = |path: &[u8], error: Errno| {
        let path = sanitize::name(path);
        let what = if path.is_empty() { "it".to_owned() } else { format!("{path} in it") };
        Differs::As(format!("{what} cannot be read: {}", why_not(error)))
    };
    let top = open_below(dir, name).map_err(|error| unread(b"", error))?;
    let (mut hasher, mut differs, mut closed) = (ContentsHasher::default(), None, None);
    let read = |path: &[u8], dir: &OwnedFd, names: &[(Vec<u8>, Kind)]| {
        if stop() {
            differs = Some(Differs::Stopped);
            return false;
        }
        let is_protected = |name: &[u8]| {
            is_version_control(name) || MANIFESTS.iter().any(|manifest| manifest.as_bytes() == name)
        };
        // Another version may have made the plan.
        if let Some((name, _)) = names.iter().find(|(name, _)| is_protected(name)) {
            let path = sanitize::name(&tree::join(path, name)).to_string();
            differs = Some(Differs::As(format!("it contains {path}, which is protected")));
            return false;
        }
        match dir_contents(&mut hasher, path, dir, names) {
            Ok(read) => each(path, dir, read.hash),
            Err(error) => differs = Some(unread(path, error)),
        }
        differs.is_none()
    };
    tree::walk(&top, read, |path, error| closed = Some(unread(path, error)));
    if let Some(differs) = differs.or(closed) {
        return Err(differs);
    }
    let now = hasher.finish();
    match (now.entries, planned.entries) {
        (now, then) if now != then => {
            Err(Differs::As(format!("it has {now} entries, not {then} as it had when it was planned")))
        }
        _ if now != *planned => Err(Differs::As("something in it has changed since it was planned".into())),
        _ => Ok(()),
    }
}

/// Whether the directory `name` contains what it did when it was planned.
pub fn has_contents(dir: impl AsFd, name: &[u8], planned: &Contents) -> bool {
    survey(dir, name, planned, &|| false, |_, _, _| ()).is_ok()
}
