//! Finds the configuration and our own files.

use super::Failure;
use crate::cli::Global;
use crate::config::local;
use crate::model::hint;
use crate::model::sanitize;
use etcetera::base_strategy::{BaseStrategy, Xdg};
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// Absolute, unless the user gave a relative path.
    pub path: PathBuf,
    /// Whether the user named it. The file must then exist.
    pub named: bool,
}

/// Returns `--config`, else `PDB_SYNC_CONFIG` (clap reads both), else `$XDG_CONFIG_HOME/pdb-sync/config.toml`.
pub fn config_file(global: &Global) -> Result<Located, Failure> {
    if let Some(path) = &global.config {
        return Ok(Located { path: path.clone(), named: true });
    }
    let dir = xdg("XDG_CONFIG_HOME", |xdg| Some(xdg.config_dir()))
        .ok_or_else(|| no_home("the configuration file is", "--config FILE or set PDB_SYNC_CONFIG"))?;
    Ok(Located { path: dir.join("pdb-sync/config.toml"), named: false })
}

/// Returns `--state-dir`, else `PDB_SYNC_STATE_DIR`, else `$XDG_STATE_HOME/pdb-sync`. The path is absolute and need not exist.
pub fn state_dir(global: &Global) -> Result<PathBuf, Failure> {
    let dir = match &global.state_dir {
        Some(dir) => dir.clone(),
        None => xdg("XDG_STATE_HOME", BaseStrategy::state_dir)
            .ok_or_else(|| no_home("logs and locks go", "--state-dir DIR or set PDB_SYNC_STATE_DIR"))?
            .join("pdb-sync"),
    };
    std::path::absolute(&dir)
        .map_err(Failure::io(format!("find the state directory {}", sanitize::path(&dir))))
}

/// Rejects a state directory on another machine for every command, since some commands continue without a usable one.
pub fn check_state_dir(global: &Global) -> Result<(), Failure> {
    let Some(dir) = &global.state_dir else { return Ok(()) };
    local(&dir.to_string_lossy())
        .map_err(|wrong| Failure::usage_hint(format!("the state directory: {wrong}"), wrong.hint()))
}

/// Returns the options that a command line for the same configuration and state needs. Values from the environment are left out.
pub fn again(global: &Global) -> String {
    let given = |path: &Option<PathBuf>, variable| {
        path.clone().filter(|path| env::var_os(variable).as_deref() != Some(path.as_os_str()))
    };
    let mut words: Vec<OsString> = vec!["pdb-sync".into()];
    for (option, path) in [
        ("-c", given(&global.config, "PDB_SYNC_CONFIG")),
        ("--state-dir", given(&global.state_dir, "PDB_SYNC_STATE_DIR")),
    ] {
        if let Some(path) = path {
            words.extend([option.into(), path.into_os_string()]);
        }
    }
    for set in &global.set {
        words.extend(["--set".into(), set.into()]);
    }
    hint::joined(words)
}

/// The variable alone is sufficient. Only its default needs a home directory.
fn xdg(variable: &str, default: impl Fn(&Xdg) -> Option<PathBuf>) -> Option<PathBuf> {
    let set = env::var_os(variable).map(PathBuf::from).filter(|dir| Path::is_absolute(dir));
    set.or_else(|| Xdg::new().ok().and_then(|xdg| default(&xdg)))
}

fn no_home(what: &str, instead: &str) -> Failure {
    Failure::usage_hint(
        format!("cannot determine where {what}: there is no home directory"),
        format!("give {instead}"),
    )
}
