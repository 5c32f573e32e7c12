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
            let leading =
                words[..words.len() - 1].iter().take_while(|word| initials(word, true).is_some()).count();
            // Full given names are reduced to their first letters.
            let given = if leading == 0 { 1 } else { leading };
            let letters = words[..given].iter().flat_map(|word| {
                initials(word, true).unwrap_or_else(|| word.chars().next().into_iter().collect())
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

/// Whether the word after it belongs to the same name, in a query without quotes: `M.` or `Perutz,`.
pub(super) fn goes_on(word: &str) -> bool {
    word.ends_with(',') || word.ends_with('.') && initials(word, true).is_some()
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
        ] {
            assert_eq!(family_first(text).as_deref(), Some("Perutz M F"), "{text}");
        }
        for (text, name) in [
            ("Max Perutz", Some("Perutz M")),
            ("U.K.VON SCHWEDLER", Some("VON SCHWEDLER U K")),
            ("K.-H.Maier", Some("Maier K H")),
            ("Sawaya", None),
            ("Cuesta-Seijo", None),
            ("", None),
        ] {
            assert_eq!(family_first(text).as_deref(), name, "{text}");
        }
    }
}
