//! Experimental methods and their short names.

/// The archive's names in lower case, each with its short names.
pub const METHODS: &[(&str, &[&str])] = &[
    (
        "x-ray diffraction",
        &["xray", "x-ray", "xrd", "mx", "crystal", "crystallography", "x-ray crystallography", "diffraction"],
    ),
    ("electron microscopy", &["em", "cryo-em", "cryoem", "3dem", "microscopy", "cryo-electron microscopy"]),
    ("solution nmr", &["nmr", "sol-nmr"]),
    ("solid-state nmr", &["nmr", "ssnmr", "ss-nmr", "solid state nmr"]),
    ("neutron diffraction", &["neutron", "neutrons"]),
    ("electron crystallography", &["microed", "micro-ed", "ed", "electron diffraction"]),
    ("fiber diffraction", &["fiber", "fibre", "fibre diffraction"]),
    ("powder diffraction", &["powder"]),
    ("solution scattering", &["saxs", "sans", "scattering"]),
    ("epr", &["esr"]),
    ("fluorescence transfer", &["fret", "fluorescence"]),
    ("infrared spectroscopy", &["ir", "infrared", "ftir"]),
    ("theoretical model", &["model", "theoretical"]),
];

/// Returns the methods that a name stands for.
pub(super) fn named(text: &str) -> Vec<&'static str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    let wanted = plain(text);
    let means = |names: &[&str]| names.iter().any(|name| plain(name) == wanted);
    METHODS
        .iter()
        .filter(|(name, short)| plain(name) == wanted || means(short))
        .map(|(name, _)| *name)
        .collect()
}

/// Returns all names that a query may use.
pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
    METHODS.iter().flat_map(|(name, short)| std::iter::once(*name).chain(short.iter().copied()))
}
