//! Reduces words of titles and keywords to stems, with one form for British and American spelling: `structures` finds `structure`, and
//! `tumour` finds `tumor`.

use super::schema::words_of;
use rust_stemmers::{Algorithm, Stemmer};
use std::collections::BTreeSet;

/// Shorter words have no stem: most of them are in every title, or are codes.
const SHORTEST: usize = 3;
/// Shorter words keep their endings.
const SHORTEST_WITH_ENDING: usize = 4;
/// Short words of nearly every title that have no other forms.
const COMMON: [&str; 3] = ["the", "and", "for"];

/// The stemmer.
pub(super) struct Stems(Stemmer);

impl Default for Stems {
    fn default() -> Self {
        Stems(Stemmer::create(Algorithm::English))
    }
}

impl Stems {
    /// Returns the stem of a word that is in the form of the index; `None` for numbers, codes and short words.
    pub(super) fn of(&self, word: &str) -> Option<String> {
        let plain = word.len() >= SHORTEST && word.bytes().all(|b| b.is_ascii_lowercase());
        if !plain || COMMON.contains(&word) {
            return None;
        }
        if word.len() < SHORTEST_WITH_ENDING {
            return Some(word.to_owned());
        }
        let word = american(&singular(word));
        Some(match self.0.stem(&word) {
            stem if stem == word => abbreviation(&word).to_owned(),
            stem => stem.into_owned(),
        })
    }

    /// Returns the words of a text with their stems, each once: `structur:structures`. So the term dictionary lists the forms of a stem.
    pub(super) fn of_text(&self, text: &str) -> BTreeSet<String> {
        let words = words_of(text);
        words.iter().filter_map(|word| Some(format!("{}:{word}", self.of(word)?))).collect()
    }
}

/// Joins words with their stems for the index: separated by blanks, each after `mark`, which says where it occurs.
pub(super) fn marked(mark: &str, words: &BTreeSet<String>) -> String {
    let mut text = String::with_capacity(words.iter().map(|word| word.len() + mark.len() + 1).sum());
    for word in words {
        text.push_str(mark);
        text.push_str(word);
        text.push(' ');
    }
    text
}

/// Removes the `s` from the plural of an abbreviation. The stemmer keeps that `s`: it requires a vowel before the `s` with another letter
/// in between, as in `gaps`, so that `gas` stays. `dnas` and `gpcrs` have no such vowel.
fn abbreviation(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(one) if !one.ends_with(['s', 'u', 'i', 'e']) => one,
        _ => word,
    }
}

/// Endings of Greek and Latin plurals that are not formed by adding an `s`, and the endings of their singulars.
const PLURALS: [(&str, &str); 19] = [
    ("atrices", "atrix"),
    ("elices", "elix"),
    ("ertices", "ertex"),
    ("ortices", "ortex"),
    ("ndices", "ndex"),
    ("apices", "apex"),
    ("nuclei", "nucleus"),
    ("cocci", "coccus"),
    ("bacilli", "bacillus"),
    ("stimuli", "stimulus"),
    ("fungi", "fungus"),
    ("loci", "locus"),
    ("radii", "radius"),
    ("bacteria", "bacterium"),
    ("mitochondria", "mitochondrion"),
    ("spectra", "spectrum"),
    ("theses", "thesis"),
    ("ysis", "yze"),
    ("mice", "mouse"),
];

/// Returns the singular of a word. `analyses` is also a verb form, so `analysis` is mapped to the verb too.
fn singular(word: &str) -> String {
    let known = PLURALS.iter().find_map(|(plural, one)| Some(format!("{}{one}", word.strip_suffix(plural)?)));
    known.unwrap_or_else(|| word.to_owned())
}

