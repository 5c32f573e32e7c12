//! The last transfer of a job in parts: the times and modes of directories. While parts run, others change them.

use super::Parts;
use crate::model::job::{Job, Source};
use crate::sync::listing::{ChangedKind, ChangedList};
use crate::sync::name_list::NameList;
use crate::sync::transfer_list::{Listed, listed};
use std::collections::HashSet;
use std::io;

impl Parts {
    /// The transfer of all directories that differ, or whose entries do; `None` if the list cannot be written.
    pub(super) fn directories(
        changed: &mut ChangedList,
        lost: &HashSet<Vec<u8>>,
        job: &Job,
        source: &Source,
    ) -> Option<Listed> {
        let mut list = NameList::new(source);
        let only_root = names(changed, lost, &mut list).ok()?;
        listed(list, only_root, job)
    }
}

/// Adds the names. Returns whether there is only the root.
fn names(changed: &mut ChangedList, lost: &HashSet<Vec<u8>>, list: &mut NameList) -> io::Result<bool> {
    // Entries of a directory follow each other.
    let mut last: Option<Vec<u8>> = None;
    for found in changed.iter_from(0)? {
        let (_, entry) = found?;
        if entry.name == b"." || lost.contains(&entry.name) {
            continue;
        }
        if let Some(slash) = memchr::memrchr(b'/', &entry.name) {
            let parent = &entry.name[..slash];
            if last.as_deref() != Some(parent) {
                list.push_with_root(parent);
                last = Some(parent.to_vec());
            }
        }
        if entry.kind == ChangedKind::Dir {
            list.push_with_root(&entry.name);
            last = Some(entry.name);
        }
    }
    let only_root = list.len() == 0;
    if only_root {
        list.push(b".");
    }
    Ok(only_root)
}
