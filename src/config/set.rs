//! `--set JOB.KEY=VALUE`: a value of one job on the command line.

use super::draft::DraftJob;
use super::layer::{Layer, Origin, Table};
use super::problem::{Problem, Text};
use super::resolver::Resolver;
use super::suggestion::did_you_mean;
use super::unknown_key::hint_for;
use super::value::Reader;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use toml::Spanned;
use toml::de::DeValue;

/// A value of a job.
struct SetValue {
    job: String,
    layer: Layer,
}

/// What is wrong, and a hint.
type Wrong = (String, Option<String>);

impl Resolver<'_> {
    /// Reads the values of `--set`, by job. A later value of a key replaces an earlier one.
    pub(super) fn read_set(&mut self, jobs: &[DraftJob]) -> BTreeMap<String, Layer> {
        let mut read: BTreeMap<String, Layer> = BTreeMap::new();
        for typed in &self.over.set {
            match parse(typed, jobs) {
                Ok(SetValue { job, layer }) => {
                    let earlier = read.remove(&job).unwrap_or_default();
                    read.insert(job, layer.over(earlier));
                }
                Err((text, hint)) => self.problems.push(Problem { file: None, place: None, text, hint }),
            }
        }
        read
    }
}

fn parse(typed: &str, jobs: &[DraftJob]) -> Result<SetValue, Wrong> {
    // Names of jobs may have dots, keys have none.
    let split = typed.split_once('=').and_then(|(left, value)| {
        let (job, key) = left.trim().rsplit_once('.')?;
        Some((job, key, value.trim()))
    });
    let Some((job, key, value)) = split.filter(|(job, key, _)| !job.is_empty() && !key.is_empty()) else {
        return Err((
            format!("--set {typed:?} is not JOB.KEY=VALUE"),
            Some("write, for example, --set mmcif.retries=5".into()),
        ));
    };
    if !jobs.iter().any(|known| known.name == job) {
        let hint = did_you_mean(job, jobs.iter().map(|job| job.name.as_str()));
        let hint = hint.or_else(|| Some("--set changes values of jobs; `pdb-sync list` shows them".into()));
        return Err((format!("--set {job}.{key}: there is no job {job:?}"), hint));
    }
    let layer = read(key, value).map_err(|(text, hint)| (format!("--set {job}.{text}"), hint))?;
    Ok(SetValue { job: job.into(), layer })
}

/// Reads a value as TOML. As a shell removes quotes, what is no TOML may be a string without quotes, and so may a number, a boolean or a date of the
/// wrong type.
fn read(key: &str, value: &str) -> Result<Layer, Wrong> {
    let toml = DeValue::parse(value);
    let as_toml = match &toml {
        Ok(parsed) => match (set(key, value, parsed), parsed.as_ref()) {
            (Ok(layer), _) => return Ok(layer),
            (wrong, DeValue::String(_) | DeValue::Array(_) | DeValue::Table(_)) => return wrong,
            (wrong, _) => Some(wrong),
        },
        Err(_) => None,
    };
    let text = Spanned::new(0..value.len(), DeValue::String(Cow::Borrowed(value)));
    match (set(key, value, &text), as_toml, toml) {
        (Ok(layer), ..) => Ok(layer),
        (Err(_), Some(Err(wrong)), _) => Err(wrong),
        (Err(_), _, Err(error)) if value.starts_with(['[', '{', '"', '\'']) => {
            let hint = "put the whole option into single quotes, so that the shell does not change it";
            Err((format!("{key}: not valid TOML: {}", error.message()), Some(hint.into())))
        }
        (Err(wrong), ..) => Err(wrong),
    }
}

fn set(key: &str, value: &str, parsed: &Spanned<DeValue<'_>>) -> Result<Layer, Wrong> {
    let mut reader = Reader::new(Text { file: Path::new(""), text: value });
    let mut layer = Layer::default();
    if !layer.set(key, parsed, Origin::CommandLine, &mut reader) {
        let hint = hint_for(key, "[jobs.NAME]", Layer::KEYS);
        return Err((format!("{key}: a job has no key {key:?}"), hint));
    }
    match reader.problems.into_iter().next() {
        Some(problem) => Err((problem.text, problem.hint)),
        None => Ok(layer),
    }
}