/// Endings of British spelling and their American equivalents. The first one that matches is used.
const ENDINGS: [(&str, &str); 32] = [
    ("isations", "izations"),
    ("isation", "ization"),
    ("ising", "izing"),
    ("ised", "ized"),
    ("iser", "izer"),
    ("ises", "izes"),
    ("ise", "ize"),
    ("ysing", "yzing"),
    ("ysed", "yzed"),
    ("yser", "yzer"),
    ("yses", "yzes"),
    ("yse", "yze"),
    ("elled", "eled"),
    ("elling", "eling"),
    ("alled", "aled"),
    ("alling", "aling"),
    ("ogues", "ogs"),
    ("ogue", "og"),
    ("ibres", "ibers"),
    ("ibre", "iber"),
    ("ibred", "ibered"),
    ("entres", "enters"),
    ("entred", "entered"),
    ("entre", "enter"),
    ("itres", "iters"),
    ("itre", "iter"),
    ("etres", "eters"),
    ("etre", "eter"),
    ("efences", "efenses"),
    ("efence", "efense"),
    ("aluminium", "aluminum"),
    ("ageing", "aging"),
];

/// Returns the American spelling of a word. It is used for comparisons only: a word with the same spelling in both may become a string that
/// is no word.
fn american(word: &str) -> String {
    if matches!(word, "haem" | "haems") {
        return "heme".into();
    }
    let mut text =
        word.replace("ae", "e").replace("oe", "e").replace("sulph", "sulf").replace("grey", "gray");
    if text.len() > SHORTEST_WITH_ENDING {
        text = text.replace("our", "or").replace("mould", "mold");
    }
    for (british, ending) in ENDINGS {
        if let Some(stem) = text.strip_suffix(british) {
            return format!("{stem}{ending}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_one_stem_are_one_and_others_are_not() {
        let stems = Stems::default();
        for (a, b) in [
            ("structures", "structure"),
            ("inhibitors", "inhibitor"),
            ("binding", "binds"),
            ("haemoglobin", "hemoglobin"),
            ("haem", "heme"),
            ("haems", "hemes"),
            ("tumour", "tumors"),
            ("crystallisation", "crystallization"),
            ("fibre", "fibers"),
            ("oestrogen", "estrogen"),
            ("analogues", "analog"),
            ("labelled", "labeled"),
            ("sulphate", "sulfate"),
            ("catalysed", "catalyzed"),
            ("signalling", "signaling"),
            ("centre", "center"),
            ("leukaemia", "leukemia"),
            ("behaviour", "behavior"),
            ("dnas", "dna"),
            ("rnas", "rna"),
            ("trnas", "trna"),
            ("mrnas", "mrna"),
            ("sirnas", "sirna"),
            ("rnases", "rnase"),
            ("gpcrs", "gpcr"),
            ("tcrs", "tcr"),
            ("snps", "snp"),
            ("gtps", "gtp"),
            ("atps", "atp"),
            ("ions", "ion"),
            ("tyrs", "tyr"),
            ("kinases", "kinase"),
            ("proteases", "protease"),
            ("viruses", "virus"),
            ("antibodies", "antibody"),
            ("complexes", "complex"),
            ("matrices", "matrix"),
            ("helices", "helix"),
            ("vertices", "vertex"),
            ("indices", "index"),
            ("nuclei", "nucleus"),
            ("bacteria", "bacterium"),
            ("analyses", "analysis"),
            ("syntheses", "synthesis"),
            ("hydrolyses", "hydrolysis"),
            ("hypotheses", "hypothesis"),
        ] {
            assert_eq!(stems.of(a), stems.of(b), "{a}, {b}");
            assert!(stems.of(a).is_some());
        }
        for (a, b) in [
            ("protein", "protease"),
            ("kinase", "kinesin"),
            ("lysozyme", "lysosome"),
            ("insulin", "inulin"),
            ("rnas", "rnase"),
            ("this", "thi"),
            ("mass", "mas"),
            ("gas", "ga"),
        ] {
            assert_ne!(stems.of(a), stems.of(b), "{a}, {b}");
        }
        for word in ["1abc", "of", "the", "p53", "21"] {
            assert_eq!(stems.of(word), None, "{word}");
        }
    }
}
