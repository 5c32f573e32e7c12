//! Divides a listing by the names at the top of the source, so that several connections list at the same time.
//!
//! The names are divided by what they begin with, as finely as their number asks for: `0`, `1`, or where most begin with `EMD-1`, `EMD-10`,
//! `EMD-11`. Each part has rsync filters that leave out the names of the other parts. The first part has all names that begin otherwise.

use super::names;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// A part should have at least this many names: to list fewer takes less time than to connect.
const LEAST: u64 = 20_000;
/// Beginnings are made longer until none has more than this share of a part.
const FINE: u64 = 8;
/// Maximum number of different names at the top that are held. If there are more, only their first bytes count.
const HELD: usize = 1 << 16;

/// Names at the top, perhaps only their first bytes, and the number of names at and below each.
type Tops = Vec<(Vec<u8>, u64)>;

/// What a part of the names begins with. No beginning is that of another one.
#[derive(Debug)]
struct Beginning {
    text: Vec<u8>,
    names: u64,
    /// The number of the part.
    part: usize,
}

/// Returns the filters (`--exclude=…`) of each part, at least two; `None` if a division does not pay or nothing is known of the names.
pub(in crate::sync) fn split(state_dir: &Path, job: &str, connections: usize) -> Option<Vec<Vec<String>>> {
    let total = names::kept_counts(state_dir, job)?.total();
    let n = connections.min((total / LEAST) as usize);
    if n < 2 {
        return None;
    }
    divide(&tops(state_dir, job).ok()??, n)
}

/// Counts the names by the name at the top. Sorted.
fn tops(state_dir: &Path, job: &str) -> io::Result<Option<Tops>> {
    let Some(mut names) = names::kept(state_dir, job) else { return Ok(None) };
    let (mut tops, mut length) = (BTreeMap::new(), usize::MAX);
    while let Some((_, name)) = names.next()? {
        let top = name.split(|byte| *byte == b'/').next().unwrap_or(name);
        let top = &top[..top.len().min(length)];
        match tops.get_mut(top) {
            Some(count) => *count += 1,
            None => _ = tops.insert(top.to_vec(), 1),
        }
        while tops.len() > HELD {
            length = tops.keys().map(Vec::len).max().unwrap_or(1).saturating_sub(1).max(1);
            let longer = std::mem::take(&mut tops);
            for (mut top, count) in longer {
                top.truncate(length);
                *tops.entry(top).or_insert(0u64) += count;
            }
        }
    }
    Ok(Some(tops.into_iter().collect()))
}

/// Gives each part a run of the beginnings, so that all parts have about as many names.
fn divide(tops: &[(Vec<u8>, u64)], n: usize) -> Option<Vec<Vec<String>>> {
    let total: u64 = tops.iter().map(|(_, count)| count).sum();
    let share = (total / n as u64).max(1);
    let mut found = Vec::new();
    beginnings(tops, 0, share / FINE, &mut found);
    // The others are those of the first part.
    let mut before = total - found.iter().map(|beginning| beginning.names).sum::<u64>();
    let mut names = vec![before];
    for beginning in &mut found {
        let middle = before + beginning.names / 2;
        before += beginning.names;
        if middle / share >= names.len() as u64 && names.len() < n {
            names.push(0);
        }
        beginning.part = names.len() - 1;
        names[beginning.part] += beginning.names;
    }
    // What is left to the largest part decides how long the listing takes.
    if names.len() < 2 || names.iter().max().is_none_or(|most| total - most < LEAST) {
        return None;
    }
    let filters = (0..names.len()).map(|part| {
        let mut filters = Vec::new();
        match part {
            0 => without_others(&found, 0, &mut filters),
            part => only_own(&found, 0, part, &mut filters),
        }
        filters
    });
    Some(filters.collect())
}

/// Whether a byte may be in a pattern of its own. Names with other bytes after a beginning go to the first part.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)
}

