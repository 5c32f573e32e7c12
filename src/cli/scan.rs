//! `scan` and `verify`

use clap::{Args, ValueEnum};

/// `scan`: which trees, what of them, and what is told.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync scan mmcif                       Show the totals of a mirror
  pdb-sync scan /data --tree --max-depth 2  Show the size of directories
  pdb-sync scan --all --diff                Show changes since the last scan
  pdb-sync scan mmcif --list --json         Print all entries as JSON
  pdb-sync scan --cache                     List the cached inventories")]
pub struct ScanArgs {
    /// Names of jobs, or directories (with a slash, or . or ..)
    #[arg(value_name = "JOB|PATH")]
    pub targets: Vec<String>,
    /// Scan the mirrors of all enabled jobs
    #[arg(long, conflicts_with_all = ["targets", "tag"])]
    pub all: bool,
    /// Scan the mirrors of the enabled jobs with this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Number of threads (0: depends on the drive)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=1024))]
    pub threads: Option<u16>,
    /// Maximum depth of directories to read; with --tree, to show
    #[arg(long, value_name = "N")]
    pub max_depth: Option<u32>,
    /// Skip names that start with a dot
    #[arg(long, overrides_with = "no_skip_hidden")]
    pub skip_hidden: bool,
    /// Do not skip names that start with a dot
    #[arg(long, overrides_with = "skip_hidden")]
    pub no_skip_hidden: bool,
    /// Follow symbolic links
    #[arg(long, overrides_with = "no_follow")]
    pub follow: bool,
    /// Do not follow symbolic links
    #[arg(long, overrides_with = "follow")]
    pub no_follow: bool,
    /// Do not enter other file systems
    #[arg(long, overrides_with = "no_one_file_system")]
    pub one_file_system: bool,
    /// Enter other file systems
    #[arg(long, overrides_with = "one_file_system")]
    pub no_one_file_system: bool,
    /// Skip entries that match this pattern (may be repeated)
    ///
    /// A pattern with a slash matches paths below the root; others match names at any depth.
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Stop after this time, and report what was read (30s, 5m; 0: no limit)
    #[arg(long, value_name = "DUR", value_parser = humantime::parse_duration)]
    pub timeout: Option<std::time::Duration>,
    /// Read all directories, also those that have not changed
    #[arg(long)]
    pub full: bool,
    /// List entries added, removed and changed since the last scan
    #[arg(long, conflicts_with_all = ["list", "tree"])]
    pub diff: bool,
    /// List or evict cached inventories
    ///
    /// Without names, "evict" removes the inventories of directories that no longer exist, and damaged ones.
    #[arg(long, value_name = "ACTION", num_args = 0..=1, require_equals = true, default_missing_value = "show")]
    pub cache: Option<CacheAction>,
    /// Show the N largest directories
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
    /// Print a tree of directories with totals
    #[arg(long, conflicts_with = "list")]
    pub tree: bool,
    /// Print all entries
    #[arg(long)]
    pub list: bool,
    /// Group files by extension
    #[arg(long)]
    pub by_extension: bool,
    /// Group files by age
    #[arg(long)]
    pub by_age: bool,
    /// Group files by size
    #[arg(long)]
    pub by_size: bool,
    /// List names that are unportable or misleading; exit with 3 if any
    #[arg(long)]
    pub check_names: bool,
    /// Check the checksums of all .gz files; exit with 1 if any is damaged
    #[arg(long)]
    pub check_gzip: bool,
}

/// What to do with cached inventories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CacheAction {
    /// List them.
    Show,
    /// Remove them.
    Evict,
}

/// `verify`: which trees, and whether to repair them.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync verify mmcif             List damaged files
  pdb-sync verify mmcif --repair    Transfer damaged files again
  pdb-sync verify ./mirror          Check any directory")]
pub struct VerifyArgs {
    /// Names of jobs, or directories (with a slash, or . or ..)
    #[arg(value_name = "JOB|PATH")]
    pub targets: Vec<String>,
    /// Check the mirrors of all enabled jobs
    #[arg(long, conflicts_with_all = ["targets", "tag"])]
    pub all: bool,
    /// Check the mirrors of the enabled jobs with this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Transfer damaged files again from the source, and check them
    #[arg(long)]
    pub repair: bool,
    /// Number of threads (0: depends on the drive)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=1024))]
    pub threads: Option<u16>,
}
