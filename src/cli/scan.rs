//! `scan` and `verify`

use clap::{Args, ValueEnum};

/// `scan`: which trees, what of them, and what is told.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync scan mmcif                      totals of a job's mirror
  pdb-sync scan /data --tree --max-depth 2 where the space goes
  pdb-sync scan --all --diff               what has changed since the last scan
  pdb-sync scan mmcif --list --json        every entry, for scripts
  pdb-sync scan --cache                    the inventories that are kept")]
pub struct ScanArgs {
    /// Jobs, by name, or paths (with a slash, or . or ..)
    #[arg(value_name = "JOB|PATH")]
    pub targets: Vec<String>,
    /// Scan the mirror of every enabled job
    #[arg(long, conflicts_with_all = ["targets", "tag"])]
    pub all: bool,
    /// Scan the mirrors of the enabled jobs that carry this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Threads (0: as many as help)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=1024))]
    pub threads: Option<u16>,
    /// Read no deeper than N directories; with --tree, show no deeper
    #[arg(long, value_name = "N")]
    pub max_depth: Option<u32>,
    /// Pass by everything whose name begins with a dot
    #[arg(long)]
    pub skip_hidden: bool,
    /// Take symbolic links for what they lead to
    #[arg(long)]
    pub follow: bool,
    /// Do not go into other file systems
    #[arg(long)]
    pub one_file_system: bool,
    /// Pass by what matches: names at any depth, or paths from the root if there is a slash (may be repeated)
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Stop after so long, and tell what is known by then (30s, 5m)
    #[arg(long, value_name = "DUR", value_parser = humantime::parse_duration)]
    pub timeout: Option<std::time::Duration>,
    /// Read every directory, also those that have not changed since the last scan
    #[arg(long)]
    pub full: bool,
    /// Print what was added, removed and changed since the last scan
    #[arg(long, conflicts_with_all = ["list", "tree"])]
    pub diff: bool,
    /// Show the inventories that are kept, or remove those of the trees named (or of trees that are gone)
    #[arg(long, value_name = "ACTION", num_args = 0..=1, require_equals = true, default_missing_value = "show")]
    pub cache: Option<CacheAction>,
    /// Show the N largest directories
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
    /// Print the directories as a tree with their totals
    #[arg(long, conflicts_with = "list")]
    pub tree: bool,
    /// Print every entry
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
    /// List names that other systems cannot hold, or that deceive; exit 3 if there are any
    #[arg(long)]
    pub check_names: bool,
    /// Decompress every .gz and compare its checksum; exit 1 if one is damaged
    #[arg(long)]
    pub check_gzip: bool,
}

/// What to do with the inventories that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CacheAction {
    /// List them.
    Show,
    /// Remove them.
    Evict,
}

/// `verify`: which trees, and whether to mend them.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync verify mmcif            list damaged files
  pdb-sync verify mmcif --repair   fetch exactly those again
  pdb-sync verify ./mirror         any directory")]
pub struct VerifyArgs {
    /// Jobs, by name, or paths (with a slash, or . or ..)
    #[arg(value_name = "JOB|PATH")]
    pub targets: Vec<String>,
    /// Verify the mirror of every enabled job
    #[arg(long, conflicts_with_all = ["targets", "tag"])]
    pub all: bool,
    /// Verify the mirrors of the enabled jobs that carry this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Fetch damaged files again from the job's source, and check them once more
    #[arg(long)]
    pub repair: bool,
    /// Threads (0: one a core)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=1024))]
    pub threads: Option<u16>,
}
