//! Hints for keys that do not exist, or not in the section where they are.

use super::clean_layer::CleanLayer;
use super::layer::{
    HostLayer, IndexLayer, Key, Layer, MirrorLayer, ScanLayer, SearchLayer, SyncLayer, Table,
};
use super::suggestion::{did_you_mean, of_rsync};

/// Names of our keys in other tools.
const ALIASES: [(&str, &str); 12] = [
    ("src", "source"),
    ("url", "source"),
    ("sources", "source"),
    ("from", "source"),
    ("destination", "dest"),
    ("target", "dest"),
    ("path", "dest"),
    ("to", "dest"),
    ("bandwidth", "bwlimit"),
    ("options", "rsync_args"),
    ("args", "rsync_args"),
    ("concurrency", "parallel"),
];

/// Returns the section that a key belongs to.
pub(super) fn owner(key: &str) -> Option<&'static str> {
    let has = |keys: &[Key]| keys.iter().any(|known| known.name == key);
    match key {
        "source" | "dest" | "description" => Some("[jobs.NAME]"),
        _ if has(Layer::KEYS) => Some("[defaults] or [jobs.NAME]"),
        _ if has(SyncLayer::KEYS) => Some("[sync]"),
        _ if has(ScanLayer::KEYS) => Some("[scan]"),
        _ if has(CleanLayer::KEYS) => Some("[clean]"),
        _ if has(HostLayer::KEYS) => Some("[hosts.\"NAME\"]"),
        _ if has(IndexLayer::KEYS) => Some("[index]"),
        _ if has(SearchLayer::KEYS) => Some("[search]"),
        _ if has(MirrorLayer::KEYS) => Some("[mirrors.NAME]"),
        _ => None,
    }
}

/// Returns a hint for an unknown key of a section.
pub(super) fn hint_for(name: &str, section: &str, keys: &'static [Key]) -> Option<String> {
    // The alerts are separate tables.
    let tables = if section == "[stats]" { &["alerts"][..] } else { &[] };
    let known = keys.iter().map(|key| key.name).chain(tables.iter().copied());
    let alias = ALIASES.iter().find(|(alias, meant)| *alias == name && known.clone().any(|k| k == *meant));
    let is_of_jobs = known.clone().any(|known| known == "rsync_args");
    match (alias, owner(name)) {
        (Some((_, meant)), _) => Some(format!("did you mean {meant:?}?")),
        (None, Some(owner)) => Some(format!("{name} belongs in {owner}")),
        (None, None) if ["allow_empty_source", "allow_older"].contains(&name) => {
            Some(format!("only --{} on the command line allows it, for one run", name.replace('_', "-")))
        }
        (None, None) => of_rsync(name, section, is_of_jobs).or_else(|| did_you_mean(name, known)),
    }
}
