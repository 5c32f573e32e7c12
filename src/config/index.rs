//! The settings of a job for its index: `index = true`, or `[jobs.NAME.index]`.

use super::lists::Globs;
use super::value::{Reader, Value};
use schemars::Schema;
use toml::Spanned;
use toml::de::DeValue;

/// The settings of a job for its index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Indexed {
    /// Whether the job is indexed after each sync that changed the mirror, and by `index --all`; if `false`, neither happens.
    pub enabled: bool,
    /// Globs of the files that are indexed; `None`: those of `[index]`.
    pub include: Option<Vec<String>>,
    /// Globs of the files that are not indexed; `None`: those of `[index]`.
    pub exclude: Option<Vec<String>>,
}

const KEYS: [&str; 3] = ["enabled", "include", "exclude"];

impl Value for Indexed {
    fn expected() -> String {
        "true, false or a table with enabled, include, exclude".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let table = match value.get_ref() {
            DeValue::Boolean(enabled) => return Some(Indexed { enabled: *enabled, ..Indexed::default() }),
            DeValue::Table(table) => table,
            _ => {
                reader.wrong_type(value, &Self::expected());
                return None;
            }
        };
        let before = reader.problems.len();
        let mut read = Indexed { enabled: true, ..Indexed::default() };
        for (key, value) in table.iter() {
            match key.get_ref().as_ref() {
                "enabled" => read.enabled = bool::read(value, reader).unwrap_or_default(),
                "include" => read.include = Globs::read(value, reader).map(|globs| globs.0),
                "exclude" => read.exclude = Globs::read(value, reader).map(|globs| globs.0),
                other => {
                    let hint = super::suggestion::did_you_mean(other, KEYS);
                    reader.problem(key.span(), format!("unknown key {other:?}"), hint);
                }
            }
        }
        (reader.problems.len() == before).then_some(read)
    }

    fn to_toml(&self) -> toml::Value {
        let mut table = toml::Table::new();
        table.insert("enabled".into(), self.enabled.into());
        for (key, globs) in [("include", &self.include), ("exclude", &self.exclude)] {
            if let Some(globs) = globs {
                table.insert(key.into(), globs.to_toml());
            }
        }
        if table.len() == 1 { self.enabled.into() } else { table.into() }
    }

    fn schema() -> Schema {
        let mut enabled = bool::described("Whether the mirror is indexed.");
        enabled.insert("default".into(), true.into());
        schemars::json_schema!({"anyOf": [
            {"type": "boolean"},
            {"type": "object", "additionalProperties": false, "properties": {
                "enabled": enabled,
                "include": Globs::described("Globs of the files that are indexed; without it, those of [index]."),
                "exclude": Globs::described("Globs of the files that are not; without it, those of [index]."),
            }}
        ]})
    }
}
