//! Reads the files of `config_files`.

use crate::config::{self, Included, NotIncluded};
use crate::model::host_facts::HostFacts;
use crate::model::sanitize;
use crate::platform;
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

/// The maximum number of files.
const MOST_FILES: usize = 1000;

/// Returns the files that the configuration with this text includes, in order, each once, and what cannot be read. Relative paths are relative
/// to the directory of the configuration. It never includes itself.
pub(super) fn included(main: &Path, text: &str, most: u64, around: &HostFacts) -> Vec<Included> {
    let base = main.parent().unwrap_or(Path::new(""));
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.into());
    let mut seen = HashSet::from([real(main)]);
    let mut included = Vec::new();
    for (pattern, written) in config::config_files(text).iter().enumerate() {
        let mut add = |file| included.push(Included { pattern, file });
        let files = match files_of(base, written, around) {
            Ok(files) => files,
            Err(why) => {
                add(Err(why));
                continue;
            }
        };
        for path in files {
            if !seen.insert(real(&path)) {
                continue;
            }
            if seen.len() > MOST_FILES + 1 {
                let text = format!("{written:?} matches too many files: at most {MOST_FILES} are included");
                add(Err(NotIncluded::Unreadable(text, Some("put several jobs into one file".into()))));
                return included;
            }
            add(match platform::read_named(&path, most) {
                Ok(bytes) => config::decode(bytes, &path).map(|text| (path, text)).map_err(NotIncluded::Bad),
                Err(error) => Err(unreadable(&path, &error)),
            });
        }
    }
    included
}

/// Returns the files of one pattern. A name without a pattern is returned whether the file exists or not.
fn files_of(base: &Path, written: &str, around: &HostFacts) -> Result<Vec<PathBuf>, NotIncluded> {
    let path = config::expand(written, around)
        .map_err(|wrong| NotIncluded::Unreadable(wrong.to_string(), Some(wrong.hint())))?;
    if !config::is_pattern(&path) {
        return Ok(vec![base.join(path)]);
    }
    let mut files = platform::matching_files(base, &path).map_err(|error| {
        let text = format!("cannot look for {}: {error}", sanitize::path(&base.join(&path)));
        NotIncluded::Unreadable(text, Some("name directories that this user may read".into()))
    })?;
    files.retain(|file| !file.is_dir());
    Ok(files)
}

fn unreadable(path: &Path, error: &io::Error) -> NotIncluded {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => {
            "correct the name; only a pattern such as \"conf.d/*.toml\" may match no file"
        }
        _ => "name regular files that this user may read",
    };
    NotIncluded::Unreadable(format!("cannot read {}: {error}", sanitize::path(&path)), Some(hint.into()))
}
