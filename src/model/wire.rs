//! The form of values in JSON: times in RFC 3339, durations in seconds, paths as text. The types of `model/` name these functions in their
//! `Serialize`, so that an event and a result have one form, whoever writes them.

use crate::model::pdb::EntryId;
use crate::model::phase::Phase;
use crate::model::time;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Writes a time, or an optional one, in the form of [`time::rfc3339`].
pub(super) fn time<T: Copy + Into<Option<Timestamp>>, S: Serializer>(
    time: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    (*time).into().map(time::rfc3339).serialize(serializer)
}

/// Writes a duration, or an optional one, in seconds to the millisecond.
pub(super) fn seconds<D: Copy + Into<Option<Duration>>, S: Serializer>(
    duration: &D,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    (*duration).into().map(time::seconds).serialize(serializer)
}

/// Reads what [`seconds`] writes. A number that is no duration is read as none.
pub(super) fn from_seconds<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Duration>, D::Error> {
    let seconds: Option<f64> = Deserialize::deserialize(reader)?;
    Ok(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
}

/// Writes the durations of phases as an object.
pub(super) fn phases<S: Serializer>(phases: &[(Phase, Duration)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(phases.iter().map(|(phase, duration)| (phase.word(), time::seconds(*duration))))
}

/// Writes entry IDs as texts.
pub(super) fn ids<S: Serializer>(ids: &Option<Vec<EntryId>>, serializer: S) -> Result<S::Ok, S::Error> {
    let texts = ids.as_ref().map(|ids| ids.iter().map(EntryId::to_string).collect::<Vec<_>>());
    texts.serialize(serializer)
}

/// Writes a path; U+FFFD stands for what is not UTF-8.
pub(super) fn path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// Writes a shared value as the value.
pub(super) fn shared<T: ?Sized + Serialize, S: Serializer>(
    value: &Arc<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    (**value).serialize(serializer)
}

/// Writes the name of a job, if there is one.
pub(super) fn optional_name<S: Serializer>(
    name: &Option<Arc<str>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    name.as_deref().serialize(serializer)
}
