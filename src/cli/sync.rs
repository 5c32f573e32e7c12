//! `sync`

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `sync`: which jobs, how, and what the command line changes about them.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync sync --all --parallel 3               Run all jobs, up to 3 at a time
  pdb-sync sync mmcif --plan -v                  List all that would change
  pdb-sync sync --tag weekly --json              Print events as JSON lines
  pdb-sync sync --rerun-failed                   Rerun jobs that did not succeed
  pdb-sync sync mmcif --expect 18ee8ec8fdd6cbbd  Delete what this plan names
  pdb-sync sync mmcif --max-delete 5000          Allow more deletions, once
  pdb-sync sync mmcif --ids ids.txt              Transfer the entries of a list
  pdb-sync sync mmcif -- --exclude='x*'          Pass further options to rsync")]
pub struct SyncArgs {
    /// Names of the jobs to run
    #[arg(value_name = "JOB")]
    pub jobs: Vec<String>,
    /// Run all enabled jobs
    #[arg(long, conflicts_with_all = ["jobs", "tag"])]
    pub all: bool,
    /// Run the enabled jobs with this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Maximum number of jobs at the same time: 1 to 100, or "auto"
    ///
    /// "auto" follows the load of the machine. Default: the variable PDB_SYNC_PARALLEL, else the key sync.parallel of the configuration, else 1.
    #[arg(short, long, value_name = "N")]
    pub parallel: Option<String>,
    /// Print what rsync would do, and change nothing
    #[arg(short = 'n', long, conflicts_with_all = ["plan", "print_command"])]
    pub dry_run: bool,
    /// Summarize what would be created, updated and deleted; change nothing
    ///
    /// With -v, every path is listed.
    #[arg(long, conflicts_with = "print_command")]
    pub plan: bool,
    /// Print the commands that would run, quoted for a shell; run nothing
    #[arg(long)]
    pub print_command: bool,
    /// Stop at the first failure
    ///
    /// Running transfers are terminated with SIGTERM. Jobs that have not started are skipped.
    #[arg(long)]
    pub fail_fast: bool,
    /// Number of retries of a source after a temporary failure
    #[arg(long, value_name = "N")]
    pub retries: Option<u32>,
    /// Time limit of one attempt (30s, 2h; 0: no limit)
    #[arg(long, value_name = "DUR")]
    pub timeout: Option<String>,
    /// Delete files that the source no longer has
    #[arg(long, overrides_with = "no_delete")]
    pub delete: bool,
    /// Delete nothing
    #[arg(long, overrides_with = "delete")]
    pub no_delete: bool,
    /// Maximum number of files that a job may delete (500), or a share (25%)
    #[arg(long, value_name = "N")]
    pub max_delete: Option<String>,
    /// Delete what the plan with this hash names; for exactly one job
    ///
    /// pdb-sync lists the deletions again. It deletes them, whatever max_delete is, only if they are the same as in the plan.
    #[arg(long, value_name = "HASH", conflicts_with_all = ["all", "tag", "rerun_failed", "no_delete", "max_delete", "print_command"])]
    pub expect: Option<String>,
    /// Accept a source without any files
    #[arg(long)]
    pub allow_empty_source: bool,
    /// Accept a source with files older than those of the mirror
    #[arg(long)]
    pub allow_older: bool,
    /// Take over existing mirrors: report what they have, delete nothing
    ///
    /// Files of the same size and another time are compared by checksum instead of being transferred again.
    #[arg(long)]
    pub adopt: bool,
    /// Transfer only these entries: a file with PDB IDs, or - for standard input
    ///
    /// IDs (1abc or pdb_00001abc) are separated by white space or commas; # starts a comment. Nothing is deleted. The source must have one
    /// kind of files, such as structures/divided/mmCIF/.
    #[arg(long, value_name = "FILE", conflicts_with = "expect")]
    pub ids: Option<PathBuf>,
    /// Maximum number of connections of each job, 1 to 16 (auto: as many as pay)
    #[arg(long, value_name = "N")]
    pub connections: Option<String>,
    /// Maximum bandwidth of each job, per second (5MB; 0: no limit)
    ///
    /// A number without a unit is in KiB, as in rsync.
    #[arg(long, value_name = "RATE")]
    pub bwlimit: Option<String>,
    /// Use another destination; for exactly one job
    ///
    /// A relative path is relative to the working directory.
    #[arg(long, value_name = "DIR")]
    pub dest: Option<PathBuf>,
    /// Maximum time to wait for a destination that another run has locked
    #[arg(long, value_name = "DUR")]
    pub wait_lock: Option<String>,
    /// Start after a random delay of at most this time (10m; 0: at once)
    #[arg(long, value_name = "DUR")]
    pub jitter: Option<String>,
    /// Run only the jobs whose last run did not succeed
    ///
    /// Applies to the selected jobs; without a selection, to all enabled jobs.
    #[arg(long)]
    pub rerun_failed: bool,
    /// Write a JUnit report; missing directories are created
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Print groups and annotations for GitHub Actions (automatic there)
    #[arg(long)]
    pub github: bool,
    /// Group the output of each job: github (as --github), gitlab, or none
    ///
    /// Default: by the environment of GitHub Actions and GitLab CI/CD.
    #[arg(long, value_name = "FORMAT", conflicts_with = "github", hide_possible_values = true)]
    pub group: Option<Group>,
    /// Further options for rsync
    #[arg(last = true, value_name = "RSYNC_ARGS", allow_hyphen_values = true)]
    pub rsync_args: Vec<String>,
}

/// How the output of each job is grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// Groups and annotations of GitHub Actions.
    Github,
    /// Collapsible sections of GitLab CI/CD.
    Gitlab,
    /// Not at all.
    None,
}
