//! `clean`

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// `clean`: what is left over in a mirror, and its removal.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync clean plan mmcif     Find leftover files, and change nothing
  pdb-sync clean show           Show the last plan
  pdb-sync clean run --yes      Apply the last plan
  pdb-sync clean undo last      Restore what the last run removed
  pdb-sync clean purge mmcif    Delete expired files of the quarantine")]
pub struct CleanArgs {
    /// What to do
    #[command(subcommand)]
    pub action: CleanAction,
}

/// The actions of `clean`.
#[derive(Debug, Clone, Subcommand)]
pub enum CleanAction {
    /// Find files that rules select, and write a plan; change nothing
    Plan(PlanArgs),
    /// Show a plan by rule and directory, or export it
    Show(ShowArgs),
    /// Edit the decisions of a plan in $VISUAL or $EDITOR
    #[command(after_help = "Examples:
  pdb-sync clean edit            Edit the decisions of the last plan
  pdb-sync clean edit ./plan     Edit the decisions of another plan")]
    Edit(OnePlan),
    /// Compare a plan with the current files
    #[command(after_help = "Examples:
  pdb-sync clean verify          Check the last plan
  pdb-sync clean verify ./plan   Check another plan")]
    Verify(OnePlan),
    /// Apply a plan
    Run(RunArgs),
    /// Restore files that `clean` or `sync` removed or replaced
    Undo(UndoArgs),
    /// List runs that removed files, or the files of one run
    Log(LogArgs),
    /// Delete expired files of quarantines permanently
    Purge(PurgeArgs),
    /// List the rules in the order in which they apply
    #[command(after_help = "Examples:
  pdb-sync clean rules       List the rules
  pdb-sync clean rules -v    List them with their patterns")]
    Rules,
    /// Explain which rule decides about a path, and why others do not
    Explain(ExplainArgs),
}

/// `clean plan`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync clean plan mmcif                       Plan for the mirror of a job
  pdb-sync clean plan --all                       Plan for the mirrors of all enabled jobs
  pdb-sync clean plan ./mirror -o ./plan          Plan for a directory, and name the file
  pdb-sync clean plan mmcif --without empty-dir   Plan without one of the rules")]
pub struct PlanArgs {
    /// Names of jobs, or directories (with a slash, or . or ..)
    ///
    /// Each gets a plan of its own.
    #[arg(value_name = "JOB|PATH")]
    pub targets: Vec<String>,
    /// Plan for the mirrors of all enabled jobs
    #[arg(long, conflicts_with_all = ["targets", "tag"])]
    pub all: bool,
    /// Plan for the mirrors of the enabled jobs with this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// File for the plan; for one plan only [default: in the state directory]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Enable a rule that is disabled (may be repeated)
    #[arg(long, value_name = "RULE")]
    pub with: Vec<String>,
    /// Disable a rule (may be repeated)
    #[arg(long, value_name = "RULE")]
    pub without: Vec<String>,
    /// Additional list of obsolete entries (may be repeated)
    ///
    /// One ID per line, or the format of status/obsolete.dat. The lists in the status directory of the mirror are always read.
    #[arg(long, value_name = "FILE")]
    pub obsolete: Vec<PathBuf>,
}

/// One plan.
#[derive(Debug, Clone, Args)]
pub struct OnePlan {
    /// File of the plan, job with a blocked sync, or "last"
    #[arg(value_name = "PLAN|JOB", default_value = "last")]
    pub plan: PathBuf,
}

/// `clean show`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync clean show                         Show the last plan
  pdb-sync clean show --top 5                 Show only the 5 largest rows
  pdb-sync clean show --export csv >plan.csv  Export all entries as CSV")]
pub struct ShowArgs {
    /// File of the plan, job with a blocked sync, or "last"
    #[arg(value_name = "PLAN|JOB", default_value = "last")]
    pub plan: PathBuf,
    /// Number of rows, the largest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// Print all entries in this format instead
    #[arg(long, value_name = "FORMAT")]
    pub export: Option<Export>,
}

/// How a plan is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Export {
    /// Comma-separated values with a header.
    Csv,
    /// Paths, each followed by a NUL byte.
    Nul,
    /// Patterns for rsync's `--exclude-from`.
    Rsync,
}

/// `clean run`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync clean run                    Apply the last plan; ask before each group
  pdb-sync clean run -n                 Show what the last plan would do
  pdb-sync clean run --yes              Apply the last plan without questions
  pdb-sync clean run ./plan --delete    Apply another plan, and delete permanently")]
