//! Decides whether an index can be updated or must be rebuilt.

use super::{IndexOptions, Target};
use crate::search::SearchError;
use crate::search::indexed_files::{self, Record};
use crate::search::location::Opened;
use std::path::Path;

/// An index and its list of indexed files.
type Before = Option<(Opened, Vec<Record>)>;

/// Returns the existing index if it can be updated; otherwise the reason why not.
pub(super) fn before(
    target: &Target,
    options: &IndexOptions,
) -> Result<(Before, Option<String>), SearchError> {
    let anew = |why: &str| Ok((None, Some(why.to_owned())));
    if options.rebuild {
        return anew("as requested");
    }
    let opened = match target.place.open() {
        Ok(Some(opened)) => opened,
        Ok(None) if target.place.earlier().is_some() => {
            return anew("the old index is of an earlier version");
        }
        Ok(None) => return Ok((None, None)),
        Err(SearchError::Damaged { why, .. }) => return anew(&format!("the old index is damaged: {why}")),
        Err(error) => return Err(error),
    };
    if opened.root != Path::new(&*target.root.to_string_lossy()) {
        return anew("the mirror lies elsewhere now");
    }
    if opened.payload.asked != options.asked() {
        return anew("other files or texts are selected now");
    }
    match indexed_files::load(&opened.dir.join(&opened.payload.ledger)) {
        Ok(records) => Ok((Some((opened, records)), None)),
        Err(error) => anew(&format!("its list of files cannot be read: {error}")),
    }
}
