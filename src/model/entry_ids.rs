//! Lists of entry IDs, in either form.

use super::pdb::{EntryId, recognise};
use super::sanitize;
use std::path::Path;

/// Entries, each once, in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryIds {
    ids: Vec<EntryId>,
}

/// A word of a list that is no ID, or a list that cannot be used for another reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadIds {
    /// The line, from 1; `None` if the problem is not about a single line.
    pub line: Option<usize>,
    /// A lower-case fragment: what is wrong.
    pub text: String,
    /// What to do about it.
    pub hint: String,
}

/// Maximum size of a list in bytes: more than a million IDs.
pub const LARGEST_LIST: u64 = 16 << 20;

/// How much of a word is shown, in characters.
const SHOWN: usize = 40;

impl BadIds {
    /// Returns the text with the place in a file: `FILE:LINE: "x" is no entry ID`.
    pub fn at(&self, file: &Path) -> String {
        let file = sanitize::path(file);
        match self.line {
            Some(line) => format!("{file}:{line}: {}", self.text),
            None => format!("{file}: {}", self.text),
        }
    }
}

const BOM: &[u8] = b"\xef\xbb\xbf";

impl EntryIds {
    /// Parses a list: IDs separated by white space or commas; `#` starts a comment. Never empty.
    pub fn parse(text: &[u8]) -> Result<EntryIds, BadIds> {
        if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
            return Err(BadIds {
                line: None,
                text: "the list of IDs is in UTF-16".into(),
                hint: "save it as plain text (ASCII or UTF-8)".into(),
            });
        }
        let text = text.strip_prefix(BOM).unwrap_or(text);
        let mut ids = Vec::new();
        for (number, line) in lines(text).enumerate() {
            let line = &line[..line.iter().position(|byte| *byte == b'#').unwrap_or(line.len())];
            let words = line.split(|byte| byte.is_ascii_whitespace() || *byte == b',');
            for word in words.filter(|word| !word.is_empty()) {
                let id = EntryId::parse(word).ok_or_else(|| {
                    let BadIds { text, hint, .. } = bad_word(word);
                    BadIds { line: Some(number + 1), text, hint }
                })?;
                ids.push(id);
            }
        }
        EntryIds::from_ids(ids)
    }

    /// Makes a list of single words.
    pub fn of(words: &[String]) -> Result<EntryIds, BadIds> {
        let ids = words.iter().map(|word| parse_word(word));
        EntryIds::from_ids(ids.collect::<Result<_, _>>()?)
    }

    fn from_ids(mut ids: Vec<EntryId>) -> Result<EntryIds, BadIds> {
        if ids.is_empty() {
            return Err(BadIds {
                line: None,
                text: "the list has no entry ID".into(),
                hint: "an empty list does not mean all entries: name at least one, or leave the list out"
                    .into(),
            });
        }
        // Stable, so that of two forms of an ID the first one is kept.
        ids.sort_by_key(|id| *id.key());
        ids.dedup_by_key(|id| *id.key());
        Ok(EntryIds { ids })
    }

    /// Returns the IDs, sorted by key.
    pub fn ids(&self) -> &[EntryId] {
        &self.ids
    }

    /// Returns the index of an entry, in whichever form.
    pub fn position(&self, id: &EntryId) -> Option<usize> {
        self.ids.binary_search_by_key(id.key(), |known| *known.key()).ok()
    }
}

/// Parses one ID of a list.
pub fn parse_word(word: &str) -> Result<EntryId, BadIds> {
    EntryId::parse(word.trim().as_bytes()).ok_or_else(|| bad_word(word.trim().as_bytes()))
}

/// Lines that end with `\n`, `\r\n` or `\r`.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').flat_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        line.split(|byte| *byte == b'\r')
    })
}

