//! File names of the Protein Data Bank: entry IDs in both forms, and the formats of the archive.

use std::borrow::Cow;

/// The two forms of an entry ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// Four characters, such as `1abc`.
    Classic,
    /// Twelve characters, such as `pdb_00001abc`.
    Extended,
}

impl Form {
    /// Returns the name for people: `4 characters`, `12 characters`.
    pub fn describe(self) -> &'static str {
        match self {
            Form::Classic => "4-character IDs",
            Form::Extended => "12-character IDs",
        }
    }

    /// Returns the name in JSON: `classic`, `extended`.
    pub fn word(self) -> &'static str {
        match self {
            Form::Classic => "classic",
            Form::Extended => "extended",
        }
    }
}

/// The format of a file of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Coordinates as mmCIF.
    Mmcif,
    /// Coordinates as BinaryCIF.
    BinaryCif,
    /// Coordinates in the legacy PDB format.
    Pdb,
    /// Coordinates as PDBML (XML).
    Xml,
    /// Biological assemblies.
    Assembly,
    /// X-ray structure factors.
    StructureFactors,
    /// NMR restraints and chemical shifts.
    Nmr,
    /// Validation reports.
    Validation,
}

impl Format {
    /// Returns the name for people and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Format::Mmcif => "mmCIF",
            Format::BinaryCif => "BinaryCIF",
            Format::Pdb => "PDB",
            Format::Xml => "XML",
            Format::Assembly => "assemblies",
            Format::StructureFactors => "structure factors",
            Format::Nmr => "NMR data",
            Format::Validation => "validation reports",
        }
    }
}

/// An entry ID. Two IDs are equal if they name the same entry in the same form. Case is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// Lower-case; the classic form uses the last four bytes.
    text: [u8; 8],
    form: Form,
}

impl EntryId {
    /// Parses `1abc` or `pdb_00001abc`, case-insensitively.
    pub fn parse(text: &[u8]) -> Option<EntryId> {
        let (id, rest) = EntryId::begin(text)?;
        rest.is_empty().then_some(id)
    }

    /// Parses an ID at the start of `text`. The second value is the rest, which never starts with a letter or digit.
    pub fn begin(text: &[u8]) -> Option<(EntryId, &[u8])> {
        let extended = text.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"pdb_"));
        let (form, body, len) =
            if extended { (Form::Extended, &text[4..], 8) } else { (Form::Classic, text, 4) };
        let (body, rest) = body.split_at_checked(len)?;
        if !body.iter().all(u8::is_ascii_alphanumeric) || rest.first().is_some_and(u8::is_ascii_alphanumeric)
        {
            return None;
        }
        if form == Form::Classic && !matches!(body[0], b'1'..=b'9') {
            return None;
        }
        let mut id = *b"00000000";
        id[8 - len..].copy_from_slice(body);
        id.make_ascii_lowercase();
        Some((EntryId { text: id, form }, rest))
    }

    /// Returns the form.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Returns the name of the directory that contains the entry: the second and third character from the end, in either form.
    pub fn hash(&self) -> &[u8] {
        &self.text[5..7]
    }

    /// Returns the same entry in all forms that it can have: an ID with letters or digits in the first four places has no classic form.
    pub fn forms(&self) -> impl Iterator<Item = EntryId> + use<> {
        let text = self.text;
        let has_classic = text.starts_with(b"0000") && matches!(text[4], b'1'..=b'9');
        let classic = has_classic.then_some(EntryId { text, form: Form::Classic });
        classic.into_iter().chain([EntryId { text, form: Form::Extended }])
    }

    /// Returns a key that is equal for both forms of an ID.
    pub fn key(&self) -> &[u8; 8] {
        &self.text
    }

    /// Whether both IDs name the same entry, regardless of their forms.
    pub fn same_entry(&self, other: &EntryId) -> bool {
        self.text == other.text
    }

    /// Whether one of these directory names is that of a directory for this entry, in the current or the next layout of the archive.
    pub fn belongs_below(&self, directories: &[&[u8]]) -> bool {
        directories.iter().any(|name| name.eq_ignore_ascii_case(self.hash()))
    }
}

impl std::fmt::Display for EntryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = std::str::from_utf8(&self.text).unwrap_or_default();
        match self.form {
            Form::Classic => f.write_str(&text[4..]),
            Form::Extended => write!(f, "pdb_{text}"),
        }
    }
}

/// What follows the ID in the names of validation reports and their parts.
const VALIDATION: [&[u8]; 3] = [b"_validation", b"_full_validation", b"_multipercentile_validation"];

