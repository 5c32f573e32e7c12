//! `sync`

use clap::Args;
use std::path::PathBuf;

/// `sync`: which jobs, how, and what the command line changes about them.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync sync --all --parallel 3       every enabled job, three at a time
  pdb-sync sync mmcif --plan -v          what would change, path by path
  pdb-sync sync --tag weekly --json      for scripts
  pdb-sync sync mmcif -- --exclude=x*    anything else rsync knows")]
pub struct SyncArgs {
    /// Jobs to run, by name
    #[arg(value_name = "JOB")]
    pub jobs: Vec<String>,
    /// Run every enabled job
    #[arg(long, conflicts_with_all = ["jobs", "tag"])]
    pub all: bool,
    /// Run the enabled jobs that carry this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Run up to N jobs at a time (1..=100); `auto` follows the load of the machine
    #[arg(short, long, value_name = "N")]
    pub parallel: Option<String>,
    /// Let rsync say what it would do, and change nothing
    #[arg(short = 'n', long, conflicts_with_all = ["plan", "print_command"])]
    pub dry_run: bool,
    /// List what would be created, updated and deleted; -v names every path
    #[arg(long, conflicts_with = "print_command")]
    pub plan: bool,
    /// Print the commands that would run, ready to paste, and run nothing
    #[arg(long)]
    pub print_command: bool,
    /// Stop at the first failure: end running transfers gently, skip the rest
    #[arg(long)]
    pub fail_fast: bool,
    /// How often a source is tried again after a passing failure
    #[arg(long, value_name = "N")]
    pub retries: Option<u32>,
    /// Wall clock of one attempt (30s, 2h; 0 is none)
    #[arg(long, value_name = "DUR")]
    pub timeout: Option<String>,
    /// Remove what the source no longer has
    #[arg(long, overrides_with = "no_delete")]
    pub delete: bool,
    /// Remove nothing
    #[arg(long, overrides_with = "delete")]
    pub no_delete: bool,
    /// The most files that may be deleted, as a number or a share (500, 25%)
    #[arg(long, value_name = "N")]
    pub max_delete: Option<String>,
    /// Delete what the plan of this hash names, whatever the limit, if a new listing still has the same deletions; for exactly one job
    #[arg(long, value_name = "HASH", conflicts_with_all = ["all", "tag", "rerun_failed", "no_delete", "print_command"])]
    pub expect: Option<String>,
    /// Accept a source that holds no file
    #[arg(long)]
    pub allow_empty_source: bool,
    /// Accept a source that is older than the mirror
    #[arg(long)]
    pub allow_older: bool,
    /// Take over mirrors that somebody else made: compare by checksum what differs in time only, tell what is there, delete nothing
    #[arg(long)]
    pub adopt: bool,
    /// Limit the bandwidth of each transfer (5MB per second; a bare number is KiB, as in rsync)
    #[arg(long, value_name = "RATE")]
    pub bwlimit: Option<String>,
    /// Another destination, for exactly one job; a relative one is relative to the working directory
    #[arg(long, value_name = "DIR")]
    pub dest: Option<PathBuf>,
    /// Wait so long for a destination that another run has locked
    #[arg(long, value_name = "DUR")]
    pub wait_lock: Option<String>,
    /// Of the jobs that are selected (else of every enabled one), run those that did not succeed last time
    #[arg(long)]
    pub rerun_failed: bool,
    /// Write a JUnit report; directories that are missing are made
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Speak to GitHub Actions (on by itself there)
    #[arg(long)]
    pub github: bool,
    /// Further options for rsync
    #[arg(last = true, value_name = "RSYNC_ARGS", allow_hyphen_values = true)]
    pub rsync_args: Vec<String>,
}
