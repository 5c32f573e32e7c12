//! Invisible characters, and letters that look like others.

use unicode_normalization::UnicodeNormalization;

/// Letters of other scripts, each followed by the Latin letter that it looks like. Greek small letters that do not look like Latin ones and
/// are frequent in scientific names are left out: α, β, γ and others.
const ALIKE: &str = "\u{430}a \u{435}e \u{43e}o \u{440}p \u{441}c \u{443}y \u{445}x \u{455}s \u{456}i \u{458}j \u{501}d \u{51b}q \u{51d}w \
 \u{4bb}h \u{4cf}l \u{410}A \u{412}B \u{415}E \u{41a}K \u{41c}M \u{41d}H \u{41e}O \
 \u{420}P \u{421}C \u{422}T \u{423}Y \u{425}X \u{405}S \u{406}I \u{408}J \u{4c0}l \u{50c}G \u{51a}Q \u{51c}W \u{417}3 \
 \u{3bf}o \u{3f2}c \u{3f3}j \u{3bd}v \u{3b9}i \u{391}A \u{392}B \u{395}E \u{396}Z \u{397}H \u{399}I \u{39a}K \u{39c}M \u{39d}N \u{39f}O \
 \u{3a1}P \u{3a4}T \u{3a5}Y \u{3a7}X \u{37f}J \u{585}o \u{57d}u \u{570}h \u{578}n \u{581}g \u{566}q \u{561}w \u{555}O \u{54d}U \
 \u{13aa}A \u{13f4}B \u{13df}C \u{13ac}E \u{13bb}H \u{13ab}J \u{13e6}K \u{13de}L \u{13b7}M \u{13e2}P \u{13a1}R \u{13da}S \u{13a2}T \u{13d9}V \
 \u{13b3}W \u{13d4}W \u{13c3}Z \u{13a0}D \u{13c0}G \u{13d2}R \u{13a9}Y";

/// Whether a character has no width and no visible effect.
pub(super) fn is_zero_width(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{e0000}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}'
    )
}

/// Returns the Latin letter or digit that a character of another script looks like.
fn latin(c: char) -> Option<char> {
    if c.is_ascii() {
        return None;
    }
    let listed = ALIKE.split_ascii_whitespace().find_map(|pair| {
        let mut letters = pair.chars();
        (letters.next() == Some(c)).then(|| letters.next()).flatten()
    });
    // Mathematical and full-width letters are variants of Latin ones.
    let dressed = || {
        let mut plain = std::iter::once(c).nfkc();
        let first = plain.next().filter(|first| first.is_ascii_alphanumeric() && plain.next().is_none());
        first.filter(|_| matches!(c, '\u{ff10}'..='\u{ff5a}' | '\u{1d400}'..='\u{1d7ff}'))
    };
    listed.or_else(dressed)
}

/// Returns the letters of a name that look like Latin ones, with the Latin letters, each once. These are letters in a word with Latin
/// letters, and words of only such letters beside Latin words or digits, also beside a Latin extension. A name entirely in another script
/// has none.
pub(super) fn in_latin(name: &str) -> Vec<(char, char)> {
    let mut found = Vec::new();
    let latin_word = |part: &str| part.chars().any(|c| c.is_ascii_alphabetic());
    let extension = name.rsplit_once('.').is_some_and(|(_, extension)| latin_word(extension));
    for part in name.split('.') {
        let has_latin = extension || part.chars().any(|c| c.is_ascii_alphanumeric());
        for word in part.split(|c: char| !c.is_alphanumeric()) {
            let alike: Vec<(char, char)> = word.chars().filter_map(|c| Some((c, latin(c)?))).collect();
            let others = || word.chars().filter(|c| c.is_alphabetic() && !c.is_ascii());
            let mixed = word.chars().any(|c| c.is_ascii_alphabetic());
            let whole = others().all(|c| latin(c).is_some());
            if mixed || whole && has_latin {
                for pair in alike {
                    if !found.contains(&pair) {
                        found.push(pair);
                    }
                }
            }
        }
    }
    found
}

/// Whether a letter is of a script whose letters do not occur in words of Latin letters. Greek ones do: `TNFα`.
fn is_foreign(c: char) -> bool {
    matches!(
        c,
        '\u{400}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}' | '\u{2de0}'..='\u{2dff}' | '\u{a640}'..='\u{a69f}' // Cyrillic
            | '\u{530}'..='\u{58f}' | '\u{fb13}'..='\u{fb17}' // Armenian
            | '\u{13a0}'..='\u{13ff}' | '\u{ab70}'..='\u{abbf}' // Cherokee
            | '\u{3e2}'..='\u{3ef}' | '\u{2c80}'..='\u{2cff}' // Coptic
            | '\u{a4d0}'..='\u{a4ff}' // Lisu
    )
}

/// Returns the letters of these scripts in words with Latin letters, each once, without those of [`in_latin`].
pub(super) fn mixed(name: &str) -> Vec<char> {
    let mut found = Vec::new();
    let words = name.split(|c: char| !c.is_alphanumeric());
    for word in words.filter(|word| word.chars().any(|c| c.is_ascii_alphabetic())) {
        for c in word.chars().filter(|c| is_foreign(*c) && latin(*c).is_none()) {
            if !found.contains(&c) {
                found.push(c);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deceiving_names_are_told_and_foreign_ones_are_not() {
        for (name, letters) in [
            ("1\u{430}bc.cif", "a"),
            ("1\u{430}\u{435}\u{441}.cif", "aec"),
            ("lys\u{43e}zyme.pdb", "o"),
            ("file.\u{441}if", "c"),
            ("\u{39d}ucleus", "N"),
            ("\u{ff41}bc", "a"),
            ("\u{1d41a}bc", "a"),
            ("kinase-\u{430}", "a"),
            ("\u{13a0}NA", "D"),
            ("\u{430}\u{441}\u{435}.cif", "ace"),
        ] {
            let told: String = in_latin(name).into_iter().map(|(_, latin)| latin).collect();
            assert_eq!(told, letters, "{name}");
        }
        for name in [
            "\u{43e}\u{442}\u{447}\u{451}\u{442}.txt",
            "\u{3b1}-synuclein.cif",
            "TNF\u{3b1}.pdb",
            "PSM\u{3b1}3",
            "caf\u{e9}",
            "\u{b5}m",
            "\u{6a5f}.txt",
        ] {
            assert!(in_latin(name).is_empty(), "{name}: {:?}", in_latin(name));
            assert!(mixed(name).is_empty(), "{name}: {:?}", mixed(name));
        }
    }

    #[test]
    fn words_of_two_scripts_are_told() {
        for c in ['\u{436}', '\u{532}', '\u{13a3}', '\u{ab74}', '\u{2c96}', '\u{a4d3}'] {
            assert_eq!(mixed(&format!("1ab{c}-x.cif")), [c]);
            assert!(mixed(&format!("{c}{c}.cif")).is_empty());
        }
    }
}