/// Returns the format and the entry of a file name; `None` for files that belong to no entry.
pub fn recognise(name: &[u8]) -> Option<(Format, EntryId)> {
    let plain = name.strip_suffix(b".gz").unwrap_or(name);
    // `pdb1abc.ent`, but not `pdb_00001abc.ent`.
    let stem = strip_prefix(plain, b"pdb").and_then(|rest| rest.strip_suffix(b".ent"));
    if let Some(id) = stem.and_then(EntryId::parse) {
        return Some((Format::Pdb, id));
    }
    if let Some(stem) = strip_prefix(plain, b"r").and_then(|rest| rest.strip_suffix(b"sf.ent")) {
        return EntryId::parse(stem).map(|id| (Format::StructureFactors, id));
    }
    let (id, rest) = EntryId::begin(plain)?;
    let rest = &*without_version(rest);
    let ends = |end: &[u8]| rest.ends_with(end);
    let format = match rest {
        b".cif" | b"_xyz.cif" => Format::Mmcif,
        b".bcif" | b"_xyz.bcif" => Format::BinaryCif,
        b".pdb" | b".ent" => Format::Pdb,
        b".xml" | b"-noatom.xml" | b"-extatom.xml" => Format::Xml,
        _ if rest.starts_with(b"_xyz") && ends(b".xml") => Format::Xml,
        b"-sf.cif" | b"_sf.cif" => Format::StructureFactors,
        b".mr" => Format::Nmr,
        _ if rest.starts_with(b"-assembly") || rest.starts_with(b"_assembly") => Format::Assembly,
        _ if rest.starts_with(b".pdb") && rest[4..].iter().all(u8::is_ascii_digit) => Format::Assembly,
        _ if ends(b".str") || ends(b".nef") => Format::Nmr,
        _ if VALIDATION.iter().any(|begin| rest.starts_with(begin)) => Format::Validation,
        _ => return None,
    };
    Some((format, id))
}

/// Removes a version from what follows the ID: `_xyz_v1-2.cif` becomes `_xyz.cif`.
fn without_version(rest: &[u8]) -> Cow<'_, [u8]> {
    let (stem, extension) = rest.split_at(rest.iter().position(|b| *b == b'.').unwrap_or(rest.len()));
    let Some(at) = stem.windows(2).rposition(|pair| pair.eq_ignore_ascii_case(b"_v")) else {
        return rest.into();
    };
    let mut numbers = stem[at + 2..].split(|b| *b == b'-');
    let is_number = |digits: Option<&[u8]>| {
        digits.is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
    };
    match is_number(numbers.next()) && is_number(numbers.next()) && numbers.next().is_none() {
        true => [&stem[..at], extension].concat().into(),
        false => rest.into(),
    }
}

/// Returns the entry that a path belongs to, by the name of the file or by a directory of the entry: `HH/ID/…`, with the directory that all
/// layouts have for it. `None` if it belongs to none.
pub fn entry_of(path: &[u8]) -> Option<EntryId> {
    let (above, name) = match path.iter().rposition(|b| *b == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&b""[..], path),
    };
    if let Some((_, id)) = recognise(name) {
        return Some(id);
    }
    let parts: Vec<&[u8]> = above.split(|b| *b == b'/').collect();
    let pairs = parts.windows(2).rev();
    pairs.filter_map(|pair| EntryId::parse(pair[1]).filter(|id| id.belongs_below(&pair[..1]))).next()
}

