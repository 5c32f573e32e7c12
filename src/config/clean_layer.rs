//! The keys of `[clean]`.

use super::clean::{CleanMode, CleanRules, KEEP};
use super::clean_run_mode::CleanRunMode;
use super::layer::{Entry, Given, Key, MayBeGiven, Origin, Table, table};
use super::units::{Period, Size};
use super::value::{Reader, Value, Within};
use crate::model::job::MaxEntries;
use std::path::PathBuf;
use toml::Spanned;
use toml::de::DeValue;

table! {
    /// `[clean]`
    CleanLayer, CleanFilled {
        /// What happens to removed files: "quarantine", "delete", "backup" or "trash".
        mode: CleanMode = CleanMode::Quarantine;
        /// How `clean run` applies a plan: "interactive" asks before each group, "batch" does not ask, "dry-run" changes nothing. Default:
        /// "batch" with --yes, otherwise "interactive".
        run_mode: CleanRunMode;
        /// How long files in the quarantine can be restored. After that they are marked, and deleted at least a day later.
        keep: Period = KEEP;
        /// Directory for mode = "backup". A relative path is relative to the directory of the configuration file.
        backup_dir: PathBuf;
        /// Maximum number of entries that one run may remove, or a share of the entries of the tree. Default: 10%, at least 100.
        max_delete: MaxEntries;
        /// Maximum total size that one run may remove. 0: no limit.
        max_bytes: Size = Size(None);
        /// Change nothing if any file differs from the plan.
        strict: bool = false;
        /// Stop at the first failure.
        fail_fast: bool = false;
        /// Number of threads that remove files. 0: one per core; on a network at least 8.
        threads: Within<0, 256> = Within::constant(0);
        /// Rules that apply before the built-in ones. Each has name, pattern, action, and optional conditions.
        rules: CleanRules = CleanRules(Vec::new());
    }
}
