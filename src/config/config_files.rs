//! `config_files`: further files of the configuration.

use super::layer::Span;
use super::value::{Reader, Value};
use globset::Glob;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

const KEY: &str = "config_files";

/// Returns the patterns of `config_files`, as written. Their problems are reported when the configuration is loaded.
pub fn config_files(text: &str) -> Vec<String> {
    if !text.contains(KEY) {
        return Vec::new();
    }
    let (document, _) = DeTable::parse_recoverable(text);
    let list = document.get_ref().get(KEY).and_then(|value| value.get_ref().as_array());
    let Some(list) = list else { return Vec::new() };
    list.iter().map(|value| value.get_ref().as_str().unwrap_or_default().to_owned()).collect()
}

/// Whether a path is a pattern rather than the name of one file.
pub fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '[', '{'])
}

/// Reads `config_files`. The result is parallel to [`config_files`] unless there is a problem.
pub(super) fn patterns(
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
    reader: &mut Reader<'_>,
) -> Vec<(String, Span)> {
    let Some(read) = Vec::<String>::read(value, reader) else { return Vec::new() };
    let elements = value.get_ref().as_array().into_iter().flatten().map(Spanned::span);
    let mut patterns = Vec::new();
    for (pattern, span) in read.into_iter().zip(elements) {
        if let Some(wrong) = wrong(&pattern) {
            reader.problem(span.clone(), format!("{}: {wrong}", key.get_ref()), None);
        }
        patterns.push((pattern, reader.span(span)));
    }
    patterns
}

fn wrong(pattern: &str) -> Option<String> {
    if pattern.trim().is_empty() {
        return Some("a path must not be empty".into());
    }
    if pattern.contains("**") {
        return Some(format!("{pattern:?}: ** is not supported; name each directory"));
    }
    // Each component is matched on its own.
    let parts = Path::new(pattern).components().map(|part| part.as_os_str().to_string_lossy());
    let error = parts.filter(|part| is_pattern(part)).find_map(|part| Glob::new(&part).err())?;
    Some(format!("{pattern:?} is not a pattern: {}", error.kind()))
}