pub struct RunArgs {
    /// File of the plan, or "last"
    #[arg(value_name = "PLAN", default_value = "last")]
    pub plan: PathBuf,
    /// How to apply the plan
    ///
    /// The default is that of `[clean] run_mode`; without it, batch with --yes, otherwise interactive. Without a terminal, --yes or --mode is
    /// required.
    #[arg(long, value_name = "MODE")]
    pub mode: Option<RunMode>,
    /// Show what would be done, and change nothing (--mode dry-run)
    #[arg(short = 'n', long, conflicts_with = "mode")]
    pub dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub yes: bool,
    /// Move files to the quarantine, where `clean undo` can restore them
    #[arg(long, group = "fate")]
    pub quarantine: bool,
    /// Delete files permanently
    #[arg(long, group = "fate")]
    pub delete: bool,
    /// Move files to this directory
    #[arg(long, group = "fate", value_name = "DIR")]
    pub backup_dir: Option<PathBuf>,
    /// Move files to the trash of the desktop
    #[arg(long, group = "fate")]
    pub trash: bool,
    /// Stop at the first failure
    #[arg(long, overrides_with = "no_fail_fast")]
    pub fail_fast: bool,
    /// Continue after a failure
    #[arg(long, overrides_with = "fail_fast")]
    pub no_fail_fast: bool,
    /// Change nothing if any file differs from the plan
    #[arg(long, overrides_with = "no_strict")]
    pub strict: bool,
    /// Skip files that differ from the plan
    #[arg(long, overrides_with = "strict")]
    pub no_strict: bool,
    /// Change nothing unless the plan has this hash (see `clean show`)
    #[arg(long, value_name = "HASH")]
    pub expect: Option<String>,
    /// Maximum number of entries to remove (500), or a share of all (10%)
    #[arg(long, value_name = "N|P%")]
    pub max_delete: Option<String>,
    /// Maximum total size to remove (5GiB; 0: no limit)
    #[arg(long, value_name = "SIZE")]
    pub max_bytes: Option<String>,
    /// Number of threads (0: one per core; on a network at least 8)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=256))]
    pub threads: Option<u16>,
}

/// How a plan is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RunMode {
    /// Show what would be done, and change nothing.
    DryRun,
    /// Ask for each rule and directory.
    Interactive,
    /// Do not ask.
    Batch,
}

/// `clean undo`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync clean log          List the runs that can be undone
  pdb-sync clean undo last    Undo the newest of them")]
pub struct UndoArgs {
    /// ID of the run, the first characters of it, or "last"
    ///
    /// `clean log` and `history` print the IDs. "last" is the newest run that removed something.
    #[arg(value_name = "RUN")]
    pub run: String,
}

/// `clean log`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync clean log         List the runs
  pdb-sync clean log last    List the files of the newest run")]
pub struct LogArgs {
    /// ID of the run to list, the first characters of it, or "last"
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
}

/// `clean purge`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync clean purge                        Purge the quarantines of all known mirrors
  pdb-sync clean purge mmcif -n               Show what would be deleted
  pdb-sync clean purge mmcif --older-than 7d  Delete what is older than 7 days, at once")]
pub struct PurgeArgs {
    /// Names of jobs, or directories [default: all trees with known runs]
    #[arg(value_name = "JOB|PATH")]
    pub targets: Vec<String>,
    /// Purge the mirrors of the enabled jobs with this tag (may be repeated)
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Delete what is older than this at once (30d; 0: everything)
    ///
    /// Without this option, a purge marks what has expired, and a purge at least one day later deletes it.
    #[arg(long, value_name = "DUR")]
    pub older_than: Option<String>,
    /// Show what would be deleted, and change nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// `clean explain`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  pdb-sync clean explain /srv/mirrors/mmCIF/aa/.1aaa.cif.gz.Xy12Zw
  pdb-sync clean explain -v ./mirror/old.txt    Show what each rule says")]
pub struct ExplainArgs {
    /// Path in a mirror
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// Root of the tree [default: the mirror that has the path, or its directory]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Additional list of obsolete entries (may be repeated)
    ///
    /// One ID per line, or the format of status/obsolete.dat. The lists in the status directory of the mirror are always read.
    #[arg(long, value_name = "FILE")]
    pub obsolete: Vec<PathBuf>,
}
