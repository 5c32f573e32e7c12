//! Turns TOML into jobs. Pure: files, environment and mounts are passed in.
//!
//! TEXT → [`Draft`] (every key known, every value of its type) → merged [`Layer`]s → [`Job`](crate::model::job::Job)s (every path
//! absolute, every destination checked). All problems are collected; no problem hides another.

mod alerts;
mod bandwidth;
mod clean;
mod clean_layer;
mod clean_run_mode;
mod config_files;
mod dests;
mod draft;
#[cfg(test)]
mod example;
mod exit_codes;
mod few_connections;
mod given;
mod guard;
mod id_list;
mod ids;
mod include;
mod index;
mod job_paths;
mod job_problems;
mod last;
mod layer;
mod lists;
mod mirrors;
mod needs;
mod notify;
mod passwords;
mod paths;
mod patterns;
mod preset;
mod preset_layer;
mod problem;
mod resolve;
mod resolve_alerts;
mod resolve_notify;
mod resolver;
mod scheduling;
mod schema;
mod select;
mod self_copy;
mod set;
mod settings;
mod show;
mod suggestion;
#[cfg(test)]
pub(crate) mod tests;
mod trailing_slash;
mod units;
mod unknown_key;
mod value;

use crate::mirrors::Catalogue;
use crate::model::host_facts::HostFacts;
pub use alerts::{Bound, Slower};
pub use clean::{CleanMode, CleanRules, CleanSettings};
pub use clean_layer::{CleanFilled, CleanLayer};
pub use clean_run_mode::CleanRunMode;
pub use config_files::{config_files, is_pattern};
pub use draft::{Draft, DraftJob, check_name};
pub use given::{Given, Origin, Span};
pub use id_list::IdList;
pub use include::{Included, NotIncluded};
pub use index::Indexed;
pub use layer::{
    AlertFilled, AlertLayer, HostFilled, HostLayer, IndexFilled, IndexLayer, Key, Layer, MirrorFilled,
    MirrorLayer, NotifyFilled, NotifyLayer, ScanFilled, ScanLayer, SearchFilled, SearchLayer, Settings,
    StatsFilled, StatsLayer, SyncFilled, SyncLayer,
};
pub use lists::{Globs, HookList, RsyncArgs, Sources};
pub use notify::{Addressee, Occasion, Url};
pub use paths::{PathError, escape, expand, local, normalise};
pub use preset::name as preset_name;
pub use problem::{Place, Problem, Problems, decode};
pub use scheduling::{Concurrency, ConnectionLimit, Nice};
pub use schema::schema;
pub use select::{ADD_A_JOB, SelectError, is_path, select, tagged};
pub use settings::{
    Config, IndexSettings, NotifySettings, Overrides, ScanSettings, SearchSettings, Sections, StatsSettings,
    SyncSettings,
};
pub use show::show;
pub use suggestion::nearest;
pub(crate) use units::bytes_text;
pub use units::{Pause, Period, Rate, Size, TimeLimit};
pub use value::{Parallel, Retries, Within};

use problem::{Text, Texts};
use resolver::Resolver;
use std::path::Path;

/// Returns why nothing may be removed below this directory, under its path or its resolved path; `None` if removal is allowed. The working
/// directory itself is accepted if the user named it. The text is a lower-case fragment that follows the path.
pub fn danger(root: &Path, around: &HostFacts) -> Option<String> {
    let around = HostFacts { cwd: around.cwd.clone().filter(|cwd| cwd != root), ..around.clone() };
    [root.to_path_buf(), (around.resolve)(root)].iter().find_map(|path| guard::danger_of(path, &around))
}

/// Reads and checks a configuration. `file` is its name in messages; relative paths are resolved against its directory. `included` has the files
/// of [`config_files()`]. Checks (such as for dangerous destinations) apply to the values after the overrides. An `Err` has all problems.
pub fn load(
    (text, file): (&str, &Path),
    included: &[Included],
    over: &Overrides,
    around: &HostFacts,
) -> Result<Config, Problems> {
    let mut texts = Texts(vec![Text { file, text }]);
    for (file, text) in included.iter().filter_map(|included| included.file.as_ref().ok()) {
        texts.0.push(Text { file, text });
    }
    let (mut draft, mut problems) = Draft::parse_file(0, texts.0[0]);
    for Included { pattern, file } in included {
        if let Err(why) = file {
            draft.not_included(*pattern, why, &texts, &mut problems);
        }
    }
    for (number, text) in texts.0.iter().enumerate().skip(1) {
        let (other, mut more) = Draft::parse_file(number, *text);
        problems.append(&mut more);
        draft.include(other, &texts, &mut problems);
    }
    let mut resolver = Resolver {
        texts,
        over,
        around,
        mirrors: Catalogue::default(),
        problems: Vec::new(),
        mistakes: Default::default(),
        disabled: false,
        advice: Vec::new(),
        notes: Vec::new(),
        backup_dir: None,
        placed: Vec::new(),
        names: Default::default(),
        set: Default::default(),
        needs: Default::default(),
        folds: None,
    };
    let mut config = resolver.resolve(draft);
    config.advice = Problems::of(std::mem::take(&mut resolver.advice), &resolver.texts).0;
    config.notes = Problems::of(std::mem::take(&mut resolver.notes), &resolver.texts).0;
    let mut unfit = std::mem::take(&mut resolver.mistakes.problems);
    problems.append(&mut resolver.problems);
    if !problems.is_empty() {
        // With errors in the whole file, those in single jobs are reported too, so that all can be fixed at once.
        problems.append(&mut unfit);
        return Err(Problems::of(problems, &resolver.texts));
    }
    config.unfit = if unfit.is_empty() { unfit } else { Problems::of(unfit, &resolver.texts).0 };
    Ok(config)
}
