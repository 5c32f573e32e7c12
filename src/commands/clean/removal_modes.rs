//! The removal mode: from the command line, else from the configuration.

use crate::clean::removal::{Backup, RemovalMode, Trash};
use crate::cli::RunArgs;
use crate::commands::Failure;
use crate::config::{CleanMode, CleanSettings, Config, PathError, local};
use crate::model::sanitize;
use std::path::{Path, PathBuf};

/// Returns the removal mode by its name in the configuration.
pub(super) fn removal_mode_word(args: &RunArgs, settings: &CleanSettings) -> &'static str {
    match chosen(args, settings) {
        CleanMode::Quarantine => "quarantine",
        CleanMode::Delete => "delete",
        CleanMode::Backup => "backup",
        CleanMode::Trash => "trash",
    }
}

fn chosen(args: &RunArgs, settings: &CleanSettings) -> CleanMode {
    match () {
        () if args.quarantine => CleanMode::Quarantine,
        () if args.delete => CleanMode::Delete,
        () if args.backup_dir.is_some() => CleanMode::Backup,
        () if args.trash => CleanMode::Trash,
        () => settings.mode,
    }
}

/// Returns the removal mode and opens the directories that it needs.
pub(super) fn removal_mode(args: &RunArgs, config: &Config, root: &Path) -> Result<RemovalMode, Failure> {
    Ok(match chosen(args, &config.clean) {
        CleanMode::Quarantine => RemovalMode::Quarantine,
        CleanMode::Delete => RemovalMode::Delete,
        CleanMode::Backup => {
            let dir = args.backup_dir.clone().map(Ok).or(config.clean.backup_dir.clone());
            let dir = dir.transpose().map_err(|wrong| Failure::usage(format!("backup_dir: {wrong}")))?;
            let dir = dir.ok_or_else(|| {
                Failure::usage_hint(
                    "mode = \"backup\" needs a directory",
                    "set backup_dir in [clean], or give --backup-dir",
                )
            })?;
            if args.backup_dir.is_some() {
                let wrong =
                    |wrong: PathError| Failure::usage_hint(format!("--backup-dir: {wrong}"), wrong.hint());
                local(&dir.to_string_lossy()).map_err(wrong)?;
            }
            let open = Backup::open(&dir, root);
            RemovalMode::Backup(open.map_err(|e| {
                Failure::named(format!("cannot back up to {}: {e}", sanitize::path(&dir)), None)
            })?)
        }
        CleanMode::Trash => {
            let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
            let data = data.or_else(|| etcetera::home_dir().ok().map(|home| home.join(".local/share")));
            let trash = data
                .ok_or_else(|| Failure::usage("there is no home directory, and so no trash"))?
                .join("Trash");
            let open = Trash::open(&trash, root);
            RemovalMode::Trash(
                open.map_err(Failure::io(format!("open the trash {}", sanitize::path(&trash))))?,
            )
        }
    })
}
