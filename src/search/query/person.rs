//! Names of people. `M.F.Perutz`, `Perutz MF` and `Perutz, M.F.` are equal.

/// Returns the letters of initials: `M.F.`, `MF`, `K.-H.`; `None` if the word is not initials. `dotted`: they must have dots, or be a
/// single letter.
fn initials(word: &str, dotted: bool) -> Option<Vec<char>> {
    let letters: Vec<char> = word.chars().filter(|c| !matches!(c, '.' | '-')).collect();
    let fits = !letters.is_empty()
        && letters.len() <= 4
        && letters.iter().all(|c| c.is_alphabetic())
        && (word.contains('.') && word.split(['.', '-']).all(|part| part.chars().count() <= 2)
            || letters.len() == 1
            || !dotted && letters.len() <= 3 && letters.iter().all(|c| c.is_uppercase()));
    fits.then_some(letters)
}

/// Returns the name as in the index, family name first; `None` if there is only a family name.
pub(super) fn family_first(text: &str) -> Option<String> {
    let text = text.trim();
    let (family, given): (String, Vec<char>) = if let Some((family, given)) = text.split_once(',') {
        let letters = given.split_whitespace().flat_map(|word| {
            initials(word, false).unwrap_or_else(|| word.chars().next().into_iter().collect())
        });
        (family.trim().to_owned(), letters.collect())
    } else {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        // `M.F.Perutz` is one word.
        if let Some(first) = words.first().copied()
            && let Some(dot) = first.rfind('.').filter(|dot| dot + 1 < first.len())
            && initials(&first[..=dot], true).is_some()
        {
            words.splice(0..1, [&first[..=dot], &first[dot + 1..]]);
        }
        let (first, last) = (*words.first()?, *words.last()?);
        if words.len() < 2 {
            return None;
        }
        if let Some(letters) = initials(last, false)
            && initials(first, true).is_none()
        {
            (words[..words.len() - 1].join(" "), letters)
        } else {
            if is_particle(first) {
                return None;
            }
            // `MF Perutz` has initials without dots. A full given name is reduced to its first letter; initials may follow it.
            let undotted = initials(first, false).filter(|_| last.chars().any(char::is_lowercase));
            let rest = &words[1..words.len() - 1];
            let given = 1 + rest.iter().take_while(|word| initials(word, true).is_some()).count();
            let letters = words[..given].iter().enumerate().flat_map(|(n, word)| {
                let plain = undotted.clone().filter(|_| n == 0);
                let letters = initials(word, true).or(plain);
                letters.unwrap_or_else(|| word.chars().next().into_iter().collect())
            });
            (words[given..].join(" "), letters.collect())
        }
    };
    if family.is_empty() || given.is_empty() {
        return None;
    }
    let given: Vec<String> = given.iter().map(char::to_string).collect();
    Some(format!("{family} {}", given.join(" ")))
}

/// Words before a family name.
const PARTICLES: [&str; 18] = [
    "da", "de", "del", "della", "den", "der", "di", "dos", "du", "el", "la", "le", "ten", "ter", "van",
    "vom", "von", "zu",
];

fn is_particle(word: &str) -> bool {
    PARTICLES.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Returns how many of the words of a query without quotes are one name: certainly, and possibly. `M. F. Perutz` is one name. `Max Perutz`
/// may be one, or an author and a word.
pub(super) fn length(words: &[&str]) -> (usize, usize) {
    let of = |n: usize| words.get(n).copied().unwrap_or_default();
    let dotted = |n: usize| of(n).ends_with('.') && initials(of(n), true).is_some();
    let plain = |n: usize| {
        of(n).chars().count() > 1 && of(n).chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\''))
    };
    let count = |from: usize, is: &dyn Fn(usize) -> bool| (from..words.len()).take_while(|n| is(*n)).count();
    let behind_initials = |from: usize| from + count(from, &dotted);
    // The end of a family name that begins here, with initials after a comma.
    let family = |from: usize| {
        let last = from + count(from, &|n| is_particle(of(n)));
        let end = (last + 1).min(words.len());
        match of(last).ends_with(',') {
            true => behind_initials((end + 1).min(words.len())),
            false => end,
        }
    };
    let joined = of(0).rfind('.').map(|dot| of(0).split_at(dot + 1));
    let sure = match joined {
        Some((_, "")) if dotted(0) => family(behind_initials(0)),
        Some((first, rest)) if initials(first, true).is_some() && is_particle(rest) => family(1),
        _ if of(0).ends_with(',') => family(0),
        _ if plain(0) && !is_particle(of(0)) => behind_initials(1),
        _ => 1,
    };
    let possible = match () {
        () if !plain(0) => sure,
        () if is_particle(of(0)) => family(0),
        () if plain(sure) => family(sure),
        () => sure,
    };
    (sure, possible.max(sure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_however_it_is_written() {
        for text in [
            "M.F.Perutz",
            "M.F. Perutz",
            "M. F. Perutz",
            "Perutz MF",
            "Perutz M.F.",
            "Perutz, M.F.",
            "Perutz,M.F.",
            "MF Perutz",
            "Max F. Perutz",
        ] {
            assert_eq!(family_first(text).as_deref(), Some("Perutz M F"), "{text}");
        }
        for (text, name) in [
            ("Max Perutz", Some("Perutz M")),
            ("U.K.VON SCHWEDLER", Some("VON SCHWEDLER U K")),
            ("K.-H.Maier", Some("Maier K H")),
            ("F.von Delft", Some("von Delft F")),
            ("J.De La Cruz", Some("De La Cruz J")),
            ("von Delft", None),
            ("Sawaya", None),
            ("Cuesta-Seijo", None),
            ("", None),
        ] {
            assert_eq!(family_first(text).as_deref(), name, "{text}");
        }
    }

    #[test]
    fn a_name_ends_before_other_words() {
        for (text, words) in [
            ("Perutz haemoglobin deoxy", (1, 2)),
            ("Perutz haem*", (1, 1)),
            ("M.F.Perutz haemoglobin", (1, 1)),
            ("M. F. Perutz haemoglobin", (3, 3)),
            ("Perutz, M. F. haemoglobin", (3, 3)),
            ("Perutz M.F. haemoglobin", (2, 3)),
            ("F.von Delft kinase", (2, 2)),
            ("J.De La Cruz kinase", (3, 3)),
            ("von Delft, F. kinase", (1, 3)),
            ("von Delft kinase", (1, 2)),
            ("MF Perutz", (1, 2)),
            ("Max F. Perutz haemoglobin", (2, 3)),
            ("Sawaya", (1, 1)),
        ] {
            assert_eq!(length(&text.split(' ').collect::<Vec<_>>()), words, "{text}");
        }
    }
}
