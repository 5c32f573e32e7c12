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
/// How many wrong words are shown.
const TOLD: usize = 3;

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
        let (mut ids, mut bad) = (Vec::new(), BadWords::default());
        for (number, line) in lines(text).enumerate() {
            let line = &line[..line.iter().position(|byte| *byte == b'#').unwrap_or(line.len())];
            let words = line.split(|byte| byte.is_ascii_whitespace() || *byte == b',');
            for word in words.filter(|word| !word.is_empty()) {
                match EntryId::parse(word) {
                    Some(id) => ids.push(id),
                    None => bad.add(word, Some(number + 1)),
                }
            }
        }
        bad.result()?;
        EntryIds::from_ids(ids)
    }

    /// Makes a list of single words.
    pub fn of(words: &[String]) -> Result<EntryIds, BadIds> {
        let (mut ids, mut bad) = (Vec::new(), BadWords::default());
        for word in words.iter().map(|word| word.trim().as_bytes()) {
            match EntryId::parse(word) {
                Some(id) => ids.push(id),
                None => bad.add(word, None),
            }
        }
        bad.result()?;
        EntryIds::from_ids(ids)
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

/// The words of a list that are no IDs: the first few, and how many there are.
#[derive(Default)]
struct BadWords {
    /// The words as shown, with their lines.
    told: Vec<(String, Option<usize>)>,
    /// About the first one.
    hint: String,
    count: usize,
}

impl BadWords {
    fn add(&mut self, word: &[u8], line: Option<usize>) {
        if self.count == 0 {
            self.hint = meant(word);
        }
        if self.count < TOLD {
            self.told.push((shown(word), line));
        }
        self.count += 1;
    }

    /// `"a" is no entry ID, nor are "b" (line 2), "c" (line 7) and 4 more words`
    fn result(self) -> Result<(), BadIds> {
        let Some(((first, line), others)) = self.told.split_first() else { return Ok(()) };
        let place = |line: Option<usize>| line.map(|line| format!(" (line {line})")).unwrap_or_default();
        let mut rest: Vec<String> =
            others.iter().map(|(word, line)| format!("{word:?}{}", place(*line))).collect();
        match self.count - self.told.len() {
            0 => {}
            1 => rest.push("1 more word".into()),
            more => rest.push(format!("{more} more words")),
        }
        let mut text = format!("{first:?} is no entry ID");
        if let Some((last, before)) = rest.split_last() {
            text += match before {
                [] => format!(", nor is {last}"),
                before => format!(", nor are {} and {last}", before.join(", ")),
            }
            .as_str();
        }
        Err(BadIds { line: *line, text, hint: self.hint })
    }
}

/// Lines that end with `\n`, `\r\n` or `\r`.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').flat_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        line.split(|byte| *byte == b'\r')
    })
}

/// The beginning of a word, for a message.
fn shown(word: &[u8]) -> String {
    let shown: String = String::from_utf8_lossy(word).chars().take(SHOWN).collect();
    let shown = if shown.len() < word.len() { format!("{shown}…") } else { shown };
    sanitize::line(&shown).into_owned()
}

/// What was probably meant by a word that is no ID.
fn meant(word: &[u8]) -> String {
    let is_quote = |byte: &u8| matches!(byte, b'"' | b'\'' | b'[' | b']' | b'{' | b'}' | b':');
    let bare: Vec<u8> = word.iter().copied().filter(|byte| !is_quote(byte)).collect();
    if let Some((_, id)) = recognise(word) {
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
    }
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
    fn several_wrong_words_are_counted_and_the_first_few_named() {
        for (text, expected) in [
            (&b"x\n"[..], "\"x\" is no entry ID"),
            (b"x 1abc\ny", "\"x\" is no entry ID, nor is \"y\" (line 2)"),
            (b"x\ny\n\nz", "\"x\" is no entry ID, nor are \"y\" (line 2) and \"z\" (line 4)"),
            (b"x y z a", "\"x\" is no entry ID, nor are \"y\" (line 1), \"z\" (line 1) and 1 more word"),
            (b"x y z a b", "\"x\" is no entry ID, nor are \"y\" (line 1), \"z\" (line 1) and 2 more words"),
        ] {
            let bad = EntryIds::parse(text).unwrap_err();
            assert_eq!((bad.text.as_str(), bad.line), (expected, Some(1)));
        }
        let bad = EntryIds::of(&["x", "1abc", "y"].map(String::from)).unwrap_err();
        assert_eq!((bad.text.as_str(), bad.line), ("\"x\" is no entry ID, nor is \"y\"", None));
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
