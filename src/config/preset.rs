//! Presets and their names in the file.

use super::suggestion::did_you_mean;
use super::value::{Reader, Value};
use crate::model::job::Preset;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use toml::Spanned;
use toml::de::DeValue;

/// All presets by their names in the file.
pub(super) const NAMES: [(&str, Preset); 5] = [
    ("mirror", Preset::Mirror),
    ("safe", Preset::Safe),
    ("fast", Preset::Fast),
    ("minimal", Preset::Minimal),
    ("conservative", Preset::Conservative),
];

/// Returns the name in the file.
pub fn name(preset: Preset) -> &'static str {
    match preset {
        Preset::Mirror => "mirror",
        Preset::Safe => "safe",
        Preset::Fast => "fast",
        Preset::Minimal => "minimal",
        Preset::Conservative => "conservative",
    }
}

impl Value for Preset {
    fn expected() -> String {
        format!("a preset ({})", NAMES.map(|(name, _)| name).join(", "))
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(text) = value.get_ref().as_str() else {
            reader.wrong_type(value, &Self::expected());
            return None;
        };
        let known = NAMES;
        if let Some((_, preset)) = known.iter().find(|(name, _)| *name == text) {
            return Some(*preset);
        }
        let hint = did_you_mean(text, known.iter().map(|(name, _)| *name));
        reader.problem(value.span(), format!("unknown preset {text:?}"), hint);
        None
    }

    fn to_toml(&self) -> toml::Value {
        name(*self).into()
    }

    fn schema() -> Schema {
        <Preset as JsonSchema>::json_schema(&mut SchemaGenerator::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_has_its_name() {
        for (text, preset) in NAMES {
            assert_eq!(name(preset), text);
            assert_eq!(serde_json::to_value(preset).unwrap(), text);
        }
    }
}
