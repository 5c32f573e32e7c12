//! The header of a plan: what the plan is about, and who made it.

use serde::{Deserialize, Serialize};

/// The header of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The version of the format.
    pub pdb_sync_plan: u32,
    /// When the tree was read, RFC 3339.
    pub time: String,
    /// The host name.
    pub host: String,
    /// The user ID.
    pub user: u32,
    /// The job of the mirror, if there is one.
    pub job: Option<String>,
    /// The root of the tree.
    pub root: RootPrint,
    /// Number of entries below the root, directories included.
    pub tree_entries: u64,
    /// Their size in bytes.
    pub tree_bytes: u64,
    /// The rules of the plan, in order.
    pub rules: Vec<RuleNote>,
    /// BLAKE3 of all that the rules contain. It shows whether two plans come from the same rules of the same version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules_blake3: Option<String>,
    /// Who made the plan.
    #[serde(default, skip_serializing_if = "Origin::is_clean")]
    pub origin: Origin,
    /// The source that `sync` listed; `None` for a plan of `clean`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Who made a plan. This decides what may be removed by it, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// `clean`, by its rules. Version control and projects are protected; the user may decide about each entry; `clean run` applies it.
    #[default]
    Clean,
    /// `sync`: what the source lacks. Nothing of it is protected; it is approved as a whole; only a run that lists the same applies it.
    Sync,
}

impl Origin {
    fn is_clean(&self) -> bool {
        *self == Origin::Clean
    }
}

/// The directory that a plan is about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RootPrint {
    /// Absolute path with links resolved. Only for display if it is not UTF-8.
    pub path: String,
    /// The path in base64, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_base64: Option<String>,
    /// Device number.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
}

/// A rule as recorded in a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleNote {
    /// The name of the rule.
    pub name: String,
    /// The reason, in words.
    pub reason: String,
}
