//! Finds names that other systems do not support, or that are misleading.

mod alike;

use super::{DirRef, Inventory};
use std::collections::HashMap;
use unicode_normalization::UnicodeNormalization;

/// The maximum length of a name, both in bytes and in UTF-16 units.
const LONGEST_NAME: usize = 255;
/// The maximum length of a path on Windows without the extended form, in UTF-16 units with the terminating NUL.
const LONGEST_PATH: usize = 260;
/// A drive, with which every path on Windows begins.
const DRIVE: &str = "C:";

/// A problem of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is not UTF-8.
    NotUtf8,
    /// Windows reserves it for a device, whatever the extension.
    Reserved(String),
    /// It has a character that Windows does not allow.
    Forbidden(char),
    /// It has a control character.
    Control(char),
    /// It has a character that changes the direction of text, so that it is displayed as another name.
    Bidirectional(char),
    /// It has an invisible character, so that two names look the same.
    ZeroWidth(char),
    /// A name of Latin letters has a letter of another script that looks like the Latin letter, which is the second field.
    LookAlike(char, char),
    /// A word of Latin letters has a letter of another script, which does not belong there although it looks like no Latin letter.
    MixedScripts(char),
    /// It begins with a hyphen, so that commands take it for an option.
    LeadingHyphen,
    /// It ends in a dot, which Windows removes.
    TrailingDot,
    /// It ends in a space, which Windows removes.
    TrailingSpace,
    /// It has more than 255 bytes.
    LongBytes(usize),
    /// It has more than 255 UTF-16 units.
    LongUnits(usize),
    /// Its path is too long for Windows without the extended form.
    LongPath {
        /// Length in UTF-16 units, with a drive and the terminating NUL.
        units: usize,
        /// The extended form: `\\?\C:\…`
        extended: String,
    },
    /// It is equal to this sibling on case-insensitive file systems.
    CaseCollision(String),
    /// It is equal to this sibling where names are normalized (NFC, NFD).
    NormalCollision(String),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::NotUtf8 => f.write_str("not UTF-8"),
            Fault::Reserved(word) => write!(f, "{word} is reserved on Windows"),
            Fault::Forbidden(c) => write!(f, "{c:?} is forbidden on Windows"),
            Fault::Control(c) => write!(f, "control character U+{:04X}", *c as u32),
            Fault::Bidirectional(c) => write!(f, "bidirectional control U+{:04X}", *c as u32),
            Fault::ZeroWidth(c) => write!(f, "zero-width character U+{:04X}", *c as u32),
            Fault::LookAlike(c, latin) => {
                write!(f, "{c:?} (U+{:04X}) looks like the Latin {latin:?}", *c as u32)
            }
            Fault::MixedScripts(c) => {
                write!(f, "{c:?} (U+{:04X}) is of another script than the rest of its word", *c as u32)
            }
            Fault::LeadingHyphen => f.write_str("begins with a hyphen, which commands take for an option"),
            Fault::TrailingDot => f.write_str("ends in a dot"),
            Fault::TrailingSpace => f.write_str("ends in a space"),
            Fault::LongBytes(n) => write!(f, "name of {n} bytes, over {LONGEST_NAME}"),
            Fault::LongUnits(n) => write!(f, "name of {n} UTF-16 units, over {LONGEST_NAME}"),
            Fault::LongPath { units, extended } => {
                write!(f, "path of {units} units, {LONGEST_PATH} or more; extended form {extended}")
            }
            Fault::CaseCollision(other) => write!(f, "differs from {other:?} in case only"),
            Fault::NormalCollision(other) => {
                write!(f, "differs from {other:?} in Unicode normalisation only")
            }
        }
    }
}

impl Fault {
    /// The word used in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Fault::NotUtf8 => "not_utf8",
            Fault::Reserved(_) => "reserved",
            Fault::Forbidden(_) => "forbidden",
            Fault::Control(_) => "control",
            Fault::Bidirectional(_) => "bidirectional",
            Fault::ZeroWidth(_) => "zero_width",
            Fault::LookAlike(..) => "look_alike",
            Fault::MixedScripts(_) => "mixed_scripts",
            Fault::LeadingHyphen => "leading_hyphen",
            Fault::TrailingDot => "trailing_dot",
            Fault::TrailingSpace => "trailing_space",
            Fault::LongBytes(_) => "long_bytes",
            Fault::LongUnits(_) => "long_units",
            Fault::LongPath { .. } => "long_path",
            Fault::CaseCollision(_) => "case_collision",
            Fault::NormalCollision(_) => "normal_collision",
        }
    }
}

