//! `[clean] run_mode`: how `clean run` applies a plan.

use super::value::{Reader, Value};
use schemars::Schema;
use toml::Spanned;
use toml::de::DeValue;

/// How a plan is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CleanRunMode {
    /// It asks for each rule and directory.
    Interactive,
    /// It does not ask.
    Batch,
    /// It shows what would be done, and changes nothing.
    DryRun,
}

const MODES: [(&str, CleanRunMode); 3] = [
    ("interactive", CleanRunMode::Interactive),
    ("batch", CleanRunMode::Batch),
    ("dry-run", CleanRunMode::DryRun),
];

impl Value for CleanRunMode {
    fn expected() -> String {
        "\"interactive\", \"batch\" or \"dry-run\"".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = value.get_ref().as_str();
        let mode = text.and_then(|text| MODES.iter().find(|(name, _)| *name == text));
        if mode.is_none() {
            reader.wrong_type(value, &Self::expected());
        }
        mode.map(|(_, mode)| *mode)
    }

    fn to_toml(&self) -> toml::Value {
        MODES.iter().find(|(_, mode)| mode == self).map_or("", |(name, _)| name).into()
    }

    fn schema() -> Schema {
        schemars::json_schema!({"enum": MODES.map(|(name, _)| name)})
    }
}