/// Finds beginnings that have at most `most` names each, as far as the names differ. All of `tops` have the same first `length` bytes.
fn beginnings(tops: &[(Vec<u8>, u64)], length: usize, most: u64, found: &mut Vec<Beginning>) {
    for group in tops.chunk_by(|(a, _), (b, _)| a.get(length) == b.get(length)) {
        let first = &group[0].0;
        let Some(byte) = first.get(length).filter(|byte| is_plain(**byte)) else { continue };
        let names = group.iter().map(|(_, count)| count).sum();
        // A single name cannot be divided; nor can names of which only the first bytes are known.
        if names <= most || group.len() == 1 {
            let text = [&first[..length], &[*byte]].concat();
            found.push(Beginning { text, names, part: 0 });
        } else {
            beginnings(group, length + 1, most, found);
        }
    }
}

/// Groups beginnings by the byte at `length`.
fn by_byte(found: &[Beginning], length: usize) -> impl Iterator<Item = (char, &[Beginning])> {
    let groups = found.chunk_by(move |a, b| a.text.get(length) == b.text.get(length));
    groups.filter_map(move |group| Some((char::from(*group[0].text.get(length)?), group)))
}

/// A pattern for names at the top.
fn exclude(found: &[Beginning], length: usize, rest: &str) -> String {
    let text = found.first().map_or(&[][..], |first| &first.text[..length]);
    format!("--exclude=/{}{rest}", String::from_utf8_lossy(text))
}

/// Filters that leave out what belongs to other parts than the first.
fn without_others(found: &[Beginning], length: usize, filters: &mut Vec<String>) {
    let mut others = String::new();
    for (byte, group) in by_byte(found, length) {
        let first = group[0].part;
        if group.iter().any(|beginning| beginning.part != first) {
            without_others(group, length + 1, filters);
        } else if first > 0 {
            others.push(byte);
        }
    }
    if !others.is_empty() {
        filters.push(exclude(found, length, &format!("[{}]*", class(&others))));
    }
}

/// Filters that leave out everything that does not belong to this part, which is not the first.
fn only_own(found: &[Beginning], length: usize, part: usize, filters: &mut Vec<String>) {
    let is_own = |group: &[Beginning]| group.iter().any(|beginning| beginning.part == part);
    let own: String =
        by_byte(found, length).filter(|(_, group)| is_own(group)).map(|(byte, _)| byte).collect();
    if length > 0 {
        filters.push(exclude(found, length, ""));
    }
    filters.push(exclude(found, length, &format!("[!{}]*", class(&own))));
    for (_, group) in by_byte(found, length).filter(|(_, group)| is_own(group)) {
        if group.iter().any(|beginning| beginning.part != part) {
            only_own(group, length + 1, part, filters);
        }
    }
}

/// The bytes of a class. A hyphen between others would be a range.
fn class(bytes: &str) -> String {
    let hyphen = if bytes.contains('-') { "-" } else { "" };
    hyphen.to_owned() + &bytes.replace('-', "")
}

#[cfg(test)]
mod tests {
    use super::super::names::{NameKind, NameWriter};
    use super::*;
    use proptest::prelude::*;

    fn stored(names: &[&str], copies: usize) -> tempfile::TempDir {
        let state = tempfile::tempdir().unwrap();
        let mut writer = NameWriter::create(state.path(), "j").unwrap();
        for name in names {
            for copy in 0..copies {
                writer.push(NameKind::File, format!("{name}/{copy}").as_bytes()).unwrap();
            }
        }
        writer.finish().unwrap().keep(state.path(), "j").unwrap();
        state
    }

    #[test]
    fn names_are_divided_by_what_they_begin_with() {
        let state = stored(&["00", "1a", "1b", "2x", "zz", "#odd"], 10_000);
        let parts = split(state.path(), "j", 4).unwrap();
        assert_eq!(
            parts,
            [["--exclude=/[12z]*"], ["--exclude=/[!1]*"], ["--exclude=/[!2z]*"]],
            "so many names pay for three connections"
        );
        let state = stored(&["E-1000", "E-1001", "E-2000", "E-20"], 20_000);
        let parts = split(state.path(), "j", 2).unwrap();
        assert_eq!(parts[0], ["--exclude=/E-100[1]*", "--exclude=/E-[2]*"]);
        let only: Vec<_> = parts[1].iter().map(|filter| &filter["--exclude=/".len()..]).collect();
        let own = ["E", "E[!-]*", "E-", "E-[!12]*", "E-1", "E-1[!0]*", "E-10", "E-10[!0]*", "E-100"];
        assert_eq!(only, [&["[!E]*"], &own[..], &["E-100[!1]*"]].concat());
    }

