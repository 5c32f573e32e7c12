//! How much may go before somebody has to ask.

use crate::model::job::MaxEntries;

/// Limits of one run. Above them nothing is touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many entries: a number, or a share of the tree's.
    pub entries: MaxEntries,
    /// How many bytes; `None`: any.
    pub bytes: Option<u64>,
}

/// The limits that were passed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}; nothing was touched")]
pub struct LimitExceeded {
    /// Which, in words.
    pub text: String,
    /// The options of `clean run` that let it through.
    pub options: String,
}

impl Limits {
    /// Judges what is about to go of a tree of `tree` entries.
    pub fn check(&self, entries: u64, bytes: u64, tree: u64) -> Result<(), LimitExceeded> {
        let (mut texts, mut options) = (Vec::new(), Vec::new());
        let limit = self.entries.of(tree);
        if entries > limit {
            texts.push(format!(
                "{entries} of {tree} entries would go, more than are allowed at once ({limit})"
            ));
            options.push(format!("--max-delete {entries}"));
        }
        if let Some(most) = self.bytes.filter(|most| bytes > *most) {
            texts.push(format!("{bytes} bytes would go, more than are allowed at once ({most})"));
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
