//! Names of experimental methods in the archive.

/// The archive's names, in lower case.
const KNOWN: [&str; 13] = [
    "x-ray diffraction",
    "electron microscopy",
    "solution nmr",
    "solid-state nmr",
    "neutron diffraction",
    "electron crystallography",
    "fiber diffraction",
    "powder diffraction",
    "solution scattering",
    "epr",
    "fluorescence transfer",
    "infrared spectroscopy",
    "theoretical model",
];

/// Returns the archive's current name of a method, in lower case. Old files have for example `NMR, 20 STRUCTURES`. An unknown name is
/// returned in lower case, otherwise unchanged.
pub(super) fn named(text: &str) -> String {
    let lower = text.trim().to_lowercase();
    if KNOWN.contains(&lower.as_str()) {
        return lower;
    }
    let has = |word: &str| lower.contains(word);
    let word = match () {
        () if has("nmr") && has("solid") => "solid-state nmr",
        () if has("nmr") || has("nuclear magnetic") => "solution nmr",
        () if has("theoretical") => "theoretical model",
        () if has("neutron") => "neutron diffraction",
        () if has("fiber") || has("fibre") => "fiber diffraction",
        () if has("powder") => "powder diffraction",
        () if has("scattering") => "solution scattering",
        () if has("microscopy") => "electron microscopy",
        () if has("electron") && (has("diffraction") || has("crystallography")) => "electron crystallography",
        () if has("x-ray") || has("xray") => "x-ray diffraction",
        () => return lower,
    };
    word.into()
}