fn strip_prefix<'a>(name: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = name.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// The entry that a path belongs to. The directory of an entry has priority over the name of a file in it.
pub fn entry_in(path: &[u8]) -> Option<EntryId> {
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let inside = parts.split_last().and_then(|(_, above)| above.iter().find_map(|part| EntryId::parse(part)));
    inside.or_else(|| entry_of(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_the_archive_are_recognised() {
        for (name, format, id) in [
            ("1abc.cif.gz", Format::Mmcif, "1abc"),
            ("pdb1abc.ent.gz", Format::Pdb, "1abc"),
            ("pdb_00001abc.ent.gz", Format::Pdb, "pdb_00001abc"),
            ("r1abcsf.ent.gz", Format::StructureFactors, "1abc"),
            ("1abc-assembly1.cif.gz", Format::Assembly, "1abc"),
            ("1abc.pdb1.gz", Format::Assembly, "1abc"),
            ("1abc-noatom.xml.gz", Format::Xml, "1abc"),
            ("1abc_cs.str.gz", Format::Nmr, "1abc"),
            ("1abc_full_validation.pdf.gz", Format::Validation, "1abc"),
            ("1abc_multipercentile_validation.png.gz", Format::Validation, "1abc"),
            ("1abc_validation_2fo-fc_map_coef.cif.gz", Format::Validation, "1abc"),
            ("pdb_00001abc.cif.gz", Format::Mmcif, "pdb_00001abc"),
            ("PDB_00001ABC-assembly2.cif.gz", Format::Assembly, "pdb_00001abc"),
            ("pdb_00009xyz_xyz_v1-2.cif.gz", Format::Mmcif, "pdb_00009xyz"),
            ("pdb_00009xyz_xyz_v12-0.bcif", Format::BinaryCif, "pdb_00009xyz"),
            ("pdb_00009xyz_xyz-no-atom_v1-2.xml.gz", Format::Xml, "pdb_00009xyz"),
            ("pdb_zz09xyzw.cif.gz", Format::Mmcif, "pdb_zz09xyzw"),
            ("pdb_zz09xyzw-sf.cif.gz", Format::StructureFactors, "pdb_zz09xyzw"),
            ("pdb_zz09xyzw_full_validation.pdf.gz", Format::Validation, "pdb_zz09xyzw"),
            ("pdb_zz09xyzw-assembly12.cif.gz", Format::Assembly, "pdb_zz09xyzw"),
            ("9zzz.cif.gz", Format::Mmcif, "9zzz"),
            ("pdb_00009xyz_xyz_v1.cif.gz", Format::Mmcif, ""),
            ("pdb_00009xyz_xyz_v1-x.cif.gz", Format::Mmcif, ""),
            ("components.cif.gz", Format::Mmcif, ""),
            ("prd-all.cif.gz", Format::Mmcif, ""),
            ("0abc.cif.gz", Format::Mmcif, ""),
            ("1abcd.cif.gz", Format::Mmcif, ""),
            ("1abc.txt", Format::Mmcif, ""),
            ("pdb_0001abc.cif.gz", Format::Mmcif, ""),
        ] {
            let expected = (!id.is_empty()).then(|| (format, id.to_owned()));
            assert_eq!(recognise(name.as_bytes()).map(|(f, id)| (f, id.to_string())), expected, "{name}");
        }
    }

    #[test]
    fn both_forms_have_one_hash() {
        let (short, long) = (EntryId::parse(b"1AbC").unwrap(), EntryId::parse(b"pdb_00001abc").unwrap());
        assert_eq!((short.hash(), long.hash()), (&b"ab"[..], &b"ab"[..]));
        assert!(short.same_entry(&long) && short != long);
        assert!(short.belongs_below(&[b"structures", b"1abc", b"AB"]));
        assert!(!short.belongs_below(&[b"all"]));
    }

    #[test]
    fn a_path_belongs_to_the_entry_of_its_file_or_directory() {
        let of = |path: &str| entry_of(path.as_bytes()).map(|id| id.to_string()).unwrap_or_default();
        for (path, id) in [
            ("structures/divided/mmCIF/xy/1xyz.cif.gz", "1xyz"),
            ("entries/xy/pdb_00001xyz/structures/pdb_00001xyz.cif.gz", "pdb_00001xyz"),
            ("entries/xy/pdb_00001xyz/experimental_data/readme.txt", "pdb_00001xyz"),
            ("validation_reports/zz/9zzz/report.pdf", "9zzz"),
            ("1xyz.cif", "1xyz"),
            ("status/2024/added.pdb", ""),
            ("status/1994/added.pdb", ""),
            ("README", ""),
            ("", ""),
        ] {
            assert_eq!(of(path), id, "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_may_be_a_name(bytes in proptest::collection::vec(any::<u8>(), 0..24)) {
            let _ = (recognise(&bytes), entry_of(&bytes));
        }
    }

    #[test]
    fn the_directory_of_an_entry_decides() {
        let of = |path: &str| entry_in(path.as_bytes()).map(|id| id.to_string()).unwrap_or_default();
        for (path, id) in [
            ("ab/1abc/2xyz.cif.gz", "1abc"),
            ("ab/1abc/sub/readme", "1abc"),
            ("1abc/readme", "1abc"),
            ("ab/1abc.cif.gz", "1abc"),
            ("1abc-assembly2.cif.gz", "1abc"),
            ("ab/readme", ""),
        ] {
            assert_eq!(of(path), id, "{path}");
        }
    }
}
