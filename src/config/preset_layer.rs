//! Presets as layers. They have a lower priority than `[defaults]`, so they never override a configured value.

use super::layer::{Given, Layer, Origin};
use super::units::Rate;
use super::value::Within;
use crate::model::job::{MaxDelete, Preset};

/// Returns the settings of a preset beyond the base options of rsync, which are in [`crate::rsync::args`]. No preset enables deletion.
pub(super) fn preset_layer(preset: Preset) -> Layer {
    fn given<T>(preset: Preset, value: T) -> Option<Given<T>> {
        Some(Given { value, origin: Origin::Preset(preset) })
    }
    match preset {
        Preset::Mirror | Preset::Minimal => Layer::default(),
        Preset::Safe => Layer {
            checksum: given(preset, true),
            retries: given(preset, Within::constant(5)),
            ..Layer::default()
        },
        Preset::Fast => {
            Layer { compress: given(preset, false), checksum: given(preset, false), ..Layer::default() }
        }
        Preset::Conservative => Layer {
            bwlimit: given(preset, Rate(Some(5_000_000))),
            retries: given(preset, Within::constant(5)),
            max_delete: given(preset, MaxDelete::Share(250)),
            ..Layer::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::preset::NAMES;
    use super::*;

    #[test]
    fn no_preset_turns_deletion_on() {
        for (_, preset) in NAMES {
            assert_eq!(preset_layer(preset).delete, None);
        }
    }
}
