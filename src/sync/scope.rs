//! The names that an attempt on a job with a list of entries asks its source for.

use super::name_list::NameList;
use crate::model::job::Job;

/// The job that lists the names, and their list, which must outlive it.
pub(super) struct Scope {
    pub(super) job: Job,
    /// Whether the names were given by the layout, so that the source may have others.
    pub(super) by_layout: bool,
    pub(super) _list: NameList,
}