/// The problem with a word, and what was probably meant.
fn bad_word(word: &[u8]) -> BadIds {
    let shown: String = String::from_utf8_lossy(word).chars().take(SHOWN).collect();
    let shown = if shown.len() < word.len() { format!("{shown}…") } else { shown };
    let shown = sanitize::line(&shown).into_owned();
    let is_quote = |byte: &u8| matches!(byte, b'"' | b'\'' | b'[' | b']' | b'{' | b'}' | b':');
    let bare: Vec<u8> = word.iter().copied().filter(|byte| !is_quote(byte)).collect();
    let hint = if let Some((_, id)) = recognise(word) {
        format!("this is the name of a file; its entry is {id}")
    } else if bare.len() < word.len() && EntryId::parse(&bare).is_some() {
        "write IDs without quotes or brackets, separated by white space or commas".into()
    } else if word.split(|byte| b";|/".contains(byte)).all(|part| EntryId::parse(part).is_some()) {
        "separate IDs by white space or commas".into()
    } else if let Some((id, [mark, ..])) = EntryId::begin(word)
        && b"._-:".contains(mark)
    {
        format!("only whole entries can be named, not chains or assemblies; the entry is {id}")
    } else if word.starts_with(b"<") {
        "is the file a web page?".into()
    } else {
        "an ID is a digit from 1 to 9 and three letters or digits (1abc), or pdb_ and eight letters or digits (pdb_00001abc)".into()
    };
    BadIds { line: None, text: format!("{shown:?} is no entry ID"), hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &[u8]) -> Vec<String> {
        EntryIds::parse(text).unwrap().ids().iter().map(EntryId::to_string).collect()
    }

    #[test]
    fn ids_are_separated_by_anything_usual() {
        for text in [
            &b"1abc 2xyz"[..],
            b"\xef\xbb\xbf1ABC\r\n2xyz\r\n",
            b"1abc,2xyz",
            b"# a benchmark\n1abc # first\n\n\t2xyz,,\n",
            b"1abc\r2xyz\r",
            b"1abc 2xyz 1Abc pdb_00001abc PDB_00002XYZ",
            b"2xyz\x0c1abc#2zzz",
        ] {
            assert_eq!(shown(text), ["1abc", "2xyz"], "{}", String::from_utf8_lossy(text));
        }
        assert_eq!(shown(b"pdb_00001abc 1abc pdb_zz09xyzw"), ["pdb_00001abc", "pdb_zz09xyzw"]);
        let ids = EntryIds::parse(b"1abc 2xyz").unwrap();
        assert_eq!(ids.position(&EntryId::parse(b"PDB_00002XYZ").unwrap()), Some(1));
        assert_eq!(ids.position(&EntryId::parse(b"3xyz").unwrap()), None);
    }

    #[test]
    fn a_word_that_is_no_id_is_explained() {
        for (text, line, word, hint) in [
            (&b"1abc\n\nnope\n"[..], 3, "\"nope\"", "a digit from 1 to 9"),
            (b"1abc\r\n0abc", 2, "\"0abc\"", "a digit from 1 to 9"),
            (b"1abc\r\r0abc", 3, "\"0abc\"", "a digit from 1 to 9"),
            (b"1abc.cif.gz", 1, "1abc.cif.gz", "its entry is 1abc"),
            (b"pdb1abc.ent.gz", 1, "pdb1abc", "its entry is 1abc"),
            (b"[\"1abc\",\"2xyz\"]", 1, "[\\\"1abc", "without quotes"),
            (b"1abc;2xyz", 1, "1abc;2xyz", "white space or commas"),
            (b"1abc_A", 1, "1abc_A", "the entry is 1abc"),
            (b"1abc.A", 1, "1abc.A", "the entry is 1abc"),
            (b"<!DOCTYPE html>", 1, "<!DOCTYPE", "web page"),
            (b"pdb_0001abc", 1, "pdb_0001abc", "eight letters or digits"),
            (b"\x1b[31m", 1, "[31m", "a digit from 1 to 9"),
            (b"1abc\0", 1, "1abc", "a digit from 1 to 9"),
        ] {
            let bad = EntryIds::parse(text).unwrap_err();
            assert_eq!(bad.line, Some(line), "{bad:?}");
            assert!(bad.text.contains(word) && bad.hint.contains(hint), "{bad:?}");
            assert!(!bad.text.contains('\x1b'), "{bad:?}");
        }
        assert!(EntryIds::parse(&[b'x'; 10_000]).unwrap_err().text.len() < 100);
    }

    #[test]
    fn an_empty_list_is_an_error() {
        for text in [&b""[..], b"\n", b"# 1abc\n", b"\xef\xbb\xbf", b" ,, "] {
            assert!(EntryIds::parse(text).unwrap_err().text.contains("no entry ID"));
        }
        assert!(EntryIds::of(&[]).is_err());
        assert!(EntryIds::parse(b"\xff\xfe1\0a\0").unwrap_err().text.contains("UTF-16"));
    }

    proptest! {
        #[test]
        fn any_bytes_may_be_a_list(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = EntryIds::parse(&bytes);
        }
    }
}