    #[test]
    fn numbers_of_one_length_are_divided_evenly() {
        let tops: Tops = (0..1060).map(|n| (format!("{n:04}").into_bytes(), 236)).collect();
        let parts = divide(&tops, 4).unwrap();
        assert_eq!(parts.len(), 4);
        for filters in &parts {
            let names: u64 = tops.iter().filter(|(top, _)| has(filters, top)).map(|(_, n)| n).sum();
            assert!((50_000..75_000).contains(&names), "{filters:?}: {names}");
        }
    }

    #[test]
    fn what_does_not_pay_is_not_divided() {
        assert_eq!(split(stored(&["a", "b"], 10).path(), "j", 4), None, "few names");
        assert_eq!(split(stored(&["only"], 50_000).path(), "j", 4), None, "one name at the top");
        assert_eq!(split(stored(&["a", "b"], 50_000).path(), "j", 1), None, "one connection");
        assert_eq!(split(tempfile::tempdir().unwrap().path(), "j", 4), None, "nothing is known");
        assert_eq!(split(stored(&["*b1", "*b2"], 50_000).path(), "j", 4), None, "a pattern");
        assert_eq!(divide(&[(b"a".to_vec(), 90_000), (b"b".to_vec(), 10_000)], 2), None, "one has most");
    }

    #[test]
    fn of_very_many_names_the_first_bytes_count() {
        let state = tempfile::tempdir().unwrap();
        let mut writer = NameWriter::create(state.path(), "j").unwrap();
        for n in 0..HELD * 2 {
            writer.push(NameKind::File, format!("{n:06x}").as_bytes()).unwrap();
        }
        writer.finish().unwrap().keep(state.path(), "j").unwrap();
        let tops = tops(state.path(), "j").unwrap().unwrap();
        assert!(tops.len() <= HELD && tops.is_sorted(), "{}", tops.len());
        assert_eq!(tops.iter().map(|(_, count)| *count).sum::<u64>(), HELD as u64 * 2);
        assert_eq!(divide(&tops, 4).unwrap().len(), 4);
    }

    /// Whether these filters leave the name in. They have three forms: `NAME`, `START[BYTES]*`, `START[!BYTES]*`.
    fn has(filters: &[String], name: &[u8]) -> bool {
        !filters.iter().any(|filter| {
            let pattern = filter.strip_prefix("--exclude=/").unwrap();
            let Some((start, rest)) = pattern.split_once('[') else { return pattern.as_bytes() == name };
            let class = rest.strip_suffix("]*").unwrap();
            let (not, class) = class.strip_prefix('!').map_or((false, class), |class| (true, class));
            let byte = name.strip_prefix(start.as_bytes()).and_then(<[u8]>::first);
            byte.is_some_and(|byte| class.as_bytes().contains(byte) != not)
        })
    }

    proptest! {
        #[test]
        fn each_name_is_in_exactly_one_part(
            tops in prop::collection::btree_map("[ab0-2_#*\\-.é]{1,5}", 1u64..60_000, 2..40),
            others in prop::collection::vec("[ab0-3_#*\\-.é!\\]\\[]{1,6}", 0..40),
            n in 2usize..17,
        ) {
            let tops: Tops = tops.into_iter().map(|(top, count)| (top.into_bytes(), count)).collect();
            let Some(parts) = divide(&tops, n) else { return Ok(()) };
            prop_assert!((2..=n).contains(&parts.len()));
            let names = tops.iter().map(|(top, _)| top.clone()).chain(others.into_iter().map(String::into_bytes));
            for name in names {
                let of = parts.iter().filter(|filters| has(filters, &name)).count();
                prop_assert_eq!(of, 1, "{:?} {:?}", String::from_utf8_lossy(&name), parts);
            }
        }
    }
}
