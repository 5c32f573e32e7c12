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
    MODEL,
];

/// The name of predictions among the methods.
const MODEL: &str = "theoretical model";

/// Returns `predicted` or `experimental`, whichever the methods show; `None` if they are unknown. `predicted`: whether something else shows
/// that the structure is a prediction.
pub(super) fn methodology(methods: &[String], predicted: bool) -> Option<&'static str> {
    let known = |method: &&String| KNOWN.contains(&method.as_str());
    match methods.iter().filter(known).any(|method| method == MODEL) || predicted {
        true => Some("predicted"),
        false => methods.iter().any(|method| known(&method)).then_some("experimental"),
    }
}

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
        () if has("theoretical") || lower.starts_with("model") => MODEL,
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
