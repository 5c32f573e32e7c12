//! Suggestions for misspelt names.

use crate::rsync::args;

/// Returns the most similar of `names`; `None` if none is similar enough.
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let wanted = plain(name);
    // Maximum edit distance: a quarter of the characters, plus one.
    let allowed = 1 + wanted.chars().count() / 4;
    names
        .into_iter()
        .map(|known| (strsim::osa_distance(&wanted, &plain(known)), known))
        .filter(|(distance, known)| *distance <= allowed && *distance < known.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Returns a hint with the most similar name, or else with all names if there are few.
pub(super) fn did_you_mean<'a>(
    name: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(known) = nearest(name, names.clone()) {
        return Some(format!("did you mean {known:?}?"));
    }
    let all: Vec<&str> = names.into_iter().collect();
    (1..=12).contains(&all.len()).then(|| format!("known are {}", all.join(", ")))
}

/// Returns a hint for a key that is named like an rsync option. This includes `[sync]`, where users may look for rsync options.
pub(super) fn of_rsync(name: &str, section: &str, is_of_jobs: bool) -> Option<String> {
    let hint = args::hint_for_key(name)?;
    match section {
        _ if is_of_jobs => Some(hint),
        "[sync]" => Some(format!("{hint} of [defaults] or [jobs.NAME]")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let names = ["retries", "delete", "max_delete", "dest", "mmcif"];
        for (typed, meant) in [
            ("retires", Some("retries")),
            ("Max-Delete", Some("max_delete")),
            ("destt", Some("dest")),
            ("mmcfi", Some("mmcif")),
            ("frobnicate", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names), meant, "{typed}");
        }
        assert_eq!(did_you_mean("zzz", ["a1", "b1"]).as_deref(), Some("known are a1, b1"));
        assert_eq!(did_you_mean("zzz", []), None);
    }
}
