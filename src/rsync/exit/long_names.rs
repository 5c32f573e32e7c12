//! Names that are too long for rsync's temporary files, `.NAME.XXXXXX`. rsync truncates them, so its messages about such a temporary file
//! do not identify the file.

use crate::model::sanitize;
use crate::rsync::output::unescape;
use std::borrow::Cow;

/// The longest name that rsync does not truncate, in bytes: 255 without the two dots, the six characters and the terminating NUL.
const KEPT: usize = 246;
/// Maximum number of stored names.
const MOST: usize = 200;

/// Long names that rsync has printed. It prints a name before it creates the temporary file.
#[derive(Debug, Default)]
pub struct LongNames(Vec<Vec<u8>>);

impl LongNames {
    /// Takes a line that may be a file name as printed by rsync.
    pub fn learn(&mut self, printed: &[u8]) {
        // An escape only makes the printed name longer.
        if printed.len() <= KEPT || self.0.len() >= MOST {
            return;
        }
        let name = unescape(printed);
        if stem(base(&name)).len() < base(&name).len() {
            self.0.push(name);
        }
    }

    /// Replaces the name of a temporary file in a line of standard error by that of its file, if it is one of these.
    pub fn resolve<'a>(&self, line: &'a str) -> Cow<'a, str> {
        let told = || {
            let (before, rest) = line.strip_prefix("rsync: ")?.split_once('"')?;
            let (path, _) = rest.split_once('"')?;
            let plain = unescape(path.as_bytes());
            let (dir, temporary) = plain.split_at(plain.len() - base(&plain).len());
            let (front, suffix) = temporary.split_at(temporary.len().checked_sub(SUFFIX)?);
            let random = suffix.strip_prefix(b".")?;
            // If nothing is left of the name, its dot is omitted too.
            let front = if front.is_empty() { front } else { front.strip_prefix(b".")? };
            if !before.contains("[receiver]") || !random.iter().all(u8::is_ascii_alphanumeric) {
                return None;
            }
            let is = |name: &&Vec<u8>| {
                let (own, last) = name.split_at(name.len() - base(name).len());
                stem(last) == front
                    && dir.ends_with(own)
                    && (dir.len() == own.len() || dir[..dir.len() - own.len()].ends_with(b"/"))
            };
            let mut found: Vec<&[u8]> = self.0.iter().filter(is).map(|name| base(name)).collect();
            found.dedup();
            let shown = match found[..] {
                [] => return None,
                [one] => sanitize::name(one).into_owned(),
                // Ambiguous: several names have the same temporary name.
                _ => format!("{}… (one of {} such names)", sanitize::name(shared(&found)), found.len()),
            };
            Some(line.replacen(path, &format!("{}{shown}", sanitize::name(dir)), 1))
        };
        told().map_or(Cow::Borrowed(line), Cow::Owned)
    }
}

/// `.XXXXXX`
const SUFFIX: usize = 7;

/// Returns the part after the last slash.
fn base(path: &[u8]) -> &[u8] {
    &path[memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1)..]
}

/// Returns the part of a name that rsync keeps between the dots.
fn stem(name: &[u8]) -> &[u8] {
    let name = name.strip_prefix(b".").unwrap_or(name);
    if name.len() <= KEPT {
        return name;
    }
    let mut end = KEPT;
    // The truncation may be inside a character.
    if name[end] & 0x80 != 0 {
        while end > 0 && name[end - 1] & 0x80 != 0 {
            end -= 1;
        }
    }
    if end > 0 && name[end - 1] == b'.' {
        end -= 1;
    }
    &name[..end]
}

/// Returns the common prefix, without an incomplete character.
fn shared<'a>(names: &[&'a [u8]]) -> &'a [u8] {
    let Some((first, rest)) = names.split_first() else { return b"" };
    let same = |name: &&[u8]| first.iter().zip(*name).take_while(|(a, b)| a == b).count();
    let front = &first[..rest.iter().map(same).min().unwrap_or(first.len())];
    std::str::from_utf8(front).map_or_else(|error| &front[..error.valid_up_to()], str::as_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(names: &[&str], line: &str) -> String {
        let mut known = LongNames::default();
        names.iter().for_each(|name| known.learn(name.as_bytes()));
        known.resolve(line).into_owned()
    }

    fn failed(path: &str) -> String {
        format!("rsync: [receiver] mkstemp \"{path}\" failed: Permission denied (13)")
    }

    #[test]
    fn a_name_that_was_cut_is_told_in_full() {
        // Truncated as by rsync 3.5.0.
        let (plain, dotted, wide) = ("n".repeat(250), "d".repeat(240) + ".cif.gz", "é".repeat(125));
        for (name, cut) in [(&plain, "n".repeat(246)), (&dotted, "d".repeat(240) + ".cif.g")] {
            let path = format!("/m/ab/{name}");
            assert_eq!(
                told(&[&format!("ab/{name}")], &failed(&format!("/m/ab/.{cut}.a1B2c3"))),
                failed(&path)
            );
        }
        assert_eq!(told(&[&wide], &failed("/m/.a1B2c3")), failed(&format!("/m/{wide}")));
        let control = format!("\\#033{plain}");
        assert_eq!(
            told(&[&control], &failed(&format!("/m/.\\#033{}.a1B2c3", "n".repeat(245)))),
            failed(&format!("/m/\\u{{1b}}{plain}"))
        );
    }

    #[test]
    fn what_is_not_cut_or_not_known_stays() {
        let (long, cut) = ("n".repeat(250), "n".repeat(246));
        for line in [
            failed(&format!("/m/other/.{cut}.a1B2c3")),
            failed("/m/.f.a1B2c3"),
            failed(&format!("/m/xab/.{cut}.a1B2c3")),
            failed(&format!("/m/ab/{long}")),
            "rsync: [sender] no quotes".to_owned(),
            String::new(),
        ] {
            assert_eq!(told(&[&format!("ab/{long}"), &"m".repeat(246)], &line), line);
        }
        let (one, other) = (format!("{long}1"), format!("{long}2"));
        let text = told(&[&one, &other], &failed(&format!("/m/.{cut}.a1B2c3")));
        assert_eq!(text, failed(&format!("/m/{long}… (one of 2 such names)")));
    }
}
