//! The value of the key `ids`: a file with entry IDs, or the IDs themselves.

use super::value::{Reader, Value};
use schemars::Schema;
use std::path::PathBuf;
use toml::Spanned;
use toml::de::DeValue;

/// A file with IDs, or the IDs themselves. Whether they are valid is checked for each job (`ids.rs`), so that a wrong one is a problem of that
/// job only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdList {
    /// The file as configured.
    File(PathBuf),
    /// The IDs as configured.
    Ids(Vec<String>),
}

impl Value for IdList {
    fn expected() -> String {
        "a path of a file with entry IDs, or a list of IDs".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let elements = match value.get_ref() {
            DeValue::String(_) => return PathBuf::read(value, reader).map(IdList::File),
            DeValue::Array(elements) => elements,
            _ => {
                reader.wrong_type(value, &Self::expected());
                return None;
            }
        };
        let ids: Vec<String> = elements.iter().filter_map(|element| String::read(element, reader)).collect();
        (ids.len() == elements.len()).then_some(IdList::Ids(ids))
    }

    fn to_toml(&self) -> toml::Value {
        match self {
            IdList::File(file) => file.to_toml(),
            IdList::Ids(ids) => ids.to_toml(),
        }
    }

    fn schema() -> Schema {
        let id = "[1-9][A-Za-z0-9]{3}|[pP][dD][bB]_[A-Za-z0-9]{8}";
        let mut file = PathBuf::schema();
        file.insert("not".into(), serde_json::json!({"pattern": format!("^({id})$")}));
        let ids = serde_json::json!({"type": "string", "pattern": format!("^({id})$"), "examples": ["1abc", "pdb_00001abc"]});
        schemars::json_schema!({"anyOf": [file, {"type": "array", "minItems": 1, "items": ids}]})
    }
}
