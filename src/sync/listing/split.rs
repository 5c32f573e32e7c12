//! Divides a listing by the names at the top of the source, so that several connections list at the same time.
//!
//! Each part has rsync filters that leave out the names of the other parts. The names are divided by their first byte, or, if many begin with
//! the same characters (`EMD-1234`), by the byte after these. Only letters and digits are divided; the first part has all other names.

use super::names;
use std::io;
use std::path::Path;

/// A part should have at least this many names: to list fewer takes less time than to connect.
const LEAST: u64 = 20_000;

/// Returns the filters (`--exclude=…`) of each part, at least two; `None` if a division does not pay or nothing is known of the names.
pub(in crate::sync) fn split(state_dir: &Path, job: &str, connections: usize) -> Option<Vec<Vec<String>>> {
    let total = names::kept_counts(state_dir, job)?.total();
    let n = connections.min((total / LEAST) as usize);
    if n < 2 {
        return None;
    }
    let prefix = common_prefix(state_dir, job).ok()??;
    let weights = weights(state_dir, job, &prefix).ok()??;
    divide(&prefix, &weights, n)
}

fn top(name: &[u8]) -> &[u8] {
    name.split(|byte| *byte == b'/').next().unwrap_or(name)
}

/// The characters with which all names at the top begin that are as long.
fn common_prefix(state_dir: &Path, job: &str) -> io::Result<Option<Vec<u8>>> {
    let Some(mut names) = names::kept(state_dir, job) else { return Ok(None) };
    let mut prefix: Option<Vec<u8>> = None;
    while let Some((_, name)) = names.next()? {
        let top = top(name);
        match &mut prefix {
            None => prefix = Some(top.to_vec()),
            Some(prefix) => {
                let same = prefix.iter().zip(top).take_while(|(a, b)| a == b).count();
                prefix.truncate(same);
                if prefix.is_empty() {
                    break;
                }
            }
        }
    }
    // What follows must be a byte of its own in a pattern.
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    Ok(prefix.filter(|prefix| prefix.iter().all(plain)))
}

/// The number of names below each byte that follows the prefix.
fn weights(state_dir: &Path, job: &str, prefix: &[u8]) -> io::Result<Option<[u64; 256]>> {
    let Some(mut names) = names::kept(state_dir, job) else { return Ok(None) };
    let mut weights = [0; 256];
    while let Some((_, name)) = names.next()? {
        if let Some(byte) = top(name).strip_prefix(prefix).and_then(<[u8]>::first) {
            weights[usize::from(*byte)] += 1;
        }
    }
    Ok(Some(weights))
}

/// Gives each byte to the part that has the fewest names so far, the most frequent bytes first.
fn divide(prefix: &[u8], weights: &[u64; 256], n: usize) -> Option<Vec<Vec<String>>> {
    let mut bytes: Vec<u8> =
        (0..=255u8).filter(|byte| byte.is_ascii_alphanumeric() && weights[usize::from(*byte)] > 0).collect();
    bytes.sort_by_key(|byte| std::cmp::Reverse(weights[usize::from(*byte)]));
    let others = weights.iter().sum::<u64>() - bytes.iter().map(|b| weights[usize::from(*b)]).sum::<u64>();
    let mut parts: Vec<(u64, String)> = vec![(0, String::new()); n];
    parts[0].0 = others;
    for byte in bytes {
        let least = parts.iter_mut().min_by_key(|part| part.0)?;
        least.0 += weights[usize::from(byte)];
        least.1.push(char::from(byte));
    }
    let first = parts.remove(0);
    parts.retain(|part| !part.1.is_empty());
    let elsewhere: String = parts.iter().map(|part| part.1.as_str()).collect();
    if elsewhere.is_empty() || first.0 == 0 {
        return None;
    }
    let prefix = String::from_utf8_lossy(prefix).into_owned();
    let mut filters = vec![vec![format!("--exclude=/{prefix}[{elsewhere}]*")]];
    filters.extend(parts.iter().map(|(_, own)| except(&prefix, own)));
    Some(filters)
}

/// Filters that leave out every name at the top that does not begin with the prefix and one of `own`.
fn except(prefix: &str, own: &str) -> Vec<String> {
    let mut filters = vec![format!("--exclude=/{prefix}[!{own}]*")];
    for (at, byte) in prefix.char_indices() {
        let start = &prefix[..at];
        // A hyphen between others would be a range.
        filters.push(format!("--exclude=/{start}[!{byte}]*"));
        filters.push(format!("--exclude=/{}", &prefix[..=at]));
    }
    filters
}

#[cfg(test)]
mod tests {
    use super::super::names::{NameKind, NameWriter};
    use super::*;

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
    fn names_are_divided_by_the_first_byte_that_differs() {
        let state = stored(&["00", "1a", "1b", "2x", "zz", "#odd"], 10_000);
        let parts = split(state.path(), "j", 4).unwrap();
        assert_eq!(parts.len(), 3, "so many names pay for three connections: {parts:?}");
        assert_eq!(parts[0], ["--exclude=/[10z]*"], "{parts:?}");
        let state = stored(&["EMD-1000", "EMD-1001", "EMD-2000", "EMD-20"], 20_000);
        let parts = split(state.path(), "j", 2).unwrap();
        assert_eq!(parts[0], ["--exclude=/EMD-[2]*"]);
        assert_eq!(
            parts[1],
            [
                "--exclude=/EMD-[!2]*",
                "--exclude=/[!E]*",
                "--exclude=/E",
                "--exclude=/E[!M]*",
                "--exclude=/EM",
                "--exclude=/EM[!D]*",
                "--exclude=/EMD",
                "--exclude=/EMD[!-]*",
                "--exclude=/EMD-",
            ]
        );
    }

    #[test]
    fn what_does_not_pay_is_not_divided() {
        assert_eq!(split(stored(&["a", "b"], 10).path(), "j", 4), None, "few names");
        assert_eq!(split(stored(&["only"], 50_000).path(), "j", 4), None, "one name at the top");
        assert_eq!(split(stored(&["a", "b"], 50_000).path(), "j", 1), None, "one connection");
        assert_eq!(split(tempfile::tempdir().unwrap().path(), "j", 4), None, "nothing is known");
        assert_eq!(split(stored(&["a*b1", "a*b2"], 50_000).path(), "j", 4), None, "a pattern");
    }
}
