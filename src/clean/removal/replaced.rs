//! The entries that `sync` moved to the quarantine because newer versions replaced them.

use super::open_below::open_below;
use super::place::{ESCAPED, place};
use super::tree::{join, names, walk};
use crate::clean::path::check;
use crate::clean::{EntryOutcome, Kind, LongNames, Record};
use rustix::fs::{AtFlags, statat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

/// Whether the quarantine of the run has anything that was replaced.
pub fn is_any_replaced(root: &std::fs::File, run: &str) -> bool {
    let Ok(place) = open_below(root, &place(run)) else { return false };
    [&b""[..], ESCAPED]
        .into_iter()
        .filter_map(|above| names(open_below(&place, above).ok()?).ok())
        .any(is_layer)
}

fn is_layer(names: Vec<(Vec<u8>, Kind)>) -> bool {
    names.iter().any(|(name, _)| name.starts_with(b"replaced-"))
}

/// Calls `each` with every replaced entry of the run, as a record with [`EntryOutcome::Replaced`]. An entry that was replaced several times
/// is reported as often. `long` are the long names from the journal. Entries that cannot be read or named are skipped; undo reports them.
pub fn replaced(root: &std::fs::File, run: &str, long: &LongNames, mut each: impl FnMut(Record)) {
    let Ok(place) = open_below(root, &place(run)) else { return };
    for escaped in [false, true] {
        let above = if escaped { ESCAPED } else { b"" };
        let Ok(inside) = open_below(&place, above).and_then(names) else { continue };
        for (layer, _) in inside.iter().filter(|(name, _)| name.starts_with(b"replaced-")) {
            let Ok(top) = open_below(&place, &join(above, layer)) else { continue };
            let real = |stored: &[u8]| match escaped {
                true => long.unescape(stored).ok(),
                false => check(stored).is_ok().then(|| stored.to_vec()),
            };
            let visit = |path: &[u8], dir: &OwnedFd, names: &[(Vec<u8>, Kind)]| {
                for (name, kind) in names.iter().filter(|(_, kind)| *kind != Kind::Dir) {
                    let Some(path) = real(&join(path, name)) else { continue };
                    let stat = statat(dir, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW);
                    let bytes = stat.map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0));
                    each(Record {
                        path,
                        kind: *kind,
                        did: EntryOutcome::Replaced,
                        bytes,
                        entries: 1,
                        why: None,
                    });
                }
                true
            };
            walk(&top, visit, |_, _: Errno| ());
        }
    }
}
