//! How much may go before somebody has to ask.

use crate::job::MaxEntries;

/// Limits of one run. Above them nothing is touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fuses {
    /// How many entries: a number, or a share of the tree's.
    pub entries: MaxEntries,
    /// How many bytes; `None`: any.
    pub bytes: Option<u64>,
}

/// The limit that was passed, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Blown(pub String);

impl Fuses {
    /// Judges what is about to go of a tree of `tree` entries.
    pub fn check(&self, entries: u64, bytes: u64, tree: u64) -> Result<(), Blown> {
        let limit = self.entries.of(tree);
        if entries > limit {
            return Err(Blown(format!(
                "{entries} of {tree} entries would go, more than are allowed at once ({limit}); nothing was touched"
            )));
        }
        match self.bytes {
            Some(most) if bytes > most => Err(Blown(format!(
                "{bytes} bytes would go, more than are allowed at once ({most}); nothing was touched"
            ))),
            _ => Ok(()),
        }
    }
}
