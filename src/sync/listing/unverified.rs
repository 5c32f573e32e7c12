//! The names of files that came and are not checked yet, for jobs with `verify`: `STATE/listings/JOB.unverified-HASH.names`, for each
//! destination. They are stored before the transfer, so that what an attempt brought that failed, was stopped or killed is checked by the
//! next one, which does not list it any more.

use super::names::{NameKind, NameReader, NameWriter, forget, hash, kept, names_path};
use super::{Listing, LostName};
use crate::scan::is_gzip_name;
use std::collections::HashSet;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Maximum number of names that the source lacks and that are passed over, since their hashes are in memory.
const MOST_GONE: usize = 1_000_000;

/// Stands for everything that the destination holds, in a list that it is the only name of.
const ALL: &[u8] = b".";

/// The stored names of a job and a destination.
#[derive(Debug, Clone)]
pub(in crate::sync) struct UnverifiedFile {
    state_dir: PathBuf,
    key: String,
}

/// Files to check.
#[derive(Debug)]
pub(in crate::sync) struct Unverified {
    names: NameReader,
    /// Whether everything that the destination holds is to be checked, and not these names.
    pub(in crate::sync) all: bool,
    /// Hashes of names that the source does not have any more. What it lacks is not checked, but stays in the list while it is here.
    gone: HashSet<u64>,
    /// Whether the names are stored for the next attempt.
    pub(in crate::sync) stored: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Stored {
    Nothing,
    Names,
    All,
}

impl UnverifiedFile {
    pub(in crate::sync) fn new(state_dir: &Path, job: &str, dest: &Path) -> Self {
        let hash = blake3::hash(dest.as_os_str().as_bytes()).to_hex();
        UnverifiedFile { state_dir: state_dir.into(), key: format!("{job}.unverified-{}", &hash[..16]) }
    }

    fn open(&self) -> Option<NameReader> {
        kept(&self.state_dir, &self.key)
    }

    /// What earlier attempts have left to check.
    fn stored(&self) -> Stored {
        match self
            .open()
            .map(|mut names| (names.left(), names.next().map(|name| name == Some((NameKind::Dir, ALL)))))
        {
            Some((1, Ok(true))) => Stored::All,
            Some((0, _)) => Stored::Nothing,
            Some((_, Ok(_))) => Stored::Names,
            // A list that cannot be read stands for everything.
            Some((_, Err(_))) => Stored::All,
            None if names_path(&self.state_dir, &self.key).try_exists().unwrap_or(false) => Stored::All,
            None => Stored::Nothing,
        }
    }

    /// Stores what is to be checked, and opens it: the compressed files that `listing` brings, and those of earlier attempts. Without a
    /// listing, everything is to be checked. `None` if nothing is.
    pub(in crate::sync) fn add(&self, listing: Option<&mut Listing>) -> io::Result<Option<Unverified>> {
        let stored = self.stored();
        let listing = match listing {
            Some(listing) if stored != Stored::All => listing,
            listing => {
                let gone = listing.map_or_else(HashSet::new, |listing| gone_of(listing, is_gzip_name));
                let mut writer = NameWriter::create(&self.state_dir, &self.key)?;
                writer.push(NameKind::Dir, ALL)?;
                return self.opened(writer, true, gone).map(Some);
            }
        };
        let mut earlier = HashSet::new();
        if let Some(mut names) = self.open().filter(|_| stored == Stored::Names) {
            while let Some((_, name)) = names.next()? {
                earlier.insert(hash(name));
            }
        }
        let gone = if earlier.is_empty() {
            HashSet::new()
        } else {
            gone_of(listing, |name| earlier.contains(&hash(name)))
        };
        let mut brought = listing.compressed()?.peekable();
        if earlier.is_empty() && brought.peek().is_none() {
            return Ok(None);
        }
        let mut writer = NameWriter::create(&self.state_dir, &self.key)?;
        for name in brought {
            let name = name?;
            earlier.remove(&hash(&name));
            writer.push(NameKind::File, &name)?;
        }
        if let Some(mut names) = self.open().filter(|_| !earlier.is_empty()) {
            while let Some((_, name)) = names.next()? {
                if earlier.contains(&hash(name)) {
                    writer.push(NameKind::File, name)?;
                }
            }
        }
        self.opened(writer, false, gone).map(Some)
    }

    fn opened(&self, writer: NameWriter, all: bool, gone: HashSet<u64>) -> io::Result<Unverified> {
        let written = writer.finish()?;
        let names = written.read()?;
        let stored = written.keepable && written.keep(&self.state_dir, &self.key).is_ok();
        Ok(Unverified { names, all, gone, stored })
    }

    /// Stores the names that are left to check.
    pub(in crate::sync) fn keep<'a>(&self, left: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
        let mut left = left.peekable();
        if left.peek().is_none() {
            forget(&self.state_dir, &self.key);
            return Ok(());
        }
        let mut writer = NameWriter::create(&self.state_dir, &self.key)?;
        left.try_for_each(|name| writer.push(NameKind::File, name))?;
        writer.finish()?.keep(&self.state_dir, &self.key)
    }
}

impl Unverified {
    /// Whether the source does not have this name any more.
    pub(in crate::sync) fn is_gone(&self, name: &[u8]) -> bool {
        !self.gone.is_empty() && self.gone.contains(&hash(name))
    }

    /// The next name, unless everything is to be checked; `None` after the last.
    pub(in crate::sync) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.names.next()?.map(|(_, name)| name.to_vec()))
    }
}

impl Listing {
    /// The compressed files that a transfer brings, without those that cannot be held here.
    fn compressed(&mut self) -> io::Result<impl Iterator<Item = io::Result<Vec<u8>>> + '_> {
        let lost: HashSet<&[u8]> = self.lost.iter().map(|LostName { name, .. }| &name[..]).collect();
        let stale = self.stale.iter().filter(|name| is_gzip_name(name)).map(|name| Ok(name.clone()));
        let changed = self.changed.iter()?.filter(move |changed| match changed {
            Ok(changed) => {
                let file = changed.kind == NameKind::File && changed.contents;
                file && is_gzip_name(&changed.name) && !lost.contains(&changed.name[..])
            }
            Err(_) => true,
        });
        Ok(changed.map(|changed| changed.map(|changed| changed.name)).chain(stale))
    }
}

/// Hashes of the files that the source lacks and of which `is_meant` is true. A list that cannot be read has none, so that all are checked.
fn gone_of(listing: &Listing, is_meant: impl Fn(&[u8]) -> bool) -> HashSet<u64> {
    let names = listing.gone.names().into_iter().flatten().map_while(Result::ok);
    let names = names.filter(|entry| !entry.dir && is_meant(&entry.name)).take(MOST_GONE);
    names.map(|entry| hash(&entry.name)).collect()
}
