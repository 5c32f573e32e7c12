//! The value of `last`.

use super::value::{Reader, Value};
use schemars::Schema;
use toml::Spanned;
use toml::de::DeValue;

/// Paths relative to the root of a mirror. A slash at the end makes no difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastPaths(pub Vec<String>);

impl From<LastPaths> for Vec<String> {
    fn from(paths: LastPaths) -> Self {
        paths.0
    }
}

impl Value for LastPaths {
    fn expected() -> String {
        Vec::<String>::expected()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let read = Vec::<String>::read(value, reader)?;
        let before = reader.problems.len();
        let elements = value.get_ref().as_array().into_iter().flatten();
        for (path, element) in read.iter().zip(elements) {
            let inner = path.strip_suffix('/').unwrap_or(path);
            if inner.split('/').any(|name| matches!(name, "" | "." | "..")) {
                let hint = "name what is below the destination, such as \"index/\"";
                reader.problem(
                    element.span(),
                    format!("{path:?} is no path within the mirror"),
                    Some(hint.into()),
                );
            }
        }
        (reader.problems.len() == before).then_some(LastPaths(read))
    }

    fn to_toml(&self) -> toml::Value {
        self.0.to_toml()
    }

    fn schema() -> Schema {
        let path = r"^(?!\.{1,2}(/|$))[^/]+(/(?!\.{1,2}(/|$))[^/]+)*/?$";
        schemars::json_schema!({"type": "array", "items": {"type": "string", "pattern": path}})
    }
}
