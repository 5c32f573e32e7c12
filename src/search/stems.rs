//! Words of titles and keywords without their endings, British and American spelling being one: `structures` finds `structure`, and `tumour`
//! finds `tumor`.

use super::schema::words_of;
use rust_stemmers::{Algorithm, Stemmer};
use std::collections::BTreeSet;

/// Shorter words have no endings worth taking away.
const SHORTEST: usize = 4;

/// What words are made one by.
pub(super) struct Stems(Stemmer);

impl Default for Stems {
    fn default() -> Self {
        Stems(Stemmer::create(Algorithm::English))
    }
}

impl Stems {
    /// The stem of a word as the index has it; `None` for numbers, codes and short words.
    pub(super) fn of(&self, word: &str) -> Option<String> {
        let plain = word.len() >= SHORTEST && word.bytes().all(|b| b.is_ascii_lowercase());
        plain.then(|| self.0.stem(&american(word)).into_owned())
    }

    /// The words of a text behind their stems, each once: `structur:structures`. So the dictionary tells what forms of a word there are.
    pub(super) fn of_text(&self, text: &str) -> BTreeSet<String> {
        let words = words_of(text);
        words.iter().filter_map(|word| Some(format!("{}:{word}", self.of(word)?))).collect()
    }
}

/// Words behind their stems as the index has them: separated by blanks, each behind a mark of where they stand.
pub(super) fn marked(mark: &str, words: &BTreeSet<String>) -> String {
    let mut text = String::with_capacity(words.iter().map(|word| word.len() + mark.len() + 1).sum());
    for word in words {
        text.push_str(mark);
        text.push_str(word);
        text.push(' ');
    }
    text
}

/// Endings of British spelling, and what they are in American; the first that fits counts.
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

/// One spelling for both. It is for comparing only: words that are the same in both may become no words at all.
fn american(word: &str) -> String {
    let mut text =
        word.replace("ae", "e").replace("oe", "e").replace("sulph", "sulf").replace("grey", "gray");
    if text.len() > SHORTEST {
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
        ] {
            assert_eq!(stems.of(a), stems.of(b), "{a}, {b}");
            assert!(stems.of(a).is_some());
        }
        for (a, b) in
            [("protein", "protease"), ("kinase", "kinesin"), ("lysozyme", "lysosome"), ("insulin", "inulin")]
        {
            assert_ne!(stems.of(a), stems.of(b), "{a}, {b}");
        }
        for word in ["1abc", "dna", "p53", "21"] {
            assert_eq!(stems.of(word), None, "{word}");
        }
    }
}
