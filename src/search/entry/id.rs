//! Entry IDs: four characters today, `pdb_` and eight characters from 2027 on. Case is ignored. Both forms have one normal form.

/// Returns the normal form of a PDB ID: lower case, and the short form if one exists (`1ABC`, `pdb_00001abc` → `1abc`). `None` if it is not
/// an ID.
pub fn normal(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    if is_short(&text) {
        return Some(text);
    }
    let long = text.strip_prefix("pdb_").filter(|rest| rest.len() == 8 && rest.is_ascii())?;
    match long.strip_prefix("0000") {
        Some(short) if is_short(short) => Some(short.into()),
        _ => long.bytes().all(|b| b.is_ascii_alphanumeric()).then_some(text),
    }
}

/// Whether it is a digit other than 0, followed by three letters or digits.
fn is_short(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 4 && matches!(bytes[0], b'1'..=b'9') && bytes.iter().all(u8::is_ascii_alphanumeric)
}

/// Returns the ID in the name of a file: `1abc.cif.gz`, `pdb1abc.ent.gz`, `r1abcsf.ent.gz`, `1abc-assembly1.cif.gz`,
/// `pdb_00001abc_xyz.cif.gz`. `None` if there is none.
pub fn from_name(name: &str) -> Option<String> {
    let name = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    if let Some(long) = name.get(..12)
        && let Some(id) = normal(long)
    {
        return Some(id);
    }
    let stem = name.split(['.', '-', '_']).next().unwrap_or(&name);
    let inner = match stem {
        _ if stem.len() == 4 => stem,
        _ if stem.len() == 7 && stem.starts_with("pdb") => stem.get(3..)?,
        _ if stem.len() == 7 && stem.starts_with('r') && stem.ends_with("sf") => stem.get(1..5)?,
        _ => return None,
    };
    normal(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_have_one_normal_form() {
        for (text, id) in [
            ("1ABC", Some("1abc")),
            (" pdb_00001abc ", Some("1abc")),
            ("PDB_00001ABC", Some("1abc")),
            ("pdb_1000abcd", Some("pdb_1000abcd")),
            ("pdb_00000abc", Some("pdb_00000abc")),
            ("0abc", None),
            ("abcd", None),
            ("1abcd", None),
            ("pdb_1abc", None),
            ("1äb", None),
            ("", None),
        ] {
            assert_eq!(normal(text).as_deref(), id, "{text}");
        }
    }

    #[test]
    fn names_of_every_layout_hold_their_id() {
        for (name, id) in [
            ("a8/1a8o.cif.gz", Some("1a8o")),
            ("pdb/a8/pdb1a8o.ent.gz", Some("1a8o")),
            ("r1a8osf.ent.gz", Some("1a8o")),
            ("1a8o-assembly1.cif.gz", Some("1a8o")),
            ("1a8o_validation.xml.gz", Some("1a8o")),
            ("pdb_00001a8o.cif.gz", Some("1a8o")),
            ("pdb_00001a8o-assembly1.cif.gz", Some("1a8o")),
            ("components.cif.gz", None),
            ("2019", Some("2019")),
            ("é", None),
        ] {
            assert_eq!(from_name(name).as_deref(), id, "{name}");
        }
    }
}
