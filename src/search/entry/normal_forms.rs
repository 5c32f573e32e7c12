//! Normal forms of values that are written in several ways: space groups, maps, enzyme classes.

/// Returns a space group without blanks, in lower case: `P 21 21 21`, `P2(1)2(1)2(1)` → `p212121`.
pub fn compact_group(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '_' | '(' | ')'));
    plain.map(|c| subscript(c).unwrap_or(c)).flat_map(char::to_lowercase).collect()
}

/// Returns the digit of a subscript.
fn subscript(c: char) -> Option<char> {
    char::from_digit((c as u32).checked_sub('\u{2080}' as u32)?, 10)
}

/// Returns every compact form of a space group. Monoclinic ones are also written without their axes of order one (`P 1 21 1`, `P 21`), and
/// rhombohedral ones with `R` for `H`.
pub fn group_forms(text: &str) -> Vec<String> {
    let mut forms = vec![compact_group(text)];
    let words: Vec<&str> = text.split_whitespace().collect();
    if let [lattice, "1", axis, "1"] = words[..]
        && axis != "1"
    {
        forms.push(compact_group(&format!("{lattice}{axis}")));
    }
    if let Some(rest) = forms[0].strip_prefix('h') {
        forms.push(format!("r{rest}"));
    }
    forms
}

/// Returns the form `EMD-1234` of a map's code. Other codes are only converted to upper case.
pub fn map_code(code: &str) -> String {
    let upper = code.trim().to_uppercase();
    let digits = upper.strip_prefix("EMD").unwrap_or(&upper).trim_start_matches(['-', '_', ' ']);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if plain { format!("EMD-{digits}") } else { upper }
}

/// Returns a class and all classes above it: `3.4.21.73` → `3`, `3.4`, `3.4.21`, `3.4.21.73`.
pub fn enzyme_classes(text: &str) -> Vec<String> {
    let text = text.trim().trim_end_matches(['.', '-']).to_lowercase();
    let mut classes: Vec<String> = text.match_indices('.').map(|(at, _)| text[..at].to_owned()).collect();
    classes.push(text);
    classes
}

/// Oligomeric states by number of chains, starting at one. The archive writes higher ones as `21-meric`.
const STATES: [&str; 20] = [
    "monomeric",
    "dimeric",
    "trimeric",
    "tetrameric",
    "pentameric",
    "hexameric",
    "heptameric",
    "octameric",
    "nonameric",
    "decameric",
    "undecameric",
    "dodecameric",
    "tridecameric",
    "tetradecameric",
    "pentadecameric",
    "hexadecameric",
    "heptadecameric",
    "octadecameric",
    "nonadecameric",
    "eicosameric",
];

/// Returns the number of chains of an oligomeric state in lower case: `dimeric`, `dimer`, `24-meric`, `24mer`.
pub fn chains_of_state(text: &str) -> Option<u64> {
    let named = STATES.iter().position(|state| *state == text || state.strip_suffix("ic") == Some(text));
    named.map(|at| at as u64 + 1).or_else(|| {
        let number = text.strip_suffix("meric").or(text.strip_suffix("mer"))?;
        number.trim_end_matches('-').parse().ok().filter(|chains| *chains > 0)
    })
}

/// Returns the oligomeric state of this number of chains, as the archive writes it.
pub fn state_of_chains(chains: u64) -> String {
    let at = usize::try_from(chains).ok().and_then(|chains| chains.checked_sub(1));
    let named = at.and_then(|at| STATES.get(at));
    named.map_or_else(|| format!("{chains}-meric"), |state| (*state).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_numbers_of_chains() {
        for (text, chains) in
            [("monomeric", 1), ("dimer", 2), ("eicosameric", 20), ("24-meric", 24), ("60mer", 60)]
        {
            assert_eq!(chains_of_state(text), Some(chains), "{text}");
        }
        for text in ["", "mer", "0-meric", "polymer", "complete icosahedral assembly", "-meric"] {
            assert_eq!(chains_of_state(text), None, "{text}");
        }
        for chains in 1..100 {
            assert_eq!(chains_of_state(&state_of_chains(chains)), Some(chains));
        }
    }

    #[test]
    fn forms_are_one() {
        for text in ["P 21 21 21", "P2_12_12_1", "P2(1)2(1)2(1)", "P2\u{2081}2\u{2081}2\u{2081}"] {
            assert_eq!(compact_group(text), "p212121");
        }
        assert_eq!(group_forms("P 1 21 1"), ["p1211", "p21"]);
        assert_eq!(group_forms("H 3 2"), ["h32", "r32"]);
        assert_eq!(group_forms("P 1"), ["p1"]);
        for text in ["EMD-1234", "emd_1234", "1234", "EMD1234"] {
            assert_eq!(map_code(text), "EMD-1234");
        }
        assert_eq!(enzyme_classes("3.4.21.73"), ["3", "3.4", "3.4.21", "3.4.21.73"]);
        assert_eq!(enzyme_classes("1.1.-.-"), ["1", "1.1"]);
    }
}
