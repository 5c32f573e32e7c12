//! Limits on how much a run may remove without confirmation.

use crate::model::job::MaxEntries;

/// Limits of one run. If they are exceeded, nothing is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum number of entries, absolute or as a share of all entries of the tree.
    pub entries: MaxEntries,
    /// Maximum number of bytes; `None` for no limit.
    pub bytes: Option<u64>,
}

/// The limits that were exceeded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}; nothing was touched")]
pub struct LimitExceeded {
    /// The exceeded limits, in words.
    pub text: String,
    /// The options of `clean run` that permit it.
    pub options: String,
}

impl Limits {
    /// Checks the number of entries and bytes to be removed from a tree of `tree` entries.
    pub fn check(&self, entries: u64, bytes: u64, tree: u64) -> Result<(), LimitExceeded> {
        let (mut texts, mut options) = (Vec::new(), Vec::new());
        let limit = self.entries.of(tree);
        if entries > limit {
            texts.push(format!(
                "{entries} of {tree} entries would be removed, more than are allowed at once ({limit})"
            ));
            options.push(format!("--max-delete {entries}"));
        }
        if let Some(most) = self.bytes.filter(|most| bytes > *most) {
            texts.push(format!("{bytes} bytes would be removed, more than are allowed at once ({most})"));
            options.push(format!("--max-bytes {bytes}"));
        }
        match texts.is_empty() {
            true => Ok(()),
            false => Err(LimitExceeded { text: texts.join("; "), options: options.join(" ") }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_that_was_passed_is_told_with_the_option_that_lets_it_through() {
        let limits = Limits { entries: "3".parse().unwrap(), bytes: Some(10) };
        assert_eq!(limits.check(3, 10, 9), Ok(()));
        for (entries, bytes, options) in
            [(4, 10, "--max-delete 4"), (3, 11, "--max-bytes 11"), (4, 11, "--max-delete 4 --max-bytes 11")]
        {
            let exceeded = limits.check(entries, bytes, 9).unwrap_err();
            assert_eq!(exceeded.options, options, "{exceeded}");
        }
    }
}