/// A name with problems, and its directory.
#[derive(Debug, Clone)]
pub struct Faulty<'a> {
    /// The directory of the name.
    pub dir: DirRef<'a>,
    /// The name.
    pub name: &'a [u8],
    /// At least one problem.
    pub faults: Vec<Fault>,
}

/// Reports every name below the root that has a problem; returns their number.
pub fn check_names<'a, E>(
    inventory: &'a Inventory,
    mut tell: impl FnMut(Faulty<'a>) -> Result<(), E>,
) -> Result<u64, E> {
    let root = inventory.root().to_string_lossy();
    let root = root.trim_end_matches('/');
    let mut count = 0;
    for group in inventory.groups() {
        let mut names: Vec<&'a [u8]> = group.dirs.map(|dir| dir.name()).collect();
        names.extend(group.entries.map(|entry| entry.name));
        names.sort_unstable();
        let base = String::from_utf8_lossy(&group.dir.path()).into_owned();
        let base = if base.is_empty() { root.to_owned() } else { format!("{root}/{base}") };
        let base_units = units(DRIVE) + units(&base) + 1;
        let twins = collisions(&names);
        for (n, name) in names.iter().enumerate() {
            let mut faults = faults(name);
            let lossy = String::from_utf8_lossy(name);
            let path = base_units + units(&lossy) + 1;
            if path > LONGEST_PATH {
                let extended = format!(r"\\?\{DRIVE}{}", format!("{base}/{lossy}").replace('/', r"\"));
                faults.push(Fault::LongPath { units: path, extended });
            }
            faults.extend(twins.get(&n).cloned());
            if !faults.is_empty() {
                count += 1;
                tell(Faulty { dir: group.dir, name, faults })?;
            }
        }
    }
    Ok(count)
}

fn units(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// Returns the problems of a name by itself.
fn faults(name: &[u8]) -> Vec<Fault> {
    let mut faults = Vec::new();
    if name.len() > LONGEST_NAME {
        faults.push(Fault::LongBytes(name.len()));
    }
    let Ok(text) = std::str::from_utf8(name) else {
        faults.push(Fault::NotUtf8);
        return faults;
    };
    if units(text) > LONGEST_NAME {
        faults.push(Fault::LongUnits(units(text)));
    }
    for c in text.chars() {
        let fault = match c {
            '<' | '>' | ':' | '"' | '\\' | '|' | '?' | '*' => Fault::Forbidden(c),
            // Line and paragraph separators break a line too.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => Fault::Control(c),
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                Fault::Bidirectional(c)
            }
            c if alike::is_zero_width(c) => Fault::ZeroWidth(c),
            _ => continue,
        };
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    if !text.is_ascii() {
        faults.extend(alike::in_latin(text).into_iter().map(|(c, latin)| Fault::LookAlike(c, latin)));
        faults.extend(alike::mixed(text).into_iter().map(Fault::MixedScripts));
    }
    if text.starts_with('-') {
        faults.push(Fault::LeadingHyphen);
    }
    if text.ends_with('.') {
        faults.push(Fault::TrailingDot);
    }
    if text.ends_with(' ') {
        faults.push(Fault::TrailingSpace);
    }
    faults.extend(reserved(text).map(Fault::Reserved));
    faults
}

/// Returns the device that Windows takes this name for.
fn reserved(name: &str) -> Option<String> {
    let stem = name.split(['.', ':']).next().unwrap_or(name).trim_end_matches(' ');
    if stem.len() < 3 || stem.len() > 8 {
        return None;
    }
    let stem = stem.to_ascii_uppercase();
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        return Some(stem);
    }
    let port = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"))?;
    // Superscript digits count too.
    matches!(port, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
        .then_some(stem)
}

/// Returns names that are equal when case-folded or normalized, by index.
fn collisions(names: &[&[u8]]) -> HashMap<usize, Fault> {
    let plain = |name: &[u8]| name.iter().all(|b| b.is_ascii() && !b.is_ascii_uppercase());
    let mut found = HashMap::new();
    // If every name is lower-case ASCII, as in the archive, each is its own folded form.
    if names.iter().all(|name| plain(name)) {
        return found;
    }
    let mut folded: HashMap<String, usize> = HashMap::with_capacity(names.len());
    for (n, name) in names.iter().enumerate() {
        let Ok(text) = std::str::from_utf8(name) else { continue };
        let key: String = text.nfc().flat_map(char::to_lowercase).nfc().collect();
        let Some(first) = folded.insert(key, n) else { continue };
        let other = String::from_utf8_lossy(names[first]);
        let fault = |other: &str, own: &str| {
            if other.nfc().eq(own.nfc()) {
                Fault::NormalCollision(other.into())
            } else {
                Fault::CaseCollision(other.into())
            }
        };
        found.insert(n, fault(&other, text));
        found.entry(first).or_insert_with(|| fault(text, &other));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::testing::tree;
    use super::*;
    use proptest::prelude::*;

    fn of(name: &str) -> Vec<String> {
        faults(name.as_bytes()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn windows_devices_are_reserved_with_any_extension() {
        for name in
            ["CON", "nul.txt", "aux.tar.gz", "Com1", "LPT9.x", "COM¹", "lpt³.txt", "con .txt", "CONIN$"]
        {
            assert!(of(name).iter().any(|f| f.ends_with("reserved on Windows")), "{name}");
        }
        for name in ["CON1", "COM10", "COM", "console", "nully", "1con.cif.gz", "LPT", "xCOM1"] {
            assert!(of(name).is_empty(), "{name}: {:?}", of(name));
        }
    }

    #[test]
    fn each_fault_is_seen() {
        assert_eq!(of("a:b"), ["':' is forbidden on Windows"]);
        assert_eq!(of("a\nb\n"), ["control character U+000A"]);
        assert_eq!(of("a\u{2028}b"), ["control character U+2028"]);
        assert_eq!(of("a\u{202e}gpj.exe"), ["bidirectional control U+202E"]);
        assert_eq!(of("a."), ["ends in a dot"]);
        assert_eq!(of("a "), ["ends in a space"]);
        assert_eq!(of(&"é".repeat(128)), ["name of 256 bytes, over 255"]);
        assert_eq!(of(&"x".repeat(256)).len(), 2);
        assert_eq!(faults(b"\xff"), [Fault::NotUtf8]);
        assert_eq!(of("1a\u{200b}bc"), ["zero-width character U+200B"]);
        assert_eq!(of("\u{feff}1abc"), ["zero-width character U+FEFF"]);
        assert_eq!(of("1\u{430}bc.cif"), ["'\u{430}' (U+0430) looks like the Latin 'a'"]);
        assert_eq!(of("lys\u{436}"), ["'\u{436}' (U+0436) is of another script than the rest of its word"]);
        assert_eq!(of("-rf"), ["begins with a hyphen, which commands take for an option"]);
        assert!(of("1abc.cif.gz").is_empty());
        assert!(of("a-b").is_empty());
    }

    #[test]
    fn siblings_collide_and_cousins_do_not() {
        let deep = format!("{}/x", "d".repeat(250));
        let tree = tree(&[
            ("a/File", 0),
            ("a/file", 0),
            ("b/file", 0),
            ("b/\u{e9}", 0),
            ("b/e\u{301}", 0),
            ("Lib/x", 0),
            ("lib", 0),
            (&deep, 0),
        ]);
        let mut told = Vec::new();
        let count = check_names(&tree, |faulty| {
            let path = String::from_utf8(faulty.dir.path_of(faulty.name)).unwrap();
            told.push((path, faulty.faults.iter().map(Fault::word).collect::<Vec<_>>().join(" ")));
            Ok::<(), ()>(())
        });
        let expected = [
            ("Lib", "case_collision"),
            ("lib", "case_collision"),
            ("a/File", "case_collision"),
            ("a/file", "case_collision"),
            ("b/e\u{301}", "normal_collision"),
            ("b/\u{e9}", "normal_collision"),
            (deep.as_str(), "long_path"),
        ];
        let told: Vec<(&str, &str)> = told.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(told, expected);
        assert_eq!(count, Ok(7));
    }

    proptest! {
        #[test]
        fn any_bytes_may_be_a_name(name in proptest::collection::vec(any::<u8>(), 0..300)) {
            for fault in faults(&name) {
                prop_assert!(!fault.to_string().is_empty());
            }
        }
    }
}
